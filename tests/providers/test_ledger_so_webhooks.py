"""Ledger.so: a webhook is proved first and read afterwards."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ledger_so import CUSTOMER, OLDER_WALLET, WALLET, WALLET_ID, customer
from walletport import errors
from walletport.models import EventType, WalletStatus
from walletport.webhooks import parse_webhook
from walletport_ledger_so import LedgerSo

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECRET = "whsec_" + "QUJD" * 8
OTHER_SECRET = "whsec_" + "WFla" * 8


def body(name="wallet.created", data=None, **members):
    """Return an event as https://docs.ledger.so/guides/webhooks has it; its time is epoch milliseconds."""
    event = {"id": "evt_1", "type": name, "createdAt": 1780315200250, "data": {} if data is None else data, **members}
    return json.dumps(event).encode()


def signed(raw, *secrets, at=NOW):
    """Return the headers of https://docs.ledger.so/webhooks/signature-verification: HMAC over ``<t>.<raw body>``."""
    moment = int(at.timestamp())
    macs = [hmac.new(key.encode(), f"{moment}.".encode() + raw, hashlib.sha256) for key in secrets or (SECRET,)]
    signatures = [f"v1={mac.hexdigest()}" for mac in macs]
    return {
        "X-Ledger-Event-Id": "evt_1",
        "X-Ledger-Event-Type": "wallet.created",
        "X-Ledger-Signature": ",".join((f"t={moment}", *signatures)),
    }


def svix(raw, secret=SECRET, at=NOW):
    """Return Svix's headers: base64 HMAC over ``<id>.<t>.<raw body>`` under the decoded secret."""
    moment, key = str(int(at.timestamp())), base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"msg_1.{moment}.".encode() + raw, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"svix-id": "msg_1", "svix-timestamp": moment, "svix-signature": signature}


def parsed(headers, raw, secret=SECRET, *, now=NOW, unverified=False):
    return parse_webhook(LedgerSo, headers, raw, secret, now=now, unverified=unverified)


def event(name="wallet.created", data=None, **members):
    raw = body(name, data, **members)
    return parsed(signed(raw), raw)


# --- proof --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [signed, svix])
def test_a_signed_event_is_read(sign):
    raw = body(data=WALLET)
    found = parsed(sign(raw), raw)
    assert found.verified
    assert (found.provider, found.type) == ("ledger-so", EventType.WALLET_CREATED)
    assert (found.id, found.provider_type) == ("evt_1", "wallet.created")
    assert found.occurred_at == NOW + timedelta(milliseconds=250)
    assert found.raw == json.loads(raw)


@pytest.mark.parametrize("sign", [signed, svix])
@pytest.mark.parametrize("off", [timedelta(minutes=5, seconds=1), timedelta(minutes=-5, seconds=-1)])
def test_a_signature_more_than_five_minutes_away_is_rejected(sign, off):
    raw = body()
    with pytest.raises(errors.WebhookRejected):
        parsed(sign(raw, at=NOW - off), raw)


@pytest.mark.parametrize("sign", [signed, svix])
def test_a_signature_of_five_minutes_ago_still_counts(sign):
    raw = body()
    assert parsed(sign(raw, at=NOW - timedelta(minutes=5)), raw).verified


def test_two_signatures_in_one_header_prove_it_to_either_side_of_a_rotation():
    raw = body()
    both = signed(raw, OTHER_SECRET, SECRET)
    assert parsed(both, raw, SECRET).verified
    assert parsed(both, raw, OTHER_SECRET).verified


def test_the_whole_secret_is_the_key_of_the_newer_signature():
    raw = body()
    with pytest.raises(errors.WebhookRejected):
        parsed(signed(raw, SECRET.removeprefix("whsec_")), raw)


def test_a_bad_signature_of_the_newer_form_is_not_outdone_by_a_good_one_of_the_other():
    raw = body()
    headers = {**svix(raw), **signed(raw, OTHER_SECRET)}
    with pytest.raises(errors.WebhookRejected):
        parsed(headers, raw)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Ledger-Event-Id": "evt_1"},
        {"X-Ledger-Signature": ""},
        {"X-Ledger-Signature": "v1=" + "0" * 64},
        {"X-Ledger-Signature": "t=1780315200"},
        {"X-Ledger-Signature": "sha256=" + "0" * 64},
        {"svix-signature": "v1,x"},
        {"svix-id": "m", "svix-timestamp": "1780315200"},
    ],
)
def test_a_webhook_without_a_whole_signature_is_rejected(headers):
    with pytest.raises(errors.WebhookRejected):
        parsed(headers, body())


def test_what_cannot_be_read_is_told_only_after_it_was_proved():
    raw = b"<html>"
    with pytest.raises(errors.MalformedResponse):
        parsed(signed(raw), raw)
    with pytest.raises(errors.WebhookRejected):
        parsed(signed(raw, OTHER_SECRET), raw)


