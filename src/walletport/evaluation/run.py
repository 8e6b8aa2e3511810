"""The evaluation itself: account by account, within its limits; whatever stops it, what was measured stays."""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from walletport import __version__
from walletport.errors import WalletportError
from walletport.evaluation import findings
from walletport.evaluation.bench import Bench, Times
from walletport.evaluation.meter import LimitReached, Meter
from walletport.evaluation.plan import PROBES, Work, check_subjects
from walletport.evaluation.probes import asked, told
from walletport.evaluation.report import (
    Ability,
    AccountReport,
    Conditions,
    Finding,
    Level,
    RateLimits,
    Report,
    Timing,
    Verdict,
)
from walletport.evaluation.statistics import check_installed, quantiles, rate
from walletport.evaluation.subject import Subject
from walletport.evaluation.workload import (
    LEVELS,
    can_read,
    measure_creates,
    measure_load,
    measure_reads,
    warm_up,
)
from walletport.plugins import providers

Progress = Callable[[str, str, int, int], None]
"""Told after each piece of work: the account, what was done, how many pieces are done, and how many there are."""
Stopped = Literal["the request budget", "the time limit", "an interrupt"]
_SHARES: Final = (0.5, 0.95, 0.99)


def _ignore(_account: str, _what: str, _done: int, _total: int) -> None:
    """Nobody is watching."""


def evaluate(
    subjects: Sequence[Subject],
    work: Work | None = None,
    *,
    production: bool = False,
    progress: Progress = _ignore,
) -> Report:
    """Put accounts through the same work and return what came of it.

    An interrupt (Ctrl-C) ends the work and returns what was measured so far, marked as incomplete.

    Args:
        subjects: the accounts.
        work: how much is done.
        production: wallets may be made where they are real.
        progress: told after each piece of work.

    Raises:
        ConfigurationError: an account cannot be evaluated, or an extra is not installed.
    """
    check_installed()
    check_subjects(subjects, production=production)
    return asyncio.run(_evaluate(subjects, work or Work(), progress))


@dataclass
class _Desk:
    """One account's part of the run, as far as it has come."""

    subject: Subject
    bench: Bench
    findings: dict[str, Finding] = field(default_factory=dict)
    levels: list[Level] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0
    complete: bool = False
    trouble: str = ""


async def _evaluate(subjects: Sequence[Subject], work: Work, progress: Progress) -> Report:
    started = datetime.now(UTC)
    meter = Meter(work.max_requests, work.max_seconds)
    desks = [_desk(subject, meter, work) for subject in subjects]
    stopped: Stopped | None = None
    try:
        for position, desk in enumerate(desks):
            meter.begin_account(len(desks) - position)
            stopped = await _within(desk, meter, work, progress) or stopped
    except asyncio.CancelledError:
        # Ctrl-C cancels the main task once; the run ends here, and what there is gets written.
        stopped = "an interrupt"
    finally:
        await asyncio.gather(*(desk.bench.close() for desk in desks))
    accounts = [_account_report(desk, work, stopped) for desk in desks]
    return Report(
        conditions=_conditions(work, started, stopped),
        accounts=tuple(_compared(account, accounts, work) for account in accounts),
    )


def _desk(subject: Subject, meter: Meter, work: Work) -> _Desk:
    bench = Bench(subject, meter.allow, chain=work.chain, asset=work.asset, most_creates=work.most_wallets)
    return _Desk(subject, bench)


