"""The findings that no single probe makes: from all that was measured, and from a comparison of the accounts."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Final

from walletport.evaluation.bench import Bench
from walletport.evaluation.report import AccountReport, Finding, Level, RateLimits, Timing, Verdict

_APPROVAL: Final = "ApprovalPending"  # no failure: the provider took the order
LOST: Final = ("ConnectionLost", "RequestTimedOut")
TIMES_SLOWER: Final = 3.0
LEAST_SLOWER: Final = 0.1
"""An account stands out whose median create takes three times as long as the others' and 0.1 s longer."""
_MOST_DRIFT: Final = 20
_WHAT: Final = {
    "field": "an undocumented field",
    "value": "an undocumented value",
    "missing": "a documented field is missing",
    "type": "a field of another type than documented",
}


def of_the_work(bench: Bench, timings: Mapping[str, Timing]) -> list[Finding]:
    """Return whether answers were lost and whether requests failed, over all timed work."""
    tried = sum(timing.attempts for kind, timing in timings.items() if kind != "ready")
    if not tried:
        nothing = "nothing was measured"
        return [
            Finding(kind=kind, verdict=Verdict.NOT_TRIED, sentence=nothing) for kind in ("lost_answers", "failures")
        ]
    return [
        _share(bench, timings, "lost_answers", "answers were lost", lost=True),
        _share(bench, timings, "failures", "requests failed", lost=False),
    ]


def _share(bench: Bench, timings: Mapping[str, Timing], kind: str, what: str, *, lost: bool) -> Finding:
    told = []
    for work, timing in timings.items():
        counted = {name: count for name, count in timing.errors.items() if (name in LOST) is lost and name != _APPROVAL}
        if counted and work != "ready":
            names = ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))
            share = sum(counted.values()) / timing.attempts
            told.append(f"{sum(counted.values())} of {timing.attempts} {work}s ({share:.0%}): {names}")
    if not told:
        tried = sum(timing.attempts for work, timing in timings.items() if work != "ready")
        waiting = sum(timing.errors.get(_APPROVAL, 0) for timing in timings.values())
        besides = f"; {waiting} orders wait for a person's approval" if waiting and not lost else ""
        return Finding(kind=kind, verdict=Verdict.HOLDS, sentence=f"no {what} in {tried} tries{besides}")
    failed = [one for times in bench.times.values() for one in times.failed if (one.status is None) is lost]
    return Finding(kind=kind, verdict=Verdict.BROKEN, sentence=f"{what}: {'; '.join(told)}", evidence=tuple(failed[:4]))


def of_readiness(bench: Bench, timings: Mapping[str, Timing]) -> Finding:
    """Return whether wallets grew usable."""
    ready = timings.get("ready")
    if ready is None or not ready.attempts:
        waiting = _APPROVAL in timings["create"].errors if "create" in timings else False
        why = "the orders wait for a person's approval" if waiting else "no wallet was watched"
        return Finding(kind="readiness", verdict=Verdict.NOT_TRIED, sentence=why)
    if not ready.samples and set(ready.errors) == {"UnsupportedOperation"}:
        why = "the provider has no way to look at a wallet again"
        return Finding(kind="readiness", verdict=Verdict.NOT_TRIED, sentence=why)
    if ready.errors:
        told = ", ".join(f"{count} {name}" for name, count in sorted(ready.errors.items()))
        sentence = f"{sum(ready.errors.values())} of {ready.attempts} wallets did not become usable: {told}"
        evidence = tuple(bench.times_of("ready").failed)
        return Finding(kind="readiness", verdict=Verdict.BROKEN, sentence=sentence, evidence=evidence)
    slowest = max(ready.samples)
    sentence = f"each of {ready.attempts} wallets became usable, the slowest after {slowest:.2g} s"
    return Finding(kind="readiness", verdict=Verdict.HOLDS, sentence=sentence)


