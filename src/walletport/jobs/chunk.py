"""The body of a chunk: some hundred orders, a few dozen in flight, the same in one process and in many.

Every order goes the one way that any order goes, so nothing here decides whether something may be sent. What came of
an order is a row in the journal; nothing but a failing journal, or a mistake of ours, is raised out of a chunk.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from walletport.errors import ProviderUnavailable, WalletportError
from walletport.jobs.window import Window
from walletport.journal import ChunkRow, ItemOutcome, ItemRow, JournalError, ProvisionRow, ResultRow, jobrows, rows
from walletport.models import CustomerProfile
from walletport.provisioning.machine import State
from walletport.provisioning.outcomes import backoff, stored

if TYPE_CHECKING:
    from walletport.jobs.crew import Crew

IN_FLIGHT: Final = 32
PATIENCE: Final = 2.0  # seconds; an order that has to wait longer gives its place to another, and comes again
MOST_TRIES: Final = 10  # of an order that is refused each time with "later"
_FIRST_LOOK: Final = 0.25  # seconds, to see whether an account takes orders again; twice as long each time
_LONGEST_LOOK: Final = 2.0
_SAID_AFTER: Final = 5.0  # seconds of waiting
_SAID_EVERY: Final = 30.0
_SHORTEST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_PLANNED: Final = "planned"
_log = logging.getLogger("walletport")


class Sink(Protocol):
    """Takes results as they come."""

    def write(self, rows: list[ResultRow]) -> None:
        """Take the results of orders that have just ended."""


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a chunk.

    Args:
        items: how many of its orders have not ended.
        again_in: when to come again, in seconds.
    """

    items: int
    again_in: float = 0.0


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one order.

    Args:
        outcome: how it stands.
        again_in: when to come again where it has not ended, in seconds.
        nobody_takes_it: whether it was not begun because no account takes orders at the moment.
    """

    outcome: ItemOutcome
    again_in: float = 0.0
    nobody_takes_it: bool = False


class ChunkBody:
    """Carries chunks out; any number of them at a time.

    Args:
        crew: accounts and journal.
        in_flight: how many orders of one account are carried out at a time.
        sink: takes the results; nobody does by default.
        ended: called with how many orders have ended in which state.
    """

    def __init__(
        self,
        crew: Crew,
        *,
        in_flight: int = IN_FLIGHT,
        sink: Sink | None = None,
        ended: Callable[[Mapping[str, int]], None] | None = None,
    ) -> None:
        self._crew = crew
        self._in_flight = in_flight
        self._sink = sink
        self._ended = ended
        self._windows: dict[str, Window] = {}
        self._looked_at = self._say_at = float("-inf")

    async def carry_out(
        self,
        chunk: ChunkRow,
        go_on: Callable[[], bool],
        profiles: Mapping[int, CustomerProfile] | None = None,
    ) -> Left:
        """Carry out what is left of a chunk, and record what came of each order.

        Args:
            chunk: which one.
            go_on: asked before each order is begun; those in flight are always brought to an answer.
            profiles: what is known of customers, by line, where some have to be made.

        Raises:
            JournalError: the journal failed; what is in flight is safe, and the chunk can be carried out again.
        """
        items = await self._crew.read(lambda connection: jobrows.planned_items(connection, chunk.job_id, chunk.chunk))
        window = self._window(chunk.account)
        recorder = _Recorder(self._crew, chunk, self._sink, self._ended)
        known = profiles or {}
        tasks: set[asyncio.Task[None]] = set()

        async def carry(item: ItemRow) -> None:
            try:
                recorder.add(await self._come(item, known.get(item.line), go_on))
            finally:
                window.give_back()

        try:
            for item in items:
                await window.take()
                if not go_on() or any(task.done() and task.exception() for task in tasks):
                    window.give_back()
                    break
                tasks.add(asyncio.create_task(carry(item)))
                tasks -= {task for task in tasks if task.done() and not task.exception()}
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        finally:
            await recorder.flush()
        return await recorder.close(len(items))

    def _window(self, account: str) -> Window:
        if account not in self._windows:
            self._windows[account] = Window(self._in_flight, lambda: self._crew.desk.rate(account))
        return self._windows[account]

    async def _come(self, item: ItemRow, profile: CustomerProfile | None, go_on: Callable[[], bool]) -> Came:
        """Carry one item out; while no account takes it, it keeps its place, for another could do nothing else."""
        pause = _FIRST_LOOK
        while (came := await self.come(item, profile)).nobody_takes_it and go_on():
            self._say_that_orders_wait(came)
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads load, hides nothing
            pause = min(pause * 2, _LONGEST_LOOK)
        return came

    def _say_that_orders_wait(self, came: Came) -> None:
        """Say why, but not of a moment's wait, and not for each order."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at > 2 * _LONGEST_LOOK:
            self._say_at = now + _SAID_AFTER
        self._looked_at = now
        if now >= self._say_at:
            self._say_at = now + _SAID_EVERY
            _log.warning("orders wait: %s", (came.outcome.error or {}).get("message"))

    async def come(self, item: ItemRow, profile: CustomerProfile | None) -> Came:
        """Carry one item out as far as it goes at the moment."""
        program = self._crew.desk.provision(
            item.user_id,
            item.chain,
            item.asset,
            item.reference,
            account=item.account,
            profile=profile,
            attributes=None,
            wait=PATIENCE,
            is_likely_new=item.provision_id is None and item.tries == 0,
        )
        try:
            made = await self._crew.driver.drive(program)
        except WalletportError as error:
            return await self.judged(item, error)
        return Came(ItemOutcome(item.line, State.DONE, item.tries, made.id, None))

    async def judged(self, item: ItemRow, error: WalletportError) -> Came:
        """Return what an error means for an item: how its order stands counts, if there is one."""
        row: ProvisionRow | None = None
        order_id = error.provision_id
        try:
            if order_id is not None:
                row = await self._crew.read(lambda connection: rows.get_provision(connection, order_id))
        except JournalError as failure:
            error = failure
        kept = stored(error)
        if isinstance(error, JournalError) and not error.retryable:
            raise error
        if isinstance(error, JournalError):
            return Came(ItemOutcome(item.line, _PLANNED, item.tries, order_id, kept), 1.0)
        if _met_no_account(error):
            return Came(ItemOutcome(item.line, _PLANNED, item.tries, None, kept), 1.0, nobody_takes_it=True)
        state = State.REJECTED if row is None else State(row.state)
        if state is State.REJECTED and error.retryable and item.tries + 1 < MOST_TRIES:
            wait = backoff(error.retry_after, item.tries + 3).total_seconds()
            return Came(ItemOutcome(item.line, _PLANNED, item.tries + 1, order_id, kept), wait)
        if state in (State.PLANNED, State.SENDING, State.IN_DOUBT) or (state is State.DONE and not _is_wallet(row)):
            return Came(ItemOutcome(item.line, _PLANNED, item.tries, order_id, kept), self._due_in(row))
        ended = None if state is State.DONE else kept
        return Came(ItemOutcome(item.line, state, item.tries, order_id, ended))

    def _due_in(self, row: ProvisionRow | None) -> float:
        """Return when there is something to do about an order that has not ended."""
        at = None if row is None else row.not_before or row.lease_until
        if at is None:
            return 1.0
        return min(max(_SHORTEST_PAUSE, (at - self._crew.clock.now()).total_seconds()), _LONGEST_PAUSE)


