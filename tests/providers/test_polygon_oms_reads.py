"""Polygon OMS: lists, look-ups, balances, addresses and customers."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.polygon_oms import ADDRESS, CUSTOMER, ORDER, WALLET, Server, answer, client, customer, page
from walletport import errors
from walletport.capabilities import Answer, Need
from walletport.models import CustomerProfile, CustomerStatus, Wallet, WalletStatus
from walletport.provider import read_json
from walletport_polygon_oms import PolygonOms
from walletport_polygon_oms.wire import balances_of, customer_of

LIST = f"GET /customers/{CUSTOMER}/wallets"
SECOND = {**WALLET, "id": "wlt_2", "asset": "usdt"}


def without(*names: str) -> dict[str, object]:
    return {name: value for name, value in WALLET.items() if name not in names}


# --- what is declared ---------------------------------------------------------------------------------------


def test_what_the_vendor_leaves_open_is_declared():
    told = PolygonOms.capabilities
    assert {name: ability.answer for name, ability in told.abilities().items()} == {
        "create_wallet": Answer.YES,
        "get_wallet": Answer.DEPENDS,
        "list_wallets": Answer.DEPENDS,
        "find_wallet": Answer.DEPENDS,
        "get_balances": Answer.DEPENDS,
        "get_addresses": Answer.DEPENDS,
        "rotate_wallet": Answer.NO,
        "create_customer": Answer.YES,
        "get_customer": Answer.YES,
        "several_addresses": Answer.NO,
        "deposit_addresses": Answer.YES,
        "webhooks": Answer.DEPENDS,
        "approval": Answer.NO,
    }
    assert all(ability.reason for ability in told.abilities().values() if ability.answer is not Answer.YES)
    assert (told.order.chain, told.order.asset, told.order.reference) == (
        Need.REQUIRED,
        Need.REQUIRED,
        Need.REFUSED,
    )
    assert not told.order.chains_fixed
    assert not told.order.assets_fixed
    key = told.idempotency
    assert (key.place, key.name, key.required) == ("header", "Idempotency-Key", True)
    assert (key.window, key.window_documented) == (timedelta(minutes=5), False)
    assert told.settle_time == timedelta(seconds=60)


# --- lists --------------------------------------------------------------------------------------------------


def test_a_list_is_walked_page_by_page_with_the_cursor_of_the_answer():
    server = Server(page(WALLET, has_more=True, cursor="a b/c"), page(SECOND))
    with client(server) as oms:
        assert [wallet.id for wallet in oms.list_wallets(customer_id=CUSTOMER)] == [WALLET["id"], "wlt_2"]
    assert server.said == [LIST, f"{LIST}?cursor=a%20b%2Fc"]


@pytest.mark.parametrize(
    "body",
    [
        {"data": [WALLET], "hasMore": False, "cursor": None},
        {"data": [WALLET], "hasMore": False, "cursor": "ignored, because there is no more"},
        {"data": [WALLET], "hasMore": False},
        {"data": [WALLET], "hasMore": None},
        {"data": [WALLET]},
        {"data": [WALLET], "cursor": ""},
        {"data": [WALLET], "totally": "new"},
        [WALLET],
    ],
)
def test_every_envelope_of_a_last_page_is_read(body):
    with client(Server(answer(200, body))) as oms:
        assert [wallet.id for wallet in oms.list_wallets(customer_id=CUSTOMER)] == [WALLET["id"]]


@pytest.mark.parametrize(
    "body",
    [
        {"data": [WALLET], "hasMore": True, "nextCursor": "c"},
        {"data": [WALLET], "nextCursor": "c"},
        {"data": [WALLET], "cursor": "c"},
    ],
)
def test_every_envelope_of_a_first_page_leads_to_the_second(body):
    server = Server(answer(200, body), page(SECOND))
    with client(server) as oms:
        assert len(list(oms.list_wallets(customer_id=CUSTOMER))) == 2
    assert server.said[1] == f"{LIST}?cursor=c"


@pytest.mark.parametrize("body", [[], {"data": [], "hasMore": False}])
def test_an_empty_list_is_empty(body):
    with client(Server(answer(200, body))) as oms:
        assert list(oms.list_wallets(customer_id=CUSTOMER)) == []


@pytest.mark.parametrize(
    "body",
    [
        {"data": [WALLET], "hasMore": True},
        {"data": [WALLET], "hasMore": True, "cursor": None},
        {"data": [WALLET], "hasMore": True, "cursor": ""},
        {"data": [WALLET], "hasMore": "true"},
        {"data": [WALLET], "cursor": 7},
        {"data": None},
        {"data": {}},
        {},
        None,
        {"data": [without("id")]},
        {"data": [{**WALLET, "customerId": "cst_other"}]},
        b"<html>",
        b"",
    ],
)
def test_a_list_that_cannot_be_trusted_is_malformed_and_never_just_shorter(body):
    with client(Server(answer(200, body))) as oms, pytest.raises(errors.MalformedResponse) as caught:
        list(oms.list_wallets(customer_id=CUSTOMER))
    assert caught.value.outcome == "not_applied"


@pytest.mark.parametrize("call", ["list", "get", "addresses"])
def test_what_is_read_through_the_customer_asks_for_the_customer(call):
    server = Server()
    nobodys = Wallet(provider="polygon-oms", id="wlt_1")
    with client(server) as oms, pytest.raises(errors.ConfigurationError, match="customer_id="):
        {
            "list": lambda: list(oms.list_wallets()),
            "get": lambda: oms.get_wallet("wlt_1"),
            "addresses": lambda: oms.get_addresses(nobodys),
        }[call]()
    assert not server.requests


# --- one wallet ---------------------------------------------------------------------------------------------


def test_a_wallet_is_read_through_its_customers_list_on_whatever_page_it_is():
    server = Server(page(SECOND, has_more=True, cursor="c"), page(WALLET))
    with client(server) as oms:
        assert oms.get_wallet(str(WALLET["id"]), customer_id=CUSTOMER).address == ADDRESS
    assert server.said == [LIST, f"{LIST}?cursor=c"]


@pytest.mark.parametrize("cursors", [["c", "c"], ["a", "b", "a"]])
def test_a_lookup_in_a_list_that_goes_in_circles_is_malformed(cursors):
    pages = [page(SECOND, has_more=True, cursor=cursor) for cursor in cursors]
    with client(Server(*pages)) as oms, pytest.raises(errors.MalformedResponse, match="circles"):
        oms.get_wallet("wlt_1", customer_id=CUSTOMER)


def test_a_lookup_in_a_list_without_end_gives_up():
    count = iter(range(10_000))

    def handler(request):
        if request.url.path.endswith("/auth/token"):
            return Server()(request)
        return page(has_more=True, cursor=f"c{next(count)}")

    with client(handler, max_elapsed=10**6) as oms, pytest.raises(errors.MalformedResponse, match="does not end"):
        oms.find_wallet(**ORDER)


def test_the_address_comes_from_the_list_too():
    wallet = Wallet(provider="polygon-oms", id=str(WALLET["id"]), customer_id=CUSTOMER)
    with client(Server(page(WALLET))) as oms:
        (address,) = oms.get_addresses(wallet)
    assert (address.chain, address.value) == ("polygon", ADDRESS)


# --- finding the wallet of an order whose answer was lost ---------------------------------------------------


def test_a_lost_wallet_is_found_by_asset_and_chain():
    listed = [SECOND, {**WALLET, "id": "wlt_3", "chain": "base"}, WALLET]
    with client(Server(page(*listed))) as oms:
        found = oms.find_wallet(**ORDER)
    assert found is not None
    assert found.id == WALLET["id"]


@pytest.mark.parametrize(
    "listed",
    [
        [],
        [SECOND],
        [{**WALLET, "chain": "base"}],
        [{**SECOND, "status": "closed"}],
        [{**without("chain"), "asset": "usdt"}],
    ],
    ids=["no wallet", "another asset", "another chain", "another one closed", "another asset, chain unsaid"],
)
def test_nothing_on_any_page_proves_that_there_is_no_wallet(listed):
    with client(Server(page(has_more=True, cursor="c"), page(*listed))) as oms:
        assert oms.find_wallet(**ORDER) is None


@pytest.mark.parametrize(
    "listed",
    [
        [{**WALLET, "status": "closed"}],
        [without("asset")],
        [without("chain")],
        [without("asset", "chain")],
        [{**without("asset"), "status": "closed"}],
        [{"id": "wlt_1"}],
    ],
    ids=["closed", "asset unsaid", "chain unsaid", "both unsaid", "closed, asset unsaid", "an id alone"],
)
def test_a_wallet_that_may_be_the_orders_is_neither_adopted_nor_taken_for_none(listed):
    with client(Server(page(*listed))) as oms, pytest.raises(errors.OutcomeUnknown) as caught:
        oms.find_wallet(**ORDER)
    assert caught.value.outcome == "unknown"


def test_a_usable_wallet_beside_a_closed_one_is_found():
    listed = [{**WALLET, "status": "closed", "id": "wlt_closed"}, WALLET, {"id": "wlt_1"}]
    with client(Server(page(*listed))) as oms:
        found = oms.find_wallet(**ORDER)
    assert found is not None
    assert found.id == WALLET["id"]


# --- balances -----------------------------------------------------------------------------------------------


def held(**changes):
    fields = {"provider": "polygon-oms", "id": "wlt_1", "customer_id": CUSTOMER, "asset": "usdc", "chain": "polygon"}
    return Wallet.model_validate(fields | changes)


def test_a_balance_is_asked_for_by_wallet():
    server = Server(answer(200, {"displayBalance": {"value": "12.50", "asset": "USDC"}}))
    with client(server) as oms:
        (balance,) = oms.get_balances(held())
    assert server.said == ["GET /wallets/wlt_1/balance"]
    assert (balance.asset, balance.chain, balance.available) == ("usdc", "polygon", Decimal("12.50"))


@pytest.mark.parametrize(
    "body",
    [
        '{"displayBalance": "12.50"}',
        '{"displayBalance": 12.50}',
        '{"balance": "12.50", "asset": "usdc"}',
        '{"amount": "12.50", "currency": "USDC"}',
        '{"available": "12.50", "estimatedValue": "12.49"}',
        '{"value": "12.50", "assetCode": "usdc"}',
        '{"balance": {"amount": "12.50", "currency": "usdc"}}',
        '{"balance": {"value": "12.50"}, "asset": "USDC"}',
        '{"displayBalance": {"value": "12.50", "symbol": "USDC"}, "estimatedBalance": {"value": "9", "code": "USD"}}',
        '{"displayBalance": "12.50", "balance": "12500000", "decimals": 6}',
        '{"walletId": "wlt_1", "balances": [{"asset": "usdc", "amount": "12.50"}]}',
        '[{"asset": "usdc", "amount": "12.50"}]',
    ],
)
def test_a_balance_is_read_exactly_in_every_form_with_one_meaning(body):
    with client(Server(answer(200, body.encode()))) as oms:
        (balance,) = oms.get_balances(held())
    assert (balance.asset, str(balance.available)) == ("usdc", "12.50")
    assert (balance.pending, balance.frozen) == (None, None)


def test_parts_that_are_not_available_are_told_apart():
    body = {"available": "1", "pending": {"amount": "2"}, "frozen": "3"}
    with client(Server(answer(200, body))) as oms:
        (balance,) = oms.get_balances(held())
    assert (balance.available, balance.pending, balance.frozen) == (Decimal(1), Decimal(2), Decimal(3))


def test_the_asset_is_the_answers_where_the_wallet_has_none_and_unknown_where_neither_says():
    assert balances_of({"amount": "1", "asset": "USDT"}, held(asset=None))[0].asset == "usdt"
    assert balances_of({"amount": "1"}, held(asset=None))[0].asset is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"estimatedBalance": {"value": "12.49", "currency": "USD"}},
        {"total": "12.50"},
        {"balance": None},
        {"balance": ""},
        {"balance": "12,50"},
        {"balance": "12.50 USDC"},
        {"balance": True},
        {"balance": "NaN"},
        {"balance": "Infinity"},
        {"balance": ["12.50"]},
        {"balance": {"raw": "12500000"}},
        {"balance": {"balance": {"balance": {"balance": "1"}}}},
        {"balance": "12500000", "decimals": 6},
        {"balance": {"value": "1250", "unit": "cents"}},
        {"displayBalance": {"value": "12500000", "decimals": 6}},
        {"amount": "12.50", "currency": "USD"},
        {"amount": "12.50", "asset": {"code": "usdc"}},
        {"amount": "12.50", "pending": "some"},
        {"balances": [{"asset": "usdc"}]},
        "12.50 USDC",
        None,
        b"<html>",
        b"",
    ],
)
def test_a_balance_that_would_have_to_be_guessed_is_malformed(body):
    server = Server(answer(200, body if body is not None else b"null"))
    with client(server) as oms, pytest.raises(errors.MalformedResponse) as caught:
        oms.get_balances(held())
    assert caught.value.outcome == "not_applied"


def test_an_asset_that_is_no_text_is_refused_by_the_adapter_itself():
    with pytest.raises(errors.MalformedResponse, match="guessing"):
        balances_of({"amount": "12.50", "asset": {"code": "usdc"}}, held())


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.decimals(allow_nan=True).map(str)
NAMES = st.sampled_from(["balance", "displayBalance", "amount", "value", "asset", "currency", "decimals", "pending"])
BODIES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=8
)


@given(BODIES)
def test_whatever_a_balance_looks_like_it_is_read_or_malformed(body):
    value = read_json(json.dumps(body).encode())
    try:
        balances = balances_of(value, held())
    except errors.MalformedResponse:
        return
    assert all(balance.available.is_finite() and balance.asset == "usdc" for balance in balances)


# --- customers ----------------------------------------------------------------------------------------------

FULL = {
    "id": CUSTOMER,
    "object": "customer",
    "type": "individual",
    "firstName": "Ada",
    "middleName": None,
    "lastName": "Byron",
    "email": "ada@example.test",
    "phone": "+441234",
    "nationality": "GB",
    "externalId": "user-42",
    "status": "active",
    "signedAgreement": False,
    "signedAgreementAt": None,
    "wallets": [],
    "endorsements": ["basic", "cryptoCustody", "usd"],
    "metadata": {},
    "createdAt": "2026-06-01T12:00:00Z",
    "updatedAt": "2026-06-01T12:00:00Z",
}
PROFILE = CustomerProfile(
    email="ada@example.test", first_name="Ada", last_name="Byron", phone="+441234", reference="user-42"
)


def test_a_customer_is_made_with_what_the_profile_says_under_the_callers_key():
    server = Server(answer(201, FULL))
    with client(server) as oms:
        made = oms.create_customer(PROFILE, idempotency_key="k-1")
    (sent,) = server.requests
    assert server.said == ["POST /customers"]
    assert sent.headers["idempotency-key"] == "k-1"
    assert json.loads(sent.content) == {
        "type": "individual",
        "firstName": "Ada",
        "lastName": "Byron",
        "email": "ada@example.test",
        "phone": "+441234",
        "externalId": "user-42",
    }
    assert (made.provider, made.id, made.reference) == ("polygon-oms", CUSTOMER, "user-42")
    assert (made.status, made.provider_status) == (CustomerStatus.ACTIVE, "active")
    assert (made.eligible, made.missing) == (True, ())
    assert made.raw == FULL
    assert made.drift == ()


def test_what_a_profile_does_not_say_is_left_out():
    server = Server(answer(201, FULL))
    with client(server) as oms:
        oms.create_customer(CustomerProfile())
    assert json.loads(server.requests[0].content) == {"type": "individual"}


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_customer_is_an_invalid_request(status):
    server = Server(answer(status))
    with client(server) as oms, pytest.raises(errors.InvalidRequest) as caught:
        oms.create_customer(PROFILE)
    assert caught.value.outcome == "not_applied"
    assert server.said == ["POST /customers"]


@pytest.mark.parametrize("body", [b"", b"<html>", {}, {"id": None}, {"id": 7}, []])
def test_a_customer_without_id_leaves_the_outcome_unknown(body):
    with client(Server(answer(201, body))) as oms, pytest.raises(errors.MalformedResponse) as caught:
        oms.create_customer(PROFILE)
    assert caught.value.outcome == "unknown"


def test_after_a_409_the_one_customer_with_the_same_reference_is_adopted():
    server = Server(answer(409), page({**FULL, "externalId": "User-42", "id": "cst_other"}, FULL))
    with client(server) as oms:
        assert oms.create_customer(PROFILE).id == CUSTOMER
    assert server.said == ["POST /customers", "GET /customers?externalId=user-42"]


@pytest.mark.parametrize(
    "listed",
    [
        page(),
        page(FULL, {**FULL, "id": "cst_second"}),
        page({**FULL, "externalId": None}),
        page(FULL, has_more=True, cursor="c"),
        answer(500),
        answer(200, b"<html>"),
    ],
    ids=["none", "two", "another", "more pages", "failed", "HTML"],
)
def test_after_a_409_nobody_else_is_adopted(listed):
    with client(Server(answer(409), listed)) as oms, pytest.raises(errors.Conflict) as caught:
        oms.create_customer(PROFILE)
    assert caught.value.outcome == "unknown"


def test_after_a_409_there_is_nothing_to_look_for_without_a_reference():
    server = Server(answer(409))
    with client(server) as oms, pytest.raises(errors.Conflict):
        oms.create_customer(CustomerProfile(email="ada@example.test"))
    assert server.said == ["POST /customers"]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("active", CustomerStatus.ACTIVE),
        ("INACTIVE", CustomerStatus.CLOSED),
        ("paused", CustomerStatus.UNKNOWN),
        (None, CustomerStatus.UNKNOWN),
    ],
)
def test_a_customers_status_is_read_and_an_unknown_one_kept(said, status):
    with client(Server(answer(200, {**FULL, "status": said}))) as oms:
        found = oms.get_customer(CUSTOMER)
    assert (found.status, found.provider_status) == (status, said)


def test_whether_a_deleted_customer_may_have_a_wallet_is_not_told():
    assert customer_of({**FULL, "status": "inactive"}).eligible is None
    assert customer_of({**FULL, "status": "inactive", "endorsements": []}).eligible is False


def test_a_customer_is_read_by_id():
    server = Server(answer(200, customer()))
    with client(server) as oms:
        found = oms.get_customer(CUSTOMER)
    assert server.said == [f"GET /customers/{CUSTOMER}"]
    assert (found.eligible, found.missing) == (None, ())


def test_a_suspended_wallet_is_listed_as_such():
    with client(Server(page({**WALLET, "status": "suspended"}))) as oms:
        (wallet,) = oms.list_wallets(customer_id=CUSTOMER)
    assert wallet.status is WalletStatus.SUSPENDED
