"""Conduit's webhooks: proved first, then read.

What the ``data`` of a wallet event holds is not documented, so it is read as far as it goes: a wallet object in
``data`` or ``data.wallet``, and ids by their prefix (``wlt_``, ``cus_``, ``wcm_``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from walletport.errors import MalformedResponse
from walletport.models import Customer, Event, EventType, Wallet, WalletStatus
from walletport.provider import read_json
from walletport.provider.signatures import verify_body_only, verify_timestamped
from walletport.provider.wire import ALWAYS, Known, Timestamp, WireModel, mapping, read
from walletport_conduit import wire

SIGNATURE: Final = "x-conduit-signature"

# The event-types enum of the vendor's OpenAPI document. A claim and a completed crypto wallet change what the
# customer may have; a retired or unlisted name is an unknown event.
_TYPES: Final = {
    "wallet.created": EventType.WALLET_CREATED,
    "wallet.rotated": EventType.WALLET_ROTATED,
    "wallet.deleted": EventType.WALLET_UPDATED,
    "wallet.threshold_changed": EventType.WALLET_UPDATED,
    "crypto_wallet.completed": EventType.CUSTOMER_UPDATED,
    "claim.completed": EventType.CUSTOMER_UPDATED,
    "claim.failed": EventType.CUSTOMER_UPDATED,
    "customer.created": EventType.CUSTOMER_UPDATED,
    "customer.restricted": EventType.CUSTOMER_UPDATED,
    "application.approved": EventType.CUSTOMER_UPDATED,
    "application.rejected": EventType.CUSTOMER_UPDATED,
    "wallet_ceremony.awaiting_admin_approval": EventType.APPROVAL_PENDING,
    "wallet_ceremony.completed": EventType.APPROVAL_COMPLETED,
    "wallet_ceremony.failed": EventType.APPROVAL_FAILED,
}
_DELETED: Final = "wallet.deleted"


class WireEvent(WireModel):
    """The envelope (WebhookDeliveryDetailResponseDto); an older page writes ``created_at``."""

    type: Annotated[str, Known.of(*_TYPES), Field(min_length=1)]
    id: Annotated[str | None, ALWAYS] = None
    created_at: Timestamp = None
    created_at_by_older_page: Annotated[Timestamp, Field(alias="created_at")] = None
    data: Annotated[object, ALWAYS] = None


def verify(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: datetime) -> None:
    """Prove that Conduit sent the body.

    The newer pages sign ``<t>.<body>`` and send ``t=...,v1=...``, two ``v1`` while a secret is rotated; an older one
    signs the body alone and sends ``sha256=...``, which cannot tell a replay from the original. The key is the
    whole secret, ``whsec_`` included. Source: https://v2.docs.conduit.financial/webhooks

    Raises:
        WebhookRejected: it is not proved, or its time is more than 5 minutes away.
    """
    signature = headers.get(SIGNATURE)
    if signature is not None and signature.lstrip().startswith("sha256="):
        verify_body_only(signature, body, secrets)
    else:
        verify_timestamped(signature, body, secrets, now)


def event_of(body: bytes, *, verified: bool) -> Event:
    """Return the neutral event.

    Raises:
        MalformedResponse: it is not JSON, or has no type.
    """
    raw = read_json(body)
    found = read(WireEvent, raw)
    kind = found.type.lower()
    data = mapping(found.data)
    nested = mapping(data.get("wallet"))
    customer = _customer(data)
    holder = mapping(data.get("customer"))
    customer_id = _id("cus_", data.get("customerId"), nested.get("customerId"), holder.get("id"), data.get("id"))
    wallet = _wallet(nested or data, customer_id, deleted=kind == _DELETED)
    approval_id = _id("wcm_", data.get("ceremonyId"), data.get("id"))
    return Event(
        provider=wire.NAME,
        type=_TYPES.get(kind, EventType.UNKNOWN),
        provider_type=found.type,
        id=found.id or None,
        occurred_at=found.created_at or found.created_at_by_older_page,
        wallet=wallet,
        wallet_id=wallet.id if wallet else _id("wlt_", data.get("walletId"), nested.get("id"), data.get("id")),
        customer=customer,
        customer_id=customer_id,
        approval_id=approval_id,
        approval_url=wire.link_of(data.get("verificationUrl")) if approval_id else None,
        verified=verified,
        raw=mapping(raw),
    )


def _id(prefix: str, *values: object) -> str | None:
    return next((value for value in values if isinstance(value, str) and value.startswith(prefix)), None)


def _wallet(value: Mapping[str, object], customer_id: str | None, *, deleted: bool) -> Wallet | None:
    """Return the wallet an event carries whole, or ``None``: nothing promises that it does."""
    if _id("wlt_", value.get("id")) is None:
        return None
    try:
        wallet = wire.wallet_of(value, customer_id)
    except MalformedResponse:
        return None
    return wallet.model_copy(update={"status": WalletStatus.CLOSED}) if deleted else wallet


def _customer(data: Mapping[str, object]) -> Customer | None:
    """Return the customer an event carries whole, or ``None``."""
    value = mapping(data.get("customer")) or data
    if _id("cus_", value.get("id")) is None or "features" not in value:
        return None
    try:
        return wire.customer_of(value)
    except MalformedResponse:
        return None
