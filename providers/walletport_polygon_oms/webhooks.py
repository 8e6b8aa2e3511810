"""Polygon OMS's webhooks, which cannot be proved: the vendor documents the signature's header, not its algorithm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from walletport.errors import WebhookRejected
from walletport.models import Event, EventType
from walletport.provider import read_json
from walletport.provider.wire import WireModel, mapping, read
from walletport_polygon_oms.wire import NAME

UNPROVABLE: Final = (
    "Polygon OMS documents no algorithm for its Webhook-Signature header, so no webhook can be proved: pass "
    "unverified=True to read one without proof, and ask the provider before acting on it"
)

_ENDORSEMENTS: Final = "customer.endorsement."
_TYPES: Final = {"wallet.depositDetected": EventType.WALLET_UPDATED}


class WireEvent(WireModel):
    """A delivery: ``{event, data}``. No id and no time are documented.

    Source: docs.polygon.technology/payments/wallets
    """

    event: str
    data: object = None


def parse_webhook(body: bytes, *, unverified: bool) -> Event:
    """Read a webhook without proof, where the caller asked for that by name.

    Only ids are taken over. A wallet or a customer from an unproved message could carry an attacker's deposit
    address: ask the provider for it instead.

    Raises:
        WebhookRejected: proof was wanted.
        MalformedResponse: it is no event.
    """
    if not unverified:
        raise WebhookRejected(UNPROVABLE)
    raw = read_json(body)
    event = read(WireEvent, raw)
    data = mapping(event.data)
    return Event(
        provider=NAME,
        type=_type_of(event.event),
        provider_type=event.event,
        wallet_id=_id_of("wallet", data),
        customer_id=_id_of("customer", data),
        verified=False,
        raw=mapping(raw),
    )


def _type_of(name: str) -> EventType:
    if name.startswith(_ENDORSEMENTS):
        return EventType.CUSTOMER_UPDATED
    return _TYPES.get(name, EventType.UNKNOWN)


def _id_of(kind: str, data: Mapping[str, object]) -> str | None:
    """Return the id of the wallet or customer concerned; no page shows the fields of ``data``."""
    return next((found for found in _ids_of(kind, data) if isinstance(found, str) and found), None)


def _ids_of(kind: str, data: Mapping[str, object]) -> Iterator[object]:
    yield data.get(f"{kind}Id")
    yield mapping(data.get(kind)).get("id")
    if data.get("object") == kind:
        yield data.get("id")
