"""What can be read and written, row by row; every function takes an open transaction and commits nothing.

Times are aware and in UTC. Of an order only its claimant changes what is known, and each change leaves an event.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Executable, select, tuple_

from walletport.journal import currents, statements
from walletport.journal.errors import JournalError, LostClaim
from walletport.journal.moverecords import CurrentRow
from walletport.journal.prepared import Prepared, Values
from walletport.journal.records import CustomerRow, EventRow, Kind, NewProvision, ProvisionRow, WalletRow
from walletport.journal.rowset import NotTogether
from walletport.journal.schema import provisions

_FIXED: Final = frozenset(
    {"id", "kind", "identity", "user_id", "chain", "asset", "reference", "created_at", "updated_at", "version"}
)
CHANGEABLE: Final = frozenset(provisions.c.keys()) - _FIXED
"""What `advance` may change."""

R = TypeVar("R", ProvisionRow, WalletRow, CustomerRow, EventRow)
_EVENTS: Final = "walletport-events"  # of a connection's open transaction; written in one statement
_ONE_STATEMENT: Final = 500  # ids; SQLite limits how many values one statement takes


def planned(
    new: NewProvision, now: datetime, *, owner: str | None = None, lease_until: datetime | None = None
) -> ProvisionRow:
    """Return the row of an order of which nothing is known yet."""
    return ProvisionRow(
        **_columns(new),
        state="planned",
        generation=1,
        sends=0,
        first_sent_at=None,
        last_ended_at=None,
        doubtful=False,
        applied=False,
        look_ups=0,
        not_before=None,
        owner=owner,
        lease_until=lease_until,
        wallet_id=None,
        approval_id=None,
        approval_url=None,
        error=None,
        created_at=now,
        updated_at=now,
        version=1,
    )


def record_intent(
    connection: Connection,
    new: NewProvision,
    now: datetime,
    *,
    owner: str | None = None,
    lease_until: datetime | None = None,
) -> tuple[ProvisionRow, bool]:
    """Record an order, unless its identity is known already.

    Args:
        connection: where to write.
        new: the order.
        now: the time.
        owner: who claims it with that, if it is new.
        lease_until: until when that holds.

    Returns:
        The order as the journal holds it, and whether it is new.
    """
    values = _columns(planned(new, now, owner=owner, lease_until=lease_until))
    made = _first(connection, statements.INSERT_PROVISION, values, ProvisionRow)
    if made is not None:
        _append(connection, made.id, "intended", {"account": made.account}, now)
        return made, True
    known = find_by_identity(connection, new.identity)
    if known is None:
        msg = "the journal holds another order under this order's id"
        raise JournalError(msg, outcome="not_applied")
    return known, False


def get_provision(connection: Connection, provision_id: str) -> ProvisionRow:
    """Return an order.

    Raises:
        JournalError: there is none of this id.
    """
    found = _first(connection, statements.ONE_PROVISION, {"the_id": provision_id}, ProvisionRow)
    if found is None:
        msg = f"the journal holds no provision {provision_id!r}"
        raise JournalError(msg, outcome="not_applied")
    return found


def find_by_identity(connection: Connection, identity: str) -> ProvisionRow | None:
    """Return the order of this identity, if there is one."""
    return _first(connection, statements.BY_IDENTITY, {"the_identity": identity}, ProvisionRow)


def provisions_of(connection: Connection, user_id: str) -> list[ProvisionRow]:
    """Return a user's orders, oldest first."""
    return _all(connection, statements.PROVISIONS_OF, {"the_user": user_id}, ProvisionRow)


def plain_orders_of(connection: Connection, user_id: str) -> list[ProvisionRow]:
    """Return a user's orders for wallets that carry no reference of the application's, oldest first."""
    return _all(connection, statements.PLAIN_ORDERS_OF, {"the_user": user_id}, ProvisionRow)


def lock_user(connection: Connection, user_id: str) -> bool:
    """Keep other processes from doing the same for this user until the transaction ends.

    Returns:
        Whether it was possible; if not, another process is just doing it, and it is to be tried again later.
    """
    if connection.dialect.name == "sqlite":  # it has one writer at a time
        return True
    locked = statements.LOCK_USER.one(connection, {"the_user": user_id})
    return locked is not None and bool(locked[0])


def list_provisions(
    connection: Connection,
    state: str | None = None,
    account: str | None = None,
    limit: int = 100,
    after: str | None = None,
) -> list[ProvisionRow]:
    """Return orders, newest first.

    Args:
        connection: where to look.
        state: only those that stand so.
        account: only those of this account.
        limit: how many at most.
        after: the id of the last order of the page before.
    """
    found = select(provisions).order_by(provisions.c.created_at.desc(), provisions.c.id.desc()).limit(limit)
    if state is not None:
        found = found.where(provisions.c.state == state)
        if state != "done":
            found = found.where(statements.NOT_DONE)
    if account is not None:
        found = found.where(provisions.c.account == account)
    if after is not None:
        last = get_provision(connection, after)
        place = tuple_(provisions.c.created_at, provisions.c.id)
        found = found.where(place < tuple_(last.created_at, last.id, types=[c.type for c in place]))
    return _all(connection, found, {}, ProvisionRow)


