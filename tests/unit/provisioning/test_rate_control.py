"""Who gets how much of a limit, and what a limit is taken to be: arithmetic."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletport.provisioning.rate_control import Answers, fair_share, is_limit, regrown

wishes = st.lists(st.one_of(st.just(math.inf), st.floats(0.1, 1000)), min_size=1, max_size=8)


def shares(together: float, wanted: list[float]) -> list[float]:
    return [fair_share(together, one, wanted[:at] + wanted[at + 1 :]) for at, one in enumerate(wanted)]


@given(st.floats(0.1, 1000), wishes)
def test_shares_add_up_to_the_whole(together: float, wanted: list[float]) -> None:
    """Nothing lies idle, and nothing is given twice."""
    assert sum(shares(together, wanted)) == pytest.approx(together)


@given(st.floats(0.1, 1000), wishes)
def test_nobody_gets_less_than_he_wants_so_that_another_gets_more(together: float, wanted: list[float]) -> None:
    """Max-min fairness."""
    given_ = shares(together, wanted)
    least_content = min((share for share, one in zip(given_, wanted, strict=True) if share < one * 0.999), default=None)
    if least_content is not None:
        assert all(share <= least_content * 1.001 for share in given_)


def test_a_rate_returns_to_where_the_limit_was_met_lingers_and_goes_on() -> None:
    """The curve is cubic."""

    def rate(seconds: float) -> float:
        found = regrown(100, seconds, served=1000, rough=False)
        assert found is not None
        return found

    assert rate(0) == pytest.approx(95)
    assert rate(20) == pytest.approx(100)
    assert rate(30) - rate(20) < 1
    assert rate(60) - rate(50) > 10
    assert rate(-5) == rate(0), "another machine's clock may be ahead"


def test_a_rate_does_not_grow_while_nobody_uses_it() -> None:
    assert regrown(100, 3600, served=0, rough=False) == 100
    assert regrown(100, 3600, served=100, rough=True) == 120


def test_a_rate_that_has_grown_beyond_all_limits_is_none() -> None:
    assert regrown(100, 3600, served=9000, rough=False) is None
    assert regrown(100, 10**9, served=9000, rough=True) is None


@pytest.mark.parametrize(
    ("answers", "refused", "expected", "told"),
    [
        (1000, 6, True, True),
        (1000, 4, True, False),
        (10, 2, True, False),
        (1000, 30, False, False),
        (1000, 60, False, True),
        (100, 6, False, False),
        (10, 5, False, True),
    ],
)
def test_a_few_refusals_count_where_a_limit_is_expected(
    answers: int, refused: int, *, expected: bool, told: bool
) -> None:
    assert is_limit(answers, refused, expected=expected) is told


def test_answers_are_forgotten_after_a_few_seconds() -> None:
    now = 100.0
    answers = Answers(lambda: now)
    for _ in range(10):
        answers.count(limited=False)
        answers.count(limited=True)
    assert answers.lately == (20, 10)
    assert (answers.served, answers.most_served) == (0, 10)
    now = 100.25
    assert (answers.served, answers.most_served) == (10, 10)
    now = 101.5
    assert (answers.served, answers.most_served) == (0, 10)
    now = 105.1
    assert answers.lately == (0, 0)
    assert answers.most_served == 0


def test_after_a_cut_answers_count_only_once_it_shows_in_them() -> None:
    """What was served counts all the same."""
    now = 100.0
    answers = Answers(lambda: now)
    answers.count(limited=True)
    answers.count_anew(1.5)
    now = 101.0
    answers.count(limited=True)
    answers.count(limited=False)
    assert answers.lately == (0, 0)
    assert answers.most_served == 1
    now = 101.6
    answers.count(limited=True)
    assert answers.lately == (1, 1)
