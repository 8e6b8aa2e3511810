"""The statistics: pure functions of counts, valid however often somebody looks. The only file that imports SciPy.

One idea serves all of them. For a share p of which S of n orders are hits, the mixture martingale

    M(p) = B(S + 1/2, n - S + 1/2) / B(1/2, 1/2) / (p^S (1 - p)^(n - S))

stays below 1/alpha for ever with probability 1 - alpha if p is the true share (Robbins, "Statistical methods related to
the law of the iterated logarithm", Ann. Math. Stat. 41, 1970; Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform,
nonparametric, nonasymptotic confidence sequences", Ann. Stat. 49, 2021). So

- the shares p with M(p) < 1/alpha are a confidence sequence;
- for two accounts M_1(p) M_2(p), at the common p that suits both best, is at most a martingale if there is a common p:
  1 over it is a p-value at every look, and at the first that pleases (Ramdas, Gruenwald, Vovk and Shafer,
  "Game-theoretic statistics and safe anytime-valid inference", Stat. Sci. 38, 2023);
- the share of orders that a time x covers is p exactly if x is the p-quantile, which gives the same two for quantiles
  (Howard and Ramdas, "Sequential estimation of quantiles", Bernoulli 28, 2022).

Nothing is assumed of how many orders each account gets, or when. Orders are taken to be independent of each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import optimize, special, stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64] | float

_PRIOR: Final = 0.5  # Jeffreys': loses least where shares are near 0 or 1, as good rates are
_MOST_TIMES: Final = 2.0**40
_TINY: Final = 1e-12


class Hits(NamedTuple):
    """How many orders hit, and how many missed; whole numbers, or arrays of them."""

    hits: Numbers
    misses: Numbers


class Buckets(NamedTuple):
    """Durations that occurred, rising, and how often each did."""

    values: Sequence[float]
    counts: Sequence[int]


def wilson(hits: int, count: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval for a share; it holds for one look."""
    interval = stats.binomtest(hits, count).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def log_evidence_of_rates(first: Hits, second: Hits) -> Numbers:
    """Return the logarithm of the evidence that two shares differ: above log(1/alpha) it is decided."""
    hits, misses = first.hits + second.hits, first.misses + second.misses
    common = np.asarray(hits) / np.maximum(hits + misses, 1)
    # The common share that explains both best, as likely as it makes them.
    alike = special.xlogy(hits, common) + special.xlogy(misses, 1 - common)
    return _log_mixture(first) + _log_mixture(second) - alike  # type: ignore[no-any-return]  # SciPy has no types


def difference_of_rates(first: Hits, second: Hits, alpha: float) -> tuple[float, float]:
    """Return between which values second minus first lies; true at all looks together, but for a chance of alpha."""
    enough = float(_log_mixture(first) + _log_mixture(second)) + math.log(alpha)

    def excess(difference: float) -> float:
        return enough - _log_likelihood(first, second, difference)

    middle = _share(second) - _share(first)
    # What differs by more is too unlikely; somewhere between that and what was seen lies the bound.
    low = -1.0 if excess(-1 + _TINY) <= 0 else optimize.bisect(excess, -1 + _TINY, middle, xtol=1e-10)
    high = 1.0 if excess(1 - _TINY) <= 0 else optimize.bisect(excess, middle, 1 - _TINY, xtol=1e-10)
    return float(low), float(high)


def log_evidence_of_quantiles(first: Buckets, second: Buckets, share: float, times: float = 1.0) -> float:
    """Return the logarithm of the evidence that two quantiles differ.

    Args:
        first: durations of the one.
        second: durations of the other.
        share: which quantile; 0.5 is the median.
        times: what it would be with so many times the orders, spread as these are.
    """
    values = np.union1d(np.asarray(first.values, float), np.asarray(second.values, float))
    both = _log_martingale(first, values, share, times) + _log_martingale(second, values, share, times)
    return float(np.min(both))


def quantile_bounds(buckets: Buckets, share: float, alpha: float) -> tuple[float, float]:
    """Return between which durations a quantile lies, at all looks together; the ends may be 0 and infinity."""
    values = np.asarray(buckets.values, float)
    ends = np.concatenate(([0.0], values, [np.inf]))
    possible = ends[_log_martingale(buckets, ends, share, 1.0) < -math.log(alpha)]
    return float(possible[0]), float(possible[-1])


def p_value(log_evidence: float) -> float:
    """Return the p-value that holds at every look."""
    return math.exp(-max(0.0, log_evidence))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm, Scand. J. Stat. 6, 1979)."""
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[position]))
        corrected[position] = highest
    return corrected


def times_needed(log_evidence: Callable[[float], float], alpha: float) -> float | None:
    """Return how many times the orders it takes to decide, if things go on as they are; ``None`` if it never does.

    Args:
        log_evidence: what it is with so many times the orders.
        alpha: the level at which it is decided.
    """

    def lacking(times: float) -> float:
        return log_evidence(times) + math.log(alpha)

    high = 1.0
    while lacking(high) < 0:
        if high >= _MOST_TIMES:
            return None
        high *= 2
    return 1.0 if high == 1.0 else float(optimize.brentq(lacking, high / 2, high, rtol=1e-4))


def _log_mixture(seen: Hits) -> NDArray[np.float64]:
    mixed: NDArray[np.float64] = special.betaln(seen.hits + _PRIOR, seen.misses + _PRIOR) - special.betaln(
        _PRIOR, _PRIOR
    )
    return mixed


def _log_likelihood(first: Hits, second: Hits, difference: float) -> float:
    """Return how likely both are at best, if the second share is the first plus this."""

    def unlikely(share: float) -> float:
        other = min(1.0, max(0.0, share + difference))
        return -float(
            special.xlogy(first.hits, share)
            + special.xlog1py(first.misses, -share)
            + special.xlogy(second.hits, other)
            + special.xlog1py(second.misses, -other)
        )

    low, high = max(0.0, -difference), min(1.0, 1 - difference)
    found = optimize.minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-10})
    return -min(float(found.fun), unlikely(low), unlikely(high))


def _share(seen: Hits) -> float:
    return float(seen.hits / (seen.hits + seen.misses))


def _log_martingale(buckets: Buckets, values: NDArray[np.float64], share: float, times: float) -> NDArray[np.float64]:
    """Return, for each duration, how strongly these speak against its being the quantile.

    Of orders that took as long as this, some may lie before the quantile and some behind; what speaks against it least
    counts, and that is where the share below it is nearest to what it should be.
    """
    own = np.asarray(buckets.values, float)
    cumulated = np.concatenate(([0.0], np.cumsum(np.asarray(buckets.counts, float)))) * times
    count = cumulated[-1]
    below = cumulated[np.searchsorted(own, values, side="left")]
    within = cumulated[np.searchsorted(own, values, side="right")]
    hits = np.clip(share * count, below, within)  # where it lies if any of these is it
    covered = special.xlogy(hits, share) + special.xlog1py(count - hits, -share)
    return np.asarray(_log_mixture(Hits(hits, count - hits)) - covered, float)
