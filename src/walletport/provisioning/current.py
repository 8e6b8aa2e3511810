"""Which wallet is a user's, and which were before; nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Final

from walletport.errors import ConfigurationError
from walletport.journal import CurrentRow, Journal, ProvisionRow, Transaction, WatchedRow, currents, rows
from walletport.models import Chain, Model, Wallet
from walletport.provisioning.identity import identity_at
from walletport.provisioning.machine import State
from walletport.routing import RouteRequest

_A_PAGE: Final = 500


class CurrentWallet(Model):
    """The wallet that is a user's for a chain and an asset.

    Args:
        user: the application's own id of its customer.
        chain: the chain that was ordered.
        asset: the asset that was ordered.
        account: where the wallet is.
        wallet: the wallet, as it was last seen; ``None`` where it was made elsewhere.
        address: its deposit address on the chain; ``None`` where it is not known.
        provision_id: the journal's id of the order that made it; ``None`` where it was made elsewhere.
        since: since when it is the user's.
    """

    user: str
    chain: Chain | None
    asset: str | None
    account: str
    wallet: Wallet | None
    address: str | None
    provision_id: str | None
    since: datetime


class WatchedAddress(Model):
    """A deposit address that was a user's, to which deposits may still come.

    Args:
        user: the application's own id of its customer.
        chain: the address's chain, where it is known.
        address: the address; ``None`` where the wallet's address is not known.
        memo: the memo or destination tag that goes with it, where the chain needs one.
        account: the account where its wallet is.
        wallet_id: the provider's id of the wallet; ``None`` where it was made elsewhere and nobody has told.
        since: when another wallet took its place.
    """

    user: str
    chain: Chain | None
    address: str | None
    memo: str | None
    account: str
    wallet_id: str | None
    since: datetime


def current_wallet(connection: Transaction, user: str, chain: str | None, asset: str | None) -> CurrentWallet | None:
    """Return the wallet that is a user's for a chain and an asset, or ``None`` if the journal knows none."""
    row = currents.get(connection, user, chain, asset)
    if row is None:
        return None
    known = None if row.wallet_id is None else rows.get_wallet(connection, row.account, row.wallet_id)
    wallet = None if known is None else Wallet.model_validate(known.document)
    return CurrentWallet(
        user=row.user_id,
        chain=None if row.chain is None else Chain(row.chain),
        asset=row.asset,
        account=row.account,
        wallet=wallet,
        address=row.address if wallet is None else deposit_address(wallet, row.chain),
        provision_id=row.provision_id,
        since=row.since,
    )


def deposit_address(wallet: Wallet, chain: str | None) -> str | None:
    """Return a wallet's address on a chain; for ``None``, or where it names no chain, the only one it has."""
    return (wallet.address_on(chain) if chain else None) or wallet.address


def watched_page(
    connection: Transaction, account: str | None, user: str | None, after: WatchedRow | None
) -> tuple[list[WatchedAddress], WatchedRow | None]:
    """Return addresses to watch, and after which row the next ones come; ``None`` at the end."""
    found = currents.watched(connection, account, user, after, _A_PAGE)
    addresses = [
        address
        for row, document in found
        for address in _addresses(row, None if document is None else Wallet.model_validate(document))
    ]
    return addresses, found[-1][0] if len(found) == _A_PAGE else None


def _addresses(row: WatchedRow, wallet: Wallet | None) -> Iterator[WatchedAddress]:
    ordered = None if row.chain is None else Chain(row.chain)
    told: list[tuple[Chain | None, str | None, str | None]] = [(ordered, row.address, None)]
    if wallet is not None and wallet.addresses:
        told = [(one.chain or wallet.chain or ordered, one.value, one.memo) for one in wallet.addresses]
    for chain, address, memo in told:
        yield WatchedAddress(
            user=row.user_id,
            chain=chain,
            address=address,
            memo=memo,
            account=row.account,
            wallet_id=row.wallet_id,
            since=row.since,
        )


def answering(
    connection: Transaction, identity: str, order: RouteRequest, reference: str | None
) -> ProvisionRow | None:
    """Return the order that answers for one, or ``None`` if it is to be begun.

    As long as nobody moves the user that is the order itself. After a cut-over to another account it is the one that
    made the wallet there: for the order whose wallet was replaced, and for one without a reference that made none.

    Raises:
        ConfigurationError: the user's wallet was made elsewhere, so no order answers with it.
    """
    row, current = currents.answer(connection, identity, (order.user, order.chain, order.asset))
    problem = why_unanswered(current, reference)
    if problem is not None:
        raise ConfigurationError(problem)
    order_id = None if row is None or State(row.state) is State.REJECTED else row.id
    instead = answered_by(current, order_id, reference)
    return row if instead is None else rows.get_provision(connection, instead)


def why_unanswered(current: CurrentRow | None, reference: str | None) -> str | None:
    """Return why an order can be neither answered nor carried out, or ``None``.

    Where the user's wallet was made elsewhere, another one would be the second; and one that a switch of custodians
    made is not theirs before the cut-over, nor after a rollback.

    Args:
        current: the wallet that is the user's for the order's chain and asset.
        reference: the application's own; an order with one gets a wallet of its own.
    """
    if current is None or current.provision_id is not None or reference is not None:
        return None
    return (
        f"user {current.user_id!r} has a wallet for this at account {current.account!r} that was made elsewhere, so no "
        "order answers with it: current_wallet(...) tells what is known of it, and a reference= orders another"
    )


def answered_by(current: CurrentRow | None, order_id: str | None, reference: str | None) -> str | None:
    """Return the id of the order that answers for another since its user went to another account, if one does.

    Args:
        current: the wallet that is the user's for the order's chain and asset.
        order_id: the order that is asked for; ``None`` where there is none, or it was refused.
        reference: the application's own.
    """
    if current is None or current.provision_id in (None, current.order_id):
        return None
    answers = reference is None if order_id is None else order_id == current.order_id
    return current.provision_id if answers else None


def identity_for_move(connection: Transaction, identity: str, account: str) -> str:
    """Return under which identity an order is carried out at the account where its user goes.

    One that the journal does not know, or has there, keeps its own; one that has a wallet elsewhere gets another, and
    always the same.
    """
    row = rows.find_by_identity(connection, identity)
    if row is None or row.account == account or State(row.state) is State.REJECTED:
        return identity
    return identity_at(account, identity)


def watched_pages(journal: Journal, account: str | None, user: str | None) -> Iterator[list[WatchedAddress]]:
    """Yield the addresses of wallets that were users', some at a time; see `Port.watched_addresses`."""
    after: WatchedRow | None = None
    while True:
        found, after = journal.read(partial(watched_page, account=account, user=user, after=after))
        yield found
        if after is None:
            return


def find_current(journal: Journal, user: str, chain: str | None, asset: str | None) -> CurrentWallet | None:
    """Return the wallet that is a user's for a chain and an asset; see `Port.current_wallet`."""
    order = RouteRequest(user=user, chain=None if chain is None else Chain(chain), asset=asset)
    return journal.read(lambda connection: current_wallet(connection, order.user, order.chain, order.asset))
