"""Conduit: where the vendor's pages contradict each other, both sides work. The numbers are those of the list."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from tests.support.conduit import (
    ADDRESS,
    APPROVAL,
    CUSTOMER,
    ORDER,
    WALLET,
    WALLET_ID,
    Server,
    answer,
    balance,
    client,
    page,
    problem,
    without,
)
from tests.support.emulated import ManualClock, answers_of, emulated
from walletport import Client, errors
from walletport.models import CustodyModel, EventType, WalletStatus
from walletport_conduit import Conduit
from walletport_conduit.emulator import OTHER_API_KEY, ConduitEmulator

SECRET = "whsec_" + "ab" * 32
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def running(**knobs):
    """Return a client of the emulator, the emulator and their clock."""
    clock = ManualClock()
    given, emulator = emulated(Conduit, clock)
    for name, value in knobs.items():
        setattr(emulator, name, value)
    return Client(Conduit, max_attempts=1, **given), emulator, clock


def order(emulator, **changes):
    return {"customer_id": emulator.default_customer, "chain": "polygon", "reference": "order-1", **changes}


# --- idempotency --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [timedelta(minutes=5), timedelta(days=30)])
@pytest.mark.parametrize("later", [timedelta(minutes=4), timedelta(minutes=6)])
def test_10_1_a_key_may_be_remembered_for_5_minutes_or_for_30_days(window, later):
    conduit, emulator, clock = running()
    emulator.keys.window = window
    first = conduit.create_wallet(**order(emulator), idempotency_key="order-1")
    clock.advance(later)
    again = conduit.create_wallet(**order(emulator), idempotency_key="order-1")
    assert again.id == first.id
    assert len(emulator.wallets()) == 1


def test_10_1_the_shorter_window_is_the_one_that_is_counted_on():
    policy = Conduit.capabilities.idempotency
    assert (policy.window, policy.window_documented) == (timedelta(minutes=5), True)


@pytest.mark.parametrize("scope", ["principal", "organisation"])
def test_10_2_two_api_keys_of_one_organisation_may_share_their_keys_or_not(scope):
    clock = ManualClock()
    given, emulator = emulated(Conduit, clock)
    emulator.key_scope = scope
    wallets = [
        Client(Conduit, **{**given, "api_key": key}).create_wallet(**order(emulator), idempotency_key="order-1")
        for key in (given["api_key"], OTHER_API_KEY)
    ]
    assert wallets[0].id == wallets[1].id
    assert len(emulator.wallets()) == 1


@pytest.mark.parametrize("required", [True, False])
def test_10_3_the_key_may_be_required_or_not_and_is_always_sent(required):
    given, emulator = emulated(Conduit)
    emulator.key_required = required
    keys = []

    def handler(request):
        keys.append(request.headers.get("idempotency-key"))
        return answers_of(emulator)(request)

    with Client(Conduit, **{**given, "transport": httpx.MockTransport(handler)}) as conduit:
        conduit.create_wallet(**order(emulator))
    assert len(keys) == 1
    assert keys[0]
    assert Conduit.capabilities.idempotency.required


# --- errors and lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "code"), [("problem", "CUSTOMER_NOT_FOUND"), ("older", None)])
def test_10_4_an_error_may_be_a_problem_or_the_older_body(form, code):
    conduit, emulator, _ = running(error_form=form)
    with pytest.raises(errors.NotFound) as caught:
        conduit.create_wallet(**order(emulator, customer_id=CUSTOMER))
    assert (caught.value.status_code, caught.value.provider_code, caught.value.outcome) == (404, code, "not_applied")
    assert caught.value.request_id


def test_10_4_an_older_409_has_no_code_so_its_outcome_is_unknown():
    conduit, emulator, _ = running(error_form="older")
    conduit.create_wallet(**order(emulator))
    with pytest.raises(errors.Conflict) as caught:
        conduit.create_wallet(**order(emulator))
    assert caught.value.outcome == "unknown"
    assert conduit.find_wallet(**order(emulator)).reference == "order-1"


def test_10_4_the_older_validation_error_is_survived():
    body = {"statusCode": 400, "message": "Validation failed", "errors": [{"path": ["chain"], "message": "bad"}]}
    with client(Server(answer(400, body))) as conduit, pytest.raises(errors.InvalidRequest) as caught:
        conduit.create_wallet(**ORDER)
    assert caught.value.provider_code is None


@pytest.mark.parametrize("pagination", ["cursor", "number"])
def test_10_5_lists_may_go_by_cursor_or_by_page_number_without_filters(pagination):
    conduit, emulator, _ = running(pagination=pagination)
    for _ in range(205):
        conduit.create_wallet(**order(emulator, reference=None))
    last = conduit.create_wallet(**order(emulator, chain="tron", reference="last"))
    listed = list(conduit.list_wallets(customer_id=emulator.default_customer))
    assert [wallet.id for wallet in listed] == [made.wallet_id for made in emulator.wallets()]
    assert conduit.find_wallet(**order(emulator, chain="tron", reference="last")).id == last.id
    assert conduit.find_wallet(**order(emulator, chain="base")) is None


def test_10_5_a_numbered_page_is_asked_for_by_its_number():
    numbered = {"mode": "offset", "total": 2}
    server = Server(page(WALLET, **numbered), page({**WALLET, "id": "wlt_2"}, **numbered))
    with client(server) as conduit:
        assert [wallet.id for wallet in conduit.list_wallets(customer_id=CUSTOMER)] == [WALLET_ID, "wlt_2"]
    assert [request.url.query for request in server.requests] == [b"limit=100", b"limit=100&page=2"]


def test_10_5_a_numbered_list_ends_with_an_empty_page_and_never_without_a_total():
    numbered = {"mode": "offset", "total": 9}
    with client(Server(page(WALLET, **numbered), page(**numbered))) as conduit:
        assert len(list(conduit.list_wallets(customer_id=CUSTOMER))) == 1
    with client(Server(page(WALLET, mode="offset", total=None))) as conduit, pytest.raises(errors.MalformedResponse):
        list(conduit.list_wallets(customer_id=CUSTOMER))


# --- wallets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "custody"),
    [
        ("custodial", CustodyModel.CUSTODIAL),
        ("non_custodial", CustodyModel.NON_CUSTODIAL),
        (None, CustodyModel.UNKNOWN),
    ],
)
def test_10_6_a_wallet_may_be_custodial_or_not_or_not_say(word, custody):
    with client(Server(answer(201, {**WALLET, "custodyModel": word}))) as conduit:
        assert conduit.create_wallet(**ORDER).custody is custody


@pytest.mark.parametrize("custodial", [True, False])
def test_10_6_an_organisation_with_custodial_wallets_needs_no_claim(custodial):
    conduit, emulator, clock = running(custodial=custodial)
    customer = emulator.add_customer(eligible=False)
    if not custodial:
        emulator.claim(customer)
    made = conduit.create_wallet(**order(emulator, customer_id=customer))
    clock.advance(emulator.activation_delay)
    wallet = conduit.get_wallet(made.id, customer_id=customer)
    assert wallet.custody is (CustodyModel.CUSTODIAL if custodial else CustodyModel.NON_CUSTODIAL)


@pytest.mark.parametrize("status", [409, 422])
def test_10_7_an_unclaimed_customer_may_be_a_409_or_a_422(status):
    conduit, emulator, _ = running(unclaimed_status=status)
    customer = emulator.add_customer(eligible=False)
    with pytest.raises(errors.CustomerNotEligible) as caught:
        conduit.create_wallet(**order(emulator, customer_id=customer))
    assert (caught.value.status_code, caught.value.outcome) == (status, "not_applied")
    assert caught.value.missing == ("claim",)


@pytest.mark.parametrize("nulls", ["omitted", "null"])
def test_10_8_what_is_absent_may_be_null_or_left_out(nulls):
    conduit, emulator, _ = running(nulls=nulls)
    wallet = conduit.create_wallet(**order(emulator, reference=None))
    absent = ("rotatedAt", "replacedByWalletId", "custodyModel", "clientReferenceId")
    assert all((name in wallet.raw) is (nulls == "null") for name in absent)
    assert (wallet.reference, wallet.replaced_by, wallet.custody) == (None, None, CustodyModel.UNKNOWN)
    assert wallet.drift == ()


@pytest.mark.parametrize("chain", ["ethereum", "base", "polygon", "solana", "tron", "stellar"])
def test_10_9_every_chain_of_either_list_can_be_ordered(chain):
    conduit, emulator, clock = running()
    wallet = conduit.create_wallet(**order(emulator, chain=chain))
    clock.advance(emulator.activation_delay)
    wallet = conduit.get_wallet(wallet.id, customer_id=wallet.customer_id)
    assert wallet.chain == chain
    assert wallet.address_on(chain)
    assert wallet.drift == ()


def test_10_9_a_chain_that_only_the_longer_list_has_is_the_vendors_to_refuse():
    conduit, emulator, _ = running(chains=("ethereum", "base", "polygon", "solana", "tron"))
    for chain in ("stellar", "arbitrum"):
        with pytest.raises(errors.InvalidRequest) as caught:
            conduit.create_wallet(**order(emulator, chain=chain))
        assert caught.value.provider_code == "VALIDATION_ERROR"


def test_10_9_a_chain_on_no_list_is_kept_and_noted():
    with client(Server(answer(200, {**WALLET, "chain": "ARBITRUM"}))) as conduit:
        wallet = conduit.get_wallet(WALLET_ID, customer_id=CUSTOMER)
    assert wallet.chain == "arbitrum"
    assert [(item.where, item.seen) for item in wallet.drift] == [("chain", "ARBITRUM")]


@pytest.mark.parametrize("upper_case", [True, False])
def test_10_10_words_may_be_in_small_letters_or_in_capitals(upper_case):
    conduit, emulator, clock = running(upper_case=upper_case)
    wallet = conduit.create_wallet(**order(emulator))
    assert (wallet.status, wallet.drift) == (WalletStatus.PENDING, ())
    clock.advance(emulator.activation_delay)
    wallet = conduit.get_wallet(wallet.id, customer_id=wallet.customer_id)
    assert wallet.status is WalletStatus.ACTIVE
    assert wallet.provider_status == ("ACTIVE" if upper_case else "active")
    assert conduit.get_customer(wallet.customer_id).eligible is True


def test_10_10_a_wallet_all_in_capitals_is_the_same_wallet():
    shouted = {**WALLET, "chain": "POLYGON", "status": "DISABLED", "custodyModel": "NON_CUSTODIAL"}
    with client(Server(answer(201, shouted))) as conduit:
        wallet = conduit.create_wallet(**ORDER)
    assert (wallet.chain, wallet.status) == ("polygon", WalletStatus.SUSPENDED)
    assert wallet.custody is CustodyModel.NON_CUSTODIAL
    assert (wallet.address_on("polygon"), wallet.drift) == (ADDRESS, ())


# --- webhooks -----------------------------------------------------------------------------------------------


def delivered(name="wallet.created", data=None, **knobs):
    """Return an event of the emulator as the application reads it."""
    emulator = ConduitEmulator(lambda: NOW)
    for knob, value in knobs.items():
        setattr(emulator, knob, value)
    headers, body = emulator.event(name, data or {}, SECRET)
    return Conduit.parse_webhook(headers, body, (SECRET,), NOW, unverified=False)


@pytest.mark.parametrize("signature", ["timestamped", "body"])
def test_10_11_the_signature_may_be_over_time_and_body_or_over_the_body_alone(signature):
    assert delivered(signature=signature).verified


def test_10_12_the_secret_is_the_same_string_under_either_name_of_its_field():
    emulator = ConduitEmulator(lambda: NOW)
    headers, body = emulator.event("wallet.created", {}, SECRET)
    for endpoint in ({"signingSecret": SECRET, "eventTypes": []}, {"secret": SECRET, "subscription": {"mode": "all"}}):
        secret = str(endpoint.get("secret") or endpoint["signingSecret"])
        assert Conduit.parse_webhook(headers, body, (secret,), NOW, unverified=False).verified


@pytest.mark.parametrize("field", ["createdAt", "created_at"])
def test_10_13_the_time_of_an_event_may_have_either_name(field):
    assert delivered(event_time_field=field).occurred_at == NOW


@pytest.mark.parametrize("flag", [{"active": True}, {"status": "active"}])
def test_10_14_nothing_depends_on_how_an_endpoint_is_flagged(flag):
    found = delivered("webhook_endpoint.updated", {"id": "whe_1", **flag})
    assert found.type is EventType.UNKNOWN
    assert found.raw["data"] == {"id": "whe_1", **flag}


def test_10_15_a_claim_is_learnt_of_by_its_event_and_never_polled_for():
    found = delivered("claim.completed", {"claimId": "wcc_1", "customerId": CUSTOMER, "walletIds": [WALLET_ID]})
    assert (found.type, found.customer_id) == (EventType.CUSTOMER_UPDATED, CUSTOMER)
    server = Server(problem(409, "WALLET_CUSTODY_NOT_CLAIMED"))
    with client(server) as conduit, pytest.raises(errors.CustomerNotEligible):
        conduit.create_wallet(**ORDER)
    assert len(server.requests) == 1


@pytest.mark.parametrize("chains", [["polygon"], None])
def test_10_16_a_claim_may_name_its_chains_or_not_and_its_wallets_are_read_alike(chains):
    data = {"customerId": CUSTOMER, "walletIds": [WALLET_ID], **({"chains": chains} if chains else {})}
    found = delivered("claim.completed", data)
    assert (found.customer_id, found.wallet_id) == (CUSTOMER, None)
    assert found.raw["data"]["walletIds"] == [WALLET_ID]


# --- access -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["API_KEY_INVALID", "AUTH_INVALID_API_KEY"])
def test_10_17_a_bad_key_may_have_either_code(code):
    given, emulator = emulated(Conduit)
    emulator.bad_key_code = code
    conduit = Client(Conduit, **{**given, "api_key": "ck_sandbox_wrong"})
    with pytest.raises(errors.AuthenticationError) as caught:
        conduit.create_wallet(**order(emulator))
    assert (caught.value.provider_code, caught.value.outcome) == (code, "not_applied")


@pytest.mark.parametrize("on_create", [True, False])
def test_10_18_a_feature_that_is_off_may_refuse_the_create_or_only_the_reads(on_create):
    conduit, emulator, _ = running(feature_enabled=False, feature_refuses_create=on_create)
    if on_create:
        with pytest.raises(errors.CustomerNotEligible) as caught:
            conduit.create_wallet(**order(emulator))
        assert caught.value.missing == ("crypto_wallet",)
    else:
        assert conduit.create_wallet(**order(emulator)).id
    with pytest.raises(errors.CustomerNotEligible):
        list(conduit.list_wallets(customer_id=emulator.default_customer))


@pytest.mark.parametrize("status", [200, 201, 202])
def test_10_19_a_wallet_is_a_wallet_and_an_approval_an_approval_whatever_the_status(status):
    with client(Server(answer(status, WALLET), answer(status, APPROVAL))) as conduit:
        assert conduit.create_wallet(**ORDER).id == WALLET_ID
        with pytest.raises(errors.ApprovalPending):
            conduit.create_wallet(**ORDER)


def test_10_20_the_address_is_a_setting_path_included():
    server = Server(answer(201, WALLET))
    with client(server, base_url="https://conduit.example/gateway/v2/") as conduit:
        conduit.create_wallet(**ORDER)
    assert str(server.requests[0].url) == f"https://conduit.example/gateway/v2/customers/{CUSTOMER}/wallets"


@pytest.mark.parametrize(("code", "asset"), [("USD", "usd"), ("USDC", "usdc")])
def test_10_21_a_balance_may_be_in_dollars_or_in_an_asset(code, asset):
    with client(Server(answer(201, {**WALLET, "balances": [balance(code, "5")]}))) as conduit:
        (held,) = conduit.create_wallet(**ORDER).balances
    assert (held.asset, held.available) == (asset, Decimal(5))


# --- what no page tells -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("behaviour", "count"), [("another", 2), ("existing", 1)])
def test_unknown_a_second_create_without_reference_is_whatever_the_vendor_makes_of_it(behaviour, count):
    conduit, emulator, _ = running(second_create=behaviour)
    made = {conduit.create_wallet(**order(emulator, reference=None)).id for _ in range(2)}
    assert len(made) == len(emulator.wallets()) == count


@pytest.mark.parametrize("rotation", ["new", "old", "same"])
def test_unknown_a_rotation_ends_in_the_present_wallet_whatever_it_answers(rotation):
    conduit, emulator, clock = running(rotation=rotation)
    conduit.create_wallet(**order(emulator))
    clock.advance(emulator.activation_delay)
    old = conduit.find_wallet(**order(emulator))
    new = conduit.rotate_wallet(old)
    clock.advance(emulator.activation_delay)
    present = conduit.get_wallet(new.id, customer_id=new.customer_id)
    assert present.replaced_by is None
    assert present.address not in (None, old.address)
    assert conduit.find_wallet(**order(emulator)).id == new.id


@pytest.mark.parametrize("replayed", [True, False])
def test_unknown_a_failure_may_be_repeated_under_its_key_or_not(replayed):
    conduit, emulator, _ = running(replay_failures=replayed)
    customer = emulator.add_customer(eligible=False)
    again = order(emulator, customer_id=customer, idempotency_key="order-1")
    with pytest.raises(errors.CustomerNotEligible):
        conduit.create_wallet(**again)
    emulator.claim(customer)
    if replayed:
        with pytest.raises(errors.CustomerNotEligible):
            conduit.create_wallet(**again)
        again["idempotency_key"] = "order-2"
    assert conduit.create_wallet(**again).customer_id == customer


def test_unknown_fields_that_the_json_of_a_wallet_may_gain_do_no_harm():
    body = json.dumps({**without("balances"), "memo": {"deep": [1, 2.5]}}).encode()
    with client(Server(answer(201, body))) as conduit:
        wallet = conduit.create_wallet(**ORDER)
    assert {item.where for item in wallet.drift} == {"memo", "balances"}
