"""`walletport bulk`: many orders from a file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from walletport.cli.jobs import job_as_json, show_job
from walletport.cli.lines import tell_problems
from walletport.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from walletport.cli.output import Output, errors_shown, print_json
from walletport.cli.signals import INTERRUPTED, stopped_by_signals
from walletport.cli.watching import Steps, steps

if TYPE_CHECKING:
    from walletport.jobs.bulk import BulkRun
    from walletport.jobs.checking import Findings
    from walletport.jobs.record import Job

_IN_FLIGHT: Final = 32


def bulk(
    orders: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="CSV whose first line names the columns user,chain and any of asset,reference,account,customer_id,"
            "email,first_name,last_name; or JSON lines with the same names; - for the standard input.",
        ),
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen where; nothing is sent.")] = False,
    results: Annotated[
        Path | None,
        typer.Option("--results", metavar="FILE", help="Takes a line for each order as it ends: .csv or .jsonl."),
    ] = None,
    problems: Annotated[
        Path | None, typer.Option("--problems", metavar="FILE", help="Takes every bad line, as CSV: line,reason.")
    ] = None,
    in_flight: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Orders of one account at a time.")
    ] = _IN_FLIGHT,
    workers: Annotated[
        bool, typer.Option("--workers", help="Leave it to `walletport worker` processes, and watch them.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Carry out many orders, each exactly once.

    Every line is checked before anything is sent. The same file again does only what is missing. Ctrl-C brings what is
    in flight to an answer, and ends.
    """
    from walletport.jobs.checking import BadLines  # noqa: PLC0415 - a database is a lot to load for --version

    with errors_shown(as_json=as_json), steps(quiet=as_json) as shown:
        try:

            def carry_out(run: BulkRun) -> Coroutine[None, None, Job]:
                return run.carry_out(results=results, in_flight=in_flight, shared=workers)

            done = asyncio.run(_run(orders, config, shown, None if dry_run else carry_out))
        except BadLines as error:
            tell_problems(error, problems, as_json=as_json)
            raise typer.Exit(1) from None
    if not isinstance(done, tuple):
        _show_findings(done, as_json=as_json)
        return
    job, interrupted = done
    if as_json:
        print_json(job_as_json(job))
    else:
        show_job(Output(), job)
    if interrupted:
        raise typer.Exit(INTERRUPTED)
    if job.left or job.missing:
        raise typer.Exit(1)


async def _run(
    orders: str, config: Path, shown: Steps, carry_out: Callable[[BulkRun], Coroutine[None, None, Job]] | None
) -> Findings | tuple[Job, bool]:
    from walletport.jobs.bulk import bulk_run  # noqa: PLC0415
    from walletport.jobs.source import opened  # noqa: PLC0415

    stopping = asyncio.Event()
    with opened(orders) as file:
        async with bulk_run(file, config, watch=shown.watch, stopping=stopping) as run:
            found = await run.check()
            if carry_out is None:
                return found
            with stopped_by_signals(stopping, shown.say):
                job = await carry_out(run)
            return job, stopping.is_set()


def _show_findings(found: Findings, *, as_json: bool) -> None:
    accounts = sorted(found.accounts.items(), key=lambda one: (one[0][0], -one[1]))
    if as_json:
        told = [
            {"account": account, "orders": number, "reasons": list(reasons)} for (account, reasons), number in accounts
        ]
        facts = {"lines": found.lines, "orders": found.orders, "done": found.done, "customers": found.customers}
        print_json({**facts, "repeated": found.lines - found.orders, "accounts": told})
        return
    output = Output()
    output.line(f"{found.lines:,} lines hold {found.orders:,} different orders; nothing was sent.")
    if found.done:
        output.line(f"{found.done:,} of them have a wallet already.")
    if found.customers:
        output.line(f"For {found.customers:,} of them a customer is made first.")
    if accounts:
        output.table(
            ["orders", "account", "why"],
            [[f"{number:,}", account, "\n".join(reasons)] for (account, reasons), number in accounts],
        )
