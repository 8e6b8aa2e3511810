"""Polygon OMS: where its own pages contradict each other, both sides work. One test or more for each."""

from __future__ import annotations

import json
from decimal import Decimal

import httpx
import pytest

from tests.support.emulated import ManualClock, emulated
from tests.support.polygon_oms import (
    ADDRESS,
    API_KEY,
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
from tests.support.polygon_oms import token as token_answer
from walletport import Client, errors
from walletport.models import CustodyModel, CustomerProfile
from walletport_polygon_oms import PolygonOms
from walletport_polygon_oms.wire import customer_of

PROFILE = CustomerProfile(first_name="Ada", reference="user-42")
CONTRACT = "polygon-oms"


@pytest.mark.parametrize(("shown", "eligible"), [("granted", True), ("empty", False)])
def test_10_1_a_sandbox_customer_gets_its_wallet_whatever_endorsements_the_answer_shows(shown, eligible):
    given, emulator = emulated(PolygonOms, contract=CONTRACT)
    emulator.endorsements_on_create = shown
    with Client(PolygonOms, **given) as oms:
        made = oms.create_customer(PROFILE)
        assert made.eligible is eligible
        wallet = oms.create_wallet(customer_id=made.id, chain="polygon", asset="usdc")
        assert oms.get_customer(made.id).eligible is True
    assert wallet.address


def requirements(**changes):
    return {"complete": [], "pending": [], "missing": [], "issues": []} | changes


@pytest.mark.parametrize(
    ("endorsements", "eligible", "missing"),
    [
        (["basic", "cryptoCustody"], True, ()),
        (["CRYPTOCUSTODY"], True, ()),
        (["basic"], False, ("cryptoCustody",)),
        ([], False, ("cryptoCustody",)),
        ([{"name": "cryptoCustody", "status": "granted"}], True, ()),
        ([{"endorsement": "cryptoCustody", "status": "APPROVED"}], True, ()),
        ([{"type": "cryptoCustody", "status": "pending"}], False, ("cryptoCustody",)),
        ([{"type": "cryptoCustody", "status": "under_review"}], False, ("cryptoCustody",)),
        ([{"name": "cryptoCustody", "rejectionReasons": [], "requirements": requirements()}], True, ()),
        (
            [{"name": "cryptoCustody", "requirements": requirements(missing=["identity", "free text", 7])}],
            False,
            ("cryptoCustody", "identity"),
        ),
        ([{"name": "cryptoCustody", "requirements": requirements(pending=["review"])}], False, ("cryptoCustody",)),
        ([{"name": "cryptoCustody", "requirements": requirements(issues=["x"])}], False, ("cryptoCustody",)),
        ([{"name": "cryptoCustody", "rejectionReasons": ["r"], "requirements": requirements()}], False, None),
        ([{"name": "cryptoCustody", "status": "brand_new_word", "requirements": requirements()}], True, ()),
        ([{"name": "basic", "status": "granted"}], False, ("cryptoCustody",)),
        ([{"name": "cryptoCustody"}], None, ()),
        ([{"name": "cryptoCustody", "status": "brand_new_word"}], None, ()),
        ([{"status": "granted"}], None, ()),
        (["basic", {"status": "granted"}], None, ()),
        ([7], None, ()),
        ({"cryptoCustody": True}, None, ()),
        (None, None, ()),
    ],
)
def test_10_2_endorsements_are_read_as_names_and_as_objects(endorsements, eligible, missing):
    read = customer_of(customer(endorsements=endorsements))
    assert read.eligible is eligible
    assert read.missing == (("cryptoCustody",) if missing is None else missing)
    assert read.drift == ()


@pytest.mark.parametrize("form", ["names", "objects"])
def test_10_2_a_missing_endorsement_is_named_in_both_forms(form):
    given, emulator = emulated(PolygonOms, contract=CONTRACT)
    emulator.endorsement_form = form
    waiting = emulator.add_customer(eligible=False)
    with Client(PolygonOms, **given) as oms:
        assert oms.get_customer(waiting).eligible is False
        with pytest.raises(errors.CustomerNotEligible) as caught:
            oms.create_wallet(customer_id=waiting, chain="polygon", asset="usdc")
        assert caught.value.missing[0] == "cryptoCustody"
        assert (caught.value.status_code, caught.value.outcome) == (403, "not_applied")
        emulator.grant(waiting, "basic", "cryptoCustody")
        assert oms.get_customer(waiting).eligible is True
        assert oms.create_wallet(customer_id=waiting, chain="polygon", asset="usdc").address
    assert len(emulator.wallets()) == 1


def test_10_3_the_type_of_a_customer_is_always_sent_and_suits_both_pages():
    given, _ = emulated(PolygonOms, contract=CONTRACT)
    sent = []

    def watch(request, inner=given["transport"].handler):
        sent.append(request)
        return inner(request)

    with Client(PolygonOms, **{**given, "transport": httpx.MockTransport(watch)}) as oms:
        assert oms.create_customer(CustomerProfile()).id
    assert json.loads(sent[-1].content) == {"type": "individual"}


@pytest.mark.parametrize(
    ("fields", "custody", "held"),
    [
        ({"chain": "polygon", "type": "internal"}, CustodyModel.CUSTODIAL, None),
        ({"chain": "polygon", "type": "external"}, CustodyModel.NON_CUSTODIAL, None),
        ({"network": "polygon", "type": "custodial", "balance": "1.50"}, CustodyModel.CUSTODIAL, Decimal("1.50")),
        ({"network": "POLYGON", "type": "CUSTODIAL", "balance": {"x": 1}}, CustodyModel.CUSTODIAL, None),
        ({"chain": "polygon", "network": "mainnet", "type": "internal"}, CustodyModel.CUSTODIAL, None),
    ],
)
def test_10_4_a_wallet_is_read_in_the_shape_of_its_own_page_and_in_that_of_the_customers(fields, custody, held):
    shape = {"id": "wlt_1", "address": ADDRESS, "asset": "usdc", "status": "active", "estimatedValueUsd": "1.5"}
    with client(Server(page({**shape, **fields}))) as oms:
        (wallet,) = oms.list_wallets(customer_id=CUSTOMER)
    assert (wallet.chain, wallet.asset, wallet.custody) == ("polygon", "usdc", custody)
    assert wallet.address_on("polygon") == ADDRESS
    assert [balance.available for balance in wallet.balances] == ([] if held is None else [held])
    assert wallet.drift == ()


def test_10_5_key_and_secret_are_exchanged_for_a_token():
    server = Server(page())
    with client(server) as oms:
        list(oms.list_wallets(customer_id=CUSTOMER))
    assert len(server.token_calls) == 1
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_10_5_or_the_api_key_itself_is_the_bearer_where_that_is_configured():
    server = Server(page())
    with client(server, token_exchange=False) as oms:
        list(oms.list_wallets(customer_id=CUSTOMER))
    assert server.token_calls == []
    assert server.requests[0].headers["authorization"] == f"Bearer {API_KEY}"


def test_10_5_a_key_that_is_refused_as_the_bearer_is_not_asked_for_again():
    server = Server(answer(401))
    with client(server, token_exchange=False) as oms, pytest.raises(errors.AuthenticationError):
        list(oms.list_wallets(customer_id=CUSTOMER))
    assert len(server.requests) == 1


@pytest.mark.parametrize("taken", [True, False])
def test_10_5_an_emulated_vendor_takes_the_key_as_the_bearer_only_where_it_is_told_to(taken):
    given, emulator = emulated(PolygonOms, contract=CONTRACT)
    emulator.key_is_bearer = taken
    order = {"customer_id": emulator.default_customer, "chain": "polygon", "asset": "usdc"}
    with Client(PolygonOms, **given, token_exchange=False) as oms:
        if taken:
            assert oms.create_wallet(**order).address
        else:
            with pytest.raises(errors.AuthenticationError):
                oms.create_wallet(**order)


def test_10_6_the_token_call_carries_no_authorization_header():
    server = Server(page())
    with client(server) as oms:
        list(oms.list_wallets(customer_id=CUSTOMER))
    assert "authorization" not in server.token_calls[0].headers


@pytest.mark.parametrize("version", ["v0.9", "v0.11"])
def test_10_7_the_version_is_part_of_the_base_path_which_is_a_setting(version):
    paths = []

    def handler(request):
        paths.append(request.url.path)
        return token_answer() if request.url.path.endswith("/auth/token") else answer(201, WALLET)

    with client(handler, base_url=f"https://api.polygon.technology/{version}") as oms:
        oms.create_wallet(**ORDER)
    assert paths == [f"/{version}/auth/token", f"/{version}/customers/{CUSTOMER}/wallets"]


def test_10_8_every_post_but_the_token_call_carries_an_idempotency_key():
    server = Server(answer(201, WALLET), answer(201, customer()), page())
    with client(server) as oms:
        oms.create_wallet(**ORDER)
        oms.create_customer(PROFILE)
        list(oms.list_wallets(customer_id=CUSTOMER))
    assert "idempotency-key" not in server.token_calls[0].headers
    assert ["idempotency-key" in request.headers for request in server.requests] == [True, True, False]


def test_10_9_the_customers_id_is_the_second_segment_and_the_wallets_that_of_the_balance():
    server = Server(answer(201, WALLET), answer(200, {"displayBalance": "0"}))
    with client(server) as oms:
        oms.get_balances(oms.create_wallet(**ORDER))
    assert server.said == [f"POST /customers/{CUSTOMER}/wallets", f"GET /wallets/{WALLET['id']}/balance"]


def test_10_10_a_business_is_sent_and_the_vendor_decides():
    business = CustomerProfile(type="business", email="acme@example.test")
    server = Server(answer(201, customer(type="business")))
    with client(server) as oms:
        made = oms.create_customer(business)
    assert json.loads(server.requests[0].content)["type"] == "business"
    assert made.drift == ()
    given, _ = emulated(PolygonOms, ManualClock())
    with Client(PolygonOms, **given) as oms, pytest.raises(errors.InvalidRequest) as caught:
        oms.create_customer(business)
    assert caught.value.outcome == "not_applied"
