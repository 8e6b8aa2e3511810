"""One process: the loop over the chunks of a job, with the journal as its only memory."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from walletport.errors import ConfigurationError
from walletport.jobs.record import JobState
from walletport.journal import ChunkRow, JournalError, jobrows
from walletport.provisioning.owner import is_gone

if TYPE_CHECKING:
    from walletport.jobs.chunk import ChunkBody
    from walletport.jobs.crew import Crew
    from walletport.models import CustomerProfile

LEASE: Final = timedelta(seconds=15)
_BEAT: Final = 1.0  # seconds between two looks whether to go on
_AT_A_TIME: Final = 2  # chunks of one account: the second begins while the last orders of the first come to their end
_MOST_FAILURES: Final = 8  # of the journal, one after the other
_log = logging.getLogger("walletport")

Profiles = Callable[[ChunkRow], Awaitable[Mapping[int, "CustomerProfile"]]]
"""Reads what is known of the customers of a chunk."""


class Hold:
    """This process's hold on a job, kept alive; tells whether to go on.

    Args:
        crew: accounts and journal.
        job_id: the job.
        owner: names this process.
        stopping: set when the process is asked to end.
    """

    def __init__(self, crew: Crew, job_id: str, owner: str, stopping: asyncio.Event) -> None:
        self._crew = crew
        self._job_id = job_id
        self._owner = owner
        self._stopping = stopping
        self._beat: asyncio.Task[None] | None = None
        self.state: str | None = None

    async def __aenter__(self) -> Self:
        """Take the job.

        Raises:
            ConfigurationError: another process has it.
        """
        now = self._crew.clock.now()
        taken = await self._crew.write(
            lambda connection: jobrows.take_job(connection, self._job_id, self._owner, now, now + LEASE, is_gone)
        )
        if not taken:
            msg = f"job {self._job_id} is being carried out by another process: `walletport jobs show {self._job_id}`"
            raise ConfigurationError(msg)
        await self.look()
        self._beat = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let it go."""
        if self._beat is not None:
            self._beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beat
        with contextlib.suppress(JournalError):
            await self._crew.write(lambda connection: jobrows.release_job(connection, self._job_id, self._owner))

    def go_on(self) -> bool:
        """Return whether the next order may be begun."""
        return self.state == JobState.RUNNING and not self._stopping.is_set()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            try:
                await self.look()
            except JournalError as error:
                _log.warning("the journal cannot say whether job %s goes on: %s", self._job_id, error)

    async def look(self) -> None:
        """Prolong the hold, and learn how the job stands."""
        until = self._crew.clock.now() + LEASE
        self.state = await self._crew.write(
            lambda connection: jobrows.renew_job(connection, self._job_id, self._owner, until)
        )


class JobLoop:
    """Carries the chunks of a job out, a few of each account at a time, until nothing is left or it is to stop.

    Args:
        crew: accounts and journal.
        body: carries out one chunk.
        hold: tells whether to go on.
        profiles: reads what is known of the customers of a chunk that needs it.
    """

    def __init__(self, crew: Crew, body: ChunkBody, hold: Hold, profiles: Profiles) -> None:
        self._crew = crew
        self._body = body
        self._hold = hold
        self._profiles = profiles
        self._failures = 0

    async def run(self, chunks: list[ChunkRow]) -> None:
        """Carry chunks out.

        Raises:
            JournalError: the journal failed again and again.
        """
        by_account: dict[str, list[ChunkRow]] = {}
        for chunk in chunks:
            by_account.setdefault(chunk.account, []).append(chunk)
        try:
            async with asyncio.TaskGroup() as group:
                for some in by_account.values():
                    due = [(0.0, chunk.chunk, chunk) for chunk in some]
                    for _ in range(_AT_A_TIME):
                        group.create_task(self._work_on(due))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None  # of one cause, which each meets

    async def _work_on(self, due: list[tuple[float, int, ChunkRow]]) -> None:
        """Take one chunk after the other, the one that is due first at the front, from a heap that is shared."""
        loop = asyncio.get_running_loop()
        while due and self._hold.go_on():
            at, number, chunk = due[0]
            if at > loop.time():
                await asyncio.sleep(min(at - loop.time(), _BEAT / 4))
                continue
            heapq.heappop(due)
            again_in = await self._attempt(chunk)
            if again_in is not None:
                heapq.heappush(due, (loop.time() + again_in, number, chunk))

    async def _attempt(self, chunk: ChunkRow) -> float | None:
        """Carry a chunk out, and return when to come again, if something is left."""
        try:
            profiles = await self._profiles(chunk) if chunk.first_byte is not None else None
            left = await self._body.carry_out(chunk, self._hold.go_on, profiles)
        except JournalError as error:
            self._failures += 1
            if self._failures >= _MOST_FAILURES:
                raise
            _log.warning("chunk %d of job %s comes again: %s", chunk.chunk, chunk.job_id, error)
            return float(self._failures)
        self._failures = 0
        return left.again_in if left.items else None
