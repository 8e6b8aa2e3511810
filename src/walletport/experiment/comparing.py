"""What may be concluded of each pair of accounts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from walletport.experiment.arms import Arm, Durations
from walletport.experiment.report import AccountResult, Comparison, Measure, Rate, Times
from walletport.experiment.statistics import (
    Buckets,
    Hits,
    difference_of_rates,
    holm,
    log_evidence_of_quantiles,
    log_evidence_of_rates,
    p_value,
    quantile_bounds,
    times_needed,
    wilson,
)

ALPHA: Final = 0.05
RATES_TEST: Final = "sequential test of two shares (beta-binomial mixture e-process), Holm over pairs"
QUANTILES_TEST: Final = "sequential test of two quantiles (Howard and Ramdas 2022, e-process), Holm over pairs"
_CURVE: Final = (0.001, 0.005, *(n / 100 for n in range(1, 100)), 0.995, 0.999, 1.0)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two accounts in one respect, before the correction for the number of pairs.

    Args:
        values: what was seen of the one and of the other.
        log_evidence: for a difference, with so many times the orders.
        orders: how many orders it rests on.
        interval: second minus first at this level, where there is one.
        supposing: evidence with so many times the orders if the difference were another, and that difference.
    """

    first: str
    second: str
    values: tuple[float, float]
    log_evidence: Callable[[float], float]
    orders: int
    interval: Callable[[float], tuple[float, float]] | None = None
    supposing: tuple[Callable[[float], float], float] | None = None


def result_of(account: str, arm: Arm) -> AccountResult:
    """Return what was seen of one account."""
    return AccountResult(
        account=account,
        orders=arm.orders,
        done=arm.done,
        rejected=arm.states["rejected"],
        needs_review=arm.states["needs_review"],
        open=arm.orders - arm.settled,
        success=_rate(arm.done, arm.settled),
        own_success=_rate(arm.own, arm.settled),
        latency=_times(arm.latency),
        address=_times(arm.address),
        retries=arm.retries,
        failovers=arm.failovers,
    )


def comparisons_of(arms: Mapping[str, Arm], least: float) -> list[Comparison]:
    """Return each pair in each respect; each respect is corrected for its number of pairs.

    Args:
        arms: by account.
        least: the smallest difference of shares that matters; the number of orders needed supposes at least this.
    """
    found: list[Comparison] = []
    settled = {name: arm for name, arm in arms.items() if arm.settled}
    for measure, hits in _RATES:
        if measure == "success" or any(arm.own != arm.done for arm in arms.values()):
            found += _judged(measure, [_rates(*both, hits, least) for both in _pairs(settled)])
    for measure, share, durations in _QUANTILES:
        known = {name: arm for name, arm in arms.items() if durations(arm).count}
        found += _judged(measure, [_quantiles(*both, durations, share) for both in _pairs(known)])
    return found


def _success(arm: Arm) -> Hits:
    return Hits(arm.done, arm.settled - arm.done)


def _own(arm: Arm) -> Hits:
    return Hits(arm.own, arm.settled - arm.own)


def _latency(arm: Arm) -> Durations:
    return arm.latency


def _address(arm: Arm) -> Durations:
    return arm.address


_RATES: Final[tuple[tuple[Measure, Callable[[Arm], Hits]], ...]] = (("success", _success), ("own success", _own))
_QUANTILES: Final[tuple[tuple[Measure, float, Callable[[Arm], Durations]], ...]] = (
    ("latency p50", 0.5, _latency),
    ("latency p95", 0.95, _latency),
    ("address p50", 0.5, _address),
)
_Named: TypeAlias = tuple[str, Arm]


def _pairs(arms: Mapping[str, Arm]) -> list[tuple[_Named, _Named]]:
    return list(itertools.combinations(arms.items(), 2))


def _rates(first: _Named, second: _Named, of_arm: Callable[[Arm], Hits], least: float) -> _Pair:
    one, other = of_arm(first[1]), of_arm(second[1])
    counts = (first[1].settled, second[1].settled)
    values = (float(one.hits / counts[0]), float(other.hits / counts[1]))
    supposing = None
    if abs(values[1] - values[0]) < least:
        middle = (one.hits + other.hits) / sum(counts)
        low = min(max(middle - least / 2, 0.0), 1 - least)
        # The smaller account gets the rate that is harder to tell; it hardly matters, and it is on the safe side.
        shares = (low, low + least) if counts[0] <= counts[1] else (low + least, low)
        alike = [Hits(share * count, (1 - share) * count) for share, count in zip(shares, counts, strict=True)]
        supposing = (partial(_times_rates, alike[0], alike[1]), least)
    return _Pair(
        first[0],
        second[0],
        values,
        partial(_times_rates, one, other),
        sum(counts),
        lambda alpha: difference_of_rates(one, other, alpha),
        supposing,
    )


def _times_rates(first: Hits, second: Hits, times: float) -> float:
    return float(log_evidence_of_rates(*(Hits(one.hits * times, one.misses * times) for one in (first, second))))


def _quantiles(first: _Named, second: _Named, of_arm: Callable[[Arm], Durations], share: float) -> _Pair:
    one, other = of_arm(first[1]), of_arm(second[1])
    return _Pair(
        first[0],
        second[0],
        (one.quantiles([share])[0], other.quantiles([share])[0]),
        partial(log_evidence_of_quantiles, Buckets(*one.buckets()), Buckets(*other.buckets()), share),
        one.count + other.count,
    )


def _judged(measure: Measure, pairs: list[_Pair]) -> list[Comparison]:
    p_values = [p_value(pair.log_evidence(1.0)) for pair in pairs]
    corrected = holm(p_values)
    return [
        _judge(measure, pair, plain, whole, ALPHA / len(pairs))
        for pair, plain, whole in zip(pairs, p_values, corrected, strict=True)
    ]


def _judge(measure: Measure, pair: _Pair, p: float, corrected: float, alpha: float) -> Comparison:
    decided = corrected <= ALPHA
    low, high = (None, None) if pair.interval is None else pair.interval(alpha)
    of_rates = pair.interval is not None
    evidence, supposed = pair.supposing or (pair.log_evidence, None)
    times = None if decided else times_needed(evidence, alpha)
    return Comparison(
        measure=measure,
        first=pair.first,
        second=pair.second,
        first_value=pair.values[0],
        second_value=pair.values[1],
        low=low,
        high=high,
        p_value=p,
        corrected=corrected,
        better=_better(pair, more_is_better=of_rates) if decided else None,
        orders_needed=None if times is None else max(1, math.ceil((times - 1) * pair.orders)),
        supposed=None if decided or times is None else supposed,
        test=RATES_TEST if of_rates else QUANTILES_TEST,
    )


def _better(pair: _Pair, *, more_is_better: bool) -> str:
    first_is_more = pair.values[0] > pair.values[1]
    return pair.first if first_is_more is more_is_better else pair.second


def _rate(hits: int, count: int) -> Rate | None:
    if not count:
        return None
    low, high = wilson(hits, count)
    return Rate(hits=hits, count=count, value=hits / count, low=low, high=high)


def _times(durations: Durations) -> Times | None:
    if not durations.count:
        return None
    p50, p95, p99 = durations.quantiles([0.5, 0.95, 0.99])
    low, high = quantile_bounds(Buckets(*durations.buckets()), 0.5, ALPHA)
    curve = tuple(zip(_CURVE, durations.quantiles(_CURVE), strict=True))
    return Times(
        count=durations.count,
        p50=p50,
        p95=p95,
        p99=p99,
        p50_low=low,
        p50_high=None if math.isinf(high) else high,
        curve=curve,
    )