@pytest.mark.parametrize("raw", [b"[]", b"{}", b'{"type": 7}', b'{"type": ""}', b'{"type": "a", "type": "b"}', b""])
def test_a_proved_body_that_is_no_event_is_malformed(raw):
    with pytest.raises(errors.MalformedResponse):
        parsed(signed(raw), raw)


# --- reading ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("wallet.created", EventType.WALLET_CREATED),
        ("Wallet.Updated", EventType.WALLET_UPDATED),
        ("customer.created", EventType.CUSTOMER_UPDATED),
        ("customer.updated", EventType.CUSTOMER_UPDATED),
        ("transaction.created", EventType.UNKNOWN),
        ("transaction.updated", EventType.UNKNOWN),
        ("transaction.completed", EventType.UNKNOWN),
        ("virtual_account.created", EventType.UNKNOWN),
        ("counterparty.created", EventType.UNKNOWN),
        ("webhook.test", EventType.UNKNOWN),
        ("wallet.something_new", EventType.UNKNOWN),
    ],
)
def test_every_event_keeps_the_vendors_own_name(name, kind):
    found = event(name)
    assert (found.type, found.provider_type) == (kind, name)


@pytest.mark.parametrize("data", [WALLET, {"ok": True, "data": WALLET}], ids=["bare", "in its envelope"])
def test_a_wallet_event_carries_the_wallet_as_the_read_answers_it(data):
    found = event("wallet.updated", data)
    assert found.wallet is not None
    assert (found.wallet.id, found.wallet.status) == (WALLET_ID, WalletStatus.ACTIVE)
    assert found.wallet.raw == WALLET
    assert (found.wallet_id, found.customer_id) == (WALLET_ID, CUSTOMER)
    assert found.customer is None


def test_a_wallet_of_the_second_generation_in_an_event_brings_its_address():
    found = event("wallet.created", OLDER_WALLET)
    assert found.wallet is not None
    assert found.wallet.address_on("base") == OLDER_WALLET["address"]


@pytest.mark.parametrize("data", [customer(), {"ok": True, "data": customer()}], ids=["bare", "in its envelope"])
def test_a_customer_event_carries_the_customer(data):
    found = event("customer.updated", data)
    assert found.customer is not None
    assert (found.customer.id, found.customer.eligible) == (CUSTOMER, True)
    assert (found.wallet, found.wallet_id, found.customer_id) == (None, None, CUSTOMER)


def test_another_event_names_the_wallet_and_the_customer_it_concerns():
    found = event("transaction.completed", {"id": "tx_1", "walletId": WALLET_ID, "customerId": CUSTOMER})
    assert (found.wallet_id, found.customer_id) == (WALLET_ID, CUSTOMER)
    assert (found.wallet, found.customer) == (None, None)


@pytest.mark.parametrize("data", [{"id": WALLET_ID, "status": 7}, {"id": WALLET_ID, "customerId": 7}])
def test_a_wallet_that_is_not_as_documented_leaves_its_id(data):
    found = event("wallet.updated", data)
    assert (found.wallet, found.wallet_id) == (None, WALLET_ID)


def test_the_signed_body_counts_and_not_the_headers_beside_it():
    raw = body("wallet.updated", WALLET, id="evt_9")
    headers = {**signed(raw), "X-Ledger-Event-Id": "evt_forged", "X-Ledger-Event-Type": "customer.updated"}
    found = parsed(headers, raw)
    assert (found.id, found.type) == ("evt_9", EventType.WALLET_UPDATED)


def test_an_event_without_id_and_time_is_read():
    raw = json.dumps({"type": "wallet.updated", "data": WALLET}).encode()
    found = parsed(signed(raw), raw)
    assert (found.id, found.occurred_at, found.wallet_id) == (None, None, WALLET_ID)


# --- without proof ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "data"), [("wallet.created", OLDER_WALLET), ("customer.updated", customer())])
def test_without_proof_only_ids_are_taken_over_and_only_if_asked_by_name(name, data):
    raw = body(name, data)
    with pytest.raises(errors.WebhookRejected):
        parsed({}, raw)
    found = parsed({}, raw, None, unverified=True)
    assert found.verified is False
    assert (found.wallet, found.customer, found.customer_id) == (None, None, CUSTOMER)
    assert found.wallet_id == (WALLET_ID if name == "wallet.created" else None)


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([WALLET_ID, CUSTOMER]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*WALLET, "chain", "address", "ok", "data", "walletId", "kycStatus"]), inner, max_size=6
        )
    ),
    max_leaves=10,
)


@given(data=odd, name=st.sampled_from(["wallet.created", "customer.updated", "transaction.created"]))
def test_every_proved_event_with_a_type_is_read(data, name):
    found = event(name, data)
    assert found.provider_type == name
    assert found.wallet is None or found.wallet.id == found.wallet_id
    assert found.customer is None or found.customer.id == found.customer_id
