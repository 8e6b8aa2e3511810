"""Ledger.so's webhooks: proved first, then read.

Two pages describe two signatures: ``X-Ledger-Signature`` (https://docs.ledger.so/webhooks/signature-verification) and
Svix's headers (https://docs.ledger.so/webhooks/setup). ``X-Ledger-Event-Id`` and ``X-Ledger-Event-Type`` are not
signed, so the id and the type in the body count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from walletport.errors import MalformedResponse
from walletport.models import Customer, Event, EventType, Wallet
from walletport.provider import read_json
from walletport.provider.signatures import verify_svix, verify_timestamped
from walletport.provider.wire import ALWAYS, Timestamp, WireModel, mapping, read
from walletport_ledger_so import wire

SIGNATURE: Final = "x-ledger-signature"
SVIX_SIGNATURE: Final = "svix-signature"

# https://docs.ledger.so/guides/webhooks; transactions, virtual accounts and counterparties have no neutral word.
_TYPES: Final = {
    "wallet.created": EventType.WALLET_CREATED,
    "wallet.updated": EventType.WALLET_UPDATED,
    "customer.created": EventType.CUSTOMER_UPDATED,
    "customer.updated": EventType.CUSTOMER_UPDATED,
}


class WireEvent(WireModel):
    """A delivery: ``{id, type, createdAt, data}`` (https://docs.ledger.so/guides/webhooks)."""

    type: Annotated[str, Field(min_length=1)]
    id: Annotated[str | None, ALWAYS] = None
    created_at: Annotated[Timestamp, ALWAYS] = None
    data: Annotated[object, ALWAYS] = None


def verify(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: datetime) -> None:
    """Prove that Ledger.so sent the body, by the newer signature where there is one and else by Svix's.

    Raises:
        WebhookRejected: it is not proved, or its time is more than 5 minutes away.
    """
    if SIGNATURE not in headers and SVIX_SIGNATURE in headers:
        verify_svix(headers, body, secrets, now)
    else:
        verify_timestamped(headers.get(SIGNATURE), body, secrets, now)


def event_of(body: bytes, *, verified: bool) -> Event:
    """Return the neutral event.

    Without proof only ids are taken over: a wallet or a customer from a stranger could carry a stranger's deposit
    address or link. Ask the provider for it instead.

    Raises:
        MalformedResponse: it is not JSON, or has no type.
    """
    raw = read_json(body)
    event = read(WireEvent, raw)
    kind = event.type.strip().lower()
    data = _unwrapped(mapping(event.data))
    about_wallet, about_customer = kind.startswith("wallet."), kind.startswith("customer.")
    wallet = _wallet(data) if about_wallet and verified else None
    customer = _customer(data) if about_customer and verified else None
    return Event(
        provider=wire.NAME,
        type=_TYPES.get(kind, EventType.UNKNOWN),
        provider_type=event.type,
        id=event.id or None,
        occurred_at=event.created_at,
        wallet=wallet,
        wallet_id=_text(data.get("id" if about_wallet else "walletId")),
        customer=customer,
        customer_id=_text(data.get("id" if about_customer else "customerId")),
        verified=verified,
        raw=mapping(raw),
    )


def _unwrapped(data: Mapping[str, object]) -> Mapping[str, object]:
    """Return the resource: ``data`` "equals the GET response", with its envelope or without is not said."""
    return mapping(data["data"]) if data.get("ok") is True and "data" in data else data


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _wallet(data: Mapping[str, object]) -> Wallet | None:
    """Return the wallet an event carries whole, or ``None``."""
    try:
        return wire.wallet_of(data)
    except MalformedResponse:
        return None


def _customer(data: Mapping[str, object]) -> Customer | None:
    try:
        return wire.customer_of(data)
    except MalformedResponse:
        return None
