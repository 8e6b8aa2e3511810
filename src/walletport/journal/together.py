"""What is read and written for many orders at once, in one statement for all of them.

This is the way of orders about which nothing is special, in its two steps: begun, and done. `rows` has what every other
order needs. Every function takes an open transaction and commits nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Executable,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from walletport.journal import currents
from walletport.journal.moverecords import CurrentRow
from walletport.journal.prepared import Prepared
from walletport.journal.records import ProvisionRow, WalletRow
from walletport.journal.schema import customers, provisions, user_pins, wallets
from walletport.journal.types import JsonText

_Among: TypeAlias = Callable[[ColumnElement[str], str], ColumnElement[bool]]


class NotTogether(Exception):
    """Something about one of the orders is special after all; the transaction must not be committed."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows of users who ask for wallets.

    Args:
        identities: the orders that are known.
        accounts: where they have orders for wallets that carry no reference of the application's, by user.
        customers: who they are, by user and account.
        pins: where they are pinned.
    """

    identities: Collection[str]
    accounts: Mapping[str, Collection[str]]
    customers: Mapping[tuple[str, str], str]
    pins: Mapping[str, str]


def _in_sqlite(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    each = func.json_each(bindparam(name, type_=JsonText)).table_valued("value")
    return column.in_(select(each.c.value))


def _in_postgresql(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    return column == any_(bindparam(name, type_=ARRAY(Text)))


def _prepared(make: Callable[[_Among], Executable]) -> Prepared:
    return Prepared({"sqlite": make(_in_sqlite), "postgresql": make(_in_postgresql)})


_P: Final = provisions.c
_KNOWN: Final = _prepared(
    lambda among: union_all(
        select(_P.identity, literal_column("''"), literal_column("''")).where(among(_P.identity, "the_identities")),
        select(literal_column("''"), _P.user_id, _P.account).where(
            among(_P.user_id, "the_users"), _P.kind == "wallet", _P.reference.is_(None)
        ),
    )
)
_CUSTOMERS: Final = _prepared(
    lambda among: select(customers.c.user_id, customers.c.account, customers.c.customer_id).where(
        among(customers.c.user_id, "the_users")
    )
)
_PINS: Final = _prepared(
    lambda among: select(user_pins.c.user_id, user_pins.c.account).where(among(user_pins.c.user_id, "the_users"))
)
_EACH_USER: Final = func.unnest(bindparam("the_users", type_=ARRAY(Text))).column_valued("one")
_LOCK: Final = Prepared(select(_EACH_USER, func.pg_try_advisory_xact_lock(func.hashtextextended(_EACH_USER, 0))))
_BEGIN: Final = Prepared(
    {
        "sqlite": sqlite.insert(provisions).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(provisions).on_conflict_do_nothing(),
    }
)
_FINISH: Final = Prepared(
    update(provisions)
    .where(
        and_(_P.id == bindparam("the_id"), _P.owner == bindparam("the_owner"), _P.version == bindparam("the_version"))
    )
    .values(version=_P.version + 1)
)
_WALLET: Final = Prepared(
    {
        "sqlite": sqlite.insert(wallets).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(wallets).on_conflict_do_nothing(),
    }
)


def lock_users(connection: Connection, users: Collection[str]) -> Collection[str]:
    """Keep other processes from doing the same for these users until the transaction ends; return for whom it works."""
    if connection.dialect.name == "sqlite" or not users:  # SQLite has one writer at a time
        return users
    return {user for user, locked in _LOCK.all(connection, {"the_users": list(users)}) if locked}


def known(connection: Connection, identities: Collection[str], users: Collection[str]) -> Known:
    """Return what the journal knows of some orders and their users."""
    theirs = {"the_users": list(users)}
    met = _KNOWN.all(connection, {"the_identities": list(identities), **theirs})
    accounts: dict[str, set[str]] = {}
    for identity, user, account in met:
        if not identity:
            accounts.setdefault(user, set()).add(account)
    return Known(
        identities={identity for identity, _, _ in met if identity},
        accounts=accounts,
        customers={(user, account): customer for user, account, customer in _CUSTOMERS.all(connection, theirs)},
        pins={user: account for user, account in _PINS.all(connection, theirs)},  # noqa: C416 - rows are no pairs to mypy
    )


def begin(connection: Connection, orders: Sequence[ProvisionRow]) -> None:
    """Record new orders.

    Raises:
        NotTogether: one of them is known.
    """
    if orders and _BEGIN.each(connection, [_columns(order) for order in orders]) != len(orders):
        raise NotTogether


@dataclass(frozen=True, slots=True)
class Finished:
    """An order that is done.

    Args:
        seen: the order as this owner last saw it.
        changes: what is known of it now, the same columns for all.
        wallet: what was made for it.
        current: makes it its user's, if none is yet.
    """

    seen: ProvisionRow
    changes: Mapping[str, Any]
    wallet: WalletRow
    current: CurrentRow


def finish(connection: Connection, orders: Sequence[Finished], owner: str) -> None:
    """Record orders that are done, with their wallets.

    Args:
        connection: where to write.
        orders: what is done.
        owner: who has claimed them.

    Raises:
        NotTogether: a wallet is known, or somebody else has claimed an order, or it was changed since.
    """
    if _WALLET.each(connection, [_columns(order.wallet) for order in orders]) != len(orders):
        raise NotTogether
    rows = [
        {"the_id": order.seen.id, "the_owner": owner, "the_version": order.seen.version, **order.changes}
        for order in orders
    ]
    if _FINISH.each(connection, rows) != len(orders):
        raise NotTogether
    currents.first(connection, [order.current for order in orders])


def _columns(row: ProvisionRow | WalletRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in type(row).__slots__}
