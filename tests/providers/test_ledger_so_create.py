"""Ledger.so: what is sent to make a wallet, and what every success means."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest

from tests.support.ledger_so import (
    ADDRESSES,
    API_KEY,
    BASE,
    CREATE,
    CUSTOMER,
    ENTRIES,
    ON,
    ORDER,
    WALLET,
    WALLET_ID,
    Server,
    answer,
    client,
    created,
    good,
    refused,
    without,
)
from walletport import errors
from walletport.models import CustodyModel, WalletStatus

# --- what is sent -------------------------------------------------------------------------------------------


def test_a_create_posts_the_customer_id_and_nothing_else_under_the_callers_key():
    server = Server(good(WALLET), good(ENTRIES))
    with client(server) as ledger:
        ledger.create_wallet(**ORDER, idempotency_key="order-42")
    sent, read = server.requests
    assert sent.method == "POST"
    assert str(sent.url) == f"{BASE}/v1/crypto-wallets"
    assert sent.headers["authorization"] == f"Bearer {API_KEY}"
    assert sent.headers["idempotency-key"] == "order-42"
    assert sent.headers["content-type"] == "application/json"
    assert json.loads(sent.content) == {"customerId": CUSTOMER}
    assert (read.method, str(read.url)) == ("GET", f"{BASE}/v1/crypto-wallets/{WALLET_ID}/crypto-deposit-addresses")
    assert "idempotency-key" not in read.headers


def test_a_key_is_made_where_the_caller_gives_none():
    server = Server(good(WALLET), good(ENTRIES))
    with client(server) as ledger:
        ledger.create_wallet(**ORDER)
    assert server.requests[0].headers["idempotency-key"]


@pytest.mark.parametrize("chain", ON)
def test_an_order_for_each_deposit_chain_is_satisfied_by_the_address_on_it(chain):
    wallet, said = created(good(WALLET), good(ENTRIES), customer_id=CUSTOMER, chain=chain, asset="USDT")
    assert wallet.chain is None
    assert wallet.address_on(chain) == ON[chain]
    assert said == [CREATE, ADDRESSES]


def test_an_order_needs_neither_chain_nor_asset():
    wallet, _ = created(good(WALLET), good(ENTRIES), customer_id=CUSTOMER)
    assert {address.chain: address.value for address in wallet.addresses} == ON


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"chain": "stellar"}, "stellar"),
        ({"chain": "eip155:43113"}, "43113"),
        ({"asset": "eurc"}, "eurc"),
        ({"asset": "pyusd"}, "pyusd"),
        ({"reference": "user-42"}, "reference"),
    ],
)
def test_what_no_wallet_here_can_serve_is_refused_before_anything_is_sent(wish, told):
    error, said = created(customer_id=CUSTOMER, **wish)
    assert isinstance(error, errors.UnsupportedOperation)
    assert told in str(error)
    assert error.outcome == "not_applied"
    assert said == []


# --- how a success is read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202])
def test_every_field_of_the_wallet_is_read_under_any_success_status(status):
    wallet, _ = created(good(WALLET, status), good(ENTRIES))
    assert wallet.provider == "ledger-so"
    assert (wallet.id, wallet.customer_id) == (WALLET_ID, CUSTOMER)
    assert (wallet.chain, wallet.asset, wallet.reference) == (None, None, None)
    assert (wallet.status, wallet.provider_status) == (WalletStatus.ACTIVE, "active")
    assert wallet.custody is CustodyModel.UNKNOWN
    assert wallet.created_at == datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert wallet.updated_at == datetime(2026, 6, 1, 12, 0, 5, tzinfo=UTC)
    assert wallet.raw == WALLET
    assert wallet.drift == ()


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("active", WalletStatus.ACTIVE),
        ("ACTIVE", WalletStatus.ACTIVE),
        ("frozen", WalletStatus.SUSPENDED),
        ("closed", WalletStatus.CLOSED),
        ("pending", WalletStatus.PENDING),
        ("Provisioning", WalletStatus.PENDING),
    ],
)
def test_every_known_status_is_read_whatever_its_letter_case(word, status):
    wallet, _ = created(good({**WALLET, "status": word}), good(ENTRIES))
    assert (wallet.status, wallet.provider_status) == (status, word)
    assert wallet.drift == ()


def test_another_status_is_unknown_and_reported_because_the_vendors_is_a_free_text():
    wallet, _ = created(good({**WALLET, "status": "in_review"}), good(ENTRIES))
    assert (wallet.status, wallet.provider_status) == (WalletStatus.UNKNOWN, "in_review")
    assert [(drift.where, drift.what, drift.seen) for drift in wallet.drift] == [("status", "value", "in_review")]


def test_a_field_nobody_documented_is_kept_and_reported():
    body = {**WALLET, "riskScore": 7}
    wallet, _ = created(good(body), good(ENTRIES))
    assert wallet.raw == body
    assert [(drift.where, drift.what) for drift in wallet.drift] == [("riskScore", "field")]


@pytest.mark.parametrize("absent", ["customerId", "status", "createdAt", "updatedAt"])
@pytest.mark.parametrize("null", [True, False])
def test_a_wallet_that_lacks_what_we_can_live_without_is_still_returned(absent, null):
    body = {**WALLET, absent: None} if null else without(absent)
    wallet, _ = created(good(body), good(ENTRIES))
    assert (wallet.id, wallet.customer_id) == (WALLET_ID, CUSTOMER)
    assert [(drift.where, drift.what) for drift in wallet.drift] == ([] if null else [(absent, "missing")])


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"<html>200</html>",
        b'{"ok": true, "data": {"id": "wal_1"',
        [WALLET],
        WALLET,
        {"data": WALLET},
        {"ok": True},
        {"ok": True, "data": None},
        {"ok": True, "data": [WALLET]},
        {"ok": True, "data": without("id")},
        {"ok": True, "data": {**WALLET, "id": None}},
        {"ok": True, "data": {**WALLET, "id": ""}},
        {"ok": True, "data": {**WALLET, "id": 7}},
        {"ok": True, "data": {**WALLET, "status": 1}},
        {"ok": True, "data": {**WALLET, "customerId": ["cus_1"]}},
        {"ok": "true", "data": WALLET},
        {"ok": 1, "data": WALLET},
        {"ok": None, "data": WALLET},
        {"ok": False, "data": WALLET},
    ],
    ids=[
        "empty",
        "HTML",
        "cut short",
        "a list",
        "no envelope",
        "ok missing",
        "data missing",
        "null data",
        "data is a list",
        "no id",
        "null id",
        "empty id",
        "numeric id",
        "numeric status",
        "list of customers",
        "ok as text",
        "ok as number",
        "ok null",
        "ok false",
    ],
)
def test_a_success_that_cannot_be_trusted_leaves_the_outcome_unknown(body):
    error, said = created(answer(200, body))
    assert type(error) is errors.MalformedResponse
    assert error.outcome == "unknown"
    assert (error.provider, error.operation) == ("ledger-so", "create_wallet")
    assert said == [CREATE]


def test_ok_false_under_a_200_is_no_success_and_keeps_the_code():
    error, _ = created(refused(200, "INVALID_REQUEST"))
    assert type(error) is errors.MalformedResponse
    assert (error.outcome, error.retryable) == ("unknown", False)
    assert (error.status_code, error.provider_code) == (200, "INVALID_REQUEST")
    assert "free text" not in str(error)


def test_another_customers_wallet_is_never_returned():
    error, _ = created(good({**WALLET, "customerId": "cus_other"}), good(ENTRIES))
    assert type(error) is errors.MalformedResponse
    assert error.outcome == "unknown"


# --- a wallet is not lost behind its addresses --------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        refused(400, "INVALID_REQUEST"),
        refused(401, "UNAUTHORIZED"),
        refused(404, "NOT_FOUND"),
        refused(409, "CONFLICT"),
        refused(429, "RATE_LIMITED"),
        refused(500, "INTERNAL_ERROR"),
        answer(302, location="https://elsewhere.example"),
        answer(502, b"<html>502</html>"),
        answer(200, b"<html>200</html>"),
        answer(200, b'{"ok": true, "data": ['),
        answer(200, {"ok": False, "error": {"code": "NOT_FOUND", "message": "m"}}),
        answer(200, ["a list"]),
        answer(204),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("gone"),
        RuntimeError("a transport that fails in its own way"),
    ],
    ids=[
        "400",
        "401",
        "404",
        "409",
        "429",
        "500",
        "a redirect",
        "an HTML 502",
        "an HTML 200",
        "cut short",
        "ok false",
        "no envelope",
        "204",
        "a timeout",
        "no connection",
        "a broken transport",
    ],
)
def test_a_wallet_whose_addresses_cannot_be_fetched_is_returned_without_them(trouble):
    wallet, said = created(good(WALLET), trouble)
    assert wallet.id == WALLET_ID
    assert wallet.addresses == ()
    assert said == [CREATE, ADDRESSES]


def test_an_id_that_no_path_can_carry_does_not_lose_the_wallet():
    wallet, said = created(good({**WALLET, "id": ".."}))
    assert (wallet.id, wallet.addresses) == ("..", ())
    assert said == [CREATE]


def test_fetching_the_addresses_is_retried_like_any_read():
    server = Server(good(WALLET), answer(503, retry_after="0"), good(ENTRIES))
    with client(server, max_attempts=2) as ledger:
        assert ledger.create_wallet(**ORDER).address_on("polygon") == ON["polygon"]
    assert server.said == [CREATE, ADDRESSES, ADDRESSES]
