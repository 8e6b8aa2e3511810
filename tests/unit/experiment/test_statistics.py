"""The statistics against published numbers, against SciPy, and against somebody who looks again and again."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

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

ENOUGH = math.log(1 / 0.05)


def test_wilsons_interval_is_the_published_one() -> None:
    """Newcombe, "Two-sided confidence intervals for the single proportion", Stat. Med. 17, 1998, table I, method 3."""
    for hits, count, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)):
        assert wilson(hits, count) == pytest.approx((low, high), abs=5e-5)


def test_holms_correction_is_the_published_one() -> None:
    """As R's ``p.adjust(p, "holm")`` gives it; the order of what is given does not matter."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_the_evidence_is_the_product_of_two_mixtures_over_the_best_common_rate() -> None:
    """By numerical integration of what the formula stands for."""
    first, second = (17, 3), (9, 11)
    weight = stats.beta(0.5, 0.5)
    shares = weight.ppf((np.arange(2_000_000) + 0.5) / 2_000_000)
    mixed = [np.mean(shares**hits * (1 - shares) ** misses) for hits, misses in (first, second)]
    best = max(share**26 * (1 - share) ** 14 for share in np.linspace(0.001, 0.999, 9981))
    expected = math.log(mixed[0]) + math.log(mixed[1]) - math.log(best)
    assert float(log_evidence_of_rates(Hits(*first), Hits(*second))) == pytest.approx(expected, abs=1e-3)


counts = some.integers(0, 400)


@given(counts, counts, counts, counts)
def test_the_interval_of_the_difference_leaves_out_nought_exactly_where_the_test_decides(
    a: int, b: int, c: int, d: int
) -> None:
    """And it holds the difference that was seen; both for any counts at all."""
    first, second = Hits(a, b + 1), Hits(c + 1, d)
    low, high = difference_of_rates(first, second, 0.05)
    seen = (c + 1) / (c + 1 + d) - a / (a + b + 1)
    assert -1 <= low <= seen <= high <= 1
    evidence = float(log_evidence_of_rates(first, second))
    if abs(evidence - ENOUGH) > 1e-6:
        assert (low > 1e-9 or high < -1e-9) == (evidence > ENOUGH)


@given(counts, counts, counts, counts)
def test_the_evidence_is_the_same_whichever_comes_first(a: int, b: int, c: int, d: int) -> None:
    one, other = Hits(a + 1, b), Hits(c + 1, d)
    assert float(log_evidence_of_rates(one, other)) == pytest.approx(float(log_evidence_of_rates(other, one)))
    assert 0 <= p_value(float(log_evidence_of_rates(one, other))) <= 1


# --------------------------------------------------------------------------------------------- looking again and again


RUNS, MOST, STEP = 1000, 2000, 50  # orders of both accounts together, and how often somebody looks


