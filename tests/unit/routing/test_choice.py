"""Which account an order goes to, and in which words that is explained."""

from __future__ import annotations

import ast
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.doubles import ABLE
from walletport.capabilities import Capabilities, Need, OrderFields, no
from walletport.errors import ConfigurationError, ProviderUnavailable, UnsupportedOperation
from walletport.models import Chain
from walletport.routing import Decision, Route, RouteRequest, choose

ROOT = Path(__file__).resolve().parents[3]


def able(**fields: object) -> Capabilities:
    """Return capabilities of a provider that serves these orders."""
    order = OrderFields.model_validate(
        {"chain": Need.OPTIONAL, "asset": Need.OPTIONAL, "reference": Need.OPTIONAL, **fields}
    )
    return ABLE.model_copy(update={"order": order})


ANY = able()
ONLY_POLYGON = able(chains=(Chain("polygon"),), chains_fixed=True)
NO_WALLETS = ABLE.model_copy(update={"create_wallet": no("Puppet stopped making wallets")})
TWO = {"main": ANY, "spare": ANY}


def order(user: str = "user-1", chain: str | None = "polygon", asset: str | None = None) -> RouteRequest:
    """Return an order, for Polygon unless told otherwise."""
    return RouteRequest.model_validate({"user": user, "chain": chain, "asset": asset})


def route(split: Mapping[str, int], *failover: str, **rest: object) -> Route:
    """Return a route."""
    return Route.model_validate({"split": split, "failover": failover, **rest})


def test_one_account_needs_no_route() -> None:
    """With a single account everything goes there."""
    assert choose(order(), [], {"main": ANY}) == Decision(
        account="main", reasons=("main is the only account", "main: weight 1 of 1"), by="only"
    )


@pytest.mark.parametrize("accounts", [TWO, {}], ids=["two accounts", "no account"])
def test_without_a_route_nobody_guesses(accounts: dict[str, Capabilities]) -> None:
    """The error says what to type: an account, or a route."""
    with pytest.raises(ConfigurationError, match=r"no route is for an order for chain polygon: pass account=, or add"):
        choose(order(), [], accounts)


def test_a_decision_says_how_it_came_about() -> None:
    """The route, who could not and why, the weight."""
    accounts = {"main": ANY, "second": ONLY_POLYGON, "third": ANY, "spare": ANY}
    routes = [
        route({"main": 1}, chains=["solana"]),
        route({"main": 90, "second": 10, "third": 30}, "spare", "main", chains=["base", "eip155:137"]),
    ]
    decision = choose(order("user-42", "base"), routes, accounts, unavailable={"third": "5 failures in a row"})
    assert decision.account == "main"
    assert decision.reasons == (
        "route 2 matches chain base",
        "second cannot: no wallet here can serve chain 'base': it serves polygon",
        "third is unavailable: 5 failures in a row",
        "main: weight 90 of 90",
    )
    assert decision.failover == ("spare",)


def test_users_of_one_split_are_shared_by_weight() -> None:
    """Both accounts of a split get users, and the reason names the share."""
    decisions = [choose(order(f"user-{n}"), [route({"main": 90, "spare": 10})], TWO) for n in range(200)]
    assert {decision.account for decision in decisions} == {"main", "spare"}
    assert {decision.reasons for decision in decisions} == {
        ("route 1 matches every order", "main: weight 90 of 100"),
        ("route 1 matches every order", "spare: weight 10 of 100"),
    }


@pytest.mark.parametrize(
    ("rules", "chain", "asset", "explained"),
    [
        ({}, None, None, "every order"),
        ({}, "polygon", "usdc", "every order"),
        ({"chains": ["base", "polygon"]}, "polygon", None, "chain polygon"),
        ({"chains": ["POLYGON"]}, "eip155:137", None, "chain polygon"),
        ({"chains": ["polygon"]}, "base", None, None),
        ({"chains": ["polygon"]}, None, None, None),
        ({"assets": ["USDC"]}, "polygon", "usdc", "asset usdc"),
        ({"assets": ["usdc"]}, None, "USDC", "asset usdc"),
        ({"assets": ["usdc"]}, "polygon", "usdt", None),
        ({"assets": ["usdc"]}, "polygon", None, None),
        ({"chains": ["polygon"], "assets": ["usdc"]}, "polygon", "usdc", "chain polygon and asset usdc"),
        ({"chains": ["polygon"], "assets": ["usdc"]}, "polygon", "usdt", None),
        ({"chains": ["polygon"], "assets": ["usdc"]}, "base", "usdc", None),
    ],
    ids=str,
)
def test_a_route_is_for_the_chains_and_assets_it_names(
    rules: dict[str, object], chain: str | None, asset: str | None, explained: str | None
) -> None:
    """What a route does not name does not matter; what it names must be in the order."""
    routes = [route({"main": 1}, **rules), route({"spare": 1})]
    decision = choose(order("user-1", chain, asset), routes, TWO)
    if explained is None:
        assert (decision.account, decision.reasons[0]) == ("spare", "route 2 matches every order")
    else:
        assert (decision.account, decision.reasons[0]) == ("main", f"route 1 matches {explained}")


