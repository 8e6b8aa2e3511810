"""Which wallet that a user has satisfies another order, so that no second one is made.

An order with a ``reference=`` of its own, or for a certain ``account=``, asks for its own wallet; any other is
satisfied by a wallet that was made without a reference, is the user's current one for something, is usable,
is on the order's chain and can hold its asset.

Where a user goes to another account, current wallets do not count: the orders that are carried out once more there
share any wallet at that account which satisfies them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from walletport.capabilities import Need
from walletport.journal import ProvisionRow, Transaction, WalletRow, currents, rows
from walletport.models import Chain, Wallet, WalletStatus
from walletport.provisioning.machine import State
from walletport.routing import keep

if TYPE_CHECKING:
    from walletport.provisioning.account import AccountAtWork

_UNUSABLE: Final = (WalletStatus.SUSPENDED, WalletStatus.CLOSED)
_UNDER_WAY: Final = (State.SENDING, State.IN_DOUBT)
_SOON: Final = timedelta(seconds=0.1)
_LATEST: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Held:
    """A wallet that a user has, which satisfies an order.

    Args:
        wallet: as the journal holds it.
        order: the order that it was made for.
    """

    wallet: WalletRow
    order: str


def shares(row: ProvisionRow) -> bool:
    """Return whether an order takes a wallet that the user has already."""
    return row.kind == "wallet" and row.reference is None and row.decision.get("by") != "name"


def before_sending(
    connection: Transaction, row: ProvisionRow, accounts: Mapping[str, AccountAtWork], now: datetime
) -> Held | datetime | None:
    """Return the wallet that the user has already, when to look again for one, or ``None``: then the order is sent.

    To be asked in the transaction that commits the send, so that of two orders that one wallet satisfies one is sent.
    """
    if not shares(row):
        return None
    if not rows.lock_user(connection, row.user_id):
        return now + _SOON
    orders = rows.plain_orders_of(connection, row.user_id)
    if len(orders) == 1:
        return None
    if row.decision.get("by") == "switch":
        there = [order for order in orders if order.account == row.account and order.state != State.PLANNED]
        at_target = find_at(connection, accounts[row.account], there, row.chain, row.asset)
        return at_target or _when_another_is_made(row, there, accounts, now)
    held = find_held(connection, accounts, orders, row.chain, row.asset)
    return held or _when_another_is_made(row, orders, accounts, now)


def kept(row: ProvisionRow, held: Held) -> dict[str, object]:
    """Return what changes of an order that is satisfied by a wallet the user has."""
    wallet, reasons = held.wallet, row.decision.get("reasons")
    told = [*reasons] if isinstance(reasons, list) else []
    found = keep(wallet.account, wallet.wallet_id).model_dump(mode="json")
    if row.decision.get("by") != "wallet":
        found = {**row.decision, **found, "reasons": [*told, *found["reasons"]]}
    changes = {"account": wallet.account, "wallet_id": wallet.wallet_id, "customer_id": wallet.customer_id}
    return {**changes, "decision": found}


def find_held(
    connection: Transaction,
    accounts: Mapping[str, AccountAtWork],
    orders: Iterable[ProvisionRow],
    chain: str | None,
    asset: str | None,
) -> Held | None:
    """Return the oldest wallet that satisfies an order.

    Args:
        connection: where to look.
        accounts: the configured accounts by name.
        orders: the user's orders without a reference, oldest first.
        chain: the chain that is asked for.
        asset: the asset that is asked for.
    """
    theirs: set[tuple[str, str | None]] | None = None
    for made in orders:
        account = accounts.get(made.account)
        if made.wallet_id is None or made.state != State.DONE or account is None:
            continue
        if theirs is None:
            theirs = {(row.account, row.wallet_id) for row in currents.among(connection, [made.user_id]).values()}
        if (made.account, made.wallet_id) not in theirs:  # replaced by a switch of custodians, or made for one
            continue
        wallet = rows.get_wallet(connection, made.account, made.wallet_id)
        if wallet is not None and _satisfies(Wallet.model_validate(wallet.document), account, chain, asset):
            return Held(wallet, made.id)
    return None


def find_at(
    connection: Transaction,
    account: AccountAtWork,
    orders: Iterable[ProvisionRow],
    chain: str | None,
    asset: str | None,
) -> Held | None:
    """Return the oldest wallet at an account that satisfies an order, whether it is the user's current one or not.

    Args:
        connection: where to look.
        account: where the wallet is.
        orders: the user's orders there without a reference, oldest first.
        chain: the chain that is asked for.
        asset: the asset that is asked for.
    """
    for made in orders:
        if made.wallet_id is None or made.state != State.DONE:
            continue
        wallet = rows.get_wallet(connection, made.account, made.wallet_id)
        if wallet is not None and _satisfies(Wallet.model_validate(wallet.document), account, chain, asset):
            return Held(wallet, made.id)
    return None


def under_way_at(connection: Transaction, account: str, user: str, identity: str) -> list[ProvisionRow]:
    """Return a user's other orders at an account that were sent and have not ended, and that share their wallet."""
    orders = rows.plain_orders_of(connection, user)
    return [row for row in orders if row.account == account and row.state in _UNDER_WAY and row.identity != identity]


def _satisfies(wallet: Wallet, account: AccountAtWork, chain: str | None, asset: str | None) -> bool:
    if wallet.status in _UNUSABLE or wallet.replaced_by is not None or not _can_express(account, chain, asset):
        return False
    on_chain = chain is None or wallet.chain == chain or wallet.address_on(chain) is not None
    # One wallet for several chains, whose addresses were not told yet.
    on_chain = on_chain or (wallet.chain is None and not wallet.addresses)
    return on_chain and (asset is None or wallet.asset in (None, asset))


def _can_express(account: AccountAtWork, chain: str | None, asset: str | None) -> bool:
    declared = account.capabilities.order
    reference = "any" if declared.reference is Need.REQUIRED else None
    return declared.why_not(None if chain is None else Chain(chain), asset, reference) is None


def _when_another_is_made(
    row: ProvisionRow, orders: Iterable[ProvisionRow], accounts: Mapping[str, AccountAtWork], now: datetime
) -> datetime | None:
    """Return when to look again, where another order of the user is about to make a wallet that may satisfy this one.

    Of two that wait to be sent the older goes first; one that is under way is waited for by all.
    """
    waits = [
        min(max(other.not_before or now, now + _SOON), now + _LATEST)
        for other in orders
        if other.id != row.id and _comes_first(other, row, now) and _may_satisfy(other, row, accounts)
    ]
    return min(waits, default=None)


def _comes_first(other: ProvisionRow, row: ProvisionRow, now: datetime) -> bool:
    if other.state in _UNDER_WAY:
        return True
    is_ready = other.not_before is None or other.not_before <= now
    return other.state == State.PLANNED and is_ready and (other.created_at, other.id) < (row.created_at, row.id)


def _may_satisfy(other: ProvisionRow, row: ProvisionRow, accounts: Mapping[str, AccountAtWork]) -> bool:
    account = accounts.get(other.account)
    if account is None or not _can_express(account, row.chain, row.asset):
        return False
    return row.chain is None or other.chain in (None, row.chain) or account.capabilities.several_addresses.usable
