"""Acme's JSON, and what it is in walletport's words: put the vendor's own fields and statuses in place of these."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from walletport.models import Address, Chain, CustodyModel, Wallet, WalletStatus
from walletport.provider import Json
from walletport.provider.wire import ALWAYS, Known, Timestamp, WireModel, drift_of, mapping, read

NAME: Final = "acme"
_STATUSES: Final = {
    "pending": WalletStatus.PENDING,
    "active": WalletStatus.ACTIVE,
    "suspended": WalletStatus.SUSPENDED,
    "closed": WalletStatus.CLOSED,
}


class WireWallet(WireModel):
    """The vendor's wallet; names are camelCase on the wire, and what is not listed here is kept and reported."""

    id: Annotated[str, Field(min_length=1)]
    customer_id: Annotated[str, Field(min_length=1)]
    chain: Annotated[str, Field(min_length=1)]
    asset: str | None = None
    status: Annotated[str, Known.of(*_STATUSES)]
    address: Annotated[str | None, ALWAYS] = None
    reference: str | None = None
    created_at: Timestamp = None


def wallet_of(value: Json) -> Wallet:
    """Return the vendor's wallet as walletport's."""
    wallet = read(WireWallet, value)
    chain = Chain(wallet.chain)
    return Wallet(
        provider=NAME,
        id=wallet.id,
        customer_id=wallet.customer_id,
        chain=chain,
        asset=wallet.asset,
        status=_STATUSES.get(wallet.status, WalletStatus.UNKNOWN),
        provider_status=wallet.status,
        addresses=(Address(chain=chain, value=wallet.address),) if wallet.address else (),
        custody=CustodyModel.UNKNOWN,
        reference=wallet.reference,
        created_at=wallet.created_at,
        raw=mapping(value),
        drift=drift_of(wallet),
    )
