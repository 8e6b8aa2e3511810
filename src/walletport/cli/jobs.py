"""`walletport jobs`: how bulk work stands, and holding it up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from walletport.cli.opening import opened_journal
from walletport.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, group, text
from walletport.cli.output import Output, errors_shown, print_json
from walletport.cli.records import moment

if TYPE_CHECKING:
    from pathlib import Path

    from walletport.jobs.record import Job, JobState

app = group("See how bulk work stands, and hold it up.")
_SHOWN: Final = 20
_STATES: Final = ("done", "planned", "rejected", "awaiting_approval", "needs_review", "blocked", "rolled_back")
JobId = Annotated[str, typer.Argument(metavar="JOB", callback=text, help="The job's id.")]


@app.command("list")
def list_jobs(
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many at most.")] = _SHOWN,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    from walletport.jobs.desk import all_jobs  # noqa: PLC0415 - a database is a lot to load for --version

    with errors_shown(as_json=as_json), opened_journal(config) as journal:
        found = all_jobs(journal, limit)
    if as_json:
        print_json({"jobs": [job_as_json(job) for job in found]})
        return
    output = Output()
    if not found:
        output.line("The journal holds no job.")
        return
    output.table(
        ["job", "from", "state", "orders", "done", "left", "without a wallet", "begun (UTC)"],
        [
            [
                job.id,
                job.name,
                job.state.value,
                f"{job.total:,}",
                f"{job.counts.get('done', 0):,}",
                f"{job.left:,}",
                f"{job.missing:,}",
                moment(job.created_at),
            ]
            for job in found
        ],
    )


@app.command()
def show(job_id: JobId, *, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show one job: its counts by account, and the first orders that made no wallet."""
    from walletport.jobs.desk import missing, one_job  # noqa: PLC0415

    with errors_shown(as_json=as_json), opened_journal(config) as journal:
        job = one_job(journal, job_id)
        failed = missing(journal, job_id, _SHOWN)
    if as_json:
        print_json({**job_as_json(job), "missing": failed})
        return
    output = Output()
    show_job(output, job)
    if failed:
        output.table(
            ["line", "user", "account", "state", "order", "why"],
            [
                [
                    str(one["line"]),
                    *(str(one[name] or "-") for name in ("user", "account", "state", "order", "message")),
                ]
                for one in failed
            ],
        )


@app.command()
def pause(job_id: JobId, *, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Hold a job up: what is in flight comes to its answer, and no further order is begun."""
    from walletport.jobs.record import JobState  # noqa: PLC0415

    _change(job_id, JobState.PAUSED, config, as_json=as_json)


@app.command()
def resume(job_id: JobId, *, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Let a job go on that was paused or cancelled."""
    from walletport.jobs.record import JobState  # noqa: PLC0415

    _change(job_id, JobState.RUNNING, config, as_json=as_json)


@app.command()
def cancel(job_id: JobId, *, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Give a job up: what is in flight comes to its answer, and what is done stays."""
    from walletport.jobs.record import JobState  # noqa: PLC0415

    _change(job_id, JobState.CANCELLED, config, as_json=as_json)


def _change(job_id: str, state: JobState, config: Path, *, as_json: bool) -> None:
    from walletport.jobs.desk import change  # noqa: PLC0415

    with errors_shown(as_json=as_json), opened_journal(config) as journal:
        job = change(journal, job_id, state, datetime.now(UTC))
    if as_json:
        print_json(job_as_json(job))
    else:
        show_job(Output(), job)


def job_as_json(job: Job) -> dict[str, object]:
    """Return a job for machines."""
    return {**job.model_dump(mode="json"), "left": job.left, "missing": job.missing, "next": next_step(job)}


def show_job(output: Output, job: Job) -> None:
    """Print how a job stands, and what to do next."""
    output.line(f"Job {job.id} from {job.name} is {job.state}: {job.total:,} {job.items}.")
    shown = [state for state in _STATES if job.counts.get(state)]
    rows = [
        [account, *(f"{counts.get(state, 0):,}" for state in shown)] for account, counts in sorted(job.accounts.items())
    ]
    if rows:
        output.table(["account", *("left" if state == "planned" else state for state in shown)], rows)
    step = next_step(job)
    if step:
        output.line()
        output.line(f"Next: {step}.")


def next_step(job: Job) -> str | None:
    """Say what to do next with a job; ``None`` where nothing is to be done."""
    step, again = None, "give the same orders again" if job.kind == "bulk" else "give the same command again"
    if job.state in ("paused", "cancelled"):
        step = f"`walletport jobs resume {job.id}`{'' if job.shared else f', and then {again}'}"
    elif job.state != "finished":
        step = f"{again}, unless they are being carried out: they go on where they stopped"
        step = "`walletport worker` processes carry it out" if job.shared else step
    elif job.missing or job.left:
        what = "made no wallet" if job.kind == "bulk" else "could not be switched"
        why = f"`walletport jobs show {job.id}` tells why {job.missing + job.left:,} {what}"
        step = f"{why}; {again} to try them anew"
    return step