def _met_no_account(error: WalletportError) -> bool:
    """Return whether an order was not begun because no account takes any; a provider's own answer names it."""
    return isinstance(error, ProviderUnavailable) and error.provision_id is None and error.provider is None


def _is_wallet(row: ProvisionRow | None) -> bool:
    return row is not None and row.kind == "wallet"


class _Recorder:
    """Commits what came of orders, as many at a time as there are, without anybody waiting for it.

    An order is settled by then; a process that dies before this is written asks for the order again, and finds it.
    """

    def __init__(
        self,
        crew: Crew,
        chunk: ChunkRow,
        sink: Sink | None,
        ended: Callable[[Mapping[str, int]], None] | None,
    ) -> None:
        self._crew = crew
        self._chunk = chunk
        self._sink = sink
        self._ended = ended
        self._waiting: list[Came] = []
        self._writing: asyncio.Task[None] | None = None
        self._ends = 0
        self._due: list[float] = []

    def add(self, came: Came) -> None:
        self._waiting.append(came)
        if came.outcome.state == _PLANNED:
            self._due.append(came.again_in)
        if self._writing is None or (self._writing.done() and self._writing.exception() is None):
            self._writing = asyncio.create_task(self._write())

    async def flush(self) -> None:
        """Wait until everything is committed.

        Raises:
            JournalError: the journal failed.
        """
        while self._writing is not None:
            await self._writing
            self._writing = asyncio.create_task(self._write()) if self._waiting else None

    async def close(self, items: int) -> Left:
        """Say that the chunk is done, if it is; return what is left of it."""
        job_id, chunk = self._chunk.job_id, self._chunk.chunk
        left = items - self._ends
        if left == 0 and await self._crew.write(lambda connection: jobrows.close_chunk(connection, job_id, chunk)):
            return Left(0)
        return Left(max(left, 1), max(_SHORTEST_PAUSE, min(self._due, default=0.0)))

    async def _write(self) -> None:
        job_id, chunk = self._chunk.job_id, self._chunk.chunk
        while self._waiting:
            some, self._waiting = self._waiting, []
            outcomes = [came.outcome for came in some]
            await self._crew.write(partial(jobrows.record_outcomes, job_id=job_id, chunk=chunk, outcomes=outcomes))
            ends = [one for one in outcomes if one.state != _PLANNED]
            self._ends += len(ends)
            await self._tell(ends)

    async def _tell(self, ends: list[ItemOutcome]) -> None:
        if not ends:
            return
        if self._ended is not None:
            states = [str(one.state) for one in ends]
            self._ended({state: states.count(state) for state in set(states)})
        if self._sink is not None:
            job_id, chunk = self._chunk.job_id, self._chunk.chunk
            lines = [one.line for one in ends]
            self._sink.write(
                await self._crew.read(lambda connection: jobrows.results(connection, job_id, chunk, lines))
            )
