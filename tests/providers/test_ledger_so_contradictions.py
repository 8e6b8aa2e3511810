"""Ledger.so: where its own pages contradict each other, both sides work. One test or more for each."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.support.contract import Contract
from tests.support.emulated import START, answers_of, emulated
from tests.support.ledger_so import (
    ADDRESSES,
    CREATE,
    CUSTOMER,
    ENTRIES,
    OLDER_WALLET,
    ON,
    WALLET,
    WALLET_ID,
    Server,
    client,
    created,
    customer,
    good,
    refused,
)
from walletport import Client, errors
from walletport.models import CustomerProfile, CustomerStatus, EventType, WalletStatus
from walletport.webhooks import parse_webhook
from walletport_ledger_so import LedgerSo
from walletport_ledger_so.emulator import API_KEY

CONTRACT = "ledger-so"
PROFILE = CustomerProfile(email="ada@example.com", first_name="Ada", last_name="Example")
SECRET = "whsec_" + "QUJD" * 8


@pytest.mark.parametrize(
    ("shown", "moment"),
    [
        ("2026-06-01T12:00:00Z", datetime(2026, 6, 1, 12, tzinfo=UTC)),
        ("2026-06-01T14:00:00.250+02:00", datetime(2026, 6, 1, 12, 0, 0, 250000, tzinfo=UTC)),
        (1780315200000, datetime(2026, 6, 1, 12, tzinfo=UTC)),
        ("yesterday", None),
    ],
)
def test_12_1_a_time_is_read_as_text_and_as_milliseconds_and_an_unreadable_one_loses_no_wallet(shown, moment):
    wallet, _ = created(good({**WALLET, "createdAt": shown, "updatedAt": shown}), good(ENTRIES))
    assert (wallet.created_at, wallet.updated_at) == (moment, moment)
    with client(Server(good(customer(createdAt=shown)))) as ledger:
        assert ledger.get_customer(CUSTOMER).created_at == moment


@pytest.mark.parametrize("times", ["iso", "epoch_ms"])
def test_12_1_both_clocks_of_the_vendor_give_the_same_wallet_and_customer(times):
    given, emulator = emulated(LedgerSo, contract=CONTRACT)
    emulator.times = times
    with Client(LedgerSo, **given) as ledger:
        assert ledger.create_wallet(customer_id=emulator.default_customer).created_at == START
        assert ledger.get_customer(emulator.default_customer).updated_at == START


def test_12_2_wallets_live_under_crypto_wallets_wherever_the_base_url_points():
    server = Server(good(WALLET), good(ENTRIES))
    with client(server, base_url="https://proxy.example/ledger") as ledger:
        ledger.create_wallet(customer_id=CUSTOMER)
    assert [request.url.path for request in server.requests] == [
        "/ledger/v1/crypto-wallets",
        f"/ledger/v1/crypto-wallets/{WALLET_ID}/crypto-deposit-addresses",
    ]


def test_12_3_the_body_is_the_customer_id_without_a_provider():
    server = Server(good(WALLET), good(ENTRIES))
    with client(server) as ledger:
        ledger.create_wallet(customer_id=CUSTOMER, chain="base")
    assert json.loads(server.requests[0].content) == {"customerId": CUSTOMER}


def test_12_4_a_wallet_of_the_second_generation_brings_its_one_chain_and_address():
    wallet, said = created(good(OLDER_WALLET), customer_id=CUSTOMER, chain="base")
    assert (wallet.id, wallet.customer_id, wallet.chain) == (WALLET_ID, CUSTOMER, "base")
    assert wallet.address == wallet.address_on("base") == OLDER_WALLET["address"]
    assert wallet.raw == OLDER_WALLET
    assert (wallet.updated_at, wallet.drift) == (None, ())
    assert said == [CREATE]


def test_12_4_a_wallet_of_the_second_generation_on_another_chain_is_not_the_ordered_one():
    error, _ = created(good(OLDER_WALLET), customer_id=CUSTOMER, chain="polygon")
    assert type(error) is errors.MalformedResponse
    assert error.outcome == "unknown"


@pytest.mark.parametrize(
    ("changes", "chain", "address"),
    [
        ({"chain": "ETH"}, "ethereum", OLDER_WALLET["address"]),
        ({"chain": "tron", "address": ON["tron"]}, "tron", ON["tron"]),
        ({"chain": "some-new-chain"}, "some-new-chain", OLDER_WALLET["address"]),
        ({"chain": "solana"}, "solana", None),
        ({"chain": None}, None, None),
        ({"chain": "base", "address": None}, "base", None),
        ({"chain": "base", "address": ""}, "base", None),
    ],
)
def test_12_4_an_address_is_tied_to_a_chain_only_where_it_can_be_one(changes, chain, address):
    with client(Server(good({**OLDER_WALLET, **changes}))) as ledger:
        wallet = ledger.get_wallet(WALLET_ID)
    assert (wallet.chain, wallet.address) == (chain, address)


def test_12_4_an_older_wallet_without_address_gets_the_newer_deposit_addresses():
    wallet, said = created(good({**OLDER_WALLET, "chain": None, "address": None}), good(ENTRIES))
    assert wallet.address_on("polygon") == ON["polygon"]
    assert said == [CREATE, ADDRESSES]


@pytest.mark.parametrize(
    ("word", "status"), [("active", "active"), ("frozen", "suspended"), ("closed", "closed"), ("odd", "unknown")]
)
def test_12_4_both_generations_of_wallets_are_listed_and_read_with_their_status(word, status):
    for form in ("current", "older"):
        given, emulator = emulated(LedgerSo, contract=CONTRACT if word != "odd" else None)
        emulator.wallet_form = form
        with Client(LedgerSo, **given) as ledger:
            made = ledger.create_wallet(customer_id=emulator.default_customer)
            emulator.wallet(made.id).status = word
            (listed,) = ledger.list_wallets(customer_id=emulator.default_customer)
            read = ledger.get_wallet(made.id, customer_id=emulator.default_customer)
        assert listed == read
        assert read.status is WalletStatus(status)
        assert read.address_on("base") == (made.address_on("base") if form == "older" else None)


@pytest.mark.parametrize("envelope", ["items", "flat"])
def test_12_5_both_list_envelopes_are_walked_to_their_end(envelope):
    given, emulator = emulated(LedgerSo, contract=CONTRACT)
    emulator.list_envelope = envelope
    with Client(LedgerSo, **given) as ledger:
        made = [ledger.create_wallet(customer_id=emulator.default_customer).id for _ in range(250)]
        assert [wallet.id for wallet in ledger.list_wallets()] == made


@pytest.mark.parametrize("end", [{}, {"nextCursor": None}, {"nextCursor": ""}])
def test_12_5_the_end_of_a_list_is_a_cursor_that_is_null_empty_or_absent(end):
    for page in (good([WALLET], **end), good({"items": [WALLET], **end})):
        with client(Server(page)) as ledger:
            assert len(list(ledger.list_wallets())) == 1


@pytest.mark.parametrize(
    ("capabilities", "eligible", "missing"),
    [
        ({"wallets": True, "virtualAccounts": False, "transfers": False}, True, ()),
        ({"wallets": False, "virtualAccounts": True, "transfers": True}, False, ("wallets",)),
        ({"cryptoWallets": True, "virtualAccounts": False, "transfers": False}, True, ()),
        ({"cryptoWallets": False, "virtualAccounts": True, "transfers": True}, False, ("wallets",)),
        (["wallets"], True, ()),
        (["crypto_wallets", "cards"], True, ()),
        (["cards"], None, ()),
        ([], None, ()),
    ],
)
def test_12_6_capabilities_are_read_in_all_three_forms(capabilities, eligible, missing):
    body = {**customer(capabilities=capabilities), "kycStatus": None}
    with client(Server(good(body))) as ledger:
        found = ledger.get_customer(CUSTOMER)
    assert (found.eligible, found.missing) == (eligible, missing)
    assert found.raw["capabilities"] == capabilities


@pytest.mark.parametrize("form", ["wallets", "crypto_wallets", "names"])
def test_12_6_a_customer_is_eligible_after_its_kyc_whatever_form_its_capabilities_have(form):
    given, emulator = emulated(LedgerSo, contract=CONTRACT)
    emulator.capability_form = form
    waiting = emulator.add_customer(eligible=False)
    with Client(LedgerSo, **given) as ledger:
        assert ledger.get_customer(emulator.default_customer).eligible is True
        before = ledger.get_customer(waiting)
        emulator.review(waiting)
        assert (before.eligible, ledger.get_customer(waiting).eligible) == (False, True)


@pytest.mark.parametrize("header", ["bearer", "x-api-key"])
def test_12_7_either_header_of_today_is_accepted(header):
    given, emulator = emulated(LedgerSo, contract=CONTRACT)
    with Client(LedgerSo, **given, auth_header=header) as ledger:
        assert ledger.create_wallet(customer_id=emulator.default_customer).id


def test_12_7_a_key_of_the_first_generation_is_refused_before_it_is_sent():
    with pytest.raises(errors.ConfigurationError, match="ld_test_"):
        client(Server(), api_key="lk_test_abc")


def test_12_8_the_sandbox_is_the_same_host_and_the_other_one_can_be_given_by_hand():
    here, there = Server(good(WALLET)), Server(good(WALLET))
    with client(here) as ledger:
        ledger.get_wallet(WALLET_ID)
    with client(there, base_url="https://sandbox.ledger.so") as ledger:
        ledger.get_wallet(WALLET_ID)
    assert [server.requests[0].url.host for server in (here, there)] == ["api.ledger.so", "sandbox.ledger.so"]


@pytest.mark.parametrize("secret", [SECRET, "a secret from the dashboard, of any form"])
def test_12_9_the_signing_secret_is_the_callers_to_give_wherever_the_vendor_showed_it(secret):
    _, emulator, wallet = _made()
    headers, body = emulator.webhook(wallet.id, secret)
    assert parse_webhook(LedgerSo, headers, body, secret, now=START).verified


@pytest.mark.parametrize("signature", ["ledger", "svix"])
def test_12_10_both_documented_signatures_prove_an_event(signature):
    _, emulator, wallet = _made()
    emulator.signature = signature
    headers, body = emulator.webhook(wallet.id, SECRET)
    Contract.load(CONTRACT).check_webhook(body, headers)
    event = parse_webhook(LedgerSo, headers, body, SECRET, now=START)
    assert (event.verified, event.type, event.wallet_id) == (True, EventType.WALLET_CREATED, wallet.id)
    with pytest.raises(errors.WebhookRejected):
        parse_webhook(LedgerSo, headers, body, "whsec_" + "WFla" * 8, now=START)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("wallet.created", EventType.WALLET_CREATED),
        ("wallet.updated", EventType.WALLET_UPDATED),
        ("transaction.completed", EventType.UNKNOWN),
        ("transaction.created", EventType.UNKNOWN),
    ],
)
def test_12_11_events_that_only_one_of_the_pages_has_are_read(name, kind):
    _, emulator, wallet = _made()
    headers, body = emulator.event(name, emulator.wallet(wallet.id).shown("active", "iso"), SECRET)
    Contract.load(CONTRACT).check_webhook(body, headers)
    event = parse_webhook(LedgerSo, headers, body, SECRET, now=START)
    assert (event.type, event.provider_type) == (kind, name)


def test_12_12_a_delivery_that_is_repeated_is_known_by_its_id_however_often_it_comes():
    _, emulator, wallet = _made()
    headers, body = emulator.webhook(wallet.id, SECRET)
    seen = {parse_webhook(LedgerSo, headers, body, SECRET, now=START + timedelta(seconds=n)).id for n in range(11)}
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("form", "codes"),
    [
        ("current", ("UNAUTHORIZED", "NOT_FOUND", "INVALID_REQUEST")),
        ("typed", ("invalid_api_key", "not_found", "validation_failed")),
        ("text", (None, None, None)),
    ],
)
def test_12_13_every_error_body_is_classified(form, codes):
    given, emulator = emulated(LedgerSo, contract=CONTRACT)
    emulator.error_form = form
    caught = []
    with Client(LedgerSo, **{**given, "api_key": "ld_test_wrong"}) as stranger:
        caught.append(_error(lambda: stranger.get_wallet("wal_1")))
    with Client(LedgerSo, **given) as ledger:
        caught.append(_error(lambda: ledger.get_wallet("wal_1")))
        caught.append(_error(lambda: ledger.create_wallet(customer_id="cus_nobody")))
    kinds = [errors.AuthenticationError, errors.NotFound, errors.InvalidRequest]
    assert [type(error) for error in caught] == kinds
    assert tuple(error.provider_code for error in caught) == codes
    assert {bool(error.request_id) for error in caught} == {form == "typed"}


@pytest.mark.parametrize("sizes", [(50, 200), (20, 100)])
def test_12_14_the_page_size_asked_for_is_allowed_by_both_pages(sizes):
    given, emulator = emulated(LedgerSo, contract=CONTRACT)
    emulator.page_sizes = sizes
    with Client(LedgerSo, **given) as ledger:
        for _ in range(101):
            ledger.create_wallet(customer_id=emulator.default_customer)
        assert len(list(ledger.list_wallets())) == 101


@pytest.mark.parametrize("status", ["active", "pending"])
def test_12_15_a_new_customer_of_either_status_may_have_a_wallet_once_its_kyc_is_approved(status):
    given, emulator = emulated(LedgerSo, contract=CONTRACT)
    emulator.new_status = status
    with Client(LedgerSo, **given) as ledger:
        made = ledger.create_customer(PROFILE)
        assert (made.status, made.eligible, made.missing) == (CustomerStatus(status), False, ("kyc",))
        emulator.review(made.id)
        assert ledger.get_customer(made.id).eligible is True
        assert ledger.create_wallet(customer_id=made.id).customer_id == made.id


def test_12_16_the_key_is_always_sent_although_the_operation_does_not_declare_it():
    assert LedgerSo.capabilities.idempotency.required is False
    given, emulator = emulated(LedgerSo, contract=CONTRACT)
    lost = _Losing(answers_of(emulator, CONTRACT))
    with Client(LedgerSo, **{**given, "transport": httpx.MockTransport(lost)}) as ledger:
        wallet = ledger.create_wallet(customer_id=emulator.default_customer)
    assert [made.wallet_id for made in emulator.wallets()] == [wallet.id]


@pytest.mark.parametrize("meaning", ["the key was used before", "the resource exists"])
def test_12_17_a_409_is_a_conflict_of_unknown_outcome_whichever_it_means(meaning):
    given, emulator = emulated(LedgerSo, contract=CONTRACT)
    other = emulator.add_customer()
    with Client(LedgerSo, **given) as ledger:
        ledger.create_wallet(customer_id=emulator.default_customer, idempotency_key="k")
        if meaning == "the resource exists":
            emulator.second_create = "conflict"
            error = _error(lambda: ledger.create_wallet(customer_id=emulator.default_customer))
        else:
            error = _error(lambda: ledger.create_wallet(customer_id=other, idempotency_key="k"))
    assert type(error) is errors.Conflict
    assert (error.outcome, error.retryable, error.provider_code) == ("unknown", False, "CONFLICT")
    assert len(emulator.wallets()) == 1


def test_12_17_a_conflict_is_not_tried_again():
    server = Server(refused(409, "CONFLICT"))
    with client(server, max_attempts=4) as ledger, pytest.raises(errors.Conflict):
        ledger.create_wallet(customer_id=CUSTOMER)
    assert server.said == [CREATE]


class _Losing:
    """Lets the vendor work, and loses its first answer."""

    def __init__(self, vendor):
        self._vendor = vendor
        self._lost = False

    def __call__(self, request):
        answered = self._vendor(request)
        if not self._lost:
            self._lost = True
            raise httpx.ReadTimeout("the answer was lost")
        return answered


def _made():
    given, emulator = emulated(LedgerSo, contract=CONTRACT)
    assert given["api_key"] == API_KEY
    with Client(LedgerSo, **given) as ledger:
        return given, emulator, ledger.create_wallet(customer_id=emulator.default_customer)


def _error(call):
    with pytest.raises(errors.WalletportError) as caught:
        call()
    return caught.value
