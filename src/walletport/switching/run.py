"""One switch, from the plan to the last customer; the journal is its only memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

from walletport.config import Config, load_config
from walletport.errors import ConfigurationError
from walletport.jobs.bulk import Watch, chunk_size, watch_workers
from walletport.jobs.chunk import IN_FLIGHT
from walletport.jobs.crew import Crew
from walletport.jobs.loop import Hold, JobLoop
from walletport.jobs.profiles import ProfileFile
from walletport.jobs.record import Job, JobState, find_job
from walletport.journal import JobRow, Transaction, jobrows, queueing
from walletport.provisioning.owner import new_owner
from walletport.provisioning.relocation import Relocation
from walletport.switching.line import SwitchedCustomer
from walletport.switching.moving import MoveBody, asked
from walletport.switching.planning import MovePlanner, SwitchPlan, check, make_plan
from walletport.switching.report import SwitchReport, check_folder, write_report
from walletport.switching.rollback import Rollback, roll_back_all
from walletport.switching.walking import Walker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from walletport.switching.scope import Scope
    from walletport.transport.engine import Clock

KIND: Final = "switch"


@asynccontextmanager
async def switch_run(
    scope: Scope,
    config: str | PathLike[str] | Config,
    *,
    watch: Watch | None = None,
    stopping: asyncio.Event | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[SwitchRun]:
    """Open a configuration for a switch.

    Args:
        scope: who is meant.
        config: the configuration, or its file.
        watch: is told how far it has come.
        stopping: set to bring what is in flight to an answer, and end.
        clock: tells the time; for tests.

    Raises:
        ConfigurationError: the scope makes no sense, or the configuration.
    """
    crew = Crew(config if isinstance(config, Config) else load_config(config), clock)
    async with crew:
        scope.check(crew.desk)
        yield SwitchRun(crew, scope, watch or Watch(), stopping or asyncio.Event())


@dataclass
class SwitchRun:
    """One switch: `plan`, `carry_out`, or `roll_back`."""

    crew: Crew
    scope: Scope
    watch: Watch
    stopping: asyncio.Event
    owner: str = field(default_factory=new_owner)

    def walker(self, advance: Callable[[int], None] = lambda _: None) -> Walker:
        """Return what walks through the customers."""
        return Walker(self.crew.desk, self.crew.journal, self.scope, advance)

    async def plan(self) -> SwitchPlan:
        """Say what would happen; nothing is written or sent.

        Raises:
            BadLines: lines of the file are wrong.
        """
        self._begin_checking()
        able = Relocation(self.crew.desk, self.scope.target).able
        walker = self.walker(self.watch.checked)
        return await asyncio.to_thread(make_plan, walker, self.crew.journal, self.scope, able)

    async def carry_out(
        self,
        *,
        cuts_over: bool = True,
        in_flight: int = IN_FLIGHT,
        size: int | None = None,
        shared: bool = False,
    ) -> Job:
        """Plan the moves, unless that is done, and carry out what is missing.

        Args:
            cuts_over: whether the wallet at the target becomes the user's once its address is known.
            in_flight: how many customers are worked on at a time.
            size: how many customers a chunk has.
            shared: whether to leave to worker processes what needs no file, and watch them.

        Returns:
            The job as it stands in the end: finished, or as far as it came.
        """
        if shared:
            await self.crew.read(queueing.check_shareable)
        self._begin_checking()
        customers = await asyncio.to_thread(check, self.walker(self.watch.checked), self.scope)
        job = await self._job(cuts_over=cuts_over)
        async with AsyncExitStack() as stack:
            hold = await stack.enter_async_context(Hold(self.crew, job.id, self.owner, self.stopping))
            if hold.state == JobState.PLANNING:
                await self._plan(job, customers, size)
            elif hold.state != JobState.RUNNING:
                msg = (
                    f"job {job.id} is {hold.state}: `walletport jobs resume {job.id}`, and then the same command again"
                )
                raise ConfigurationError(msg)
            told = asked(self.scope, cuts_over=cuts_over)
            await self.crew.write(partial(jobrows.set_shared, job_id=job.id, shared=shared, asked=told))
            await hold.look()
            self.watch.running(await self._look(job.id))
            body = MoveBody(self.crew, self.scope, cuts_over=cuts_over, in_flight=in_flight, ended=self.watch.ended)
            chunks = await self.crew.read(lambda connection: jobrows.open_chunks(connection, job.id))
            profiles = ProfileFile(self.crew.journal, self.scope.customers, SwitchedCustomer.model_validate)
            ours = [chunk for chunk in chunks if chunk.first_byte is not None or not shared]
            if not shared:  # else workers do: whoever only watches takes no share of a rate limit from them
                await stack.enter_async_context(self.crew.recovering(self.stopping))
            await JobLoop(self.crew, body, hold, profiles.of).run(ours)
            if shared:
                await watch_workers(self.crew, job.id, hold, self.watch)
            now = self.crew.clock.now()
            await self.crew.write(lambda connection: jobrows.finish_job(connection, job.id, now))
        return await self._look(job.id)

    async def roll_back(self, *, dry: bool = False) -> Rollback:
        """Take customers out: the wallet at the source is theirs again, or stays so.

        Args:
            dry: only count.
        """
        now = self.crew.clock.now()
        return await asyncio.to_thread(roll_back_all, self.crew.journal, self.scope, now, dry=dry)

    async def report(self, folder: Path) -> SwitchReport:
        """Account for every customer, in a CSV file and on a page.

        Args:
            folder: where to; it is made if need be.

        Raises:
            ConfigurationError: it cannot be written there.
        """
        now = self.crew.clock.now()
        return await asyncio.to_thread(write_report, self.walker(), self.crew.journal, self.scope, folder, now)

    @staticmethod
    def check_report(folder: Path) -> None:
        """Find out before hours of work whether a report can be written.

        Raises:
            ConfigurationError: it cannot.
        """
        check_folder(folder)

    def _begin_checking(self) -> None:
        self.watch.checking(0 if self.scope.file is None else self.scope.file.size)

    async def _job(self, *, cuts_over: bool) -> JobRow:
        """Return the job that this command began and did not finish, or a new one."""
        digest = await asyncio.to_thread(self.walker().digest)
        now = self.crew.clock.now()

        def work(connection: Transaction) -> JobRow:
            number = 0
            while True:
                job_id = self.scope.fingerprint(digest, cuts_over=cuts_over, number=number)
                known = jobrows.get_job(connection, job_id)
                if known is None:
                    name = self.scope.name if cuts_over else f"{self.scope.name}, no cut-over"
                    new = JobRow(job_id, KIND, name, JobState.PLANNING, False, 0, None, None, now, now)  # noqa: FBT003 - a column
                    return jobrows.add_job(connection, new)
                if known.state != JobState.FINISHED:
                    return known
                number += 1

        return await self.crew.write(work)

    async def _plan(self, job: JobRow, customers: int, size: int | None) -> None:
        self.watch.planning(customers)
        now = self.crew.clock.now()
        planner = MovePlanner(self.crew.journal, self.scope, job.id, now, size or chunk_size(customers))
        await asyncio.to_thread(planner.plan, self.walker(), self.watch.planned)
        await self.crew.write(
            lambda connection: jobrows.change_job(connection, job.id, [JobState.PLANNING], JobState.RUNNING, now)
        )

    async def _look(self, job_id: str) -> Job:
        return await self.crew.read(partial(find_job, job_id=job_id))