def test_the_first_route_that_matches_counts_even_where_it_cannot_help() -> None:
    """A later route is no failover: that is written in the route itself."""
    routes = [route({"main": 1}, chains=["base"]), route({"spare": 1})]
    with pytest.raises(UnsupportedOperation, match=r"route 1 matches chain base; main cannot: .* it serves polygon$"):
        choose(order(chain="base"), routes, {"main": ONLY_POLYGON, "spare": ANY})


@pytest.mark.parametrize(
    ("chain", "asset", "named"),
    [
        ("base", None, "an order for chain base"),
        ("base", "usdc", "an order for chain base and asset usdc"),
        (None, None, "an order that names neither chain nor asset"),
    ],
)
def test_an_order_that_no_route_is_for_is_refused(chain: str | None, asset: str | None, named: str) -> None:
    """The error names what was asked for and the accounts there are."""
    with pytest.raises(ConfigurationError) as told:
        choose(order("user-1", chain, asset), [route({"main": 1}, chains=["polygon"])], TWO)
    assert str(told.value) == (f"no route is for {named}: pass account=, or add [[routes]]; accounts are main, spare")


def test_failover_accounts_are_taken_in_order() -> None:
    """The first that can express the order and is available; those after it stay in reserve."""
    accounts = {"main": NO_WALLETS, "a": ONLY_POLYGON, "b": ANY, "c": ANY, "d": ANY}
    decision = choose(
        order(chain="base"), [route({"main": 1}, "a", "b", "c", "d")], accounts, unavailable={"b": "it is down"}
    )
    assert (decision.account, decision.failover) == ("c", ("d",))
    assert decision.reasons == (
        "route 1 matches every order",
        "main cannot: Puppet stopped making wallets",
        "a cannot: no wallet here can serve chain 'base': it serves polygon",
        "b is unavailable: it is down",
        "c: the first failover account that can take it",
    )


def test_a_split_account_that_is_down_hands_its_users_to_the_rest_of_the_split_first() -> None:
    """Failover accounts come after everybody in the split."""
    accounts = {"a": ANY, "b": ANY, "c": ANY}
    for number in range(50):
        decision = choose(order(f"u{number}"), [route({"a": 99, "b": 1}, "c")], accounts, unavailable={"a": "down"})
        assert (decision.account, decision.failover) == ("b", ("c",))


def test_an_account_comes_once() -> None:
    """An account of the split that is also a failover account is not tried twice."""
    routes = [route({"main": 90, "spare": 10}, "spare")]
    for number in range(100):
        decision = choose(order(f"user-{number}"), routes, TWO)
        assert decision.failover == (("spare",) if decision.account == "main" else ())


def test_where_some_could_but_all_are_down_the_error_may_be_retried() -> None:
    """Nothing was sent, and it may work later."""
    accounts = {"main": ANY, "spare": ONLY_POLYGON}
    with pytest.raises(
        ProviderUnavailable, match=r"spare cannot: .*; main is unavailable: 5 failures in a row"
    ) as told:
        choose(
            order(chain="base"),
            [route({"main": 1}, "spare")],
            accounts,
            unavailable={"main": "5 failures in a row", "spare": "down too"},
        )
    assert (told.value.outcome, told.value.retryable) == ("not_applied", True)
    assert "down too" not in str(told.value)


def test_an_account_asked_for_by_name_skips_routes_and_availability() -> None:
    """A person who names an account means it."""
    decision = choose(order(), [route({"main": 1}, "main")], TWO, unavailable={"spare": "down"}, pinned="spare")
    assert decision == Decision(account="spare", reasons=("spare was asked for by name",), by="name")


