"""What every command prints with: tables, JSON, errors; readable in a terminal, whole in a pipe."""

from __future__ import annotations

import itertools
import json
import os
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import typer
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from walletport.errors import WalletportError

_UNSAFE: Final = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Unicode's classes of characters that move the cursor, turn the line's direction or are no text."""
_PIPE_WIDTH: Final = 10_000
_PROSE_WIDTH: Final = 60
_GAP: Final = 2


def plain(text: object, *, lines: bool = False) -> str:
    """Return text with everything that could steer a terminal made visible as U+FFFD.

    Args:
        text: anything, such as what a vendor wrote.
        lines: whether line breaks may stay.
    """
    return "".join(
        character if (lines and character == "\n") or unicodedata.category(character) not in _UNSAFE else "\ufffd"
        for character in str(text)
    )


class Output:
    """The standard output, as wide as the terminal; in a pipe so wide that nothing is broken."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
        self._piped = not self._console.is_terminal
        if self._piped and "COLUMNS" not in os.environ:
            self._console.width = _PIPE_WIDTH

    def line(self, text: str = "", style: str = "") -> None:
        """Print a sentence, broken between words."""
        self.show(Text(plain(text), style=style))

    def show(self, renderable: RenderableType) -> None:
        """Print anything; in a pipe without spaces at the ends of lines."""
        if not self._piped:
            self._console.print(renderable)
            return
        with self._console.capture() as capture:
            self._console.print(renderable)
        for line in capture.get().splitlines():
            print(line.rstrip())  # noqa: T201 - printing is this room's business

    def flush(self) -> None:
        """Hand everything to whoever reads, before a long wait."""
        sys.stdout.flush()

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[str]], *, least: int = 0) -> None:
        """Print rows below titles, after an empty line; what is too long is broken, never cut off.

        Args:
            titles: one for each column.
            rows: a cell for each column.
            least: how narrow a column but the first may get.
        """
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
        for position, title in enumerate(titles):
            table.add_column(Text(plain(title)), overflow="fold", min_width=least if position else None)
        for row in rows:
            table.add_row(*(Text(plain(cell, lines=True)) for cell in row))
        self.line()
        self.show(table)

    def side_by_side(self, names: Sequence[str], rows: Mapping[str, Sequence[str]], *, least: int) -> None:
        """Print a column for each name, as many beside each other as the width allows; empty rows are left out.

        Args:
            names: what the columns are about.
            rows: for each label, a cell for each name.
            least: how narrow a column may get.
        """
        labels = max(len(label) for label in rows)
        fitting = max(1, (self._console.width - labels) // (least + _GAP))
        for start in range(0, len(names), fitting):
            part = slice(start, start + fitting)
            lines = [[label, *map(self._narrowed, cells[part])] for label, cells in rows.items() if any(cells[part])]
            self.table(["", *names[part]], lines, least=least)

    def _narrowed(self, cell: str) -> str:
        """Break long sentences where no terminal does it; an id is one word and stays whole."""
        if not self._piped:
            return cell
        return "\n".join(
            textwrap.fill(line, _PROSE_WIDTH, break_long_words=False, break_on_hyphens=False)
            for line in cell.splitlines()
        )


def print_json(value: object) -> None:
    """Print a value as JSON in ASCII, which any terminal and any pipe can take."""
    print(json.dumps(value, indent=2, default=str))  # noqa: T201


def print_json_list(name: str, values: Iterable[object]) -> None:
    """Print an object whose one value is a list, element by element, so that a list of any length takes no memory.

    Nothing is printed before the first element is there.

    Args:
        name: the list's name in the object.
        values: its elements.
    """
    remaining = iter(values)
    first = next(remaining, None)
    print(f"{{\n  {json.dumps(name)}: [", end="")  # noqa: T201
    for number, value in enumerate([] if first is None else itertools.chain([first], remaining)):
        text = textwrap.indent(json.dumps(value, indent=2, default=str), "    ")
        print(f"{',' if number else ''}\n{text}", end="")  # noqa: T201
    print("]\n}" if first is None else "\n  ]\n}")  # noqa: T201


def error_facts(error: WalletportError) -> dict[str, object]:
    """Return an error for machines."""
    names = ("message", "provider", "operation", "outcome", "retryable")
    more = ("status_code", "provider_code", "request_id", "retry_after", "provision_id")
    facts: dict[str, object] = {"type": type(error).__name__, **{name: getattr(error, name) for name in names}}
    return {**facts, **{name: value for name in more if (value := getattr(error, name)) is not None}}


def print_error(
    error: WalletportError, *, as_json: bool, step: str | None = None, more: Mapping[str, object] | None = None
) -> None:
    """Print an error on standard error: one line for each mistake, or one line of JSON.

    Args:
        error: what went wrong.
        as_json: whether it is for machines.
        step: what to do next.
        more: what machines are told besides.
    """
    if as_json:
        told = {"error": error_facts(error), "next": step, **(more or {})}
        print(json.dumps({name: value for name, value in told.items() if value is not None}), file=sys.stderr)  # noqa: T201
        return
    lines = [f"walletport: {line}" for line in str(error).split("\n")] + ([f"Next: {step}."] if step else [])
    print("\n".join(map(plain, lines)), file=sys.stderr)  # noqa: T201


@contextmanager
def errors_shown(*, as_json: bool) -> Iterator[None]:
    """Turn an error of ours into a sentence, or one line of JSON, on standard error and exit status 1."""
    try:
        yield
    except WalletportError as error:
        print_error(error, as_json=as_json)
        raise typer.Exit(1) from None
