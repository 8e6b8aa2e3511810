"""What is known of accounts, and where users are pinned; every function takes an open transaction and commits nothing.

Kept apart from `rows`, which is about orders: nothing here says what becomes of one that is committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Executable, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from walletport.journal.prepared import Prepared
from walletport.journal.records import AccountEventRow, AccountRow, PinRow
from walletport.journal.schema import account_events, account_states, events, provisions, user_pins

_NAMED: Final = account_states.c.account == bindparam("the_account")
_ALL: Final = Prepared(select(account_states).order_by(account_states.c.account))
_ONE: Final = Prepared(select(account_states).where(_NAMED))
_CHANGE: Final = (
    update(account_states)
    .where(_NAMED, account_states.c.version == bindparam("the_version"))
    .values(version=account_states.c.version + 1)
    .returning(account_states.c.account)
)
_PIN_OF: Final = Prepared(select(user_pins).where(user_pins.c.user_id == bindparam("the_user")))
_PINS: Final = select(user_pins).order_by(user_pins.c.user_id).limit(bindparam("the_limit"))
_UNPIN: Final = delete(user_pins).where(user_pins.c.user_id == bindparam("the_user")).returning(user_pins.c.account)
_APPEND: Final = account_events.insert().inline()
_EVENTS: Final = (
    select(account_events)
    .where(account_events.c.account == bindparam("the_account"))
    .order_by(account_events.c.id.desc())
    .limit(bindparam("the_limit"))
)

_LATELY: Final = select(events).order_by(events.c.id.desc()).limit(500).subquery()  # no index is by time
_WORKED: Final = (
    select(_LATELY.c.id)
    .join(provisions, provisions.c.id == _LATELY.c.provision_id)
    .where(
        provisions.c.account == bindparam("the_account"), _LATELY.c.what == "made", _LATELY.c.at > bindparam("the_time")
    )
    .limit(1)
)


def _first_state(made: sqlite.Insert | postgresql.Insert) -> Executable:
    return made.on_conflict_do_nothing(index_elements=["account"])


def _pin(made: sqlite.Insert | postgresql.Insert) -> Executable:
    changed = {"account": made.excluded.account, "pinned_at": made.excluded.pinned_at}
    return made.on_conflict_do_update(index_elements=["user_id"], set_=changed)


_FIRST: Final = {
    "sqlite": _first_state(sqlite.insert(account_states)),
    "postgresql": _first_state(postgresql.insert(account_states)),
}
_PIN: Final = {"sqlite": _pin(sqlite.insert(user_pins)), "postgresql": _pin(postgresql.insert(user_pins))}


def accounts(connection: Connection) -> dict[str, AccountRow]:
    """Return what is known of every account of which anything was ever recorded, by name."""
    return {row.account: row for row in (AccountRow(*found) for found in _ALL.all(connection, {}))}


def account(connection: Connection, name: str) -> AccountRow:
    """Return what is known of an account; one of which nothing was recorded is doing well, and has version 0."""
    row = _ONE.one(connection, {"the_account": name})
    return AccountRow(name) if row is None else AccountRow(*row)


def change_account(connection: Connection, seen: AccountRow, changes: Mapping[str, object]) -> bool:
    """Record what is known of an account, unless somebody has recorded something since it was read.

    Args:
        connection: where to write.
        seen: the account as it was read.
        changes: columns, and what stands in them now.

    Returns:
        Whether it was recorded; if not, it is to be read again.
    """
    if not seen.version:
        connection.execute(_FIRST[connection.dialect.name], {**asdict(AccountRow(seen.account)), "version": 1})
    wanted = {"the_account": seen.account, "the_version": seen.version or 1}
    return connection.execute(_CHANGE, {**wanted, **changes}).one_or_none() is not None


def worked_since(connection: Connection, name: str, at: datetime) -> bool:
    """Return whether an account has made something since then, as far as the latest events of all accounts tell."""
    return connection.execute(_WORKED, {"the_account": name, "the_time": at}).one_or_none() is not None


def append_event(connection: Connection, name: str, what: str, detail: Mapping[str, object], at: datetime) -> None:
    """Record what happened to an account."""
    connection.execute(_APPEND, {"account": name, "at": at, "what": what, "detail": detail})


def events_of_account(connection: Connection, name: str, limit: int) -> list[AccountEventRow]:
    """Return what happened to an account, newest first."""
    found = connection.execute(_EVENTS, {"the_account": name, "the_limit": limit})
    return [AccountEventRow(*row) for row in found]


def pin(connection: Connection, row: PinRow) -> None:
    """Record where a user's new orders go, in place of what was recorded before."""
    connection.execute(_PIN[connection.dialect.name], asdict(row))


def unpin(connection: Connection, user_id: str) -> str | None:
    """Forget where a user was pinned, and return where that was."""
    found: str | None = connection.execute(_UNPIN, {"the_user": user_id}).scalar_one_or_none()
    return found


def pin_of(connection: Connection, user_id: str) -> PinRow | None:
    """Return where a user is pinned, if anywhere."""
    row = _PIN_OF.one(connection, {"the_user": user_id})
    return None if row is None else PinRow(*row)


def pins(connection: Connection, limit: int) -> list[PinRow]:
    """Return the pinned users, by name."""
    return [PinRow(*row) for row in connection.execute(_PINS, {"the_limit": limit})]
