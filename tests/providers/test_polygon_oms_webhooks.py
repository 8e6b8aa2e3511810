"""Polygon OMS: webhooks, whose signature cannot be checked because its algorithm is on no page."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.support.contract import Contract
from walletport import errors
from walletport.capabilities import Answer
from walletport.models import EventType
from walletport.webhooks import parse_webhook
from walletport_polygon_oms import PolygonOms
from walletport_polygon_oms.emulator import PolygonOmsEmulator

SECRET = "whsec_" + "ab" * 32
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def read(event, *, unverified=True):
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = {"Webhook-Signature": "whatever", "Content-Type": "application/json"}
    return parse_webhook("polygon-oms", headers, body, SECRET, now=NOW, unverified=unverified)


def test_no_webhook_is_accepted_as_proved_and_the_message_says_what_to_do():
    with pytest.raises(errors.WebhookRejected, match="unverified=True") as caught:
        read({"event": "wallet.depositDetected", "data": {}}, unverified=False)
    assert "Webhook-Signature" in str(caught.value)
    assert PolygonOms.capabilities.webhooks.answer is Answer.DEPENDS
    assert PolygonOms.capabilities.webhooks.reason in str(caught.value)


def test_not_even_the_emulators_own_signature_is_taken_for_proof():
    emulator = PolygonOmsEmulator(lambda: NOW)
    customer_id = emulator.default_customer
    wallet_id = _wallet(emulator, customer_id)
    headers, body = emulator.webhook(wallet_id, SECRET)
    Contract.load("polygon-oms").check_webhook(body, headers)
    with pytest.raises(errors.WebhookRejected):
        parse_webhook("polygon-oms", headers, body, SECRET, now=NOW)
    event = parse_webhook("polygon-oms", headers, body, None, now=NOW, unverified=True)
    assert (event.wallet_id, event.customer_id) == (wallet_id, customer_id)


def _wallet(emulator, customer_id):
    from walletport.provider.emulation import IncomingRequest  # noqa: PLC0415 - for this one call

    def post(path, body, **headers):
        sent = IncomingRequest("POST", path, {}, headers, json.dumps(body).encode())
        return json.loads(emulator.handle(sent).body)

    keys = emulator.settings
    token = post(("auth", "token"), {"apiKey": keys["api_key"], "apiSecret": keys["api_secret"]})["accessToken"]
    told = {"authorization": f"Bearer {token}", "idempotency-key": "k"}
    return post(("customers", customer_id, "wallets"), {"asset": "usdc", "chain": "polygon"}, **told)["id"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("wallet.depositDetected", EventType.WALLET_UPDATED),
        ("customer.endorsement.granted", EventType.CUSTOMER_UPDATED),
        ("customer.endorsement.rejected", EventType.CUSTOMER_UPDATED),
        ("underReview", EventType.UNKNOWN),
        ("wallet.created", EventType.UNKNOWN),
        ("", EventType.UNKNOWN),
    ],
)
def test_an_event_read_without_proof_says_so_and_keeps_the_vendors_own_name(name, kind):
    event = read({"event": name, "data": {}})
    assert (event.type, event.provider_type) == (kind, name)
    assert event.verified is False
    assert (event.id, event.occurred_at) == (None, None)
    assert event.raw == {"event": name, "data": {}}


@pytest.mark.parametrize(
    ("data", "wallet_id", "customer_id"),
    [
        ({"walletId": "wlt_1", "customerId": "cst_1"}, "wlt_1", "cst_1"),
        ({"wallet": {"id": "wlt_1"}, "customer": {"id": "cst_1"}}, "wlt_1", "cst_1"),
        ({"object": "wallet", "id": "wlt_1", "customerId": "cst_1"}, "wlt_1", "cst_1"),
        ({"object": "customer", "id": "cst_1"}, None, "cst_1"),
        ({"id": "evt_1"}, None, None),
        ({"walletId": 7, "customerId": ""}, None, None),
        (None, None, None),
        ("text", None, None),
    ],
)
def test_ids_are_found_wherever_the_data_names_them(data, wallet_id, customer_id):
    event = read({"event": "wallet.depositDetected", "data": data})
    assert (event.wallet_id, event.customer_id) == (wallet_id, customer_id)


def test_an_unproved_event_carries_no_wallet_so_that_no_address_is_taken_from_it():
    planted = {"object": "wallet", "id": "wlt_1", "chain": "polygon", "address": "0x" + "66" * 20}
    event = read({"event": "wallet.depositDetected", "data": planted})
    assert event.wallet_id == "wlt_1"
    assert event.wallet is None
    assert event.customer is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"event": 7}', b'{"event": "a", "event": "b"}'])
def test_what_is_no_event_is_malformed(body):
    with pytest.raises(errors.MalformedResponse):
        read(body)


def test_data_is_not_needed():
    assert read({"event": "customer.endorsement.granted"}).type is EventType.CUSTOMER_UPDATED
