"""Conduit: a webhook is proved first and read afterwards."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.conduit import ADDRESS, CEREMONY, CUSTOMER, REFERENCE, WALLET, WALLET_ID, balance
from walletport import errors
from walletport.models import EventType, WalletStatus
from walletport_conduit import Conduit

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECRET = "whsec_" + "ab" * 32
OTHER_SECRET = "whsec_" + "cd" * 32
HEADER = "x-conduit-signature"


def body(name="wallet.created", data=None, **members):
    """Return an event as the vendor's OpenAPI document has it."""
    event = {
        "id": "evt_1",
        "type": name,
        "createdAt": "2026-06-01T11:59:59.000Z",
        "apiVersion": "2",
        "mode": "sandbox",
        "data": {} if data is None else data,
        **members,
    }
    return json.dumps(event).encode()


def mac(secret, message):
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def signed(raw, *secrets, at=NOW):
    """Return the newer header: ``t=<unix s>,v1=<hex>`` over ``<t>.<raw body>``, one ``v1`` for each secret."""
    moment = int(at.timestamp())
    signatures = [f"v1={mac(secret, f'{moment}.'.encode() + raw)}" for secret in secrets or (SECRET,)]
    return {HEADER: ",".join((f"t={moment}", *signatures))}


def parsed(headers, raw, *secrets, now=NOW, unverified=False):
    return Conduit.parse_webhook(headers, raw, secrets or (SECRET,), now, unverified=unverified)


def event(name="wallet.created", data=None, **members):
    raw = body(name, data, **members)
    return parsed(signed(raw), raw)


# --- proof --------------------------------------------------------------------------------------------------


def test_a_signed_event_is_read():
    raw = body(data={**WALLET, "customerId": CUSTOMER})
    found = parsed(signed(raw), raw)
    assert found.verified
    assert (found.provider, found.type, found.provider_type) == ("conduit", EventType.WALLET_CREATED, "wallet.created")
    assert (found.id, found.occurred_at) == ("evt_1", NOW - timedelta(seconds=1))
    assert found.raw == json.loads(raw)


def test_the_whole_secret_is_the_key_with_its_prefix():
    raw = body()
    with pytest.raises(errors.WebhookRejected):
        parsed(signed(raw, SECRET.removeprefix("whsec_")), raw)


def test_while_a_secret_is_rotated_either_signature_proves_it_to_either_side():
    raw = body()
    both = signed(raw, OTHER_SECRET, SECRET)
    assert parsed(both, raw, SECRET).verified
    assert parsed(both, raw, OTHER_SECRET).verified
    assert parsed(signed(raw), raw, OTHER_SECRET, SECRET).verified


RAW = body()
REJECTED = {
    "no header": {},
    "an empty header": {HEADER: ""},
    "another secret": signed(RAW, OTHER_SECRET),
    "another body": signed(RAW + b" "),
    "too old": signed(RAW, at=NOW - timedelta(seconds=301)),
    "too far ahead": signed(RAW, at=NOW + timedelta(seconds=301)),
    "no time": {HEADER: signed(RAW)[HEADER].partition(",")[2]},
    "two times": {HEADER: f"t=1,{signed(RAW)[HEADER]}"},
    "no signature": {HEADER: "t=1780315200"},
    "a time that is none": {HEADER: "t=now,v1=00"},
    "an empty signature": {HEADER: f"t={int(NOW.timestamp())},v1="},
    "an older form by another secret": {HEADER: f"sha256={mac(OTHER_SECRET, RAW)}"},
    "an older form of another body": {HEADER: f"sha256={mac(SECRET, RAW + b' ')}"},
    "an older form without signature": {HEADER: "sha256="},
    "an unknown form": {HEADER: f"sha512={mac(SECRET, RAW)}"},
    "the signature under another name": {"x-signature": signed(RAW)[HEADER]},
}


@pytest.mark.parametrize("what", REJECTED)
def test_what_is_not_proved_is_rejected(what):
    with pytest.raises(errors.WebhookRejected) as caught:
        parsed(REJECTED[what], RAW)
    assert SECRET not in str(caught.value)


def test_an_event_at_the_edge_of_its_five_minutes_is_taken():
    assert parsed(signed(RAW, at=NOW - timedelta(seconds=300)), RAW).verified


def test_a_newer_signature_cannot_be_passed_off_as_an_older_one():
    """Both are HMACs of the same key, so ``<t>.<body>`` has a valid older signature; it is no JSON, though."""
    moment = int(NOW.timestamp())
    message = f"{moment}.".encode() + RAW
    stolen = signed(RAW)[HEADER].partition("v1=")[2]
    with pytest.raises(errors.MalformedResponse):
        parsed({HEADER: f"sha256={stolen}"}, message)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"{}", b'{"type": 7}', b'{"type": ""}', b"\xff"])
def test_a_proved_body_nobody_can_read_is_malformed(raw):
    with pytest.raises(errors.MalformedResponse):
        parsed(signed(raw), raw)


def test_an_unproved_body_is_not_even_read():
    with pytest.raises(errors.WebhookRejected):
        parsed({}, b"{")