def test_an_account_asked_for_by_name_must_exist_and_be_able() -> None:
    """A misspelt name is guessed at; what cannot be expressed is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"account: no such account: did you mean spare\? known are main, spa"):
        choose(order(), [], TWO, pinned="spaer")
    with pytest.raises(UnsupportedOperation, match="main cannot take this order: no wallet here can serve"):
        choose(order(chain="base"), [], {"main": ONLY_POLYGON}, pinned="main")


@pytest.mark.parametrize("need", Need)
def test_a_reference_never_decides(need: Need) -> None:
    """A provider that wants a reference gets one that is made for the order; one that takes none gets none."""
    assert choose(order(), [], {"main": able(reference=need)}).account == "main"


@pytest.mark.parametrize(
    ("fields", "chain", "asset", "why"),
    [
        ({"chain": Need.REQUIRED}, None, None, "must name its chain"),
        ({"asset": Need.REQUIRED}, "polygon", None, "must name its asset"),
        ({"asset": Need.REFUSED}, "polygon", "usdc", "keeps no asset"),
        ({"assets": ("usdc",), "assets_fixed": True}, "polygon", "usdt", "it serves usdc"),
    ],
    ids=str,
)
def test_what_a_provider_cannot_express_is_never_sent_there(
    fields: dict[str, object], chain: str | None, asset: str | None, why: str
) -> None:
    """Not by weight, not by failover, not as the only account."""
    accounts = {"main": able(**fields), "spare": ANY}
    decision = choose(order("user-1", chain, asset), [route({"main": 1_000_000, "spare": 1}, "main")], accounts)
    assert (decision.account, decision.failover) == ("spare", ())
    assert why in decision.reasons[1]
    with pytest.raises(UnsupportedOperation, match=why):
        choose(order("user-1", chain, asset), [], {"main": accounts["main"]})


def test_a_chain_that_a_provider_merely_does_not_list_is_not_refused_here() -> None:
    """The vendor's answer counts, not our copy of its policy."""
    assert choose(order(chain="base"), [], {"main": able(chains=(Chain("polygon"),))}).account == "main"


def test_a_route_to_an_account_that_is_gone_passes_it_by() -> None:
    """Routes may outlive an account."""
    decision = choose(order(), [route({"gone": 99, "spare": 1})], {"spare": ANY})
    assert decision.account == "spare"
    assert "gone cannot: there is no such account" in decision.reasons


names = st.sampled_from(["a", "b", "c", "d", "e"])
some = st.sampled_from(["polygon", "base", "solana"])
drawn_routes = st.lists(
    st.builds(
        lambda chains, split, failover: route(split, *failover, chains=chains),
        st.none() | st.lists(some, min_size=1, max_size=3),
        st.dictionaries(names, st.integers(1, 100), min_size=1),
        st.lists(names, unique=True),
    ),
    max_size=4,
)


@given(
    st.text(min_size=1, max_size=10).map(lambda user: f"\N{ROMAN NUMERAL ONE}{user}"),
    st.none() | some,
    drawn_routes,
    st.dictionaries(names, st.sampled_from([ANY, ONLY_POLYGON, NO_WALLETS])),
    st.sets(names),
)
def test_a_choice_is_always_one_that_can_be_carried_out(
    user: str,
    chain: str | None,
    routes: list[Route],
    accounts: dict[str, Capabilities],
    down: set[str],
) -> None:
    """Whatever the configuration: the same answer twice, only accounts that can, nobody twice, no user in the text."""
    wanted = order(user, chain)

    def answer() -> Decision | str:
        try:
            return choose(wanted, routes, accounts, unavailable=dict.fromkeys(down, "down"))
        except (ConfigurationError, UnsupportedOperation, ProviderUnavailable) as error:
            return str(error)

    first = answer()
    assert first == answer()
    if isinstance(first, str):
        assert user not in first
        return
    listed = (first.account, *first.failover)
    assert len(set(listed)) == len(listed)
    for name in listed:
        assert name not in down
        assert accounts[name].create_wallet.usable
        assert accounts[name].order.why_not(wanted.chain, None, None) is None
    assert not any(user in reason for reason in first.reasons)
    assert pickle.loads(pickle.dumps(first)) == first


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"user": ""}, 'user: must be a text that is not empty: write user="user-42"'),
        ({"user": 7}, 'user: must be a text that is not empty: write user="user-42"'),
        ({"user": "\ud800"}, 'user: must be a text that is not empty: write user="user-42"'),
        ({}, 'user: is missing: write user="user-42"'),
        ({"user": "u", "chain": " "}, 'chain: must be a chain\'s name: write chain="polygon"'),
        ({"user": "u", "asset": ""}, 'asset: must be an asset\'s code: write asset="usdc"'),
        ({"user": "u", "reference": "r"}, "reference: no such key: known are user, chain, asset, attributes"),
    ],
    ids=repr,
)
def test_a_request_that_makes_no_sense_is_refused(wrong: dict[str, object], line: str) -> None:
    """A reference is none of routing's business."""
    with pytest.raises(ConfigurationError) as told:
        RouteRequest.model_validate(wrong)
    assert str(told.value) == line