async def _within(desk: _Desk, meter: Meter, work: Work, progress: Progress) -> Stopped | None:
    """Do one account's work within its share of the limits; return the limit that ended it early."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(meter.seconds_left):
            await _work(desk, work, progress)
        desk.complete = True
    except TimeoutError:
        return "the time limit"
    except LimitReached as reached:
        return reached.reason
    except WalletportError as error:
        desk.trouble = f"the account could not be used: {told(error)}"
    finally:
        desk.requests, desk.seconds = meter.sent, time.monotonic() - started
    return None


async def _work(desk: _Desk, work: Work, progress: Progress) -> None:
    bench, name = desk.bench, desk.subject.account.name
    loads = work.loads(desk.subject) and can_read(bench)
    total = work.samples * 2 + len(PROBES) + (len(LEVELS) if loads else 0)
    done = 0

    def step(what: str) -> None:
        nonlocal done
        done += 1
        progress(name, what, done, total)

    await warm_up(bench)
    wallets = await measure_creates(bench, work.samples, step, ready_within=work.ready_within)
    await measure_reads(bench, wallets, work.samples, step)
    for probe in PROBES:
        desk.findings[probe.kind] = await asked(probe, bench)
        step("probes")
    if loads and wallets:
        async with aclosing(measure_load(bench, wallets[0])) as levels:
            async for level in levels:
                desk.levels.append(level)
                step("load")
    progress(name, "done", total, total)


# --- from what was seen to the report ---------------------------------------------------------------------------


def _account_report(desk: _Desk, work: Work, stopped: Stopped | None) -> AccountReport:
    bench, account = desk.bench, desk.subject.account
    timings = {kind: _timing(times, work.seed) for kind, times in bench.times.items()}
    limits = _rate_limits(bench)
    why = desk.trouble or f"the run was ended by {stopped or 'a limit'} before"
    probed = [
        desk.findings.get(probe.kind) or Finding(kind=probe.kind, verdict=Verdict.NOT_TRIED, sentence=why)
        for probe in PROBES
    ]
    declared = bench.capabilities
    return AccountReport(
        name=account.name,
        provider=account.provider,
        title=bench.kind.title,
        version=next((one.version for one in providers() if one.name == account.provider), ""),
        environment=account.environment,
        where=desk.subject.where,
        abilities={
            name: Ability(answer=given.answer, reason=given.reason) for name, given in declared.abilities().items()
        },
        declared=declared.in_words(),
        customers=len(bench.orders.customers),
        creates=bench.creates,
        repeated=bench.repeated,
        wallets=len(bench.wallets),
        requests=desk.requests,
        seconds=desk.seconds,
        complete=desk.complete,
        trouble=desk.trouble,
        timings=timings,
        levels=tuple(desk.levels),
        rate_limits=limits,
        findings=(
            *probed,
            *findings.of_the_work(bench, timings),
            findings.of_readiness(bench, timings),
            *findings.of_drift(bench),
            findings.of_request_ids(bench),
            findings.of_rate_limits(limits, desk.levels),
        ),
    )


def _timing(times: Times, seed: int) -> Timing:
    estimates = quantiles(times.samples, _SHARES, seed) if times.samples else [None] * len(_SHARES)
    return Timing(
        attempts=times.attempts,
        samples=tuple(round(sample, 6) for sample in times.samples),
        p50=estimates[0],
        p95=estimates[1],
        p99=estimates[2],
        errors=dict(times.errors),
        success=rate(len(times.samples), times.attempts) if times.attempts else None,
    )


def _rate_limits(bench: Bench) -> RateLimits:
    seen = bench.driver
    declared = bench.capabilities.rate_limit.headers
    return RateLimits(
        headers=dict(seen.limit_headers),
        declared_unseen=tuple(name for name in declared if name.lower() not in seen.limit_headers),
        too_many=seen.too_many,
        retry_after=tuple(seen.retry_after),
    )


def _compared(account: AccountReport, accounts: Sequence[AccountReport], work: Work) -> AccountReport:
    others = [other for other in accounts if other is not account]
    found = findings.of_latency(account, others, work.slow)
    return account.model_copy(update={"findings": (*account.findings, found)})


def _conditions(work: Work, started: datetime, stopped: Stopped | None) -> Conditions:
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return Conditions(
        from_where=f"{work.from_where} ({machine})" if work.from_where else machine,
        started_at=started,
        ended_at=datetime.now(UTC),
        walletport=__version__,
        seed=work.seed,
        chain=work.chain,
        asset=work.asset,
        samples=work.samples,
        max_requests=work.max_requests,
        max_seconds=work.max_seconds,
        stopped_by=stopped,
    )
