"""Intervals and tests, from SciPy, which is loaded only here and only when something is computed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from walletport.errors import ConfigurationError
from walletport.evaluation.report import Estimate

if TYPE_CHECKING:
    import numpy as np

CONFIDENCE: Final = 0.95
ALPHA: Final = 0.01
"""A change counts as real below this, after Holm's correction for asking several questions at once."""
_RESAMPLES: Final = 2000
_FEWEST: Final = 5
_MOST_AT_ONCE: Final = 1_000_000  # numbers held in memory


def check_installed() -> None:
    """Say how to install what the statistics and the page need.

    Raises:
        ConfigurationError: something is not installed.
    """
    missing = [name for name in ("scipy", "matplotlib", "jinja2") if importlib.util.find_spec(name) is None]
    if missing:
        msg = f'an evaluation needs {", ".join(missing)}: pip install "walletport[evaluate]"'
        raise ConfigurationError(msg)


def quantiles(samples: Sequence[float], shares: Sequence[float], seed: int) -> list[Estimate]:
    """Return quantiles with percentile-bootstrap intervals.

    Args:
        samples: at least one; with fewer than five there are no intervals.
        shares: which quantiles, such as 0.5 for the median.
        seed: makes the resampling reproducible.
    """
    import numpy as np  # noqa: PLC0415 - an optional extra

    data = np.asarray(samples, dtype=np.float64)
    values = [float(value) for value in np.quantile(data, shares)]
    if len(samples) < _FEWEST:
        return [Estimate(value=value) for value in values]
    from scipy import stats  # noqa: PLC0415

    def resampled(drawn: np.ndarray, axis: int) -> np.ndarray:
        return np.asarray(np.quantile(drawn, shares, axis=axis))

    found = stats.bootstrap(
        (data,),
        resampled,
        n_resamples=_RESAMPLES,
        batch=max(1, _MOST_AT_ONCE // len(samples)),
        confidence_level=CONFIDENCE,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return [
        Estimate(value=value, low=min(value, float(low)), high=max(value, float(high)))
        for value, low, high in zip(values, np.atleast_1d(found.low), np.atleast_1d(found.high), strict=True)
    ]


def rate(successes: int, attempts: int) -> Estimate:
    """Return a share with its Wilson interval."""
    from scipy import stats  # noqa: PLC0415

    interval = stats.binomtest(successes, attempts).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(value=successes / attempts, low=float(interval.low), high=float(interval.high))


def shift_p(old: Sequence[float], new: Sequence[float]) -> float:
    """Return how likely a difference like this is by chance alone (Mann-Whitney U, two-sided)."""
    from scipy import stats  # noqa: PLC0415

    return float(stats.mannwhitneyu(old, new, alternative="two-sided").pvalue)


def share_p(old: tuple[int, int], new: tuple[int, int]) -> float:
    """Return how likely two shares differ like this by chance alone (Fisher's exact test, two-sided).

    Args:
        old: successes and failures.
        new: the same.
    """
    import numpy as np  # noqa: PLC0415
    from scipy import stats  # noqa: PLC0415

    return float(stats.fisher_exact(np.asarray([old, new])).pvalue)


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number by Holm's method, in the order they were given."""
    corrected = [0.0] * len(values)
    largest = 0.0
    for rank, position in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, min(1.0, values[position] * (len(values) - rank)))
        corrected[position] = largest
    return corrected
