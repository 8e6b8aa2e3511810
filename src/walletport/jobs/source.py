"""Files of orders, read line by line, as often as needed and from any line on."""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, TypeAlias

from walletport.errors import ConfigurationError
from walletport.jobs.order import COLUMNS, BulkOrder
from walletport.settings import unknown_name

_LONGEST_LINE: Final = 128 * 1024  # bytes
_MARK: Final = b"\xef\xbb\xbf"  # some editors and spreadsheets put it at the front of UTF-8
_REQUIRED: Final = ("user", "chain")

Orders: TypeAlias = str | os.PathLike[str] | Iterable[BulkOrder | Mapping[str, object]]
"""A file's name, ``"-"`` for the standard input, or orders as they are."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line, as it stands in the file.

    Args:
        line: its number; the first is 1.
        byte: where it begins.
        values: what it says, by column; ``None`` where it cannot be read.
        problem: why it cannot be read.
    """

    line: int
    byte: int
    values: Mapping[str, object] | None = None
    problem: str | None = None


@contextmanager
def opened(
    orders: Orders, columns: tuple[str, ...] = COLUMNS, required: tuple[str, ...] = _REQUIRED
) -> Iterator[OrderFile]:
    """Open orders for reading as often as needed.

    What can be read only once is copied to a temporary file that has no name and is gone with the process.

    Args:
        orders: where they are.
        columns: what a line may say.
        required: the columns that a CSV file must have.

    Raises:
        ConfigurationError: there is no such file, or its first line does not name the columns.
    """
    if isinstance(orders, str | os.PathLike) and os.fspath(orders) != "-":
        path = Path(orders)
        try:
            file = path.open("rb")
        except OSError as error:
            msg = f"{path}: cannot be read ({error.strerror or 'it is no file'})"
            raise ConfigurationError(msg) from None
        with file:
            if not file.seekable():  # a pipe
                with _copied(iter(lambda: file.read(1 << 16), b"")) as copy:
                    yield OrderFile(path.name, copy, columns=columns, required=required)
            else:
                yield OrderFile(path.name, file, columns=columns, required=required)
    elif isinstance(orders, str | os.PathLike):
        with _copied(iter(lambda: sys.stdin.buffer.read(1 << 16), b"")) as copy:
            yield OrderFile("standard input", copy, columns=columns, required=required)
    else:
        with _copied(_lines_of(orders)) as copy:
            yield OrderFile("orders", copy, is_json=True)


