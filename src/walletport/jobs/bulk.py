"""`walletport.bulk` and `abulk`: many orders from a file or from anything that yields them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

from walletport.config import Config, load_config
from walletport.errors import ConfigurationError
from walletport.jobs.checking import BadLines, Checker, Findings
from walletport.jobs.chunk import IN_FLIGHT, ChunkBody
from walletport.jobs.crew import Crew
from walletport.jobs.loop import Hold, JobLoop
from walletport.jobs.order import BulkOrder
from walletport.jobs.planning import Planner
from walletport.jobs.profiles import ProfileFile
from walletport.jobs.record import Job, JobState, find_job
from walletport.jobs.results import ResultFile
from walletport.jobs.seen import Seen
from walletport.jobs.source import OrderFile, Orders, opened
from walletport.journal import JobRow, JournalError, Transaction, jobrows, queueing
from walletport.provisioning.owner import new_owner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from walletport.transport.engine import Clock

KIND: Final = "bulk"
CHUNK = 250
"""How many orders a chunk has at most."""
_SHORTEST: Final = 25
_CHUNKS: Final = 16
_ID: Final = 16
_WATCH: Final = 1.0  # seconds between two looks at what workers do
_MOST_FAILURES: Final = 60  # of these looks, one after the other
_log = logging.getLogger("walletport")


def chunk_size(orders: int) -> int:
    """Return how many orders a chunk has: few enough of a short file that several processes have some."""
    return min(CHUNK, max(_SHORTEST, orders // _CHUNKS))


def _nothing(_: int) -> None:
    """Nobody is watching."""


@dataclass
class Watch:
    """Is told how far a bulk run has come; each function does nothing by default.

    Args:
        checking: before lines are checked, with how many bytes the file has.
        checked: with how many bytes were read since.
        planning: before orders are committed, with how many there are.
        planned: with how many were committed since.
        running: before orders are carried out, with the job as it stands.
        ended: with how many orders have ended since, by state.
        stands: now and then, with the job as it stands, where others carry it out.
    """

    checking: Callable[[int], None] = _nothing
    checked: Callable[[int], None] = _nothing
    planning: Callable[[int], None] = _nothing
    planned: Callable[[int], None] = _nothing
    running: Callable[[Job], None] = lambda _: None
    ended: Callable[[Mapping[str, int]], None] = lambda _: None
    stands: Callable[[Job], None] = lambda _: None


def bulk(
    orders: Orders,
    *,
    config: str | PathLike[str] | Config = "walletport.toml",
    results: str | PathLike[str] | None = None,
    in_flight: int = IN_FLIGHT,
    workers: bool = False,
) -> Job:
    """Carry out many orders, each exactly once, and return how they ended.

    All of them are checked before anything is sent. The same orders again do only what is missing, after a crash too.

    Args:
        orders: a file's name (CSV or JSON lines), ``"-"`` for the standard input, or orders: `BulkOrder`, or mappings
            with its fields.
        config: the configuration, or its file.
        results: a file that takes a line for each order as it ends; its suffix, ``.csv`` or ``.jsonl``, says how.
        in_flight: how many orders of one account are carried out at a time.
        workers: leave them to ``walletport worker`` processes, and watch those.

    Raises:
        BadLines: orders are wrong, with the line and the reason of each; nothing was sent.
        ConfigurationError: anything else that was typed is wrong, the job is paused, or another process has it.
        JournalError: the journal failed; what was done stands.
    """
    return asyncio.run(abulk(orders, config=config, results=results, in_flight=in_flight, workers=workers))


async def abulk(
    orders: Orders,
    *,
    config: str | PathLike[str] | Config = "walletport.toml",
    results: str | PathLike[str] | None = None,
    in_flight: int = IN_FLIGHT,
    workers: bool = False,
) -> Job:
    """Same as `bulk`, awaited; cancelling it leaves everything to the next time the orders are given."""
    with opened(orders) as file:
        async with bulk_run(file, config) as run:
            await run.check()
            file_of_results = None if results is None else Path(results)
            return await run.carry_out(results=file_of_results, in_flight=in_flight, shared=workers)


@asynccontextmanager
async def bulk_run(
    file: OrderFile,
    config: str | PathLike[str] | Config,
    *,
    watch: Watch | None = None,
    stopping: asyncio.Event | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[BulkRun]:
    """Open a configuration for the orders of a file.

    Args:
        file: the orders.
        config: the configuration, or its file.
        watch: is told how far it has come.
        stopping: set to bring what is in flight to an answer, and end.
        clock: tells the time; for tests.
    """
    crew = Crew(config if isinstance(config, Config) else load_config(config), clock)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(crew)
        seen = stack.enter_context(Seen())
        yield BulkRun(crew, file, seen, watch or Watch(), stopping or asyncio.Event())


async def watch_workers(
    crew: Crew, job_id: str, hold: Hold, watch: Watch, tell: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Show how far worker processes have come with a job, until it ends or is to stop.

    A database that is away for a while stops the workers no more than it stops this.

    Args:
        crew: accounts and journal.
        job_id: the job.
        hold: tells whether to go on.
        watch: is told how the job stands.
        tell: called after each look.

    Raises:
        JournalError: the journal failed again and again.
    """

    async def look() -> bool:
        await crew.write(partial(jobrows.finish_job, job_id=job_id, now=crew.clock.now()))
        job = await crew.read(partial(find_job, job_id=job_id))
        watch.stands(job)
        if tell is not None:
            await tell()
        return job.state is JobState.RUNNING

    going, failures = True, 0
    while going:
        going = hold.go_on()  # asked first, so that what is done by then is still told
        try:
            going = await look() and going
            failures = 0
        except JournalError as error:
            failures += 1
            if not error.retryable or failures >= _MOST_FAILURES:
                raise
            _log.warning("the journal cannot say how far job %s has come: %s", job_id, error)
        await asyncio.sleep(_WATCH if going else 0)


