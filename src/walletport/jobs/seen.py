"""What a file has said already: kept on disk, so that a file of any length takes the same memory."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tempfile
import weakref
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Seen:
    """Remembers who said something first, in a temporary file that is gone afterwards."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="walletport-")
        self._file = sqlite3.connect(Path(self._folder.name) / "seen.db", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-32000"):  # KiB
            self._file.execute(f"PRAGMA {setting}")
        self._file.execute("CREATE TABLE seen (topic BLOB PRIMARY KEY, line INTEGER, said TEXT) WITHOUT ROWID")
        self._file.execute("BEGIN")

    def first(self, topic: str, line: int, said: str) -> tuple[int, str]:
        """Return which line spoke of a topic first, and what it said; this one, if none did before.

        Args:
            topic: what it is about; only its digest is kept.
            line: the line that says something.
            said: what it says.
        """
        key = hashlib.sha256(topic.encode()).digest()
        new = (key, line, said)
        if self._file.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", new).rowcount:
            return line, said
        found: tuple[int, str] = self._file.execute("SELECT line, said FROM seen WHERE topic = ?", (key,)).fetchone()
        return found

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove the file."""
        self._file.close()
        self._folder.cleanup()


class Problems:
    """What is wrong, line by line; kept on disk, because every line may be wrong."""

    def __init__(self) -> None:
        self._file: IO[str] | None = None
        self.count = 0

    def add(self, line: int, reason: str) -> None:
        """Take down what is wrong with a line."""
        self.count += 1
        if self._file is None:
            self._file = tempfile.TemporaryFile("w+", encoding="utf-8", prefix="walletport-")  # noqa: SIM115 - it is kept
            weakref.finalize(self, self._file.close)
        self._file.write(json.dumps([line, reason]) + "\n")

    def first(self, limit: int | None = None) -> list[tuple[int, str]]:
        """Return the first so many, or all, with the numbers of their lines."""
        found: list[tuple[int, str]] = []
        if self._file is None:
            return found
        self._file.seek(0)
        for written in self._file:
            if limit is not None and len(found) >= limit:
                break
            line, reason = json.loads(written)
            found.append((line, reason))
        self._file.seek(0, 2)
        return found
