"""`walletport evaluate`: the vendor comparison, its page and its data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from walletport.cli.options import DEFAULT_CONFIG, AsJson
from walletport.cli.output import Output, errors_shown, plain, print_json
from walletport.cli.progress import steps
from walletport.errors import ConfigurationError
from walletport.settings import unknown_name

if TYPE_CHECKING:
    from walletport.config import Account
    from walletport.evaluation.compare import Comparison
    from walletport.evaluation.plan import Work
    from walletport.evaluation.report import Report
    from walletport.evaluation.subject import Subject

_INTERRUPTED: Final = 130
_SAMPLES: Final = 30
_REQUESTS: Final = 5000
_SECONDS: Final = 600.0
_READY_WITHIN: Final = 60.0


def evaluate(
    *,
    accounts: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Accounts of the configuration, or providers with an emulator.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where report.html and report.json are written.")
    ] = None,
    customers: Annotated[
        list[str] | None,
        typer.Option("--customer", metavar="ACCOUNT=ID", help="Whose wallets are made; several are allowed."),
    ] = None,
    samples: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="Orders and reads for each.")] = _SAMPLES,
    max_requests: Annotated[int, typer.Option(metavar="N", min=1, help="Requests at most, for all.")] = _REQUESTS,
    max_seconds: Annotated[float, typer.Option(metavar="S", min=0.001, help="Seconds at most, for all.")] = _SECONDS,
    load: Annotated[bool, typer.Option("--load", help="Load vendors too, until the first 429.")] = False,
    slow: Annotated[
        float | None, typer.Option(metavar="S", min=0, help="A median create above this stands out.")
    ] = None,
    ready_within: Annotated[
        float, typer.Option(metavar="S", min=0, help="How long a new wallet is watched.")
    ] = _READY_WITHIN,
    chain: Annotated[str, typer.Option(metavar="C", help="The chain to ask for.")] = "polygon",
    asset: Annotated[str, typer.Option(metavar="A", help="The asset to ask for.")] = "usdc",
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own weights, for a score: TOML with [weights].")
    ] = None,
    from_where: Annotated[str, typer.Option("--from", metavar="TEXT", help="Where this is measured from.")] = "",
    plan_only: Annotated[bool, typer.Option("--plan", help="Say what would be done, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before wallets are made at vendors.")] = False,
    production: Annotated[
        bool,
        typer.Option("--production-accounts-make-real-wallets", help="Allow production accounts. Wallets are real."),
    ] = False,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="OLD NEW", help="Say what changed between two report.json, and do nothing else."),
    ] = None,
    print_schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of report.json, and do nothing else.")
    ] = False,
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="Accounts; without the file, the emulators.")
    ] = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Compare providers by putting them through the same work.

    Without a configuration the emulators of all installed providers are compared, on this machine and without any
    credentials.
    """
    with errors_shown(as_json=as_json):
        if print_schema:
            from walletport.evaluation.report import schema  # noqa: PLC0415

            print_json(schema())
            return
        if compare is not None:
            _compare(*compare, as_json=as_json)
            return
        from walletport.evaluation.plan import Work, check_subjects, plan_lines  # noqa: PLC0415 - a lot to load
        from walletport.evaluation.score import read_weights  # noqa: PLC0415
        from walletport.evaluation.statistics import check_installed  # noqa: PLC0415
        from walletport.pages import check_folder  # noqa: PLC0415

        work = Work(
            samples=samples,
            load=load,
            max_requests=max_requests,
            max_seconds=max_seconds,
            chain=chain,
            asset=asset,
            slow=slow,
            ready_within=ready_within,
            from_where=from_where,
        )
        if out is None and not plan_only:
            msg = "name a folder for the report: --out DIR"
            raise typer.BadParameter(msg, param_hint="--out")
        check_installed()
        weighed = None if weights is None else read_weights(weights)
        with _subjects(_names(accounts), _by_account(customers or []), config) as subjects:
            check_subjects(subjects, production=production or plan_only)
            plan = plan_lines(subjects, work)
            if plan_only:
                print_json({"plan": plan}) if as_json else _say(plan)
                return
            _agree(plan, subjects, yes=yes, as_json=as_json)
            check_folder(out or Path())
            report = _run(subjects, work, production=production, quiet=as_json)
        _deliver(report, weighed, out or Path(), plan=plan, as_json=as_json)
    if report.conditions.stopped_by == "an interrupt":
        raise typer.Exit(_INTERRUPTED)


def _names(accounts: str | None) -> list[str] | None:
    if accounts is None:
        return None
    names = [name.strip() for name in accounts.split(",")]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not all(names) or twice:
        msg = f"names {', '.join(twice)} twice" if twice else "names an empty account: write it like main,other"
        raise typer.BadParameter(msg, param_hint="--accounts")
    return names


