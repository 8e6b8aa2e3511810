"""Changing the current wallet, and taking that back: each customer in one transaction, which leaves an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from walletport.journal import CurrentRow, LostClaim, MoveRow, Transaction, currents, moves, rows
from walletport.switching.machine import MoveEvent, MoveState, after

_FORGOTTEN: Final[Mapping[str, object]] = {"reason": None, "link": None}


def advance(
    connection: Transaction, row: MoveRow, event: MoveEvent, changes: Mapping[str, object], now: datetime
) -> MoveRow:
    """Record what happened to a move, and what is known of it since.

    Raises:
        LostClaim: somebody has written to the move since it was read; nothing is changed.
        ImpossibleMove: it cannot have happened.
    """
    state = after(MoveState(row.state), event)
    changed = moves.advance(connection, row, {**_FORGOTTEN, **changes, "state": state.value}, now)
    if changed is None:
        msg = "another process has written to this move since: look at it again"
        raise LostClaim(msg)
    return changed


def cut_over(connection: Transaction, row: MoveRow, now: datetime) -> MoveRow:
    """Make the wallet at the target the user's, and watch the one at the source.

    Args:
        connection: one transaction; all of it is done, or nothing.
        row: the move, whose wallet at the target has a known address.
        now: the time.

    Raises:
        LostClaim: somebody has written to the move since it was read; nothing is changed.
    """
    current = currents.get(connection, *row.key)
    if current is None or (current.account, current.wallet_id) != (row.source, row.old_wallet_id):
        where = "nobody's" if current is None else f"at {current.account}"
        blocked = {"reason": f"the user's current wallet is {where}, and no more the one that was planned for"}
        return advance(connection, row, MoveEvent.BLOCKED, blocked, now)
    row = advance(connection, row, MoveEvent.CUT_OVER, {}, now)
    new = replace(
        current,
        account=row.target,
        wallet_id=row.wallet_id,
        address=None,
        provision_id=row.provision_id,
        order_id=current.order_id,
    )
    _move(connection, current, new, "cut over", now)
    return row


def roll_back(connection: Transaction, row: MoveRow, now: datetime) -> MoveRow | None:
    """Take a customer out of a switch; after a cut-over, the wallet at the source is the user's again.

    Args:
        connection: one transaction; all of it is done, or nothing.
        row: the move.
        now: the time.

    Returns:
        The move as it stands then, or ``None`` where the user has gone on to another wallet since the cut-over, so
        that there is nothing to take back.

    Raises:
        LostClaim: somebody has written to the move since it was read; nothing is changed.
    """
    if MoveState(row.state) is MoveState.CUT_OVER:
        current = currents.get(connection, *row.key)
        if current is None or (current.account, current.wallet_id) != (row.target, row.wallet_id):
            return None
        old = replace(
            current,
            account=row.source,
            wallet_id=row.old_wallet_id,
            address=row.old_address,
            provision_id=row.old_provision_id,
        )
        row = advance(connection, row, MoveEvent.ROLLED_BACK, {}, now)
        _move(connection, current, old, "rolled back", now)
        return row
    return advance(connection, row, MoveEvent.ROLLED_BACK, {}, now)


def _move(connection: Transaction, seen: CurrentRow, new: CurrentRow, what: str, now: datetime) -> None:
    """Change the current wallet, and tell it in the stories of the orders that made both."""
    if not currents.move(connection, seen, new, now):
        msg = "another process has changed the user's current wallet meanwhile: look at it again"
        raise LostClaim(msg)
    told = {"from": seen.account, "to": new.account}
    if seen.provision_id is not None:
        rows.note(connection, seen.provision_id, what, {**told, "id": new.wallet_id}, now)
    if new.provision_id is not None:
        rows.note(connection, new.provision_id, what, {**told, "replaces": seen.wallet_id or seen.address}, now)