def due(
    connection: Connection,
    now: datetime,
    accounts: Collection[str],
    limit: int,
    *,
    kind: Kind = "wallet",
    dead: Collection[str] = (),
    after: ProvisionRow | None = None,
) -> list[ProvisionRow]:
    """Return orders from which something must still come, and which can be carried on; oldest first.

    Args:
        connection: where to look.
        now: those that have to wait longer are left out, and those whose claim holds longer.
        accounts: only orders of these.
        limit: how many at most.
        kind: what they are for.
        dead: owners whose claims count no more.
        after: the last order of the page before.
    """
    found = statements.DUE
    values = {"the_now": now, "the_limit": limit, "the_accounts": accounts, "the_kind": kind, "the_dead": dead}
    if after is not None:
        place = tuple_(provisions.c.created_at, provisions.c.id)
        found = found.where(place > tuple_(after.created_at, after.id, types=[c.type for c in place]))
    return _all(connection, found, values, ProvisionRow)


def next_due_at(
    connection: Connection, after: datetime, accounts: Collection[str], kind: Kind = "wallet"
) -> datetime | None:
    """Return when the first order of a kind at these accounts can be carried on that has to wait until then."""
    wanted = {"the_now": after, "the_accounts": accounts, "the_kind": kind}
    found: datetime | None = connection.execute(statements.NEXT_DUE, wanted).scalar_one()
    return found


def owners(connection: Connection) -> list[str]:
    """Return who holds orders from which something must still come."""
    return list(connection.execute(statements.OWNERS).scalars())


def claim(
    connection: Connection, provision_id: str, owner: str, now: datetime, lease_until: datetime
) -> ProvisionRow | None:
    """Take an order that nobody holds, whose claim has run out, or that the same owner holds already.

    Returns:
        The order as claimed, or ``None`` if somebody else holds it, or is just taking it.
    """
    wanted = {"the_id": provision_id, "the_owner": owner, "the_now": now}
    return _first(connection, statements.CLAIM, {**wanted, "owner": owner, "lease_until": lease_until}, ProvisionRow)


def renew(connection: Connection, provision_ids: Iterable[str], owner: str, lease_until: datetime) -> set[str]:
    """Prolong claims; return the ids of those that are still the owner's."""
    ids, held = sorted(provision_ids), set[str]()
    for start in range(0, len(ids), _ONE_STATEMENT):
        some = {"the_ids": ids[start : start + _ONE_STATEMENT], "the_owner": owner, "lease_until": lease_until}
        held |= set(connection.execute(statements.RENEW, some).scalars())
    return held


def release(connection: Connection, provision_id: str, owner: str, not_before: datetime | None = None) -> None:
    """Let an order go; nothing happens unless it is this owner's.

    Args:
        connection: where to write.
        provision_id: the order.
        owner: who holds it.
        not_before: nobody need look at it earlier than this; unchanged by default.
    """
    held = {"the_id": provision_id, "the_owner": owner, "owner": None, "lease_until": None}
    statements.RELEASE.one(connection, held if not_before is None else {**held, "not_before": not_before})


def advance(  # noqa: PLR0917 - in the order they are thought of: whose, what, when
    connection: Connection,
    row: ProvisionRow,
    owner: str,
    changes: Mapping[str, object],
    what: str,
    detail: Mapping[str, object],
    now: datetime,
) -> ProvisionRow:
    """Record what is known of an order now, and what happened to it.

    Args:
        connection: where to write.
        row: the order as this owner last saw it.
        owner: who has claimed it.
        changes: columns of `CHANGEABLE` and what stands in them now; documents must hold no text of a vendor's.
        what: the event, in a word or two.
        detail: more of the event.
        now: the time.

    Raises:
        LostClaim: somebody else has claimed the order, or it was changed since; nothing is changed.
        ValueError: a column is not to be changed.
    """
    if not changes.keys() <= CHANGEABLE:
        msg = f"not to be changed: {', '.join(sorted(changes.keys() - CHANGEABLE))}"
        raise ValueError(msg)
    seen = {"the_id": row.id, "the_owner": owner, "the_version": row.version}
    changed = _first(connection, statements.ADVANCE, {**seen, **changes, "updated_at": now}, ProvisionRow)
    if changed is None:
        msg = "another process has taken this order, or has written to it since"
        raise LostClaim(msg)
    if changed.kind == "wallet" and changed.state == "done" and changed.wallet_id is not None:
        currents.first(connection, [current_of(changed, changed.wallet_id, now)])
    _append(connection, row.id, what, detail, now)
    return changed


def note_once(
    connection: Connection, provision_id: str, what: str, detail: Mapping[str, object], now: datetime
) -> bool:
    """Record what happened to an order without changing it, unless the same has been recorded before.

    Anybody may note, whoever has claimed the order.

    Returns:
        Whether it is new.
    """
    wanted = {"the_id": provision_id, "the_what": what}
    # So that nobody else looks for the event at the same time.
    statements.HOLD.one(connection, {"the_id": provision_id})
    waiting = any(
        (one["provision_id"], one["what"]) == (provision_id, what) for one in connection.info.get(_EVENTS, ())
    )
    if waiting or statements.EVENT_OF.one(connection, wanted) is not None:
        return False
    _append(connection, provision_id, what, detail, now)
    return True


