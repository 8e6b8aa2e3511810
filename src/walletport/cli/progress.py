"""A bar for long work: on a terminal only, on standard error, and gone when the work is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console

from walletport.cli.output import plain

if TYPE_CHECKING:
    from rich.progress import TaskID

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


@contextmanager
def steps(*, quiet: bool) -> Iterator[Callable[[str, str, int, int], None]]:
    """Show how far several pieces of work have come: bars on a terminal, else a line on standard error now and then.

    Args:
        quiet: whether a machine is told, and nobody is watching.

    Yields:
        What to call with a piece's name, what is being done, how much of it is done, and how much there is.
    """
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield _Lines(quiet=quiet).advance
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[what]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        known: dict[str, TaskID] = {}

        def advance(name: str, what: str, done: int, total: int) -> None:
            if name not in known:
                known[name] = shown.add_task(plain(name), total=total, what=what)
            shown.update(known[name], completed=done, total=total, what=what)

        yield advance


class _Lines:
    """A line whenever something else is being done, for logs; none at all where nobody is watching."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._last: tuple[str, str] | None = None

    def advance(self, name: str, what: str, done: int, total: int) -> None:
        """Say so, if it is news."""
        if (name, what) != self._last and not self._quiet:
            self._last = name, what
            print(plain(f"{name}: {what} ({done} of {total})"), file=sys.stderr, flush=True)  # noqa: T201