def looks(rate: float, second: float | None = None, most: int = MOST) -> tuple[Hits, Hits]:
    """Return what each of many runs has seen at each look."""
    random = np.random.default_rng(20270101)
    hit = random.random((RUNS, 2, most // 2)) < np.array([rate, rate if second is None else second])[None, :, None]
    count = np.arange(STEP // 2, most // 2 + 1, STEP // 2)
    seen = hit.cumsum(axis=2)[:, :, count - 1].astype(float)
    return Hits(seen[:, 0], count - seen[:, 0]), Hits(seen[:, 1], count - seen[:, 1])


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.98])
def test_whoever_looks_after_every_50_orders_is_fooled_in_at_most_one_run_of_twenty(rate: float) -> None:
    """And whoever takes the test that may look once is fooled far more often: that is why it is not used."""
    first, second = looks(rate)
    sequential = np.asarray(log_evidence_of_rates(first, second)) >= ENOUGH
    assert sequential.any(axis=1).mean() <= 0.05
    count = first.hits + first.misses
    common = (first.hits + second.hits) / (2 * count)
    error = np.sqrt(np.maximum(common * (1 - common), 1e-12) * 2 / count)
    once = 2 * stats.norm.sf(np.abs(first.hits - second.hits) / count / error) <= 0.05
    assert once[:, -1].mean() <= 0.07
    assert once.any(axis=1).mean() >= 0.15


def test_a_difference_that_is_there_is_found() -> None:
    """0.95 against 0.85, within 2,000 orders, in nearly every run."""
    first, second = looks(0.95, 0.85)
    found = np.asarray(log_evidence_of_rates(first, second)) >= ENOUGH
    assert found[:, -1].mean() >= 0.95


def test_what_it_costs_to_look_at_any_time_is_what_the_docs_say() -> None:
    """Half of the runs tell 0.95 from 0.90 within 2,100 orders; planned for one look it takes 870."""
    first, second = looks(0.95, 0.90, most=4000)
    decided = np.asarray(log_evidence_of_rates(first, second)) >= ENOUGH
    assert 0.4 <= decided[:, : 2100 // STEP].any(axis=1).mean() <= 0.6
    z, power, middle = stats.norm.ppf(0.975), stats.norm.ppf(0.8), 0.925
    spread = z * math.sqrt(2 * middle * (1 - middle)) + power * math.sqrt(0.95 * 0.05 + 0.9 * 0.1)
    assert 2 * (spread / 0.05) ** 2 == pytest.approx(870, abs=5)


def test_the_interval_holds_the_true_difference_at_all_looks_in_19_of_20_runs() -> None:
    """The likelihood of the true difference is what an interval is made of; the accounts differ here."""
    first, second = looks(0.95, 0.85)
    missed = 0
    for run in range(40):
        for look in range(3, first.hits.shape[1], 9):
            one = Hits(float(first.hits[run, look]), float(first.misses[run, look]))
            other = Hits(float(second.hits[run, look]), float(second.misses[run, look]))
            low, high = difference_of_rates(one, other, 0.05)
            if not low <= -0.1 <= high:
                missed += 1
                break
    assert missed <= 2


def buckets(values: np.ndarray) -> Buckets:
    found, counted = np.unique(values, return_counts=True)
    return Buckets(found.tolist(), counted.tolist())


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_whoever_looks_at_latencies_is_not_fooled_either(share: float) -> None:
    """Rounded, so that many are alike; with no difference between the accounts."""
    random = np.random.default_rng(20270102)
    fooled, left = 0, 0
    true = math.exp(0.8 * stats.norm.ppf(share))
    for _ in range(150):
        drawn = np.round(np.exp(0.8 * random.standard_normal((2, 400))), 1)
        seen = [(buckets(drawn[0, :count]), buckets(drawn[1, :count])) for count in range(50, 401, 50)]
        fooled += any(log_evidence_of_quantiles(*both, share) >= ENOUGH for both in seen)
        bounds = [quantile_bounds(both[0], share, 0.05) for both in seen]
        left += any(not low - 0.05 <= true <= high + 0.05 for low, high in bounds)
    assert fooled <= 7
    assert left <= 7


def test_latencies_that_differ_are_told_apart_and_the_bounds_close_in() -> None:
    random = np.random.default_rng(1)
    fast, slow = np.exp(random.standard_normal(1000)), 2 * np.exp(random.standard_normal(1000))
    assert log_evidence_of_quantiles(buckets(fast), buckets(slow), 0.5) > ENOUGH
    widths = [math.log(high / low) for low, high in (quantile_bounds(buckets(fast[:n]), 0.5, 0.05) for n in (50, 1000))]
    assert widths[1] < widths[0] / 3
    assert quantile_bounds(buckets(fast[:2]), 0.5, 0.05) == (0.0, math.inf)


def test_the_evidence_of_quantiles_is_that_of_the_worst_common_time() -> None:
    """Against a search over every time there is, with the binomial shares written out."""
    random = np.random.default_rng(5)
    first, second = random.integers(1, 30, 80).astype(float), random.integers(5, 40, 60).astype(float)

    def against(values: np.ndarray, time: float) -> float:
        low, high = int((values < time).sum()), int((values <= time).sum())
        n = len(values)
        mixed, plain = stats.betabinom(n, 0.5, 0.5), stats.binom(n, 0.5)
        return min(mixed.logpmf(hits) - plain.logpmf(hits) for hits in range(low, high + 1))

    times = np.unique(np.concatenate((first, second)))
    expected = min(against(first, time) + against(second, time) for time in times)
    found = log_evidence_of_quantiles(buckets(first), buckets(second), 0.5)
    assert found == pytest.approx(expected, abs=0.01)


def test_the_number_of_orders_still_needed_is_where_the_test_decides() -> None:
    """If all goes on alike; never, where both are alike."""
    first, second = Hits(95.0, 5.0), Hits(88.0, 12.0)

    def evidence(times: float) -> float:
        return float(log_evidence_of_rates(*(Hits(times * one.hits, times * one.misses) for one in (first, second))))

    times = times_needed(evidence, 0.05)
    assert times is not None
    assert evidence(times * 0.99) < ENOUGH <= evidence(times * 1.01)
    assert times_needed(lambda times: 5.0 * times, 0.05) == 1.0
    assert times_needed(lambda times: -math.log(times), 0.05) is None


def test_more_orders_of_the_same_kind_are_more_evidence() -> None:
    found = [float(log_evidence_of_rates(Hits(9.0 * n, n), Hits(8.0 * n, 2.0 * n))) for n in (10, 40, 160, 640)]
    assert all(before < after for before, after in pairwise(found))
