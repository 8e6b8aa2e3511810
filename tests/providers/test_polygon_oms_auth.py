"""Polygon OMS: keys, environments and the token call."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from tests.support.emulated import ManualClock
from tests.support.polygon_oms import API_KEY, API_SECRET, CUSTOMER, ORDER, TOKEN, Server, answer, client, page
from tests.support.polygon_oms import token as token_answer
from walletport import Client, errors
from walletport_polygon_oms import PolygonOms


class TokenServer:
    """Answers the token call with what it was given, in order, and lists no wallets to everybody else."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.token_calls = []
        self.bearers = []

    def __call__(self, request):
        if request.url.path.endswith("/auth/token"):
            self.token_calls.append(request)
            return self._answers.pop(0)
        self.bearers.append(request.headers["authorization"].removeprefix("Bearer "))
        return page()


def named(name, **fields):
    return answer(200, {"accessToken": name, "tokenType": "bearer", "expiresIn": 3600, **fields})


def test_the_token_is_obtained_once_and_used_as_the_bearer():
    server = Server(page(), page(), answer(200, {"displayBalance": "1"}))
    with client(server) as oms:
        list(oms.list_wallets(customer_id=CUSTOMER))
        list(oms.list_wallets(customer_id=CUSTOMER))
    (call,) = server.token_calls
    assert (call.method, str(call.url)) == ("POST", "https://sandbox-api.polygon.technology/v0.9/auth/token")
    assert json.loads(call.content) == {"apiKey": API_KEY, "apiSecret": API_SECRET}
    assert [r.headers["authorization"] for r in server.requests] == [f"Bearer {TOKEN}"] * 2


@pytest.mark.parametrize(
    ("said", "lives"),
    [
        ({}, timedelta(hours=1)),
        ({"expiresIn": 600}, timedelta(minutes=10)),
        ({"expiresIn": None}, timedelta(hours=1)),
        ({"expiresIn": "600"}, timedelta(hours=1)),
        ({"expiresIn": 0}, timedelta(hours=1)),
        ({"expiresIn": True}, timedelta(hours=1)),
        ({"expiresIn": 10**30}, timedelta(hours=1)),
    ],
)
def test_a_token_is_renewed_ahead_of_its_end_and_sixty_minutes_count_where_it_names_none(said, lives):
    clock, server = ManualClock(), TokenServer(named("first", **said), named("second"))
    with client(server, clock=clock) as oms:
        list(oms.list_wallets(customer_id=CUSTOMER))
        clock.advance(lives - timedelta(seconds=90))
        list(oms.list_wallets(customer_id=CUSTOMER))
        clock.advance(timedelta(seconds=89))
        list(oms.list_wallets(customer_id=CUSTOMER))
    assert server.bearers == ["first", "first", "second"]


def test_a_401_to_the_token_call_says_that_the_credentials_are_wrong():
    server = TokenServer(answer(401, {"message": API_SECRET}))
    with client(server) as oms, pytest.raises(errors.AuthenticationError, match="api_key and api_secret") as caught:
        oms.create_wallet(**ORDER)
    assert (caught.value.outcome, caught.value.status_code) == ("not_applied", 401)
    assert API_SECRET not in f"{caught.value} {caught.value.__dict__}"
    assert (len(server.token_calls), server.bearers) == (1, [])


@pytest.mark.parametrize(
    "body",
    [{}, {"accessToken": None}, {"accessToken": ""}, {"accessToken": 7}, [], {"accessToken": {"jwt": "leak-me"}}],
)
def test_a_token_answer_without_token_is_malformed_and_nothing_was_ordered(body):
    server = TokenServer(answer(200, body))
    with client(server) as oms, pytest.raises(errors.MalformedResponse) as caught:
        oms.create_wallet(**ORDER)
    assert caught.value.outcome == "not_applied"
    assert "leak-me" not in f"{caught.value} {caught.value.__dict__}"
    assert (len(server.token_calls), server.bearers) == (1, [])


def test_a_token_that_no_header_can_carry_is_refused_before_it_travels():
    server = TokenServer(named("two\r\nlines"))
    with client(server) as oms, pytest.raises(errors.ConfigurationError) as caught:
        oms.create_wallet(**ORDER)
    assert "lines" not in str(caught.value)
    assert server.bearers == []


# --- settings and environments ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["api_key", "api_secret"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_setting_says_what_to_type(name, value):
    given = {"api_key": API_KEY, "api_secret": API_SECRET}
    given.pop(name)
    if value is not None:
        given[name] = value
    with pytest.raises(errors.ConfigurationError, match=name):
        Client(PolygonOms, **given)


@pytest.mark.parametrize(
    ("key", "home"),
    [
        ("sk_sdbx_1", "sandbox"),
        ("sk_dev_sdbx_1", "sandbox"),
        ("sk_live_1", "production"),
        ("sk_stg_live_1", "production"),
    ],
)
def test_a_key_of_the_other_environment_is_refused_and_never_shown(key, home):
    other = {"sandbox": "production", "production": "sandbox"}[home]
    Client(PolygonOms, environment=home, api_key=key, api_secret=API_SECRET).close()
    with pytest.raises(errors.ConfigurationError, match=f"environment='{home}'") as caught:
        Client(PolygonOms, environment=other, api_key=key, api_secret=API_SECRET)
    assert key not in str(caught.value)


@pytest.mark.parametrize("key", ["anything", "sk_test_1", "live_sk_1", "xsk_live_1"])
@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_a_key_of_no_known_prefix_is_let_through(key, environment):
    Client(PolygonOms, environment=environment, api_key=key, api_secret=API_SECRET).close()


@pytest.mark.parametrize(
    ("environment", "key", "host"),
    [
        (None, "sk_sdbx_1", "sandbox-api.polygon.technology"),
        ("sandbox", "sk_sdbx_1", "sandbox-api.polygon.technology"),
        ("production", "sk_live_1", "api.polygon.technology"),
    ],
)
def test_the_sandbox_is_the_default_and_each_environment_has_its_host(environment, key, host):
    server = Server(page())
    with client(server, environment=environment, api_key=key) as oms:
        list(oms.list_wallets(customer_id=CUSTOMER))
    assert {r.url.host for r in (*server.token_calls, *server.requests)} == {host}
    assert server.requests[0].url.path.startswith("/v0.9/customers/")


def test_an_address_given_by_hand_takes_any_key():
    server = Server(page())
    with client(server, base_url="https://oms.internal.test/v0.9", api_key="sk_live_1") as oms:
        list(oms.list_wallets(customer_id=CUSTOMER))
    assert server.requests[0].url.host == "oms.internal.test"


def test_a_token_call_that_fails_is_repeated_with_no_harm():
    calls = []

    def handler(request):
        if request.url.path.endswith("/auth/token"):
            calls.append(request)
            return answer(503, **{"retry-after": "0"}) if len(calls) == 1 else token_answer()
        return page()

    with client(handler, max_attempts=2) as oms:
        assert list(oms.list_wallets(customer_id=CUSTOMER)) == []
    assert len(calls) == 2


def test_trouble_with_the_token_call_never_leaves_doubt_about_the_order():
    def handler(request):
        msg = "slow"
        raise httpx.ReadTimeout(msg)

    with client(handler, max_elapsed=0) as oms, pytest.raises(errors.RequestTimedOut) as caught:
        oms.create_wallet(**ORDER)
    assert caught.value.outcome == "not_applied"
