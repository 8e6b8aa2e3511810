"""Conduit: what is sent to make a wallet, and what a success means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.support.conduit import (
    ADDRESS,
    API_KEY,
    APPROVAL,
    CEREMONY,
    CUSTOMER,
    ORDER,
    REFERENCE,
    WALLET,
    WALLET_ID,
    Server,
    answer,
    balance,
    client,
    without,
)
from walletport import Client, errors
from walletport.models import CustodyModel, Drift, WalletStatus
from walletport_conduit import Conduit

# --- what is sent -------------------------------------------------------------------------------------------


def test_a_create_posts_chain_and_reference_to_the_customers_wallets_under_the_callers_key():
    server = Server(answer(201, WALLET))
    with client(server) as conduit:
        conduit.create_wallet(**ORDER, idempotency_key="order-42")
    (sent,) = server.requests
    assert sent.method == "POST"
    assert str(sent.url) == f"https://api.sandbox.conduit.financial/v2/customers/{CUSTOMER}/wallets"
    assert sent.headers["x-api-key"] == API_KEY
    assert sent.headers["idempotency-key"] == "order-42"
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["accept-encoding"] == "gzip"
    assert "authorization" not in sent.headers
    assert json.loads(sent.content) == {"chain": "polygon", "clientReferenceId": REFERENCE}


def test_an_asset_is_not_sent_because_a_wallet_holds_all_of_its_chain():
    server = Server(answer(201, without("clientReferenceId")))
    with client(server) as conduit:
        wallet = conduit.create_wallet(customer_id=CUSTOMER, chain="polygon", asset="usdc")
    assert json.loads(server.requests[0].content) == {"chain": "polygon"}
    assert wallet.asset is None


def test_a_key_is_made_where_the_caller_gives_none_because_the_vendor_requires_one():
    server = Server(answer(201, WALLET))
    with client(server) as conduit:
        conduit.create_wallet(**ORDER)
    assert server.requests[0].headers["idempotency-key"]


@pytest.mark.parametrize("key", ["k" * 129, "a key", "schlüssel", "a/b"])
def test_a_key_outside_the_vendors_pattern_is_refused_before_anything_is_sent(key):
    server = Server()
    with client(server) as conduit, pytest.raises(errors.ConfigurationError, match="idempotency_key"):
        conduit.create_wallet(**ORDER, idempotency_key=key)
    assert not server.requests


def test_a_key_as_long_as_the_vendor_takes_is_sent():
    server = Server(answer(201, WALLET))
    with client(server) as conduit:
        conduit.create_wallet(**ORDER, idempotency_key="A-z_0.9:" * 16)
    assert server.requests[0].headers["idempotency-key"] == "A-z_0.9:" * 16


def test_an_order_without_chain_is_refused_before_anything_is_sent():
    server = Server()
    with client(server) as conduit, pytest.raises(errors.UnsupportedOperation, match="chain="):
        conduit.create_wallet(customer_id=CUSTOMER)
    assert not server.requests


@pytest.mark.parametrize(
    ("environment", "key", "host"),
    [
        ("sandbox", "ck_sandbox_1", "https://api.sandbox.conduit.financial/v2/"),
        ("production", "ck_live_1", "https://api.conduit.financial/v2/"),
    ],
)
def test_each_environment_has_its_host(environment, key, host):
    server = Server(answer(201, WALLET))
    with client(server, environment=environment, api_key=key) as conduit:
        conduit.create_wallet(**ORDER)
    assert str(server.requests[0].url).startswith(host)


@pytest.mark.parametrize(("environment", "key"), [("sandbox", "ck_live_1"), ("production", "ck_sandbox_1")])
def test_a_key_of_the_other_environment_is_refused_with_what_to_type(environment, key):
    with pytest.raises(errors.ConfigurationError, match="say environment=") as caught:
        client(Server(), environment=environment, api_key=key)
    assert key not in str(caught.value)


def test_a_missing_key_says_where_to_get_one():
    with pytest.raises(errors.ConfigurationError, match=r"api_key is missing.*dashboard"):
        Client(Conduit)


# --- how a success is read ----------------------------------------------------------------------------------


def test_every_field_of_the_wallet_is_read():
    body = {**WALLET, "balances": [balance("USDC", "12.340000000000000001", "1", "0.5")]}
    with client(Server(answer(201, body))) as conduit:
        wallet = conduit.create_wallet(**ORDER)
    assert wallet.provider == "conduit"
    assert wallet.id == WALLET_ID
    assert wallet.customer_id == CUSTOMER
    assert wallet.chain == "polygon"
    assert (wallet.status, wallet.provider_status) == (WalletStatus.ACTIVE, "active")
    assert wallet.address == wallet.address_on("polygon") == ADDRESS
    assert wallet.custody is CustodyModel.NON_CUSTODIAL
    assert wallet.reference == REFERENCE
    assert wallet.replaced_by is None
    assert wallet.created_at == datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert wallet.updated_at == datetime(2026, 6, 1, 12, 0, 1, tzinfo=UTC)
    assert wallet.raw == body
    assert wallet.drift == ()
    (held,) = wallet.balances
    assert (held.asset, held.available) == ("usdc", Decimal("12.340000000000000001"))
    assert (held.pending, held.frozen) == (Decimal(1), Decimal("0.5"))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", WalletStatus.PENDING),
        ("active", WalletStatus.ACTIVE),
        ("disabled", WalletStatus.SUSPENDED),
        ("archived", WalletStatus.UNKNOWN),
    ],
)
def test_the_vendors_states_are_read_and_its_word_is_kept(word, status):
    with client(Server(answer(201, {**WALLET, "status": word}))) as conduit:
        wallet = conduit.create_wallet(**ORDER)
    assert (wallet.status, wallet.provider_status) == (status, word)


def test_a_pending_wallet_has_no_address_yet():
    with client(Server(answer(201, {**WALLET, "address": None, "status": "pending"}))) as conduit:
        wallet = conduit.create_wallet(**ORDER)
    assert (wallet.addresses, wallet.address) == ((), None)


def test_an_empty_address_is_none():
    with client(Server(answer(201, {**WALLET, "address": ""}))) as conduit:
        assert conduit.create_wallet(**ORDER).addresses == ()


@pytest.mark.parametrize("name", ["address", "status", "balances", "createdAt", "updatedAt"])
def test_a_wallet_that_lacks_a_promised_field_is_not_lost_and_the_lack_is_noted(name):
    with client(Server(answer(201, without(name)))) as conduit:
        wallet = conduit.create_wallet(**ORDER)
    assert wallet.id == WALLET_ID
    assert wallet.drift == (Drift(where=name, what="missing", seen=""),)


def test_what_the_vendor_adds_is_kept_and_noted():
    with client(Server(answer(201, {**WALLET, "tier": "gold", "custodyModel": "shared"}))) as conduit:
        wallet = conduit.create_wallet(**ORDER)
    assert wallet.raw["tier"] == "gold"
    assert wallet.custody is CustodyModel.UNKNOWN
    assert set(wallet.drift) == {
        Drift(where="tier", what="field", seen="tier"),
        Drift(where="custodyModel", what="value", seen="shared"),
    }


@pytest.mark.parametrize(
    "balances",
    [
        None,
        "none",
        [{"available": {"code": "USDC", "amount": "1"}}],
        [balance("USDC", "a lot")],
        [{**balance("USDC", "1"), "pending": {"code": "EURC", "amount": "1"}}],
        [balance("", "1")],
        [{**balance("USDC", "1"), "available": {"code": "USDC", "amount": "1", "chain": " "}}],
    ],
    ids=["null", "text", "parts missing", "no number", "two assets", "no code", "blank chain"],
)
def test_a_balance_that_cannot_be_read_does_not_lose_the_wallet(balances):
    body = {**WALLET, "balances": balances}
    with client(Server(answer(201, body))) as conduit:
        wallet = conduit.create_wallet(**ORDER)
    assert (wallet.id, wallet.balances, wallet.raw) == (WALLET_ID, (), body)
    assert Drift(where="balances", what="type", seen="") in wallet.drift


# --- the approval of an admin ----------------------------------------------------------------------------------


def test_a_202_says_who_has_to_approve_and_that_the_order_was_taken():
    server = Server(answer(202, APPROVAL, x_correlation_id="trace-1"))
    with client(server) as conduit, pytest.raises(errors.ApprovalPending) as caught:
        conduit.create_wallet(**ORDER)
    error = caught.value
    assert (error.approval_id, error.approval_url) == (CEREMONY, "https://approve.example/wcm")
    assert (error.outcome, error.status_code, error.request_id) == ("applied", 202, "trace-1")


@pytest.mark.parametrize("link", [None, "javascript:alert(1)", "http://approve.example", "https://a b"])
def test_a_link_that_a_person_must_not_follow_is_left_out(link):
    server = Server(answer(202, {**APPROVAL, "verificationUrl": link}))
    with client(server) as conduit, pytest.raises(errors.ApprovalPending) as caught:
        conduit.create_wallet(**ORDER)
    assert (caught.value.approval_id, caught.value.approval_url) == (CEREMONY, None)


def test_a_wallet_that_names_the_approval_it_came_from_is_a_wallet():
    with client(Server(answer(202, {**WALLET, **APPROVAL}))) as conduit:
        assert conduit.create_wallet(**ORDER).id == WALLET_ID


# --- answers that break the contract ---------------------------------------------------------------------------


UNREADABLE = {
    "empty": b"",
    "HTML": b"<html>all is well</html>",
    "cut short": json.dumps(WALLET).encode()[:-9],
    "a list": b"[]",
    "null": b"null",
    "nothing in it": b"{}",
    "no id": without("id"),
    "a number as id": {**WALLET, "id": 7},
    "an empty id": {**WALLET, "id": ""},
    "null as id": {**WALLET, "id": None},
    "no chain": without("chain"),
    "a list as chain": {**WALLET, "chain": ["polygon"]},
    "a blank chain": {**WALLET, "chain": " "},
    "another chain": {**WALLET, "chain": "base"},
    "a number as address": {**WALLET, "address": 7},
    "no address of the chain": {**WALLET, "address": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"},
    "true as status": {**WALLET, "status": True},
    "a number as reference": {**WALLET, "clientReferenceId": 7},
    "a number as approval": {"ceremonyId": 7},
}


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("what", UNREADABLE)
def test_an_answer_nobody_can_read_leaves_the_outcome_unknown(status, what):
    server = Server(answer(status, UNREADABLE[what]))
    with client(server) as conduit, pytest.raises(errors.MalformedResponse) as caught:
        conduit.create_wallet(**ORDER)
    assert caught.value.outcome == "unknown"
    assert WALLET_ID not in str(caught.value)
