"""Procrastinate, which hands chunks to worker processes; nothing else imports it.

It carries the number of a job and of a chunk, and the journal says everything else. So whatever it loses or repeats is
harmless: what is missing in the queue is put there again, and a chunk that two workers hold makes no second call,
because each order is claimed in the journal.

Its job locks are not used for the rate: a job that waits behind a lock blocks those behind it, one that is scheduled
for later included, and the number of locks would have to fit the number of workers. `walletport.provisioning.pacing`
has another way.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import procrastinate
from procrastinate import exceptions
from procrastinate.schema import SchemaManager

from walletport.journal import ChunkRow

HEARTBEAT: Final = 5.0  # seconds
DEAD_AFTER: Final = 20.0  # seconds without one
_TASK: Final = "walletport:chunk"
_QUEUE: Final = "walletport:"
_LOCK: Final = 0x77616C6C65747377  # names the sweepers' lock; no other meaning
_ENDED: Final = ("succeeded", "failed", "cancelled", "aborted")
_POLL: Final = 2.0
_AT_A_TIME: Final = 2  # chunks of one account in one process: one begins while the other comes to its end
_log = logging.getLogger("walletport")

Body = Callable[[str, int, int], Awaitable[tuple[float, int] | None]]
"""Carries out a chunk of a job that has failed so often; returns in how many seconds it is to come again, if at all,
and how often it has failed by then."""


def schema_statements() -> str:
    """Return the SQL that makes the queue's tables."""
    return SchemaManager.get_schema()


class Queue:
    """The queue of chunks, as a worker process sees it.

    Args:
        address: of the database, for libpq, with the queue's schema.
        body: carries out a chunk.
    """

    def __init__(self, address: str, body: Body) -> None:
        self._connector = procrastinate.PsycopgConnector(conninfo=address, min_size=1, max_size=6)
        self._app = procrastinate.App(connector=self._connector)
        self._body = body
        self._task = self._app.task(name=_TASK, pass_context=True)(self._carry_out)

    async def open(self) -> None:
        """Connect."""
        await self._app.open_async()

    async def close(self) -> None:
        """Disconnect."""
        await self._app.close_async()

    async def work(self, account: str, name: str) -> None:
        """Carry out chunks of an account until cancelled; those that are begun are brought to their end.

        Args:
            account: whose chunks.
            name: names this process.
        """
        await self._app.run_worker_async(
            queues=[_QUEUE + account],
            name=name,
            concurrency=_AT_A_TIME,
            fetch_job_polling_interval=_POLL,
            install_signal_handlers=False,
            delete_jobs="successful",
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=DEAD_AFTER,
        )

    async def sweep(self, wanted: Callable[[], Awaitable[list[ChunkRow]]]) -> None:
        """Hand on what dead workers hold, and queue what should be queued and is not; one process at a time does it.

        Args:
            wanted: returns the chunks in which something is left to do.
        """
        async with self._connector.pool.connection() as connection, connection.transaction():
            answer = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,))
            row = await answer.fetchone()
            if row is None or not row[0]:
                return
            jobs = self._app.job_manager
            for stalled in await jobs.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER):
                _log.warning("the worker of chunk %s is gone: another takes it", stalled.queueing_lock)
                await self._retry(stalled)
            chunks = await wanted()
            held = [one for one in await jobs.list_jobs_async(task=_TASK) if one.status not in _ENDED]
            known = {(one.task_kwargs["job"], one.task_kwargs["chunk"]) for one in held}
            for chunk in chunks:
                if (chunk.job_id, chunk.chunk) not in known:
                    await self._defer(chunk.job_id, chunk.chunk, chunk.account)

    async def _retry(self, stalled: procrastinate.jobs.Job) -> None:
        try:
            await self._app.job_manager.retry_job(stalled)
        except exceptions.ConnectorException:
            # The same chunk waits in the queue already: this one has nothing left to say.
            await self._app.job_manager.finish_job(stalled, procrastinate.jobs.Status.FAILED, delete_job=True)

    async def _defer(self, job_id: str, chunk: int, account: str, again_in: float = 0.0, failed: int = 0) -> None:
        at = datetime.now(UTC) + timedelta(seconds=again_in) if again_in > 0 else None
        deferrer = self._task.configure(queue=_QUEUE + account, queueing_lock=f"{job_id}:{chunk}", schedule_at=at)
        try:
            await deferrer.defer_async(job=job_id, chunk=chunk, failed=failed)
        except exceptions.AlreadyEnqueued:
            _log.debug("chunk %d of job %s is queued already", chunk, job_id)

    async def _carry_out(self, context: procrastinate.JobContext, job: str, chunk: int, failed: int = 0) -> None:
        again = await self._body(job, chunk, failed)
        if again is None:
            return
        account = str(context.job.queue).removeprefix(_QUEUE)
        try:
            await self._defer(job, chunk, account, *again)
        except exceptions.ConnectorException as error:
            # Whoever sweeps next queues it.
            _log.warning("chunk %d of job %s could not be queued again: %s", chunk, job, type(error).__name__)
