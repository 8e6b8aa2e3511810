"""`walletport switch`: every customer of one custodian to another, and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from walletport.cli.jobs import job_as_json, show_job
from walletport.cli.lines import tell_problems
from walletport.cli.opening import opened
from walletport.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, text
from walletport.cli.output import Output, errors_shown, print_json, print_json_list
from walletport.cli.signals import INTERRUPTED, stopped_by_signals
from walletport.cli.switchtables import show_plan, show_report, show_rollback, show_watched
from walletport.cli.watching import Steps, steps

if TYPE_CHECKING:
    from walletport.jobs.record import Job
    from walletport.switching.planning import SwitchPlan
    from walletport.switching.report import SwitchReport
    from walletport.switching.rollback import Rollback
    from walletport.switching.run import SwitchRun

app = typer.Typer(
    help="Move every customer of one custodian to another.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_IN_FLIGHT: Final = 32
_EVERYBODY: Final = 100.0

Source = Annotated[str, typer.Option("--from", metavar="A", callback=text, help="The account that is left.")]
Target = Annotated[str, typer.Option("--to", metavar="B", callback=text, help="The account they go to.")]
Users = Annotated[
    Path | None,
    typer.Option("--users", metavar="FILE", help="Only these: CSV whose first line is user, or JSON lines."),
]
Customers = Annotated[
    Path | None,
    typer.Option(
        "--customers",
        metavar="FILE",
        help="Customers made elsewhere, instead of those in the journal: CSV whose first line names the columns "
        "user,customer_id,chain and any of asset,address,target_customer_id,email,first_name,last_name; or JSON lines.",
    ),
]
Percent = Annotated[
    float, typer.Option("--percent", metavar="P", help="Only so large a part of the users, always the same ones.")
]
Problems = Annotated[
    Path | None, typer.Option("--problems", metavar="FILE", help="Takes every bad line, as CSV: line,reason.")
]


@dataclass
class Asked:
    """What was typed."""

    source: str
    target: str
    config: Path
    as_json: bool
    percent: float = _EVERYBODY
    again: bool = False
    users: Path | None = None
    customers: Path | None = None
    problems: Path | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def run(self, shown: Steps) -> AsyncIterator[SwitchRun]:
        """Open everything."""
        from walletport.switching.api import opened_switch  # noqa: PLC0415 - a database is a lot to load for --version
        from walletport.switching.scope import Scope  # noqa: PLC0415

        scope = Scope(self.source, self.target, self.percent, self.again)
        files, watch, stopping = (self.users, self.customers), shown.watch, self.stopping
        async with opened_switch(scope, *files, self.config, watch=watch, stopping=stopping) as run:
            yield run


@app.callback(invoke_without_command=True)
def switch(
    context: typer.Context,
    *,
    source: Annotated[
        str | None, typer.Option("--from", metavar="A", callback=text, help="The account that is left.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--to", metavar="B", callback=text, help="The account they go to.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would happen; nothing is written or sent.")] = False,
    percent: Percent = _EVERYBODY,
    users: Users = None,
    customers: Customers = None,
    no_cut_over: Annotated[
        bool, typer.Option("--no-cut-over", help="Prepare only; the same command without it cuts over.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Take up those, too, who were rolled back.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Account for every customer at the end: CSV, page.")
    ] = None,
    problems: Problems = None,
    in_flight: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Customers that are worked on at a time.")
    ] = _IN_FLIGHT,
    workers: Annotated[
        bool, typer.Option("--workers", help="Leave it to `walletport worker` processes, and watch them.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Make a wallet at B for every customer of A, and make it theirs once its address is known.

    The same command again goes on where it stopped, and takes up who was blocked. Ctrl-C brings what is in flight to
    an answer, and ends.
    """
    if context.invoked_subcommand is not None:
        return
    if source is None or target is None:
        msg = "name two accounts, as in: walletport switch --from A --to B"
        raise typer.BadParameter(msg, param_hint="--from" if source is None else "--to")
    asked = Asked(source, target, config, as_json, percent, again, users, customers, problems)
    if plan:
        _plan(asked)
        return
    how = {"cuts_over": not no_cut_over, "shared": workers}
    job, told = _carried_out(asked, lambda run: run.carry_out(in_flight=in_flight, **how), report)
    if as_json:
        print_json({**job_as_json(job), "report": None if told is None else told.model_dump(mode="json")})
    else:
        output = Output()
        show_job(output, job)
        if told is not None:
            show_report(output, told)
    if asked.stopping.is_set():
        raise typer.Exit(INTERRUPTED)
    if job.left or job.missing:
        raise typer.Exit(1)


