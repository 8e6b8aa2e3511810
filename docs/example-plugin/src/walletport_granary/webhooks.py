"""Granary's webhooks."""

from __future__ import annotations

from typing import Final

from walletport.models import Event, EventType
from walletport.provider import read_json
from walletport.provider.wire import Timestamp, WireModel, mapping, read
from walletport_granary.wire import NAME, wallet_of

_TYPES: Final = {"account.opened": EventType.WALLET_CREATED, "account.changed": EventType.WALLET_UPDATED}


class Notice(WireModel):
    """What every webhook carries."""

    id: str
    type: str
    at: Timestamp = None
    account: object = None


def event_of(body: bytes, *, verified: bool) -> Event:
    """Return the event; one of a kind that is new here keeps its name, and is read as far as it is known."""
    value = read_json(body)
    notice = read(Notice, value)
    wallet = None if notice.account is None else wallet_of(notice.account)
    return Event(
        provider=NAME,
        type=_TYPES.get(notice.type, EventType.UNKNOWN),
        provider_type=notice.type,
        id=notice.id,
        occurred_at=notice.at,
        wallet=wallet,
        wallet_id=wallet.id if wallet else None,
        customer_id=wallet.customer_id if wallet else None,
        verified=verified,
        raw=mapping(value),
    )
