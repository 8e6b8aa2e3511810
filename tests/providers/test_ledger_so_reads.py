"""Ledger.so: wallets, lists, balances and customers as they are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.support.ledger_so import (
    BALANCE,
    CUSTOMER,
    LIST,
    OLDER_WALLET,
    READ,
    READ_CUSTOMER,
    WALLET,
    WALLET_ID,
    Server,
    answer,
    client,
    customer,
    good,
    refused,
    without,
)
from walletport import errors
from walletport.models import CustomerProfile, CustomerStatus, Wallet, WalletStatus

HELD = Wallet(provider="ledger-so", id=WALLET_ID, customer_id=CUSTOMER)
PROFILE = CustomerProfile(email="ada@example.com", first_name="Ada", last_name="Example")


def wallets(*items, **members):
    """Return what a list of these answers with."""
    return good({"items": list(items), "nextCursor": None, **members})


# --- one wallet ---------------------------------------------------------------------------------------------


def test_a_wallet_is_read_by_its_id_alone():
    server = Server(good(WALLET))
    with client(server) as ledger:
        wallet = ledger.get_wallet(WALLET_ID)
    assert (wallet.id, wallet.customer_id, wallet.status) == (WALLET_ID, CUSTOMER, WalletStatus.ACTIVE)
    assert wallet.raw == WALLET
    assert server.said == [READ]


def test_a_read_does_not_claim_a_holder_that_the_answer_does_not_name():
    with client(Server(good(without("customerId")))) as ledger:
        assert ledger.get_wallet(WALLET_ID, customer_id=CUSTOMER).customer_id is None


def test_waiting_reads_the_wallet_and_then_its_addresses():
    server = Server(good({**WALLET, "status": "pending"}), good([]), good(WALLET), good({"polygon": "0x" + "6" * 40}))
    with client(server) as ledger:
        ready = ledger.wait_until_ready(HELD, timeout=60)
    assert ready.status is WalletStatus.ACTIVE
    assert ready.address_on("polygon") == "0x" + "6" * 40
    assert server.said == [READ, f"{READ}/crypto-deposit-addresses"] * 2


# --- lists --------------------------------------------------------------------------------------------------


def test_a_list_is_walked_page_by_page_with_a_size_that_every_page_allows():
    server = Server(wallets(WALLET, nextCursor="c/2"), wallets({**WALLET, "id": "wal_2"}))
    with client(server) as ledger:
        assert [wallet.id for wallet in ledger.list_wallets()] == [WALLET_ID, "wal_2"]
    assert server.said == [LIST, f"{LIST}&cursor=c%2F2"]


def test_a_customers_list_leaves_other_customers_wallets_out_and_goes_on_past_an_empty_page():
    theirs = {**WALLET, "id": "wal_theirs", "customerId": "cus_other"}
    nobodys = {**without("customerId"), "id": "wal_nobodys"}
    server = Server(wallets(theirs, nobodys, nextCursor="2"), wallets(WALLET, theirs))
    with client(server) as ledger:
        assert [wallet.id for wallet in ledger.list_wallets(customer_id=CUSTOMER)] == [WALLET_ID]
    assert server.said == [LIST, f"{LIST}&cursor=2"]


def test_everybodys_list_holds_everybodys_wallets():
    server = Server(wallets(WALLET, {**without("customerId"), "id": "wal_2"}, OLDER_WALLET))
    with client(server) as ledger:
        found = list(ledger.list_wallets())
    assert [wallet.customer_id for wallet in found] == [CUSTOMER, None, CUSTOMER]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        {"ok": True},
        {"ok": True, "data": None},
        {"ok": True, "data": {"nextCursor": None}},
        {"ok": True, "data": {"items": "none"}},
        {"ok": True, "data": {"items": [], "nextCursor": 7}},
        {"ok": True, "data": [], "nextCursor": {}},
        {"ok": True, "data": [{"id": ""}]},
        {"ok": True, "data": ["wal_1"]},
        {"ok": False, "data": []},
    ],
)
def test_a_page_that_is_none_is_malformed(body):
    with client(Server(answer(200, body))) as ledger, pytest.raises(errors.MalformedResponse):
        list(ledger.list_wallets())


# --- balances -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "exact"),
    [
        ("0.00", "0.00"),
        ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
        ("-1.50", "-1.50"),
        (10, "10"),
    ],
)
def test_the_balance_is_exact_and_names_no_asset(said, exact):
    server = Server(good({"walletId": WALLET_ID, "balance": said}))
    with client(server) as ledger:
        (balance,) = ledger.get_balances(HELD)
    assert str(balance.available) == exact
    assert (balance.asset, balance.chain, balance.pending, balance.frozen) == (None, None, None, None)
    assert server.said == [BALANCE]


def test_a_fraction_in_a_balance_never_passes_through_a_float():
    server = Server(
        answer(200, b'{"ok": true, "data": {"walletId": "wal_ex4mple01", "balance": 0.1000000000000000055}}')
    )
    with client(server) as ledger:
        assert ledger.get_balances(HELD)[0].available == Decimal("0.1000000000000000055")


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"walletId": WALLET_ID},
        {"walletId": WALLET_ID, "balance": None},
        {"walletId": WALLET_ID, "balance": "12 USDC"},
        {"walletId": WALLET_ID, "balance": "Infinity"},
        {"walletId": WALLET_ID, "balance": True},
        {"walletId": WALLET_ID, "balance": {"amount": "1"}},
        {"walletId": "wal_other", "balance": "1"},
        {"walletId": 7, "balance": "1"},
    ],
)
def test_a_balance_that_is_none_or_another_wallets_is_refused(data):
    with client(Server(good(data))) as ledger, pytest.raises(errors.MalformedResponse) as caught:
        ledger.get_balances(HELD)
    assert caught.value.outcome == "not_applied"


# --- customers ----------------------------------------------------------------------------------------------


def test_a_customer_is_made_with_what_the_vendor_asks_for():
    server = Server(good(customer()))
    with client(server) as ledger:
        made = ledger.create_customer(PROFILE, idempotency_key="signup-7")
    (sent,) = server.requests
    assert server.said == ["POST /v1/customers"]
    assert sent.headers["idempotency-key"] == "signup-7"
    assert json.loads(sent.content) == {
        "email": "ada@example.com",
        "firstName": "Ada",
        "lastName": "Example",
        "type": "individual",
    }
    assert (made.id, made.status, made.provider_status) == (CUSTOMER, CustomerStatus.ACTIVE, "active")
    assert made.created_at == datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert made.raw == customer()
    assert made.drift == ()


def test_a_business_with_a_telephone_is_sent_as_one_and_a_reference_is_kept_back():
    profile = PROFILE.model_copy(update={"type": "business", "phone": "+4420", "reference": "user-42"})
    server = Server(good(customer(type="business", phone="+4420"), 201))
    with client(server) as ledger:
        made = ledger.create_customer(profile)
    sent = json.loads(server.requests[0].content)
    assert (sent["type"], sent["phone"]) == ("business", "+4420")
    assert "user-42" not in server.requests[0].content.decode()
    assert (made.reference, made.drift) == (None, ())


@pytest.mark.parametrize("lacking", ["email", "first_name", "last_name"])
@pytest.mark.parametrize("nothing", [None, " "])
def test_a_profile_that_lacks_what_the_vendor_requires_is_refused_by_name(lacking, nothing):
    profile = PROFILE.model_copy(update={lacking: nothing})
    server = Server()
    with client(server) as ledger, pytest.raises(errors.ConfigurationError, match=f"{lacking}=") as caught:
        ledger.create_customer(profile)
    assert caught.value.outcome == "not_applied"
    assert server.said == []


@pytest.mark.parametrize(
    ("status", "code", "kind", "outcome"),
    [
        (400, "INVALID_REQUEST", errors.InvalidRequest, "not_applied"),
        (409, "CONFLICT", errors.Conflict, "unknown"),
        (500, "INTERNAL_ERROR", errors.ProviderUnavailable, "unknown"),
        (200, "INVALID_REQUEST", errors.MalformedResponse, "unknown"),
    ],
)
def test_a_customer_that_is_refused_says_whether_it_may_have_been_made(status, code, kind, outcome):
    with client(Server(refused(status, code))) as ledger, pytest.raises(kind) as caught:
        ledger.create_customer(PROFILE)
    assert type(caught.value) is kind
    assert caught.value.outcome == outcome


def read(**changes):
    server = Server(good(customer(**changes)))
    with client(server) as ledger:
        found = ledger.get_customer(CUSTOMER)
    assert server.said == [READ_CUSTOMER]
    return found


@pytest.mark.parametrize(
    ("changes", "eligible", "missing", "link"),
    [
        ({}, True, (), None),
        ({"capabilities": {}}, True, (), None),
        ({"capabilities": None}, True, (), None),
        ({"capabilities": {"wallets": False}}, False, ("wallets",), None),
        ({"capabilities": {"wallets": True, "cryptoWallets": False}}, True, (), None),
        ({"capabilities": {"wallets": "yes"}}, True, (), None),
        ({"kycStatus": "APPROVED"}, True, (), None),
        ({"kycStatus": "not_started", "capabilities": {"wallets": False}}, False, ("kyc",), "https://kyc.example/ada"),
        ({"kycStatus": "under_review", "capabilities": []}, False, ("kyc",), "https://kyc.example/ada"),
        ({"kycStatus": "incomplete", "capabilities": {}}, False, ("kyc",), "https://kyc.example/ada"),
        ({"kycStatus": "rejected", "capabilities": {}}, False, ("kyc",), "https://kyc.example/ada"),
        ({"kycStatus": "not_started", "capabilities": {"wallets": True}}, None, ("kyc",), "https://kyc.example/ada"),
        ({"kycStatus": None, "capabilities": {"wallets": True}}, True, (), "https://kyc.example/ada"),
        ({"kycStatus": None, "capabilities": {"wallets": False}}, False, ("wallets",), "https://kyc.example/ada"),
        ({"kycStatus": None, "capabilities": {}}, None, (), "https://kyc.example/ada"),
        ({"kycStatus": "paused", "capabilities": ["wallets"]}, True, (), "https://kyc.example/ada"),
        ({"status": "suspended"}, False, (), None),
        ({"status": "REJECTED", "kycStatus": "rejected"}, False, ("kyc",), "https://kyc.example/ada"),
    ],
)
def test_whether_a_customer_may_have_a_wallet_is_read_from_kyc_capabilities_and_status(
    changes, eligible, missing, link
):
    found = read(**changes)
    assert (found.eligible, found.missing, found.link) == (eligible, missing, link)


@pytest.mark.parametrize(
    "link",
    [
        None,
        7,
        "",
        "http://kyc.example/ada",
        "javascript:alert(1)",
        "https://",
        "https:///ada",
        "https://kyc.example/a b",
        "https://kyc.example/\n",
        "https://[",
        "https://kyc.exämple/",
    ],
)
def test_only_an_https_address_is_passed_on_as_a_link(link):
    assert read(kycStatus="not_started", kycLink=link).link is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("active", CustomerStatus.ACTIVE),
        ("Suspended", CustomerStatus.SUSPENDED),
        ("rejected", CustomerStatus.REJECTED),
        ("pending", CustomerStatus.PENDING),
        ("dormant", CustomerStatus.UNKNOWN),
    ],
)
def test_every_status_of_a_customer_is_read_and_another_is_kept(word, status):
    found = read(status=word)
    assert (found.status, found.provider_status) == (status, word)
    assert bool(found.drift) is (status is CustomerStatus.UNKNOWN)


def test_a_customer_that_lacks_documented_fields_is_read_and_reported():
    with client(Server(good({"id": CUSTOMER}))) as ledger:
        found = ledger.get_customer(CUSTOMER)
    assert (found.eligible, found.missing, found.link) == (None, (), None)
    assert {"kycStatus", "status", "capabilities", "kycLink", "email"} <= {drift.where for drift in found.drift}


@pytest.mark.parametrize("data", [None, {}, {"id": ""}, {"id": 7}, customer(id="cus_other"), customer(status=1)])
def test_a_customer_that_is_none_or_another_is_refused(data):
    with client(Server(good(data))) as ledger, pytest.raises(errors.MalformedResponse):
        ledger.get_customer(CUSTOMER)