def note(connection: Connection, provision_id: str, what: str, detail: Mapping[str, object], now: datetime) -> None:
    """Record what happened to an order without changing it."""
    _append(connection, provision_id, what, detail, now)


def events_of(connection: Connection, provision_id: str) -> list[EventRow]:
    """Return what happened to an order, in its order."""
    return _all(connection, statements.EVENTS_OF, {"the_id": provision_id}, EventRow)


def save_wallet(connection: Connection, row: WalletRow) -> WalletRow:
    """Record a wallet, or what is newer of it; what the journal knows is never replaced by something older.

    The user stays the one it was first recorded for, and so does the order it came from.

    Returns:
        The wallet as the journal holds it.

    Raises:
        JournalError: it is recorded for another user; the transaction must not be committed.
    """
    kept = _first(connection, statements.INSERT_WALLET, _columns(row), WalletRow)
    if kept is None or kept.user_id != row.user_id:
        msg = f"wallet {row.wallet_id!r} at {row.account!r} is recorded for another user"
        raise JournalError(msg)
    return kept


def get_wallet(connection: Connection, account: str, wallet_id: str) -> WalletRow | None:
    """Return a wallet, if the journal knows it."""
    wanted = {"the_account": account, "the_wallet": wallet_id}
    return _first(connection, statements.ONE_WALLET, wanted, WalletRow)


def wallets_of(connection: Connection, user_id: str) -> list[WalletRow]:
    """Return a user's wallets, by account and id; one that only a shadow made is nobody's."""
    return _all(connection, statements.WALLETS_OF, {"the_user": user_id}, WalletRow)


def shadows(connection: Connection, limit: int) -> list[ProvisionRow]:
    """Return shadow orders, newest first."""
    return _all(connection, statements.SHADOWS, {"the_limit": limit}, ProvisionRow)


def some_provisions(connection: Connection, ids: Collection[str]) -> dict[str, ProvisionRow]:
    """Return the orders of these ids, by id."""
    wanted, found = sorted(set(ids)), dict[str, ProvisionRow]()
    for start in range(0, len(wanted), _ONE_STATEMENT):
        some = {"the_ids": wanted[start : start + _ONE_STATEMENT]}
        found |= {row.id: row for row in _all(connection, statements.SOME_PROVISIONS, some, ProvisionRow)}
    return found


def link_customer(connection: Connection, row: CustomerRow) -> CustomerRow:
    """Record who a user is at an account; once recorded, it stays.

    Returns:
        What the journal holds: the first record, if the same was recorded before.

    Raises:
        JournalError: the user is linked to another customer there; nothing is changed.
    """
    statements.INSERT_CUSTOMER.each(connection, [_columns(row)])
    linked = customer_of(connection, row.user_id, row.account) or row
    if linked.customer_id != row.customer_id:
        msg = f"user {row.user_id!r} is linked to customer {linked.customer_id!r} at {row.account!r} already"
        raise JournalError(msg, outcome="not_applied")
    return linked


def customer_of(connection: Connection, user_id: str, account: str) -> CustomerRow | None:
    """Return who a user is at an account, if that is known."""
    wanted = {"the_user": user_id, "the_account": account}
    return _first(connection, statements.ONE_CUSTOMER, wanted, CustomerRow)


def current_of(row: ProvisionRow, wallet_id: str, now: datetime) -> CurrentRow:
    """Return what makes an order's wallet its user's, if none is yet."""
    key = (row.user_id, row.chain, row.asset)
    return CurrentRow(*key, row.account, wallet_id, None, provision_id=row.id, order_id=row.id, since=now)


def _append(connection: Connection, provision_id: str, what: str, detail: Mapping[str, object], at: datetime) -> None:
    event = {"provision_id": provision_id, "at": at, "what": what, "detail": detail}
    connection.info.setdefault(_EVENTS, []).append(event)


def write_events(connection: Connection) -> None:
    """Write what has been appended to orders since the last time; whoever commits a transaction calls this before."""
    events = connection.info.pop(_EVENTS, None)
    if events:
        try:
            statements.APPEND_EVENTS.run(connection, events)
        except NotTogether:
            statements.APPEND_EVENT.each(connection, events)


def drop_events(connection: Connection) -> None:
    """Forget what was appended and not written, because the transaction is undone."""
    connection.info.pop(_EVENTS, None)


def _columns(row: NewProvision | ProvisionRow | WalletRow | CustomerRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__slots__}


def _first(connection: Connection, statement: Prepared, values: Values, kind: type[R]) -> R | None:
    row = statement.one(connection, values)
    return None if row is None else kind(*row)


def _all(connection: Connection, statement: Prepared | Executable, values: Values, kind: type[R]) -> list[R]:
    if isinstance(statement, Prepared):
        return [kind(*row) for row in statement.all(connection, values)]
    return [kind(*row) for row in connection.execute(statement, values)]
