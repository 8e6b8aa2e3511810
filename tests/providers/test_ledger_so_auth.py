"""Ledger.so: which key goes where, and how it travels."""

from __future__ import annotations

import pytest

from tests.support.ledger_so import API_KEY, BASE, CUSTOMER, ENTRIES, WALLET, WALLET_ID, Server, client, good
from walletport import Client, errors
from walletport_ledger_so import LedgerSo


def test_the_key_travels_as_a_bearer_unless_the_other_documented_header_is_asked_for():
    server = Server(good(WALLET), good(WALLET))
    with client(server) as ledger:
        ledger.get_wallet(WALLET_ID)
    with client(server, auth_header="x-api-key") as ledger:
        ledger.get_wallet(WALLET_ID)
    bearer, named = server.requests
    assert bearer.headers["authorization"] == f"Bearer {API_KEY}"
    assert "x-api-key" not in bearer.headers
    assert named.headers["x-api-key"] == API_KEY
    assert "authorization" not in named.headers
    assert "api-key" not in {**bearer.headers, **named.headers}


@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_both_environments_are_one_host_and_the_key_decides(environment):
    key = {"sandbox": "ld_test_a_b", "production": "ld_live_a_b"}[environment]
    server = Server(good(WALLET), good(ENTRIES))
    with client(server, api_key=key, environment=environment) as ledger:
        ledger.create_wallet(customer_id=CUSTOMER)
    assert {str(request.url).partition("/v1")[0] for request in server.requests} == {BASE}
    assert LedgerSo.environments[environment].production is (environment == "production")


def test_the_sandbox_is_the_default_environment():
    assert next(iter(LedgerSo.environments)) == "sandbox"


@pytest.mark.parametrize(
    ("environment", "key", "told"),
    [
        ("sandbox", "ld_live_a_b", "environment='production'"),
        ("production", "ld_test_a_b", "environment='sandbox'"),
        ("sandbox", "lk_test_a_b", "ld_test_"),
        ("production", "lk_live_a_b", "ld_live_"),
        ("sandbox", "lk_live_a_b", "ld_test_"),
    ],
)
def test_a_key_that_cannot_belong_here_is_refused_with_what_to_use(environment, key, told):
    with pytest.raises(errors.ConfigurationError, match=told) as caught:
        client(Server(), environment=environment, api_key=key)
    assert key not in str(caught.value)


def test_a_key_of_no_known_form_is_left_to_the_vendor():
    client(Server(), api_key="something-else").close()


def test_a_base_url_given_by_hand_takes_any_key():
    client(Server(), api_key="ld_live_a_b", base_url="https://proxy.example").close()


@pytest.mark.parametrize(
    "settings",
    [{}, {"api_key": ""}, {"api_key": "ld_test_a", "auth_header": "api-key"}, {"api_key": "x", "secret": "y"}],
)
def test_settings_that_cannot_be_used_are_refused(settings):
    with pytest.raises(errors.ConfigurationError):
        Client(LedgerSo, **settings)