WEIGHTS = "accounts with their weights, whole numbers from 1 to 1000000000: write split = { NAME = 90, OTHER = 10 }"


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({}, "split: is missing: write split = { NAME = 90, OTHER = 10 }"),
        ({"split": {}}, f"split: must be {WEIGHTS}"),
        ({"split": ["a"]}, f"split: must be {WEIGHTS}"),
        ({"split": {"a": 0}}, f"split.a: must be {WEIGHTS}"),
        ({"split": {"a": -1}}, f"split.a: must be {WEIGHTS}"),
        ({"split": {"a": 1.0}}, f"split.a: must be {WEIGHTS}"),
        ({"split": {"a": "90"}}, f"split.a: must be {WEIGHTS}"),
        ({"split": {"a": True}}, f"split.a: must be {WEIGHTS}"),
        ({"split": {"a": 10**400}}, f"split.a: must be {WEIGHTS}"),
        ({"split": {"a": 1}, "failover": "b"}, 'failover: must be a list of accounts: write failover = ["NAME"]'),
        (
            {"split": {"a": 1}, "failover": ["b", "b"]},
            "failover: names an account twice: write each once, the one to try first at the front",
        ),
        (
            {"split": {"a": 1}, "chains": []},
            'chains: must be a list of chains, or be left out for all: write chains = ["polygon", "base"]',
        ),
        (
            {"split": {"a": 1}, "assets": ["usdc", " "]},
            'assets: must be a list of assets, or be left out for all: write assets = ["usdc"]',
        ),
        ({"split": {"a": 1}, "chain": "x"}, "chain: no such key: did you mean chains? known are chains, assets, att"),
    ],
    ids=repr,
)
def test_a_route_that_makes_no_sense_is_refused(wrong: dict[str, object], line: str) -> None:
    """The error says where and what to type."""
    with pytest.raises(ConfigurationError) as told:
        Route.model_validate(wrong)
    assert str(told.value).startswith(line)
    assert "\n" not in str(told.value)


def test_all_mistakes_of_a_route_come_at_once() -> None:
    """A line for each, in the order of the fields."""
    with pytest.raises(ConfigurationError) as told:
        Route.model_validate({"chains": [], "split": {"a": 0, "b": 2, "c": "x"}, "failover": 3})
    assert [line.partition(":")[0] for line in str(told.value).splitlines()] == [
        "chains",
        "split.a",
        "split.c",
        "failover",
    ]


def test_choosing_touches_nothing_outside() -> None:
    """The interpreter itself reports no file, socket or process while ten thousand choices are made."""
    code = """
import json, sys
from tests.unit.doubles import ABLE
from walletport.routing import Route, RouteRequest, choose

accounts, routes = {"a": ABLE, "b": ABLE}, [Route(split={"a": 90, "b": 10}, failover=("b",))]
choose(RouteRequest(user="warm"), routes, accounts)
seen = []
sys.addaudithook(lambda event, args: seen.append(event))
drawn = [choose(RouteRequest(user=f"u{n}"), routes, accounts).account for n in range(10_000)]
told = sorted({event for event in seen if not event.startswith(("object.", "sys."))})
print(json.dumps([told, sorted(set(drawn))]))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])},
    )
    assert json.loads(ran.stdout) == [[], ["a", "b"]]


_DATA = {"dataclasses", "datetime", "enum"}


def test_the_room_imports_nothing_that_could_tell_the_time_or_reach_out() -> None:
    """Read off the source: each outside module is one that only computes."""
    imported = set()
    for path in (ROOT / "src" / "walletport" / "routing").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "fromtimestamp"})
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
    outside = {name for name in imported if not str(name).startswith("walletport.")}
    assert (
        outside
        <= {"__future__", "collections.abc", "functools", "hashlib", "math", "pydantic", "types", "typing"} | _DATA
    )
    inside = {str(name).split(".")[1] for name in imported - outside}
    assert inside == {"capabilities", "errors", "models", "routing", "settings"}
