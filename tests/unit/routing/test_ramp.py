"""A share that grows by itself: at every time what was asked for, and only towards the account that grows."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.routing.test_choice import ANY, order, route
from walletport.errors import ConfigurationError
from walletport.routing import Ramp, Route, choose
from walletport.routing.rendezvous import draw

START = datetime(2027, 1, 1, tzinfo=UTC)
USERS = [f"user-{number}" for number in range(20_000)]
ACCOUNTS = {"main": ANY, "second": ANY, "new": ANY}
RAMP = Ramp(account="new", percent=(0, 50), start=START, days=7)
RISING = Route(split={"main": 90, "second": 10}, ramp=RAMP, failover=("main",))


def drawn(days: float) -> list[str]:
    weights = RISING.weights(START + timedelta(days=days))
    return [draw(user, weights) for user in USERS]


@pytest.mark.parametrize(("days", "share"), [(-9, 0), (0, 0), (1.75, 0.125), (3.5, 0.25), (7, 0.5), (99, 0.5)])
def test_the_share_is_what_the_ramp_says_and_the_others_share_the_rest(days: float, share: float) -> None:
    """Of 20,000 users, within one percentage point."""
    counted = Counter(drawn(days))
    assert counted["new"] / len(USERS) == pytest.approx(share, abs=0.01)
    assert counted["main"] / len(USERS) == pytest.approx(0.9 * (1 - share), abs=0.01)


def test_it_moves_users_to_the_growing_account_and_nowhere_else() -> None:
    days = [drawn(day) for day in (0, 2, 4, 7)]
    for before, later in pairwise(days):
        assert {now for was, now in zip(before, later, strict=True) if was != now} == {"new"}


@given(
    st.text(min_size=1, max_size=9),
    st.floats(0, 99),
    st.integers(1, 10_000),
    st.lists(st.floats(-1, 9), min_size=2, max_size=6),
)
def test_whoever_it_has_moved_stays(user: str, first: float, rise: int, days: list[float]) -> None:
    """Once a user belongs to the growing account, that stays so for as long as it grows."""
    ramp = Ramp(account="new", percent=(first, min(100.0, first + rise / 100)), start=START, days=7)
    growing = Route(split={"main": 3, "second": 1}, ramp=ramp)
    places = [draw(user, growing.weights(START + timedelta(days=day))) for day in sorted(days)]
    assert "new" not in places or set(places[places.index("new") :]) == {"new"}
    assert len(set(places) - {"new"}) <= 1


def test_a_decision_tells_the_share_at_its_time() -> None:
    decision = choose(order("user-1"), [RISING], ACCOUNTS, now=START + timedelta(days=3.5))
    assert decision.reasons[0] == (
        "route 1 matches every order; the ramp gives new 25% of the users at this time: "
        "from 0% to 50% over 7 days from 2027-01-01 00:00 UTC"
    )
    assert decision.weights == {"main": 90, "second": 10, "new": pytest.approx(100 / 3)}


def test_a_whole_share_leaves_the_split_for_when_the_account_is_out() -> None:
    whole = RISING.model_copy(update={"ramp": RAMP.model_copy(update={"percent": (0, 100)})})
    late = START + timedelta(days=8)
    assert {choose(order(user), [whole], ACCOUNTS, now=late).account for user in USERS[:200]} == {"new"}
    out = choose(order("user-1"), [whole], ACCOUNTS, now=late, paused={"new": "drill"})
    assert (out.account, out.drawn) == (draw("user-1", {"main": 90, "second": 10}), "new")


def test_after_it_the_same_weights_without_a_ramp_move_nobody() -> None:
    """So that a ramp that has ended can be written as a split."""
    assert drawn(7) == [draw(user, {"main": 90, "second": 10, "new": 100}) for user in USERS]


def test_a_ramp_needs_a_time() -> None:
    with pytest.raises(ConfigurationError, match="pass now="):
        choose(order("user-1"), [RISING], ACCOUNTS)


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"percent": (50, 50)}, "percent: must rise: write percent = [0, 50]"),
        ({"percent": (0, 101)}, "percent: must be two numbers from 0 to 100: write percent = [0, 50]"),
        ({"percent": (0,)}, "percent: "),
        ({"start": datetime(2027, 1, 1)}, "start: must be a time with its zone: write start = 2027-01-01T00"),  # noqa: DTZ001
        ({"start": "soon"}, "start: must be a time with its zone"),
        ({"days": 0}, "days: must be a number of days above 0: write days = 7"),
        ({"days": "7"}, "days: must be a number of days above 0"),
        ({"account": ""}, "account: must be an account's name"),
        ({"over": 7}, "over: no such key"),
    ],
    ids=repr,
)
def test_a_ramp_that_makes_no_sense_is_refused(wrong: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        Ramp.model_validate({"account": "new", "percent": (0, 50), "start": START, "days": 7, **wrong})
    assert str(told.value).startswith(line)
    assert "\n" not in str(told.value)


def test_an_account_has_one_share() -> None:
    with pytest.raises(ConfigurationError, match=r"ramp.account: must not be in split"):
        route({"new": 1}, ramp=RAMP)