@dataclass
class BulkRun:
    """One run over a file: `check`, then `carry_out`."""

    crew: Crew
    file: OrderFile
    seen: Seen
    watch: Watch
    stopping: asyncio.Event
    owner: str = field(default_factory=new_owner)
    _findings: Findings | None = None
    _written: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Make what holds lines against configuration and journal."""
        self._checker = Checker(self.crew.desk, self.crew.journal, self.seen)

    async def check(self) -> Findings:
        """Read the whole file, and hold each line against configuration and journal; nothing is written.

        Raises:
            BadLines: lines are wrong.
        """
        self.watch.checking(self.file.size)
        found = await asyncio.to_thread(self._checker.check, self.file, self.watch.checked)
        if found.problems.count:
            raise BadLines(self.file.name, found.problems)
        if not found.orders:
            msg = f"{self.file.name} holds no order"
            raise ConfigurationError(msg)
        self._findings = found
        return found

    async def carry_out(
        self,
        *,
        results: Path | None = None,
        in_flight: int = IN_FLIGHT,
        shared: bool = False,
    ) -> Job:
        """Plan the orders that were checked, unless they are planned, and carry out what is missing.

        Args:
            results: a file that takes a line for each order as it ends.
            in_flight: how many orders of one account are carried out at a time.
            shared: whether to leave to worker processes what needs no file, and watch them.

        Returns:
            The job as it stands in the end: finished, or as far as it came.
        """
        if shared:
            await self.crew.read(queueing.check_shareable)
        found = self._findings or await self.check()
        job = await self._job(found)
        async with AsyncExitStack() as stack:
            sink = None if results is None else stack.enter_context(ResultFile(results))
            hold = await stack.enter_async_context(Hold(self.crew, job.id, self.owner, self.stopping))
            if hold.state == JobState.PLANNING:
                await self._plan(job, found)
            elif hold.state == JobState.FINISHED:
                await self.crew.write(lambda connection: self._begin_again(connection, job.id))
            elif hold.state != JobState.RUNNING:
                msg = f"job {job.id} is {hold.state}: `walletport jobs resume {job.id}`, and then give the file again"
                raise ConfigurationError(msg)
            await self.crew.write(lambda connection: jobrows.set_shared(connection, job.id, shared=shared))
            await hold.look()
            body = ChunkBody(self.crew, in_flight=in_flight, sink=sink, ended=self.watch.ended)
            chunks = await self.crew.read(lambda connection: jobrows.open_chunks(connection, job.id))
            ours = [chunk for chunk in chunks if chunk.first_byte is not None or not shared]
            others = {chunk.chunk for chunk in chunks if chunk not in ours}
            if sink is not None:
                await self._known_results(job.id, sink, others)
            self.watch.running(await self._look(job.id))
            if not shared:  # else workers do: whoever only watches takes no share of a rate limit from them
                await stack.enter_async_context(self.crew.recovering(self.stopping))
            profiles = ProfileFile(self.crew.journal, self.file, BulkOrder.model_validate)
            await JobLoop(self.crew, body, hold, profiles.of).run(ours)
            if shared:
                tell = None if sink is None else partial(self._write_done, job.id, sink, others)
                await watch_workers(self.crew, job.id, hold, self.watch, tell)
            now = self.crew.clock.now()
            await self.crew.write(lambda connection: jobrows.finish_job(connection, job.id, now))
        return await self._look(job.id)

    async def _job(self, found: Findings) -> JobRow:
        now = self.crew.clock.now()
        new = JobRow(
            id=found.digest[:_ID],
            kind=KIND,
            name=self.file.name,
            state=JobState.PLANNING,
            shared=False,
            total=0,
            owner=None,
            lease_until=None,
            created_at=now,
            updated_at=now,
        )
        return await self.crew.write(lambda connection: jobrows.add_job(connection, new))

    async def _plan(self, job: JobRow, found: Findings) -> None:
        self.watch.planning(found.orders)
        now = self.crew.clock.now()
        planner = Planner(self.crew.journal, job.id, chunk_size(found.orders), now)
        await asyncio.to_thread(planner.plan, self.file, self._checker, found.digest, self.watch.planned)
        await self.crew.write(
            lambda connection: jobrows.change_job(connection, job.id, [JobState.PLANNING], JobState.RUNNING, now)
        )

    def _begin_again(self, connection: Transaction, job_id: str) -> None:
        """Let a job that is finished try anew what made no wallet."""
        jobrows.reopen(connection, job_id)
        now = self.crew.clock.now()
        jobrows.change_job(connection, job_id, [JobState.FINISHED], JobState.RUNNING, now)

    async def _known_results(self, job_id: str, sink: ResultFile, chunks: set[int]) -> None:
        numbers = await self.crew.read(lambda connection: jobrows.chunk_numbers(connection, job_id))
        for number in numbers:
            rows = await self.crew.read(partial(jobrows.results, job_id=job_id, chunk=number))
            sink.write(rows)
            if number in chunks:
                self._written |= {(number, row.line) for row in rows}

    async def _write_done(self, job_id: str, sink: ResultFile, chunks: set[int]) -> None:
        """Write the results of chunks that workers have done since."""
        for number in sorted(chunks & set(await self.crew.read(partial(jobrows.done_chunks, job_id=job_id)))):
            rows = await self.crew.read(partial(jobrows.results, job_id=job_id, chunk=number))
            sink.write([row for row in rows if (number, row.line) not in self._written])
            chunks.discard(number)

    async def _look(self, job_id: str) -> Job:
        return await self.crew.read(lambda connection: find_job(connection, job_id))
