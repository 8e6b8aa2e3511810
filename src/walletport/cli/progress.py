"""A bar for long work: on a terminal only, on standard error, and gone when the work is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

LONG: Final = 1000
"""From how many things on work is long."""


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how far work has come, if it is long and somebody is watching.

    Args:
        label: what is being done.
        total: how many things are to be done.

    Yields:
        What to call with the number of things that were done since the last call.
    """
    console = Console(stderr=True)
    if total < LONG or not console.is_terminal:
        yield _ignore
        return
    from rich.progress import (  # noqa: PLC0415 - for few commands, and for those seldom
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(label, total=total)
        yield lambda done: shown.advance(task, done)


def _ignore(_done: int) -> None:
    """Nobody is watching."""
