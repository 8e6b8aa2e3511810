"""A worker process: carries out the chunks of jobs that are shared, together with any number of others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from walletport.errors import ConfigurationError, WalletportError
from walletport.jobs.bulk import KIND
from walletport.jobs.chunk import IN_FLIGHT, ChunkBody
from walletport.jobs.crew import Crew
from walletport.jobs.record import JobState
from walletport.journal import ChunkRow, JobRow, Transaction, jobrows, queueing
from walletport.provisioning.owner import new_owner

if TYPE_CHECKING:
    from walletport.config import Config
    from walletport.jobs.queue import Queue

_SWEEP: Final = 2.0  # seconds between two sweeps
_LOOK: Final = 1.0  # seconds between two looks at which jobs go on
_MOST_TRIES: Final = 3  # of a chunk that raises what nobody expected
_MOST_DOUBLINGS: Final = 3  # of a pause, while the database is away
_log = logging.getLogger("walletport")

MakeBody = Callable[[Crew, JobRow, int], ChunkBody]
"""Makes what carries out the chunks of a job, so many items of one account at a time."""


def _bulk_body(crew: Crew, _: JobRow, in_flight: int) -> ChunkBody:
    return ChunkBody(crew, in_flight=in_flight)


BODIES: Final[Mapping[str, MakeBody]] = {KIND: _bulk_body}


class Worker:
    """One worker process.

    Args:
        config: accounts, routes and journal, which is in PostgreSQL.
        stopping: set to bring what is in flight to an answer, hand the rest back, and end.
        in_flight: how many orders of one account are carried out at a time.
        bodies: what makes the body of a job's chunks, by the job's kind; jobs of other kinds are left to others.
    """

    def __init__(
        self,
        config: Config,
        stopping: asyncio.Event,
        in_flight: int = IN_FLIGHT,
        bodies: Mapping[str, MakeBody] = BODIES,
    ) -> None:
        self._config = config
        self._stopping = stopping
        self._in_flight = in_flight
        self._going: frozenset[str] = frozenset()
        self._make = bodies
        self._bodies: dict[str, ChunkBody] = {}
        self._crew: Crew

    async def run(self, ready: Callable[[], None]) -> None:
        """Work until told to stop.

        Args:
            ready: called once chunks are taken.

        Raises:
            ConfigurationError: the journal is not in PostgreSQL, or Procrastinate is not installed.
        """
        async with Crew(self._config) as self._crew:
            queue = await self._queue()
            await queue.open()
            try:
                await self._look()
                async with self._crew.recovering(self._stopping):
                    ready()
                    await self._work(queue)
            finally:
                await queue.close()

    async def _queue(self) -> Queue:
        try:
            from walletport.jobs.queue import Queue, schema_statements  # noqa: PLC0415 - an extra
        except ImportError:
            msg = "workers need their library: pip install 'walletport[workers]'"
            raise ConfigurationError(msg) from None
        statements = schema_statements()
        schema = await self._crew.write(lambda connection: queueing.make_queue_schema(connection, statements))
        return Queue(queueing.address_of(self._config.journal, schema), self._carry_out)

    async def _work(self, queue: Queue) -> None:
        name = new_owner()
        tasks = [
            asyncio.create_task(self._again_and_again(lambda a=account: queue.work(a, name), 0.5))  # type: ignore[misc]
            for account in self._crew.accounts
        ]
        tasks.append(asyncio.create_task(self._again_and_again(lambda: queue.sweep(self._wanted), _SWEEP)))
        tasks.append(asyncio.create_task(self._again_and_again(self._look, _LOOK)))
        await self._stopping.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _again_and_again(self, work: Callable[[], Awaitable[None]], pause: float) -> None:
        """Do something for as long as the process lives; a database that is away for a while is no end."""
        failures = 0
        while not self._stopping.is_set():
            try:
                await work()
                failures = 0
            except Exception as error:  # noqa: BLE001 - Procrastinate and psycopg have many
                failures = min(failures + 1, _MOST_DOUBLINGS)
                _log.warning("a worker's connection failed (%s); it tries again", type(error).__name__)
            await asyncio.sleep(pause * 2**failures)

    async def _look(self) -> None:
        jobs = await self._crew.read(jobrows.running_jobs)
        self._going = frozenset(job.id for job in jobs)

    async def _wanted(self) -> list[ChunkRow]:
        """Return the chunks of running jobs that need no file and in which something is left to do."""

        def query(connection: Transaction) -> list[ChunkRow]:
            return [
                chunk
                for job in jobrows.running_jobs(connection)
                if job.kind in self._make
                for chunk in jobrows.open_chunks(connection, job.id)
                if chunk.first_byte is None and chunk.account in self._crew.accounts
            ]

        return await self._crew.read(query)

    async def _carry_out(self, job_id: str, number: int, failed: int) -> tuple[float, int] | None:
        """Carry a chunk out; say when it is to come again, if something is left and the job goes on."""

        def go_on() -> bool:
            return job_id in self._going and not self._stopping.is_set()

        try:
            job, chunk = await self._crew.read(lambda connection: _found(connection, job_id, number))
            if job is None or chunk is None or not self._is_open(job, chunk):
                return None
            self._going |= {job_id}
            left = await self._body(job).carry_out(chunk, go_on)
            if left.items == 0:
                now = self._crew.clock.now()
                await self._crew.write(lambda connection: jobrows.finish_job(connection, job_id, now))
                return None
        except WalletportError as error:
            _log.warning("chunk %d of job %s comes again: %s", number, job_id, error)
            return 2.0, failed
        except Exception:  # noqa: BLE001 - a mistake of ours, which is no reason to leave the others' orders alone
            _log.exception("chunk %d of job %s failed", number, job_id)
            return await self._failed(job_id, number, failed + 1)
        if self._stopping.is_set():
            return 0.0, failed  # for another worker, at once
        return (left.again_in, failed) if job_id in self._going else None

    def _is_open(self, job: JobRow, chunk: ChunkRow) -> bool:
        return job.state == JobState.RUNNING and chunk.state == "open" and job.kind in self._make

    def _body(self, job: JobRow) -> ChunkBody:
        """Return what carries out the chunks of all jobs that ask for the same."""
        asked = json.dumps([job.kind, job.asked], sort_keys=True)
        if asked not in self._bodies:
            self._bodies[asked] = self._make[job.kind](self._crew, job, self._in_flight)
        return self._bodies[asked]

    async def _failed(self, job_id: str, number: int, failed: int) -> tuple[float, int] | None:
        """Try a chunk again that met a mistake of ours, but not for ever."""
        if failed < _MOST_TRIES:
            return 5.0, failed
        with contextlib.suppress(WalletportError):
            await self._crew.write(lambda connection: jobrows.fail_chunk(connection, job_id, number))
        return None


def _found(connection: Transaction, job_id: str, number: int) -> tuple[JobRow | None, ChunkRow | None]:
    return jobrows.get_job(connection, job_id), jobrows.get_chunk(connection, job_id, number)
