"""What stands in one row of the tables of current wallets and of moves from one account to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

Key: TypeAlias = tuple[str, str | None, str | None]
"""User, chain and asset: what a wallet is for."""


@dataclass(frozen=True, slots=True)
class CurrentRow:
    """Which wallet is a user's for a chain and an asset.

    Args:
        account: where it is.
        wallet_id: the provider's id of it; ``None`` where it was made elsewhere and nobody has told.
        address: its deposit address, where it was made elsewhere and somebody has told.
        provision_id: the order that made it; ``None`` where it was made elsewhere.
        order_id: the order that this is the answer to, which made the user's first wallet; ``None`` where that was
            made elsewhere.
        since: since when it is the user's.
    """

    user_id: str
    chain: str | None
    asset: str | None
    account: str
    wallet_id: str | None
    address: str | None
    provision_id: str | None
    order_id: str | None
    since: datetime

    @property
    def key(self) -> Key:
        """What it is for."""
        return self.user_id, self.chain, self.asset


@dataclass(frozen=True, slots=True)
class WatchedRow:
    """A wallet that was a user's, to whose addresses deposits may still come.

    The first five name it; ``wallet_id`` and ``address`` are as in `CurrentRow`, and ``since`` is when another took
    its place.
    """

    user_id: str
    chain: str | None
    asset: str | None
    account: str
    wallet_id: str | None
    address: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class MoveRow:
    """One customer that goes from one account to another.

    Args:
        state: where the move stands; `walletport.switching.machine` says what the states mean.
        reference: the application's own, of the order that made the first wallet.
        old_wallet_id ... order_id: the current wallet before the cut-over, as in `CurrentRow`.
        customer_id: who the user is at the target, once that is known.
        provision_id: the order for the wallet at the target, once it is done.
        wallet_id: the wallet at the target.
        address: its deposit address on the chain.
        reason: why it cannot go on; our words, never a vendor's text.
        link: where the customer, or a person, does what is missing.
        version: goes up by one with each change.
    """

    source: str
    target: str
    user_id: str
    chain: str | None
    asset: str | None
    state: str
    created_at: datetime
    updated_at: datetime
    reference: str | None = None
    old_wallet_id: str | None = None
    old_address: str | None = None
    old_provision_id: str | None = None
    order_id: str | None = None
    customer_id: str | None = None
    provision_id: str | None = None
    wallet_id: str | None = None
    address: str | None = None
    reason: str | None = None
    link: str | None = None
    version: int = 1

    @property
    def key(self) -> Key:
        """Whose wallet moves."""
        return self.user_id, self.chain, self.asset
