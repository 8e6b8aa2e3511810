"""What a file says of customers who have to be made: read when it is needed, and kept nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from walletport.journal import ChunkRow, jobrows
from walletport.models import CustomerProfile

if TYPE_CHECKING:
    from walletport.jobs.source import OrderFile
    from walletport.journal import Journal


class _Line(Protocol):
    @property
    def profile(self) -> CustomerProfile | None: ...


class ProfileFile:
    """Reads the profiles of a chunk's customers.

    Args:
        journal: knows which lines are left to do.
        file: where they are; ``None`` where nobody is to be made.
        read: returns what a line says.
    """

    def __init__(self, journal: Journal, file: OrderFile | None, read: Callable[[Mapping[str, object]], _Line]) -> None:
        self._journal = journal
        self._file = file
        self._read_line = read
        self._reading = asyncio.Lock()

    async def of(self, chunk: ChunkRow) -> Mapping[int, CustomerProfile]:
        """Return the profiles by line; one chunk is read after the other."""
        async with self._reading:
            return await asyncio.to_thread(self._read, chunk)

    def _read(self, chunk: ChunkRow) -> dict[int, CustomerProfile]:
        items = self._journal.read(lambda connection: jobrows.planned_items(connection, chunk.job_id, chunk.chunk))
        wanted, found = {item.line for item in items}, dict[int, CustomerProfile]()
        if not wanted or self._file is None:
            return found
        last = max(wanted)
        for record in self._file.records(chunk.first_byte, chunk.first_line):
            if record.line in wanted and record.values is not None:
                profile = self._read_line(record.values).profile
                if profile is not None:
                    found[record.line] = profile
            if record.line >= last:
                break
        return found
