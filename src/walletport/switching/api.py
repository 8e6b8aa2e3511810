"""`walletport.switch` and what belongs to it: every customer of one custodian to another, from Python."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from walletport.config import Config
from walletport.jobs.chunk import IN_FLIGHT
from walletport.jobs.source import Orders, opened
from walletport.switching.line import COLUMNS, REQUIRED, USERS
from walletport.switching.run import SwitchRun, switch_run
from walletport.switching.scope import Scope

if TYPE_CHECKING:
    from walletport.jobs.bulk import Watch
    from walletport.jobs.record import Job
    from walletport.switching.planning import SwitchPlan
    from walletport.switching.rollback import Rollback

_DEFAULT = "walletport.toml"


def switch(
    *,
    source: str,
    target: str,
    percent: float = 100.0,
    users: Orders | None = None,
    customers: Orders | None = None,
    cut_over: bool = True,
    again: bool = False,
    report: str | PathLike[str] | None = None,
    in_flight: int = IN_FLIGHT,
    workers: bool = False,
    config: str | PathLike[str] | Config = _DEFAULT,
) -> Job:
    """Make a wallet at the target for every customer of the source, and make it theirs once its address is known.

    The same call again goes on where it stopped, and takes up who was blocked.

    Args:
        source: the account that is left.
        target: the account they go to.
        percent: only so large a part of the users; a smaller part lies within a larger one.
        users: only these: a file, or mappings with the key ``user``.
        customers: customers made elsewhere, instead of those in the journal: a file, or mappings with the fields of a
            line.
        cut_over: whether the wallet at the target becomes the user's; otherwise it is prepared only.
        again: whether those who were rolled back are taken up, too.
        report: a folder that takes the closing report.
        in_flight: how many customers are worked on at a time.
        workers: leave them to ``walletport worker`` processes, and watch those.
        config: the configuration, or its file.

    Raises:
        BadLines: lines of a file are wrong; nothing was sent.
        ConfigurationError: anything else that was said makes no sense, the job is paused, or another process has it.
        JournalError: the journal failed; what was done stands.
    """
    return asyncio.run(
        aswitch(
            source=source,
            target=target,
            percent=percent,
            users=users,
            customers=customers,
            cut_over=cut_over,
            again=again,
            report=report,
            in_flight=in_flight,
            workers=workers,
            config=config,
        )
    )


async def aswitch(
    *,
    source: str,
    target: str,
    percent: float = 100.0,
    users: Orders | None = None,
    customers: Orders | None = None,
    cut_over: bool = True,
    again: bool = False,
    report: str | PathLike[str] | None = None,
    in_flight: int = IN_FLIGHT,
    workers: bool = False,
    config: str | PathLike[str] | Config = _DEFAULT,
) -> Job:
    """Same as `switch`, awaited; cancelling it leaves everything to the next call."""
    scope = Scope(source, target, percent, again)
    async with opened_switch(scope, users, customers, config) as run:
        if report is not None:
            run.check_report(Path(report))
        job = await run.carry_out(cuts_over=cut_over, in_flight=in_flight, shared=workers)
        if report is not None:
            await run.report(Path(report))
        return job


def plan_switch(
    *,
    source: str,
    target: str,
    percent: float = 100.0,
    users: Orders | None = None,
    customers: Orders | None = None,
    again: bool = False,
    config: str | PathLike[str] | Config = _DEFAULT,
) -> SwitchPlan:
    """Say what `switch` would do; nothing is written or sent.

    Args:
        source: as in `switch`, and so are the others.
        target: the same.
        percent: the same.
        users: the same.
        customers: the same.
        again: the same.
        config: the same.

    Raises:
        BadLines: lines of a file are wrong.
        ConfigurationError: anything else that was said makes no sense.
    """

    async def plan() -> SwitchPlan:
        async with opened_switch(Scope(source, target, percent, again), users, customers, config) as run:
            return await run.plan()

    return asyncio.run(plan())


def roll_back_switch(
    *,
    source: str,
    target: str,
    users: Orders | None = None,
    config: str | PathLike[str] | Config = _DEFAULT,
) -> Rollback:
    """Take customers out of a switch: the wallet at the source is theirs again, and the one at the target stays known.

    Args:
        source: the account that was left.
        target: the account they went to.
        users: only these: a file, or mappings with the key ``user``; everybody by default.
        config: the configuration, or its file.

    Raises:
        BadLines: users are not in this switch; nothing is changed.
        ConfigurationError: there is no such switch.
    """

    async def back() -> Rollback:
        async with opened_switch(Scope(source, target), users, None, config) as run:
            return await run.roll_back()

    return asyncio.run(back())


@asynccontextmanager
async def opened_switch(
    scope: Scope,
    users: Orders | None,
    customers: Orders | None,
    config: str | PathLike[str] | Config,
    *,
    watch: Watch | None = None,
    stopping: asyncio.Event | None = None,
) -> AsyncIterator[SwitchRun]:
    """Open a configuration and the files of a switch.

    Args:
        scope: who is meant, without the files.
        users: as in `switch`.
        customers: the same.
        config: the same.
        watch: is told how far it has come.
        stopping: set to bring what is in flight to an answer, and end.
    """
    with ExitStack() as files:
        named = None if users is None else files.enter_context(opened(users, USERS, USERS))
        made = None if customers is None else files.enter_context(opened(customers, COLUMNS, REQUIRED))
        async with switch_run(scope.of(made, named), config, watch=watch, stopping=stopping) as run:
            yield run
