"""Polygon OMS: what is sent to make a wallet, and what every answer to that means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from tests.support.polygon_oms import (
    ADDRESS,
    CUSTOMER,
    ORDER,
    TOKEN,
    WALLET,
    Server,
    answer,
    client,
    customer,
    page,
)
from walletport import errors
from walletport.models import CustodyModel, WalletStatus

LIST = f"GET /customers/{CUSTOMER}/wallets"
CREATE = f"POST /customers/{CUSTOMER}/wallets"
READ_CUSTOMER = f"GET /customers/{CUSTOMER}"


def without(*names: str) -> dict[str, object]:
    return {name: value for name, value in WALLET.items() if name not in names}


# --- what is sent -------------------------------------------------------------------------------------------


def test_a_create_posts_asset_and_chain_to_the_customers_wallets_under_the_callers_key():
    server = Server(answer(201, WALLET))
    with client(server) as oms:
        oms.create_wallet(**ORDER, idempotency_key="order-42")
    (sent,) = server.requests
    assert sent.method == "POST"
    assert str(sent.url) == f"https://sandbox-api.polygon.technology/v0.9/customers/{CUSTOMER}/wallets"
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["idempotency-key"] == "order-42"
    assert sent.headers["content-type"] == "application/json"
    assert json.loads(sent.content) == {"asset": "usdc", "chain": "polygon"}


def test_asset_and_chain_are_sent_in_the_vendors_lower_case_and_nothing_known_is_required_of_them():
    body = {**WALLET, "asset": "eurc", "chain": "some-new-chain"}
    server = Server(answer(201, body))
    with client(server) as oms:
        wallet = oms.create_wallet(customer_id=CUSTOMER, chain="Some-New-Chain", asset="EURC")
    assert json.loads(server.requests[0].content) == {"asset": "eurc", "chain": "some-new-chain"}
    assert (wallet.chain, wallet.asset) == ("some-new-chain", "eurc")


@pytest.mark.parametrize("lacking", ["chain", "asset"])
def test_an_order_without_chain_or_asset_is_refused_before_anything_is_sent(lacking):
    server = Server()
    order = {name: value for name, value in ORDER.items() if name != lacking}
    with client(server) as oms, pytest.raises(errors.UnsupportedOperation, match=f"{lacking}="):
        oms.create_wallet(**order)
    assert not server.requests
    assert not server.token_calls


# --- how a success is read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202])
def test_every_field_of_the_wallet_is_read_under_any_success_status(status):
    with client(Server(answer(status, WALLET))) as oms:
        wallet = oms.create_wallet(**ORDER)
    assert wallet.provider == "polygon-oms"
    assert wallet.id == "wlt_01J0EXAMPLE0000000000001"
    assert wallet.customer_id == CUSTOMER
    assert (wallet.chain, wallet.asset) == ("polygon", "usdc")
    assert (wallet.status, wallet.provider_status) == (WalletStatus.ACTIVE, "active")
    assert wallet.address == wallet.address_on("polygon") == ADDRESS
    assert wallet.custody is CustodyModel.CUSTODIAL
    assert wallet.reference is None
    assert wallet.created_at == wallet.updated_at == datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert wallet.raw == WALLET
    assert wallet.drift == ()


@pytest.mark.parametrize("absent", [{}, {"address": None}, {"address": ""}])
def test_a_wallet_without_address_is_returned_without_one(absent):
    with client(Server(answer(201, without("address") | absent))) as oms:
        wallet = oms.create_wallet(**ORDER)
    assert wallet.id == WALLET["id"]
    assert wallet.addresses == ()


def test_the_holder_is_known_from_the_call_where_the_answer_does_not_name_it():
    with client(Server(answer(201, without("customerId")))) as oms:
        assert oms.create_wallet(**ORDER).customer_id == CUSTOMER


@pytest.mark.parametrize("said", [{}, {"chain": None}, {"chain": " "}, {"network": " "}])
def test_an_address_is_never_tied_to_a_chain_that_the_vendor_did_not_name(said):
    with client(Server(answer(201, without("chain") | said))) as oms:
        wallet = oms.create_wallet(**ORDER)
    assert wallet.chain is None
    assert wallet.address_on("polygon") is None
    assert wallet.address == ADDRESS


def test_an_asset_that_the_vendor_did_not_name_stays_unknown():
    with client(Server(answer(201, without("asset")))) as oms:
        assert oms.create_wallet(**ORDER).asset is None


def test_an_id_alone_is_a_wallet():
    with client(Server(answer(201, {"id": "wlt_1"}))) as oms:
        wallet = oms.create_wallet(**ORDER)
    assert (wallet.id, wallet.status, wallet.custody) == ("wlt_1", WalletStatus.UNKNOWN, CustodyModel.UNKNOWN)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("active", WalletStatus.ACTIVE),
        ("SUSPENDED", WalletStatus.SUSPENDED),
        ("Closed", WalletStatus.CLOSED),
        ("frozen", WalletStatus.UNKNOWN),
    ],
)
def test_statuses_are_read_in_any_letter_case_and_an_unknown_one_is_kept(said, status):
    with client(Server(answer(201, {**WALLET, "status": said}))) as oms:
        wallet = oms.create_wallet(**ORDER)
    assert (wallet.status, wallet.provider_status) == (status, said)
    assert [(d.where, d.what, d.seen) for d in wallet.drift] == (
        [("status", "value", "frozen")] if said == "frozen" else []
    )


@pytest.mark.parametrize(
    ("said", "custody"),
    [("internal", "custodial"), ("external", "non_custodial"), ("custodial", "custodial"), ("mpc", "unknown")],
)
def test_the_type_says_who_holds_the_keys(said, custody):
    with client(Server(answer(201, {**WALLET, "type": said}))) as oms:
        assert oms.create_wallet(**ORDER).custody == custody


def test_a_field_that_nobody_documented_is_kept_and_reported():
    with client(Server(answer(201, {**WALLET, "nickname": "x"}))) as oms:
        wallet = oms.create_wallet(**ORDER)
    assert wallet.raw["nickname"] == "x"
    assert [(d.where, d.what) for d in wallet.drift] == [("nickname", "field")]


def test_an_unreadable_date_does_not_lose_the_wallet():
    with client(Server(answer(201, {**WALLET, "createdAt": "yesterday"}))) as oms:
        assert oms.create_wallet(**ORDER).created_at is None


# --- answers that break the contract ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>welcome</html>",
        json.dumps(WALLET).encode()[:-20],
        b"[]",
        b"null",
        without("id"),
        {**WALLET, "id": None},
        {**WALLET, "id": ""},
        {**WALLET, "id": 7},
        {**WALLET, "address": 7},
        {**WALLET, "chain": ["polygon"]},
        {**WALLET, "customerId": "cst_other"},
        {**WALLET, "chain": "base"},
        {**WALLET, "asset": "usdt"},
        {**WALLET, "address": "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb"},
    ],
    ids=[
        "empty",
        "HTML",
        "cut short",
        "a list",
        "null",
        "no id",
        "null id",
        "empty id",
        "numeric id",
        "numeric address",
        "list of chains",
        "another customer",
        "another chain",
        "another asset",
        "address of another chain",
    ],
)
def test_a_success_that_cannot_be_trusted_leaves_the_outcome_unknown(body):
    with client(Server(answer(201, body))) as oms, pytest.raises(errors.MalformedResponse) as caught:
        oms.create_wallet(**ORDER)
    assert caught.value.outcome == "unknown"
    assert (caught.value.provider, caught.value.operation) == ("polygon-oms", "create_wallet")


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "doubt"),
    [
        (400, errors.InvalidRequest, ("not_applied", False)),
        (401, errors.AuthenticationError, ("not_applied", False)),
        (403, errors.PermissionDenied, ("not_applied", False)),
        (404, errors.NotFound, ("not_applied", False)),
        (408, errors.ProviderUnavailable, ("unknown", True)),
        (409, errors.Conflict, ("unknown", False)),
        (418, errors.InvalidRequest, ("not_applied", False)),
        (422, errors.InvalidRequest, ("not_applied", False)),
        (423, errors.RequestInProgress, ("unknown", True)),
        (425, errors.RequestInProgress, ("unknown", True)),
        (429, errors.RateLimited, ("not_applied", True)),
        (500, errors.ProviderUnavailable, ("unknown", True)),
        (502, errors.ProviderUnavailable, ("unknown", True)),
        (503, errors.ProviderUnavailable, ("unknown", True)),
        (504, errors.ProviderUnavailable, ("unknown", True)),
    ],
)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, None),
        (b"<html>no</html>", None),
        (b"[1, 2]", None),
        ({"message": "free text"}, None),
        ({"code": "asset_unknown"}, "asset_unknown"),
        ({"error": "asset_unknown"}, "asset_unknown"),
        ({"error": {"type": "asset_unknown", "message": "free text"}}, "asset_unknown"),
        ({"error": "free text, and not a code", "type": "https://example.test/why"}, None),
    ],
)
def test_a_refusal_is_judged_by_its_status_whatever_its_body(status, kind, doubt, body, code):
    nothing = page() if status == 409 else answer(200, customer())
    repeat = [answer(status, body)] if status == 401 else []
    server = Server(answer(status, body), *repeat, nothing)
    with client(server) as oms, pytest.raises(kind) as caught:
        oms.create_wallet(**ORDER)
    error = caught.value
    assert type(error) is kind
    assert (error.outcome, error.retryable) == doubt
    assert (error.status_code, error.provider_code) == (status, code)
    assert "free text" not in str(error)


def test_a_request_id_is_kept_for_the_support_ticket():
    server = Server(answer(500, None, **{"x-request-id": "req-9"}))
    with client(server) as oms, pytest.raises(errors.ProviderError) as caught:
        oms.create_wallet(**ORDER)
    assert caught.value.request_id == "req-9"


# --- a 409: adopt exactly the wallet for this asset and chain -----------------------------------------------


def test_a_409_adopts_the_customers_wallet_for_this_asset_and_chain():
    other = {**WALLET, "id": "wlt_other", "asset": "usdt"}
    server = Server(answer(409), page(other, has_more=True, cursor="c/2"), page(WALLET))
    with client(server) as oms:
        wallet = oms.create_wallet(**ORDER)
    assert wallet.id == WALLET["id"]
    assert server.said == [CREATE, LIST, f"{LIST}?cursor=c%2F2"]


@pytest.mark.parametrize(
    "listed",
    [
        [],
        [{**WALLET, "asset": "usdt"}],
        [{**WALLET, "chain": "base"}],
        [without("asset")],
        [without("chain")],
        [{**WALLET, "status": "closed"}],
    ],
    ids=["none", "another asset", "another chain", "asset unsaid", "chain unsaid", "closed"],
)
def test_a_409_without_exactly_such_a_wallet_stays_a_conflict_of_unknown_outcome(listed):
    server = Server(answer(409, {"code": "wallet_exists"}), page(*listed))
    with client(server) as oms, pytest.raises(errors.Conflict) as caught:
        oms.create_wallet(**ORDER)
    assert type(caught.value) is errors.Conflict
    assert (caught.value.outcome, caught.value.provider_code) == ("unknown", "wallet_exists")
    assert server.said == [CREATE, LIST]


@pytest.mark.parametrize("trouble", [answer(500), answer(200, b"<html>"), httpx.ReadTimeout("slow")])
def test_a_409_whose_lookup_fails_stays_a_conflict(trouble):
    server = Server(answer(409), trouble)
    with client(server) as oms, pytest.raises(errors.Conflict) as caught:
        oms.create_wallet(**ORDER)
    assert caught.value.outcome == "unknown"


def test_should_there_be_two_wallets_for_the_pair_the_active_and_latest_one_is_adopted():
    listed = [
        {**WALLET, "id": "wlt_suspended", "status": "suspended", "createdAt": "2026-06-04T00:00:00Z"},
        {**WALLET, "id": "wlt_first", "createdAt": "2026-06-01T00:00:00Z"},
        {**WALLET, "id": "wlt_last", "createdAt": "2026-06-03T00:00:00Z"},
        {**WALLET, "id": "wlt_undated", "createdAt": None},
    ]
    with client(Server(answer(409), page(*listed))) as oms:
        assert oms.create_wallet(**ORDER).id == "wlt_last"


def test_a_suspended_wallet_is_adopted_and_says_so():
    with client(Server(answer(409), page({**WALLET, "status": "suspended"}))) as oms:
        assert oms.create_wallet(**ORDER).status is WalletStatus.SUSPENDED


# --- a refusal that a missing endorsement may explain -------------------------------------------------------


@pytest.mark.parametrize("status", [400, 403, 422])
@pytest.mark.parametrize("endorsements", [[], ["basic", "usd"]])
def test_a_refused_create_says_that_the_endorsement_is_missing(status, endorsements):
    server = Server(answer(status, {"code": "nope"}), answer(200, customer(endorsements=endorsements)))
    with client(server) as oms, pytest.raises(errors.CustomerNotEligible) as caught:
        oms.create_wallet(**ORDER)
    error = caught.value
    assert error.missing == ("cryptoCustody",)
    assert (error.outcome, error.status_code, error.provider_code) == ("not_applied", status, "nope")
    assert server.said == [CREATE, READ_CUSTOMER]


@pytest.mark.parametrize(
    "looked_up",
    [
        answer(200, customer(endorsements=["cryptoCustody"])),
        answer(200, customer()),
        answer(200, customer(endorsements="all")),
        answer(200, customer(endorsements=[{"unnamed": True}])),
        answer(404),
        answer(500),
        answer(200, b"<html>"),
        httpx.ReadTimeout("slow"),
    ],
    ids=["granted", "unsaid", "a word", "unnamed", "not found", "failed", "HTML", "slow"],
)
def test_a_refusal_that_the_endorsements_do_not_explain_stays_what_it_was(looked_up):
    server = Server(answer(403), looked_up)
    with client(server) as oms, pytest.raises(errors.PermissionDenied) as caught:
        oms.create_wallet(**ORDER)
    assert caught.value.outcome == "not_applied"


@pytest.mark.parametrize("status", [404, 429, 500])
def test_other_refusals_are_not_looked_into(status):
    server = Server(answer(status))
    with client(server) as oms, pytest.raises(errors.ProviderError):
        oms.create_wallet(**ORDER)
    assert server.said == [CREATE]


def test_a_refusal_after_a_doubtful_attempt_leaves_the_doubt():
    server = Server(answer(503, **{"retry-after": "0"}), answer(403), answer(200, customer(endorsements=[])))
    with client(server, max_attempts=2) as oms, pytest.raises(errors.CustomerNotEligible) as caught:
        oms.create_wallet(**ORDER)
    assert caught.value.outcome == "unknown"


def test_an_amount_in_a_wallet_is_exact():
    body = {**without("chain"), "network": "polygon", "balance": "0.1"}
    with client(Server(answer(201, body))) as oms:
        (balance,) = oms.create_wallet(**ORDER).balances
    assert balance.available == Decimal("0.1")