# --- meaning ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("wallet.created", EventType.WALLET_CREATED),
        ("wallet.rotated", EventType.WALLET_ROTATED),
        ("wallet.deleted", EventType.WALLET_UPDATED),
        ("wallet.threshold_changed", EventType.WALLET_UPDATED),
        ("crypto_wallet.completed", EventType.CUSTOMER_UPDATED),
        ("claim.completed", EventType.CUSTOMER_UPDATED),
        ("claim.failed", EventType.CUSTOMER_UPDATED),
        ("customer.created", EventType.CUSTOMER_UPDATED),
        ("customer.restricted", EventType.CUSTOMER_UPDATED),
        ("application.approved", EventType.CUSTOMER_UPDATED),
        ("application.rejected", EventType.CUSTOMER_UPDATED),
        ("wallet_ceremony.awaiting_admin_approval", EventType.APPROVAL_PENDING),
        ("wallet_ceremony.completed", EventType.APPROVAL_COMPLETED),
        ("wallet_ceremony.failed", EventType.APPROVAL_FAILED),
        ("wallet_signer.added", EventType.UNKNOWN),
        ("something.retired", EventType.UNKNOWN),
    ],
)
def test_every_event_has_its_meaning_and_keeps_its_name(name, kind):
    found = event(name)
    assert (found.type, found.provider_type) == (kind, name)


@pytest.mark.parametrize(
    "data",
    [
        {**WALLET, "customerId": CUSTOMER},
        {"customerId": CUSTOMER, "wallet": WALLET},
        {"wallet": {**WALLET, "customerId": CUSTOMER}},
    ],
    ids=["in data", "under its name", "with its holder"],
)
def test_a_wallet_is_read_wherever_the_event_carries_it(data):
    found = event(data=data)
    assert (found.wallet_id, found.customer_id) == (WALLET_ID, CUSTOMER)
    assert found.wallet.id == WALLET_ID
    assert found.wallet.customer_id == CUSTOMER
    assert (found.wallet.address, found.wallet.reference) == (ADDRESS, REFERENCE)


@pytest.mark.parametrize(
    "data",
    [{"walletId": WALLET_ID, "customerId": CUSTOMER}, {"id": WALLET_ID, "customerId": CUSTOMER}],
    ids=["walletId", "id"],
)
def test_an_event_with_ids_only_names_the_wallet(data):
    found = event(data=data)
    assert found.wallet is None
    assert (found.wallet_id, found.customer_id) == (WALLET_ID, CUSTOMER)


@pytest.mark.parametrize("data", [None, {}, [], "x", {"id": "evt_1"}, {"id": 7, "walletId": {}, "wallet": [1]}])
def test_data_of_any_other_shape_leaves_the_ids_open(data):
    raw = body(data=data) if data is not None else json.dumps({"type": "wallet.created"}).encode()
    found = parsed(signed(raw), raw)
    assert (found.wallet, found.wallet_id, found.customer, found.customer_id) == (None, None, None, None)


@pytest.mark.parametrize("broken", [{"address": 7}, {"chain": " "}, {"chain": None}])
def test_a_wallet_that_cannot_be_read_whole_is_named_only(broken):
    found = event(data={**WALLET, **broken})
    assert (found.wallet, found.wallet_id) == (None, WALLET_ID)


def test_a_deleted_wallet_is_closed_whatever_state_the_event_shows():
    found = event("wallet.deleted", WALLET)
    assert (found.wallet.status, found.wallet.provider_status) == (WalletStatus.CLOSED, "active")


def test_the_balances_of_an_events_wallet_are_read_too():
    found = event(data={**WALLET, "balances": [balance("USDC", "0.1")]})
    assert found.wallet.balances[0].asset == "usdc"


@pytest.mark.parametrize("name", ["ceremonyId", "id"])
def test_an_approval_carries_its_id_and_its_link(name):
    data = {name: CEREMONY, "verificationUrl": "https://approve.example/x", "customerId": CUSTOMER}
    found = event("wallet_ceremony.awaiting_admin_approval", data)
    assert (found.approval_id, found.approval_url) == (CEREMONY, "https://approve.example/x")
    assert (found.wallet_id, found.customer_id) == (None, CUSTOMER)


def test_an_approval_link_that_a_person_must_not_follow_is_left_out():
    data = {"ceremonyId": CEREMONY, "verificationUrl": "javascript:alert(1)"}
    assert event("wallet_ceremony.awaiting_admin_approval", data).approval_url is None


def test_a_completed_approval_names_the_wallet_where_the_event_does():
    found = event("wallet_ceremony.completed", {"ceremonyId": CEREMONY, "walletId": WALLET_ID})
    assert (found.approval_id, found.wallet_id) == (CEREMONY, WALLET_ID)


@pytest.mark.parametrize("nested", [False, True])
def test_a_customer_is_read_where_the_event_carries_one(nested):
    person = {"id": CUSTOMER, "features": [{"feature": "crypto_wallet", "isActive": True}]}
    found = event("customer.created", {"customer": person} if nested else person)
    assert (found.customer_id, found.customer.id, found.customer.eligible) == (CUSTOMER, CUSTOMER, True)


def test_a_customer_that_is_only_named_is_not_made_up():
    found = event("customer.restricted", {"id": CUSTOMER})
    assert (found.customer_id, found.customer) == (CUSTOMER, None)
    broken = event("customer.created", {"id": CUSTOMER, "features": "none"})
    assert (broken.customer_id, broken.customer) == (CUSTOMER, None)
