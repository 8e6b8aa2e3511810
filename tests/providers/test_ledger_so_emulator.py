"""Ledger.so's emulator behaves as the vendor's pages say, and every exchange fits the contract written from them."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from tests.support.contract import Contract
from tests.support.emulated import ManualClock, answers_of, emulated
from walletport import Client, errors
from walletport.models import CustomerProfile, WalletStatus
from walletport.provider.emulation import IncomingRequest
from walletport.webhooks import parse_webhook
from walletport_ledger_so import LedgerSo
from walletport_ledger_so.emulator import API_KEY, CUSTOMER, LedgerSoEmulator

CONTRACT = "ledger-so"
CHAINS = {"solana", "ethereum", "arbitrum", "base", "optimism", "polygon", "avalanche", "tron"}
PROFILE = CustomerProfile(email="ada@example.com", first_name="Ada", last_name="Example")
SECRET = "whsec_" + "QUJD" * 8


class Vendor:
    """The emulator as it answers on the wire, held against the contract unless a test asks for what is not in it."""

    def __init__(self, contract: str | None = CONTRACT, seed: int = 0) -> None:
        self.clock = ManualClock()
        self.emulator = LedgerSoEmulator(self.clock.now, seed)
        self._answer = answers_of(self.emulator, contract)

    def send(self, method, path, body=None, *, key=None, headers=None):
        told = {"authorization": f"Bearer {API_KEY}"} if headers is None else dict(headers)
        told |= {"idempotency-key": key} if key else {}
        told |= {"content-type": "application/json"} if body is not None else {}
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        response = self._answer(httpx.Request(method, f"https://x/ledger-so{path}", headers=told, content=raw))
        return response.status_code, response.json()

    def create(self, customer=CUSTOMER, **options):
        return self.send("POST", "/v1/crypto-wallets", {"customerId": customer}, **options)


def code(answered):
    status, body = answered
    assert body["ok"] is False
    return status, body["error"]["code"]


# --- through the adapter ------------------------------------------------------------------------------------


def test_a_wallet_is_made_with_an_address_of_its_own_on_each_of_the_eight_chains():
    given, emulator = emulated(LedgerSo, contract=CONTRACT)
    with Client(LedgerSo, **given) as ledger:
        wallet = ledger.create_wallet(customer_id=emulator.default_customer, chain="polygon", asset="usdc")
        assert {address.chain for address in wallet.addresses} == CHAINS
        assert len({address.value for address in wallet.addresses}) == 8
        assert ledger.get_addresses(wallet) == wallet.addresses
        assert ledger.get_wallet(wallet.id).id == wallet.id
        assert [listed.id for listed in ledger.list_wallets(customer_id=emulator.default_customer)] == [wallet.id]
    assert wallet.drift == ()
    assert [(made.wallet_id, made.customer_id) for made in emulator.wallets()] == [(wallet.id, CUSTOMER)]


@pytest.mark.parametrize("form", ["list", "items", "by_chain", "one_evm"])
@pytest.mark.parametrize("names", [{}, {"polygon": "MATIC", "solana": "SOL", "avalanche": "avalanche-c-chain"}])
def test_deposit_addresses_are_read_in_each_form_the_emulator_has(form, names):
    given, emulator = emulated(LedgerSo, contract=None if form == "by_chain" else CONTRACT)
    emulator.address_form, emulator.chain_names = form, names
    with Client(LedgerSo, **given) as ledger:
        wallet = ledger.create_wallet(customer_id=emulator.default_customer)
    assert {address.chain for address in wallet.addresses} == CHAINS
    assert len({address.value for address in wallet.addresses}) == (3 if form == "one_evm" else 8)


def test_a_wallet_that_is_being_made_becomes_active_and_gets_its_addresses_by_the_clock():
    clock = ManualClock()
    given, emulator = emulated(LedgerSo, clock, contract=CONTRACT)
    emulator.activation_delay, emulator.address_delay = timedelta(seconds=2), timedelta(seconds=3)
    with Client(LedgerSo, **given) as ledger:
        wallet = ledger.create_wallet(customer_id=emulator.default_customer)
        assert (wallet.status, wallet.addresses, wallet.drift) == (WalletStatus.PENDING, (), ())
        clock.advance(timedelta(seconds=2))
        assert ledger.get_wallet(wallet.id).status is WalletStatus.ACTIVE
        assert ledger.get_addresses(wallet) == ()
        clock.advance(timedelta(seconds=1))
        assert len(ledger.wait_until_ready(wallet).addresses) == 8


@pytest.mark.parametrize(("form", "status"), [("invalid", 400), ("denied", 403)])
def test_a_customer_without_kyc_gets_its_wallet_once_it_is_approved(form, status):
    given, emulator = emulated(LedgerSo, contract=None if form == "denied" else CONTRACT)
    emulator.no_kyc = form
    with Client(LedgerSo, **given) as ledger:
        made = ledger.create_customer(PROFILE)
        with pytest.raises(errors.CustomerNotEligible) as caught:
            ledger.create_wallet(customer_id=made.id)
        assert (caught.value.status_code, caught.value.missing, caught.value.outcome) == (
            status,
            ("kyc",),
            "not_applied",
        )
        assert caught.value.link == made.link == f"https://kyc.ledger-so.example/{made.id}"
        assert emulator.wallets() == []
        emulator.review(made.id)
        assert ledger.create_wallet(customer_id=made.id).customer_id == made.id


@pytest.mark.parametrize("status", [429, 500])
def test_a_failure_of_the_vendor_is_classified(status):
    given, emulator = emulated(LedgerSo)
    failure = emulator.failure(status, retry_after=9)
    Contract.load(CONTRACT).check_response("POST", "/v1/crypto-wallets", status, failure.headers, failure.body)
    handler = httpx.MockTransport(lambda _: httpx.Response(status, headers=dict(failure.headers), content=failure.body))
    given |= {"transport": handler, "max_attempts": 1}
    with Client(LedgerSo, **given) as ledger, pytest.raises(errors.ProviderError) as caught:
        ledger.create_wallet(customer_id=CUSTOMER)
    kind, name = {
        429: (errors.RateLimited, "RATE_LIMITED"),
        500: (errors.ProviderUnavailable, "INTERNAL_ERROR"),
    }[status]
    assert (type(caught.value), caught.value.provider_code, caught.value.retry_after) == (kind, name, 9)


def test_two_emulators_of_one_seed_make_the_same_and_of_another_seed_others():
    made = [Vendor(seed=seed).create()[1]["data"]["id"] for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


# --- on the wire --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer "},
        {"authorization": "Bearer ld_live_demo"},
        {"authorization": f"Basic {API_KEY}"},
        {"authorization": API_KEY},
        {"x-api-key": "ld_test_other"},
        {"api-key": API_KEY},
    ],
)
def test_only_its_own_key_is_accepted(headers):
    vendor = Vendor(None)
    assert code(vendor.create(headers=headers)) == (401, "UNAUTHORIZED")
    assert vendor.emulator.wallets() == []


@pytest.mark.parametrize("headers", [{"authorization": f"bearer {API_KEY}"}, {"x-api-key": API_KEY}])
def test_either_documented_header_is_accepted(headers):
    assert Vendor().create(headers=headers)[0] == 200


def test_health_needs_no_key():
    status, body = Vendor().send("GET", "/v1/health", headers={})
    assert (status, body["ok"]) == (200, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"cus_demo0000000001"',
        b'{"customerId": "a", "customerId": "b"}',
        {},
        {"customerId": None},
        {"customerId": 7},
        {"customerId": ""},
        {"customerId": "cus_nobody"},
        {"customerId": CUSTOMER, "chain": "polygon"},
        {"customerId": CUSTOMER, "provider": "base"},
        {"customerId": CUSTOMER, "reference": "x"},
    ],
)
def test_a_create_with_anything_but_a_known_customer_id_is_invalid(body):
    vendor = Vendor(None)
    assert code(vendor.send("POST", "/v1/crypto-wallets", body)) == (400, "INVALID_REQUEST")
    assert vendor.emulator.wallets() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"email": None},
        {"email": "no address"},
        {"firstName": ""},
        {"lastName": 7},
        {"type": "company"},
        {"phone": 7},
        {"externalId": "user-42"},
    ],
)
def test_a_customer_with_a_field_that_is_wrong_or_unknown_is_invalid(changes):
    body = {"email": "a@example.com", "firstName": "A", "lastName": "B", **changes}
    assert code(Vendor(None).send("POST", "/v1/customers", body)) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/crypto-wallets/wal_none"),
        ("GET", "/v1/crypto-wallets/wal_none/balance"),
        ("GET", "/v1/crypto-wallets/wal_none/crypto-deposit-addresses"),
        ("GET", "/v1/customers/cus_none"),
        ("POST", "/v1/wallets"),
        ("DELETE", "/v1/crypto-wallets"),
        ("GET", "/nowhere"),
    ],
)
def test_what_is_not_there_is_not_found(method, path):
    assert code(Vendor(None).send(method, path)) == (404, "NOT_FOUND")


# --- idempotency --------------------------------------------------------------------------------------------


def test_the_same_key_and_body_gives_the_first_answer_again():
    vendor = Vendor()
    first = vendor.create(key="k")
    assert vendor.create(key="k") == first
    assert len(vendor.emulator.wallets()) == 1


def test_the_same_key_with_another_body_or_route_is_a_conflict():
    vendor = Vendor()
    other = vendor.emulator.add_customer()
    vendor.create(key="k")
    assert code(vendor.create(other, key="k")) == (409, "CONFLICT")
    body = {"email": "a@example.com", "firstName": "A", "lastName": "B"}
    assert code(vendor.send("POST", "/v1/customers", body, key="k")) == (409, "CONFLICT")
    assert len(vendor.emulator.wallets()) == 1


@pytest.mark.parametrize(("window", "wallets"), [(timedelta(minutes=5), 2), (timedelta(hours=24), 1)])
def test_a_key_is_forgotten_after_its_window(window, wallets):
    vendor = Vendor()
    vendor.emulator.key_window = window
    assert vendor.emulator.key_window == window
    vendor.create(key="k")
    vendor.clock.advance(timedelta(minutes=5))
    vendor.create(key="k")
    assert len(vendor.emulator.wallets()) == wallets


@pytest.mark.parametrize(("replayed", "status"), [(False, 200), (True, 400)])
def test_a_failure_is_remembered_under_its_key_only_where_that_is_switched_on(replayed, status):
    vendor = Vendor()
    vendor.emulator.replay_failures = replayed
    waiting = vendor.emulator.add_customer(eligible=False)
    assert code(vendor.create(waiting, key="k")) == (400, "INVALID_REQUEST")
    vendor.emulator.review(waiting)
    assert vendor.create(waiting, key="k")[0] == status


@pytest.mark.parametrize(
    ("reading", "status", "wallets"), [("another", 200, 2), ("existing", 200, 1), ("conflict", 409, 1)]
)
def test_a_second_create_without_the_key_follows_the_reading_that_was_chosen(reading, status, wallets):
    vendor = Vendor()
    vendor.emulator.second_create = reading
    first = vendor.create()[1]["data"]["id"]
    answered, body = vendor.create()
    assert (answered, len(vendor.emulator.wallets())) == (status, wallets)
    assert (reading == "existing") == (body.get("data", {}).get("id") == first)


def test_a_customer_without_kyc_may_have_a_wallet_where_the_gate_is_off():
    vendor = Vendor()
    vendor.emulator.no_kyc = "ignored"
    assert vendor.create(vendor.emulator.add_customer(eligible=False))[0] == 200


# --- pages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=-1", "cursor=x", "cursor=YWZ0ZXI6OTk5"])
def test_a_page_that_cannot_be_is_invalid(query):
    assert code(Vendor(None).send("GET", f"/v1/crypto-wallets?{query}")) == (400, "INVALID_REQUEST")


def test_a_page_holds_fifty_unless_asked_otherwise():
    vendor = Vendor()
    for _ in range(51):
        vendor.create()
    first = vendor.send("GET", "/v1/crypto-wallets")[1]["data"]
    assert len(first["items"]) == 50
    last = vendor.send("GET", f"/v1/crypto-wallets?cursor={first['nextCursor']}")[1]["data"]
    assert (len(last["items"]), last["nextCursor"]) == (1, None)
    assert len(vendor.send("GET", "/v1/crypto-wallets?limit=200")[1]["data"]["items"]) == 51


def test_customers_are_listed_too():
    vendor = Vendor()
    vendor.emulator.add_customer("cus_2", eligible=False)
    listed = vendor.send("GET", "/v1/customers")[1]["data"]["items"]
    assert [(customer["id"], customer["kycStatus"]) for customer in listed] == [
        (CUSTOMER, "approved"),
        ("cus_2", "not_started"),
    ]


# --- webhooks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["bare", "envelope"])
@pytest.mark.parametrize("signature", ["ledger", "svix"])
def test_events_fit_the_contract_and_prove_themselves(data, signature):
    vendor = Vendor()
    vendor.emulator.event_data, vendor.emulator.signature = data, signature
    wallet_id = vendor.create()[1]["data"]["id"]
    for headers, body in (
        vendor.emulator.webhook(wallet_id, SECRET),
        vendor.emulator.customer_webhook(CUSTOMER, SECRET),
    ):
        Contract.load(CONTRACT).check_webhook(body, headers)
        event = parse_webhook(LedgerSo, headers, body, SECRET, now=vendor.clock.now())
        assert event.customer_id == CUSTOMER
        assert event.occurred_at == vendor.clock.now()
        assert event.wallet or event.customer


def test_the_emulator_asks_no_other_clock_than_its_own():
    vendor = Vendor()
    vendor.clock.advance(timedelta(days=400))
    assert vendor.create()[1]["data"]["createdAt"] == "2027-07-06T12:00:00.000Z"
    request = IncomingRequest("GET", ("v1", "customers", CUSTOMER), {}, {"x-api-key": API_KEY}, b"")
    assert json.loads(vendor.emulator.handle(request).body)["data"]["createdAt"] == "2026-06-01T12:00:00.000Z"