def _by_account(customers: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for given in customers:
        account, equals, customer = given.partition("=")
        if not equals or not account.strip() or not customer.strip():
            msg = "write it as ACCOUNT=ID, such as main=cus_123"
            raise typer.BadParameter(msg, param_hint="--customer")
        found[account] = (*found.get(account, ()), customer)
    return found


@contextmanager
def _subjects(
    names: Sequence[str] | None, customers: Mapping[str, tuple[str, ...]], config: Path
) -> Iterator[list[Subject]]:
    """Yield the accounts: those of the configuration where there is one, else the emulators', which run meanwhile."""
    from walletport.evaluation.subject import Subject, subjects_of  # noqa: PLC0415

    if config.exists() or config != DEFAULT_CONFIG:
        from walletport.config import load_config  # noqa: PLC0415

        known = load_config(config).accounts
        _refuse_unknown(customers, known, "--customer")
        yield [Subject(account, customers.get(account.name, ())) for account in _picked(names, known)]
        return
    if customers:
        msg = (
            f"--customer is for accounts of a configuration, and there is no {config}: leave it out, or write the file"
        )
        raise ConfigurationError(msg)
    from walletport.sandbox import Sandbox  # noqa: PLC0415

    with Sandbox(names) as sandbox:
        _say([f"{name} is left out: {reason}" for name, reason in sandbox.failed.items()], to_errors=True)
        yield subjects_of(sandbox)


def _picked(names: Sequence[str] | None, known: Mapping[str, Account]) -> list[Account]:
    _refuse_unknown(names or (), known, "--accounts")
    return [known[name] for name in (known if names is None else names)]


def _refuse_unknown(names: Sequence[str] | Mapping[str, object], known: Mapping[str, object], option: str) -> None:
    lines = [f"{option}: {unknown_name(name, known, 'account')}" for name in names if name not in known]
    if lines:
        raise ConfigurationError("\n".join(lines))


def _agree(plan: Sequence[str], subjects: Sequence[Subject], *, yes: bool, as_json: bool) -> None:
    """Say what will be done; where wallets are made at vendors, ask first if there is somebody to ask."""
    if not as_json:
        _say(plan, to_errors=True)
    at_vendors = any(one.where != "emulator" for one in subjects)
    if not at_vendors or yes:
        return
    if as_json or not typer.get_text_stream("stdin").isatty():
        msg = "wallets would be made at vendors, and nobody is there to be asked: pass --yes"
        raise ConfigurationError(msg)
    typer.confirm("Go on?", abort=True, err=True)


def _say(lines: Sequence[str], *, to_errors: bool = False) -> None:
    for line in lines:
        typer.echo(plain(line), err=to_errors)


def _run(subjects: Sequence[Subject], work: Work, *, production: bool, quiet: bool) -> Report:
    from walletport.evaluation.run import evaluate as run  # noqa: PLC0415

    with steps(quiet=quiet) as advance:
        return run(subjects, work, production=production, progress=advance)


def _deliver(
    report: Report, weights: Mapping[str, float] | None, out: Path, *, plan: Sequence[str], as_json: bool
) -> None:
    from walletport.evaluation.page import page_of, report_json  # noqa: PLC0415
    from walletport.evaluation.score import with_score  # noqa: PLC0415
    from walletport.pages import write_file, write_page  # noqa: PLC0415

    if weights is not None:
        report = with_score(report, weights)
    data = write_file(report_json(report), out, "report.json")
    page = write_page(page_of(report), out, "report.html")
    if as_json:
        told = {"report": str(data), "page": str(page), "complete": report.complete}
        print_json({**told, "plan": plan, "faults": _faults(report)})
        return
    _show(report)
    output = Output()
    output.line()
    if not report.complete:
        output.line(f"This is incomplete: the run was ended by {report.conditions.stopped_by or 'a limit'}.")
    output.line(f"Open {page}; every figure is in {data}.")


def _faults(report: Report) -> dict[str, list[dict[str, str]]]:
    return {
        account.name: [
            {"kind": found.kind, "verdict": found.verdict.value, "sentence": found.sentence} for found in account.faults
        ]
        for account in report.accounts
    }


def _show(report: Report) -> None:
    from walletport.evaluation.page import facts  # noqa: PLC0415

    output = Output()
    names = [account.name for account in report.accounts]
    output.side_by_side(names, facts(report), least=16)
    for account in report.accounts:
        for found in account.faults:
            output.line()
            output.line(f"{account.name}: {found.verdict.value}: {found.sentence}.")
    for account in report.accounts:
        untried = sorted({found.kind for found in account.findings if found.verdict.value == "not tried"})
        if untried:
            output.line()
            output.line(f"{account.name}: not tried: {', '.join(untried)}.")
    if not any(account.faults for account in report.accounts):
        output.line()
        output.line("Nothing wrong was found in what was tried.")


def _compare(old: Path, new: Path, *, as_json: bool) -> None:
    from walletport.evaluation.compare import compare  # noqa: PLC0415
    from walletport.evaluation.report import read_report  # noqa: PLC0415
    from walletport.evaluation.statistics import check_installed  # noqa: PLC0415

    check_installed()
    found = compare(read_report(old), read_report(new))
    if as_json:
        print_json(json.loads(found.model_dump_json()))
    else:
        _show_changes(found)


def _show_changes(found: Comparison) -> None:
    output = Output()
    for warning in found.warnings:
        output.line(f"Beware: {warning}.")
    rows = [
        [one.account, one.what, one.old, one.new, one.verdict, "-" if one.p is None else f"{one.p:.2g}"]
        for one in sorted(found.changes, key=lambda one: one.verdict in ("same", "noise"))
        if one.verdict != "same"
    ]
    if rows:
        output.table(["account", "what", "old", "new", "verdict", "p"], rows)
    output.line()
    changed = sum(one.verdict not in ("same", "noise", "too few") for one in found.changes)
    output.line(f"{changed} of {len(found.changes)} things changed. {found.rule}")
