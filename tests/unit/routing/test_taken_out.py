"""Accounts that are out, users who are pinned, and what a decision says of where the user belongs."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.unit.routing.test_choice import ANY, ONLY_POLYGON, TWO, order, route
from walletport.errors import ConfigurationError, ProviderUnavailable, UnsupportedOperation
from walletport.routing import Decision, RouteRequest, choose
from walletport.routing.rendezvous import draw

THREE = {"a": ANY, "b": ANY, "c": ANY}
SPLIT = {"a": 50, "b": 30, "c": 20}
USERS = [f"user-{number}" for number in range(3000)]


def of(user: str, **attributes: str) -> RouteRequest:
    return RouteRequest(user=user, attributes=attributes)


def test_a_paused_account_moves_its_own_users_and_the_decision_says_where_they_belong() -> None:
    """The others share them by weight, and everybody else stays."""
    moved: Counter[str] = Counter()
    for user in USERS:
        decision = choose(order(user), [route(SPLIT)], THREE, paused={"c": "drill"})
        assert decision.drawn == draw(user, SPLIT)
        assert (decision.weights, decision.route) == (SPLIT, "1")
        if decision.drawn == "c":
            moved[decision.account] += 1
            assert decision.reasons[1:3] == (
                "c is paused: drill",
                "c is where the user belongs; the others share its users",
            )
        else:
            assert decision.account == decision.drawn
    assert moved["c"] == 0
    assert moved["a"] / moved.total() == pytest.approx(50 / 80, abs=0.04)


def test_who_cannot_express_the_order_is_no_part_of_the_draw() -> None:
    """So an analysis by intention compares only accounts that the user could have been sent to."""
    accounts = {"a": ONLY_POLYGON, "b": ANY, "c": ANY}
    for user in USERS[:100]:
        decision = choose(order(user, "base"), [route(SPLIT, name="all")], accounts, unavailable={"b": "down"})
        assert decision.drawn == draw(user, {"b": 30, "c": 20})
        assert (decision.account, decision.weights, decision.route) == ("c", {"b": 30, "c": 20}, "all")


def test_how_the_account_was_settled_on_is_told() -> None:
    assert choose(order(), [], {"a": ANY}).by == "only"
    assert choose(order(), [route({"main": 1}, "spare")], TWO).by == "draw"
    assert choose(order(), [route({"main": 1}, "spare")], TWO, paused={"main": "drill"}).by == "failover"
    assert choose(order(), [], TWO, pinned="main").by == "name"
    assert choose(order(), [], TWO, pin="main").by == "pin"


def test_a_pinned_user_goes_there_whatever_the_routes_and_the_health_say() -> None:
    decision = choose(order(), [route({"main": 1}, "main")], TWO, unavailable={"spare": "down"}, pin="spare")
    assert decision == Decision(account="spare", reasons=("the user is pinned to spare",), by="pin")


def test_a_pause_and_what_cannot_be_expressed_stop_a_pinned_user_too() -> None:
    """Nothing is chosen in its place: whoever pinned the user meant this account."""
    with pytest.raises(ProviderUnavailable, match="pinned to spare, which is paused: drill; resume it, unpin") as told:
        choose(order(), [route({"main": 1})], TWO, paused={"spare": "drill"}, pin="spare")
    assert (told.value.outcome, told.value.retryable) == ("not_applied", True)
    with pytest.raises(UnsupportedOperation, match="pinned to main, which cannot take this order: no wallet here"):
        choose(order(chain="base"), [route({"spare": 1})], {"main": ONLY_POLYGON, "spare": ANY}, pin="main")
    with pytest.raises(UnsupportedOperation, match="there is no such account"):
        choose(order(), [route({"main": 1})], TWO, pin="gone")


def test_an_account_asked_for_by_name_is_taken_past_pauses_and_pins() -> None:
    assert choose(order(), [], TWO, paused={"main": "drill"}, pin="spare", pinned="main").account == "main"


def test_a_route_is_for_the_users_whose_attributes_match() -> None:
    """All that it names must match; who says nothing of himself does not."""
    routes = [
        route({"main": 1}, attributes={"country": ["DE", "FR"], "tier": ["gold"]}, name="gold"),
        route({"spare": 1}),
    ]
    decision = choose(of("u", country="FR", tier="gold", age="40"), routes, TWO)
    assert (decision.account, decision.reasons[0]) == ("main", "route gold matches country FR and tier gold")
    assert "40" not in str(decision), "what no route asked for is told nowhere"
    for said in ({"country": "FR"}, {"country": "IT", "tier": "gold"}, {"country": "fr", "tier": "gold"}, {}):
        assert choose(of("u", **said), routes, TWO).account == "spare"


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"attributes": {}}, "attributes: must be names, each with a list of the texts that match, or be left out"),
        ({"attributes": {"country": []}}, "attributes.country: must be names, each with a list"),
        ({"attributes": {"country": "DE"}}, "attributes.country: must be names, each with a list"),
        ({"name": "1"}, "name: must be a letter, then letters, digits, - and _"),
        ({"ramp": 7}, 'ramp: must be a table: write ramp = { account = "NAME", percent = [0, 50], start = '),
        (
            {"ramp": {"account": "x", "days": 0}},
            "ramp: percent: is missing: write percent = [0, 50]; start: is missing",
        ),
    ],
    ids=repr,
)
def test_a_route_that_makes_no_sense_is_refused(wrong: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        route({"main": 1}, **wrong)
    assert line in str(told.value)


def test_attributes_that_make_no_sense_are_refused() -> None:
    for wrong in ({"country": 7}, {"": "DE"}, {"country": ""}, "DE"):
        with pytest.raises(ConfigurationError, match=r"attributes.*names and texts that are not empty: write attr"):
            RouteRequest.model_validate({"user": "u", "attributes": wrong})