def of_drift(bench: Bench) -> list[Finding]:
    """Return everything undocumented that was seen, each once."""
    seen = sorted(bench.drift.values(), key=lambda one: -one.count)
    if not seen:
        if not bench.wallets:
            return [Finding(kind="drift", verdict=Verdict.NOT_TRIED, sentence="no wallet was seen")]
        sentence = f"nothing undocumented in the answers about {len(bench.wallets)} wallets"
        return [Finding(kind="drift", verdict=Verdict.HOLDS, sentence=sentence)]
    found = [
        Finding(
            kind="drift",
            verdict=Verdict.UNDECLARED,
            sentence=f"{_WHAT[one.drift.what]} at {one.drift.where}"
            + (f": {one.drift.seen}" if one.drift.seen else "")
            + f" (seen {one.count} times)",
            evidence=one.evidence,
        )
        for one in seen[:_MOST_DRIFT]
    ]
    if len(seen) > _MOST_DRIFT:
        sentence = f"{len(seen) - _MOST_DRIFT} more undocumented things were seen"
        found.append(Finding(kind="drift", verdict=Verdict.UNDECLARED, sentence=sentence))
    return found


def of_request_ids(bench: Bench) -> Finding:
    """Return which refusals carried a request id."""
    if not bench.request_ids:
        return Finding(kind="request_ids", verdict=Verdict.NOT_TRIED, sentence="nothing was refused")
    having = sorted(name for name, (has, _) in bench.request_ids.items() if has)
    lacking = sorted(name for name, (has, _) in bench.request_ids.items() if not has)
    parts = [
        f"with a request id: {', '.join(having)}" if having else "",
        f"without: {', '.join(lacking)}" if lacking else "",
    ]
    sentence = f"refusals {'; '.join(part for part in parts if part)}"
    evidence = tuple(one for _, shown in bench.request_ids.values() for one in shown)
    return Finding(kind="request_ids", verdict=Verdict.OBSERVED, sentence=sentence, evidence=evidence)


def of_rate_limits(seen: RateLimits, levels: Iterable[Level]) -> Finding:
    """Return what was seen of rate limits."""
    parts = []
    if seen.headers:
        parts.append(f"headers seen: {', '.join(sorted(seen.headers))}")
    if seen.declared_unseen:
        parts.append(f"declared and not seen: {', '.join(seen.declared_unseen)}")
    most = max((level.concurrency for level in levels), default=0)
    if seen.too_many:
        waits = f", Retry-After: {', '.join(sorted(set(seen.retry_after)))}" if seen.retry_after else ""
        parts.insert(0, f"{seen.too_many} answers were 429{waits or ', without Retry-After'}")
    elif most:
        parts.insert(0, f"no 429 with up to {most} reads at once")
    else:
        parts.insert(0, "no 429, and no load was tried")
    tried = Verdict.OBSERVED if seen.too_many or most or seen.headers else Verdict.NOT_TRIED
    return Finding(kind="rate_limit", verdict=tried, sentence="; ".join(parts))


def of_latency(account: AccountReport, others: Iterable[AccountReport], slow: float | None) -> Finding:
    """Return whether an account's creates stand out as slow: against the others, or against the reader's own limit."""
    mine = _median(account)
    if mine is None:
        return Finding(kind="latency", verdict=Verdict.NOT_TRIED, sentence="no create succeeded")
    if slow is not None and mine > slow:
        sentence = f"the median create takes {mine:.3g} s, above your limit of {slow:g} s"
        return Finding(kind="latency", verdict=Verdict.STANDS_OUT, sentence=sentence)
    medians = [median for other in others if (median := _median(other)) is not None]
    if not medians:
        if slow is not None:
            sentence = f"the median create takes {mine:.3g} s, within your limit of {slow:g} s"
            return Finding(kind="latency", verdict=Verdict.HOLDS, sentence=sentence)
        sentence = f"the median create takes {mine:.3g} s; there is no other account and no limit to hold it against"
        return Finding(kind="latency", verdict=Verdict.OBSERVED, sentence=sentence)
    usual = statistics.median(medians)
    sentence = f"the median create takes {mine:.3g} s; the other accounts' takes {usual:.3g} s"
    stands_out = mine > usual * TIMES_SLOWER and mine - usual > LEAST_SLOWER
    return Finding(kind="latency", verdict=Verdict.STANDS_OUT if stands_out else Verdict.HOLDS, sentence=sentence)


def _median(account: AccountReport) -> float | None:
    create = account.timings.get("create")
    return None if create is None or create.p50 is None else create.p50.value
