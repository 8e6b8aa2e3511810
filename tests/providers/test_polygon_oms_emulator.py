"""Polygon OMS: the emulator keeps to the vendor's contract, and the adapter gets along with every reading of it."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.support.contract import Contract
from tests.support.emulated import ManualClock, emulated
from walletport import Client, errors
from walletport.models import CustodyModel, CustomerProfile, CustomerStatus, WalletStatus
from walletport.provider.emulation import IncomingRequest
from walletport_polygon_oms import PolygonOms

CONTRACT = "polygon-oms"


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def setting(clock):
    return emulated(PolygonOms, clock, contract=CONTRACT)


@pytest.fixture
def emulator(setting):
    return setting[1]


@pytest.fixture
def oms(setting):
    with Client(PolygonOms, **setting[0], max_attempts=1) as client:
        yield client


@pytest.fixture
def order(emulator):
    return {"customer_id": emulator.default_customer, "chain": "polygon", "asset": "usdc"}


class Raw:
    """Speaks to the emulator without the adapter, to say what the adapter never would."""

    def __init__(self, emulator):
        self._emulator = emulator
        self.headers = {}
        keys = emulator.settings
        status, body = self("POST", "auth", "token", body={"apiKey": keys["api_key"], "apiSecret": keys["api_secret"]})
        assert status == 200
        self.headers = {"authorization": f"Bearer {body['accessToken']}"}

    def __call__(self, method, *path, body=None, query=None, **headers):
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = self._emulator.handle(IncomingRequest(method, path, query or {}, told, sent))
        if path[0] != "nowhere" and path != ("wallets", "wlt_1"):
            vendor = Contract.load(CONTRACT)
            called = f"{vendor.base_path}/{'/'.join(path)}"
            vendor.check_response(method, called, answer.status, answer.headers, answer.body)
        return answer.status, json.loads(answer.body)


@pytest.fixture
def raw(emulator):
    return Raw(emulator)


# --- the whole way ------------------------------------------------------------------------------------------


def test_customer_wallet_balance_and_address_work_end_to_end(oms, emulator):
    made = oms.create_customer(CustomerProfile(email="ada@example.test", first_name="Ada", reference="user-42"))
    assert (made.status, made.eligible, made.reference) == (CustomerStatus.ACTIVE, True, "user-42")
    wallet = oms.create_wallet(customer_id=made.id, chain="polygon", asset="usdc")
    assert (wallet.status, wallet.custody) == (WalletStatus.ACTIVE, CustodyModel.CUSTODIAL)
    assert (wallet.chain, wallet.asset, wallet.customer_id) == ("polygon", "usdc", made.id)
    assert wallet.drift == ()
    assert oms.get_balances(wallet)[0].available == 0
    emulator.wallet(wallet.id).balance = Decimal("0.000001")
    assert oms.get_balances(wallet)[0].available == Decimal("0.000001")
    assert oms.get_addresses(wallet) == wallet.addresses
    assert oms.get_wallet(wallet.id, customer_id=made.id) == wallet
    assert oms.wait_until_ready(wallet, timeout=0) == wallet
    assert oms.get_customer(made.id).drift == ()
    assert [(w.customer_id, w.wallet_id) for w in emulator.wallets()] == [(made.id, wallet.id)]


def test_the_same_seed_makes_the_same_ids_and_addresses(order):
    def make(seed):
        given, _ = emulated(PolygonOms, seed=seed)
        with Client(PolygonOms, **given) as client:
            return client.create_wallet(**order)

    assert make(1) == make(1)
    assert make(1).address != make(2).address


def test_the_samples_of_the_guides_lack_type_and_last_change(oms, emulator, order):
    emulator.wallet_form = "guide"
    wallet = oms.create_wallet(**order)
    assert (wallet.custody, wallet.updated_at) == (CustodyModel.UNKNOWN, None)
    assert wallet.created_at is not None
    assert wallet.drift == ()


def test_a_wallet_whose_address_comes_later_is_returned_without_one_and_read_again(oms, emulator, clock, order):
    emulator.address_delay = timedelta(seconds=5)
    wallet = oms.create_wallet(**order)
    assert wallet.addresses == ()
    clock.advance(timedelta(seconds=5))
    assert oms.get_wallet(wallet.id, customer_id=order["customer_id"]).address


# --- authentication -----------------------------------------------------------------------------------------


def test_a_token_ends_after_an_hour_and_the_client_gets_a_new_one(oms, clock, order):
    oms.create_wallet(**order)
    clock.advance(timedelta(hours=1))
    assert len(list(oms.list_wallets(customer_id=order["customer_id"]))) == 1


def test_a_token_past_its_hour_is_refused(raw, emulator, clock):
    clock.advance(timedelta(seconds=3599))
    assert raw("GET", "customers", emulator.default_customer)[0] == 200
    clock.advance(timedelta(seconds=1))
    assert raw("GET", "customers", emulator.default_customer)[0] == 401


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer wrong", "Basic eyJ"])
def test_nothing_is_answered_without_a_good_token(raw, authorization):
    raw.headers = {"authorization": authorization}
    assert raw("GET", "customers", "cst_1")[0] == 401
    assert raw("GET", "nowhere")[0] == 401


# --- validation ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", {}, {"asset": "usdc"}, {"chain": "polygon"}, {"asset": 1, "chain": ""}]
)
def test_a_bad_body_is_refused_and_its_key_may_be_used_again(raw, emulator, body):
    path = ("customers", emulator.default_customer, "wallets")
    assert raw("POST", *path, body=body, idempotency_key="k")[0] == 400
    assert raw("POST", *path, body={"asset": "usdc", "chain": "polygon"}, idempotency_key="k")[0] == 201


def test_a_post_without_key_is_refused(raw, emulator):
    body = {"asset": "usdc", "chain": "polygon"}
    assert raw("POST", "customers", emulator.default_customer, "wallets", body=body)[0] == 400
    assert raw("POST", "customers", body={})[0] == 400
    assert emulator.wallets() == []


def test_a_customer_may_be_made_from_nothing_as_in_the_quickstart_but_not_without_type_otherwise(raw):
    assert raw("POST", "customers", body={}, idempotency_key="a")[0] == 201
    assert raw("POST", "customers", body={"type": "individual"}, idempotency_key="b")[0] == 201
    assert raw("POST", "customers", body={"email": "a@b.test"}, idempotency_key="c")[0] == 400
    assert raw("POST", "customers", body={"type": "business"}, idempotency_key="d")[0] == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ("nowhere",)),
        ("POST", ("nowhere",)),
        ("GET", ("wallets", "wlt_1")),
        ("GET", ("wallets", "wlt_1", "balance")),
        ("GET", ("customers", "cst_nobody")),
        ("GET", ("customers", "cst_nobody", "wallets")),
        ("DELETE", ("customers", "cst_nobody")),
    ],
)
def test_what_is_unknown_is_not_found(raw, method, path):
    assert raw(method, *path)[0] == 404


def test_a_chain_that_nobody_knows_is_refused(oms, emulator, order):
    with pytest.raises(errors.InvalidRequest) as caught:
        oms.create_wallet(**{**order, "chain": emulator.uncreatable_chain})
    assert caught.value.outcome == "not_applied"
    assert emulator.wallets() == []


@pytest.mark.parametrize("body", ["json", "none", "html"])
def test_a_refusal_is_understood_whatever_its_body(oms, emulator, order, body):
    emulator.error_body = body
    with pytest.raises(errors.NotFound):
        oms.create_wallet(**{**order, "customer_id": "cst_nobody"})
    waiting = emulator.add_customer(eligible=False)
    with pytest.raises(errors.CustomerNotEligible):
        oms.create_wallet(**{**order, "customer_id": waiting})


# --- repeats ------------------------------------------------------------------------------------------------


def test_the_same_key_for_another_wallet_is_a_conflict_that_adopts_nothing(oms, emulator, order):
    oms.create_wallet(**order, idempotency_key="k")
    with pytest.raises(errors.Conflict) as caught:
        oms.create_wallet(**{**order, "asset": "usdt"}, idempotency_key="k")
    assert caught.value.outcome == "unknown"
    assert len(emulator.wallets()) == 1


@pytest.mark.parametrize(("reading", "made"), [("conflict", 1), ("same", 1), ("new", 2)])
def test_another_key_for_the_same_asset_and_chain_gives_a_wallet_under_every_reading(
    oms, emulator, order, reading, made
):
    emulator.duplicate_pair = reading
    first = oms.create_wallet(**order, idempotency_key="a")
    second = oms.create_wallet(**order, idempotency_key="b")
    assert len(emulator.wallets()) == made
    assert (first == second) is (made == 1)


def test_a_key_is_remembered_for_the_window_and_no_longer(oms, emulator, clock, order):
    emulator.duplicate_pair = "new"
    emulator.key_window = timedelta(minutes=2)
    oms.create_wallet(**order, idempotency_key="k")
    clock.advance(timedelta(seconds=119))
    oms.create_wallet(**order, idempotency_key="k")
    assert len(emulator.wallets()) == 1
    clock.advance(timedelta(seconds=1))
    oms.create_wallet(**order, idempotency_key="k")
    assert len(emulator.wallets()) == 2


def test_a_closed_wallet_is_nobodys_answer(oms, emulator, order):
    wallet = oms.create_wallet(**order)
    emulator.wallet(wallet.id).status = "closed"
    with pytest.raises(errors.Conflict):
        oms.create_wallet(**order)
    with pytest.raises(errors.OutcomeUnknown):
        oms.find_wallet(**order)


# --- lists --------------------------------------------------------------------------------------------------

CHAINS = ("polygon", "base", "ethereum", "arbitrum", "optimism")


@pytest.mark.parametrize("size", [1, 2, 5, 20])
def test_pages_of_any_size_hold_every_wallet_once(oms, emulator, order, size):
    emulator.page_size = size
    made = [oms.create_wallet(**{**order, "chain": chain}).id for chain in CHAINS]
    assert [wallet.id for wallet in oms.list_wallets(customer_id=order["customer_id"])] == made
    found = oms.find_wallet(**{**order, "chain": CHAINS[-1]})
    assert found is not None
    assert found.id == made[-1]


def test_a_vendor_that_pages_by_another_name_is_noticed_and_nothing_is_taken_for_absent(oms, emulator, order):
    emulator.page_size, emulator.cursor_parameter = 2, "after"
    for chain in CHAINS:
        oms.create_wallet(**{**order, "chain": chain})
    with pytest.raises(errors.MalformedResponse):
        list(oms.list_wallets(customer_id=order["customer_id"]))
    with pytest.raises(errors.MalformedResponse):
        oms.find_wallet(**{**order, "chain": CHAINS[-1]})


@pytest.mark.parametrize("cursor", ["", "cur_", "cur_x", "cur_²", "2", "xcur_2"])
def test_an_unknown_cursor_is_refused(raw, emulator, cursor):
    path = ("customers", emulator.default_customer, "wallets")
    assert raw("GET", *path, query={"cursor": cursor})[0] == 400
    assert raw("GET", *path, query={"cursor": "cur_2"})[0] == 200


def test_customers_are_listed_by_their_reference(raw):
    for number, reference in enumerate(("user-1", "user-2")):
        body = {"type": "individual", "externalId": reference}
        raw("POST", "customers", body=body, idempotency_key=str(number))
    _, found = raw("GET", "customers", query={"externalId": "user-2", "status": "active"})
    assert [item["externalId"] for item in found["data"]] == ["user-2"]
    assert (found["hasMore"], found["cursor"]) == (False, None)
    assert len(raw("GET", "customers")[1]["data"]) == 3


# --- faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["json", "none", "html"])
@pytest.mark.parametrize(("status", "retry_after"), [(429, 7), (500, None), (503, 3)])
def test_a_fault_has_its_status_and_its_retry_after_and_any_body(emulator, body, status, retry_after):
    emulator.error_body = body
    fault = emulator.failure(status, retry_after)
    assert fault.status == status
    assert fault.header("retry-after") == (None if retry_after is None else str(retry_after))
