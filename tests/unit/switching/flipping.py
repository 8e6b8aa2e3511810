"""A process that does nothing but cut over and roll back, until it is killed; and what must be so at any instant."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tests.unit.journal.orders import NOW, new
from walletport.journal import CurrentRow, Journal, MoveRow, Transaction, WalletRow, currents, moves, rows
from walletport.provisioning.current import watched_page
from walletport.switching.cutover import advance, cut_over, roll_back
from walletport.switching.machine import MoveEvent, MoveState

OLD, NEW = "old", "new"
USERS = tuple(f"user-{number}" for number in range(6))


def prepare(url: str) -> None:
    """Give each user a wallet at both custodians, of which the old one's is theirs."""
    with Journal.open(url) as journal:
        journal.write(lambda connection: [_prepared(connection, user) for user in USERS]).result()


def _prepared(connection: Transaction, user: str) -> None:
    orders = {}
    for account in (OLD, NEW):
        order, _ = rows.record_intent(connection, new(f"{user} {account}", user_id=user, account=account), NOW)
        orders[account] = order.id
        document = {"provider": account, "id": f"{user}-{account}", "chain": "polygon"}
        document["addresses"] = [{"chain": "polygon", "value": f"0x{account}{user}", "memo": None}]
        row = WalletRow(account, f"{user}-{account}", order.id, user, None, "polygon", "usdc", "active", document, NOW)
        rows.save_wallet(connection, row)
    old = CurrentRow(user, "polygon", "usdc", OLD, f"{user}-{OLD}", None, orders[OLD], orders[OLD], NOW)
    currents.first(connection, [old])
    move = MoveRow(OLD, NEW, user, "polygon", "usdc", MoveState.ADDRESS_KNOWN, NOW, NOW)
    told = {"old_wallet_id": old.wallet_id, "old_provision_id": old.provision_id, "order_id": old.order_id}
    moves.add(connection, [move])
    moves.advance(connection, move, {**told, "provision_id": orders[NEW], "wallet_id": f"{user}-{NEW}"}, NOW)


def flip(url: str) -> None:
    """Cut over and roll back for ever, and say when it begins."""
    with Journal.open(url) as journal:
        print("flipping", flush=True)  # noqa: T201 - whoever kills it waits for this
        for user in itertools.cycle(USERS):
            journal.write(lambda connection, user=user: once(connection, user)).result()


def once(connection: Transaction, user: str) -> MoveRow:
    """Do the next thing with a user: over or back."""
    move = moves.get(connection, OLD, NEW, (user, "polygon", "usdc"))
    if move.state == MoveState.ADDRESS_KNOWN:
        return cut_over(connection, move, NOW)
    if move.state == MoveState.CUT_OVER:
        return roll_back(connection, move, NOW)
    for event in (MoveEvent.TAKEN_UP, MoveEvent.CUSTOMER_READY, MoveEvent.PROVISIONED, MoveEvent.ADDRESS_KNOWN):
        move = advance(connection, move, event, {}, NOW)
    return move


def check(journal: Journal) -> Sequence[str]:
    """Check that each user has exactly one current wallet, that the move agrees, and that the other one is watched.

    Returns:
        Where the users are.
    """

    def query(connection: Transaction) -> list[str]:
        found = []
        for user in USERS:
            current = currents.get(connection, user, "polygon", "usdc")
            move = moves.get(connection, OLD, NEW, (user, "polygon", "usdc"))
            events = [event.what for event in rows.events_of(connection, move.provision_id)]
            watched = [one.account for one in watched_page(connection, None, user, None)[0]]
            assert (current.account == NEW) == (move.state == MoveState.CUT_OVER)
            assert current.wallet_id == f"{user}-{current.account}"
            assert current.provision_id == (move.provision_id if current.account == NEW else move.old_provision_id)
            turns = [what for what in events if what in ("cut over", "rolled back")]
            assert turns == ["cut over", "rolled back"] * (len(turns) // 2) + ["cut over"] * (len(turns) % 2)
            assert (current.account == NEW) == (len(turns) % 2 == 1)
            assert watched == ([] if not turns else [OLD if current.account == NEW else NEW])
            found.append(current.account)
        return found

    return journal.read(query)