@contextmanager
def _copied(parts: Iterable[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile(prefix="walletport-") as copy:
        for part in parts:
            copy.write(part)
        copy.seek(0)
        yield copy


def _lines_of(orders: Iterable[BulkOrder | Mapping[str, object]]) -> Iterator[bytes]:
    for order in orders:
        told = order.model_dump(mode="json") if isinstance(order, BulkOrder) else dict(order)
        try:
            yield json.dumps(told).encode() + b"\n"
        except TypeError:
            msg = f"an order is a BulkOrder, or a mapping of texts with the keys {', '.join(COLUMNS)}"
            raise ConfigurationError(msg) from None


class OrderFile:
    """A file of orders.

    Args:
        name: what to call it in messages.
        file: the file; it can be read from anywhere.
        is_json: whether its lines are JSON; by default the first character tells.
        columns: what a line may say.
        required: the columns that a CSV file must have.

    Raises:
        ConfigurationError: its first line does not name the columns.
    """

    def __init__(
        self,
        name: str,
        file: IO[bytes],
        *,
        is_json: bool = False,
        columns: tuple[str, ...] = COLUMNS,
        required: tuple[str, ...] = _REQUIRED,
    ) -> None:
        self.name = name
        self._known, self._required = columns, required
        self._file = file
        self._is_json = is_json or self._begins().startswith(b"{")
        self._columns: list[str] = []
        self._start = (0, 0)  # bytes and lines before the first order
        if not self._is_json:
            self._read_columns()

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self._file.seek(0, os.SEEK_END)

    def records(self, first_byte: int | None = None, first_line: int = 1) -> Iterator[Record]:
        """Walk through the lines; empty ones are passed over.

        Args:
            first_byte: where to begin; at the first order by default.
            first_line: the number of the line that begins there.
        """
        byte, lines = self._start if first_byte is None else (first_byte, first_line - 1)
        feed = _Feed(self._file, byte, lines)
        return self._json(feed) if self._is_json else self._csv(feed)

    def _begins(self) -> bytes:
        self._file.seek(0)
        return self._file.read(1024).removeprefix(_MARK).lstrip()

    def _read_columns(self) -> None:
        feed = _Feed(self._file, 0, 0)
        try:
            cells = next(csv.reader(feed, strict=True), [])
        except (csv.Error, UnicodeDecodeError, _TooLong):
            cells = []
        self._columns = [cell.strip() for cell in cells]
        wrong = [name for name in self._columns if name not in self._known]
        missing = [name for name in self._required if name not in self._columns]
        if missing or len(set(self._columns)) < len(self._columns):
            many, more = len(self._required) > 1, [name for name in self._known if name not in self._required]
            msg = f"{self.name}: the first line must name the column{'s' if many else ''} {','.join(self._required)}"
            msg += f"{', each' if many else ''} once" + (f", and any of {','.join(more)}" if more else "")
            raise ConfigurationError(msg)
        if wrong:
            msg = f"{self.name}: {unknown_name(wrong[0], self._known, 'column')}"
            raise ConfigurationError(msg)
        self._start = (feed.byte, feed.line)

    def _csv(self, feed: _Feed) -> Iterator[Record]:
        reader = csv.reader(feed, strict=True)
        while True:
            feed.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, UnicodeDecodeError, _TooLong) as error:
                yield Record(*feed.began, problem=_why(error))
                continue
            if len(cells) == len(self._columns):
                stripped = map(str.strip, cells)
                told = {name: cell for name, cell in zip(self._columns, stripped, strict=True) if cell}
                yield Record(*feed.began, values=told)
            elif cells:
                problem = f"has {len(cells)} values, and {len(self._columns)} are wanted"
                yield Record(*feed.began, problem=problem)

    def _json(self, feed: _Feed) -> Iterator[Record]:
        while True:
            feed.begin()
            try:
                text = next(feed)
                told = json.loads(text) if text.strip() else None
            except StopIteration:
                return
            except (ValueError, RecursionError, _TooLong) as error:
                yield Record(*feed.began, problem=_why(error))
                continue
            if isinstance(told, dict):
                yield Record(*feed.began, values={name: value for name, value in told.items() if value is not None})
            elif text.strip():
                yield Record(*feed.began, problem='is not a JSON object: write {"user": "...", "chain": "..."}')


class _TooLong(Exception):
    """A line that no order can have."""


class _Feed:
    """Hands out a file's lines as text, and knows where it stands.

    Args:
        file: the file.
        byte: where to begin.
        line: how many lines are before that.
    """

    def __init__(self, file: IO[bytes], byte: int, line: int) -> None:
        self._file = file
        self.byte, self.line = byte, line
        self.began = (line + 1, byte)

    def begin(self) -> None:
        """Remember that a record begins here."""
        self.began = (self.line + 1, self.byte)

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        self._file.seek(self.byte)  # who else reads the file meanwhile, moves it
        line = self._file.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        length, is_whole = len(line), line.endswith(b"\n") or len(line) < _LONGEST_LINE
        while not line.endswith(b"\n") and (line_rest := self._file.readline(_LONGEST_LINE)):
            length, line = length + len(line_rest), line_rest
        at, self.byte, self.line = self.byte, self.byte + length, self.line + 1
        if not is_whole:
            raise _TooLong
        return (line.removeprefix(_MARK) if at == 0 else line).decode()


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8"
    if isinstance(error, _TooLong):
        return f"is longer than {_LONGEST_LINE // 1024} KiB"
    return f"is not CSV ({error})" if isinstance(error, csv.Error) else "is not JSON"
