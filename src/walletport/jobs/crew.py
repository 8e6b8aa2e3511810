"""What jobs work with: the accounts and the journal of a configuration, opened for many orders at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from walletport.provisioning.async_port import AsyncPort
from walletport.transport.engine import Clock, SystemClock

if TYPE_CHECKING:
    from walletport.config import Config
    from walletport.journal import Journal, Transaction
    from walletport.provisioning.desk import Desk
    from walletport.transport.drivers import AsyncDriver

T = TypeVar("T")


class Crew(AsyncPort):
    """An open port whose parts jobs may use.

    It carries on nothing by itself, because a plan or a check must send nothing; `recovering` does.

    Args:
        config: accounts, routes and journal.
        clock: tells the time; for tests.
    """

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        super().__init__(config, clock=self.clock, recovers=False)

    @property
    def desk(self) -> Desk:
        """Carries orders out."""
        return self._desk

    @property
    def journal(self) -> Journal:
        """The durable record."""
        return self._journal

    @property
    def driver(self) -> AsyncDriver:
        """Does what programs ask."""
        return self._driver

    @asynccontextmanager
    async def recovering(self, stopping: asyncio.Event) -> AsyncIterator[None]:
        """Carry on, beside the jobs, shadows and what others left behind, as any open port does.

        Args:
            stopping: set to begin none of it any more; what is in flight then comes to its answer.
        """
        going = asyncio.create_task(self._driver.drive(self._desk.keep_recovering()))
        ending = asyncio.create_task(self._stop_recovering(stopping))
        try:
            yield
        finally:
            ending.cancel()
            self._desk.stop_recovering()
            await asyncio.gather(going, ending, return_exceptions=True)

    async def _stop_recovering(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._desk.stop_recovering()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Carry work out in a transaction of the journal, and wait for the commit."""
        return await asyncio.shield(asyncio.wrap_future(self._journal.write(work)))

    async def read(self, query: Callable[[Transaction], T]) -> T:
        """Return what a query of the journal finds; in a thread, because it may be a long one."""
        return await asyncio.to_thread(self._journal.read, query)