@app.command()
def rollback(
    *,
    source: Source,
    target: Target,
    users: Users = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only count; nothing is written.")] = False,
    problems: Problems = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Take customers out of a switch: the wallet at A is theirs again, and the one at B stays known."""
    asked = Asked(source, target, config, as_json, users=users, problems=problems)
    with _shown(asked) as shown:
        told = asyncio.run(_roll_back(asked, shown, dry=plan))
    if as_json:
        print_json(told.model_dump(mode="json"))
    else:
        show_rollback(Output(), told, dry=plan)


@app.command("report")
def report_now(
    *,
    source: Source,
    target: Target,
    folder: Annotated[Path, typer.Option("--report", metavar="DIR", help="Where the CSV and the page are written.")],
    percent: Percent = _EVERYBODY,
    users: Users = None,
    customers: Customers = None,
    problems: Problems = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Account for every customer as things stand; nothing is sent."""
    asked = Asked(source, target, config, as_json, percent, users=users, customers=customers, problems=problems)
    with _shown(asked) as shown:
        told = asyncio.run(_report(asked, shown, folder))
    if as_json:
        print_json(told.model_dump(mode="json"))
    else:
        show_report(Output(), told)


@app.command()
def watch(
    *,
    account: Annotated[
        str | None, typer.Option(metavar="N", callback=text, help="Only wallets at this account.")
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="U", callback=text, help="Only wallets of this user.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List the deposit addresses of wallets that were replaced: deposits may still come there."""
    with errors_shown(as_json=as_json), opened(config) as port:
        found = port.watched_addresses(account=account, user=user)
        if as_json:
            print_json_list("addresses", (one.model_dump(mode="json") for one in found))
        else:
            show_watched(Output(), found)


@contextmanager
def _shown(asked: Asked) -> Iterator[Steps]:
    """Show how far it has come, and turn what goes wrong into sentences."""
    from walletport.jobs.checking import BadLines  # noqa: PLC0415

    with errors_shown(as_json=asked.as_json), steps(quiet=asked.as_json) as shown:
        try:
            yield shown
        except BadLines as error:
            tell_problems(error, asked.problems, as_json=asked.as_json)
            raise typer.Exit(1) from None


def _plan(asked: Asked) -> None:
    async def make(shown: Steps) -> SwitchPlan:
        async with asked.run(shown) as run:
            return await run.plan()

    with _shown(asked) as shown:
        told = asyncio.run(make(shown))
    if asked.as_json:
        print_json({**told.model_dump(mode="json"), "to_switch": told.to_switch})
    else:
        show_plan(Output(), told)


def _carried_out(
    asked: Asked, work: Callable[[SwitchRun], Coroutine[None, None, Job]], report: Path | None
) -> tuple[Job, SwitchReport | None]:
    async def carry_out(shown: Steps) -> tuple[Job, SwitchReport | None]:
        async with asked.run(shown) as run:
            if report is not None:
                run.check_report(report)
            with stopped_by_signals(asked.stopping, shown.say):
                job = await work(run)
            return job, None if report is None else await run.report(report)

    with _shown(asked) as shown:
        return asyncio.run(carry_out(shown))


async def _report(asked: Asked, shown: Steps, folder: Path) -> SwitchReport:
    async with asked.run(shown) as run:
        return await run.report(folder)


async def _roll_back(asked: Asked, shown: Steps, *, dry: bool) -> Rollback:
    async with asked.run(shown) as run:
        return await run.roll_back(dry=dry)
