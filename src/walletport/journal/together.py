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
    FromClause,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from walletport.journal import currents
from walletport.journal.moverecords import CurrentRow
from walletport.journal.prepared import Prepared
from walletport.journal.records import ProvisionRow, WalletRow
from walletport.journal.rowset import NotTogether, RowSet, insert_new
from walletport.journal.schema import current_wallets, customers, provisions, user_pins, wallets
from walletport.journal.types import JsonText

_Among: TypeAlias = Callable[[ColumnElement[str], str], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows of users who ask for wallets.

    Args:
        identities: the orders that are known.
        accounts: where they have orders for wallets that carry no reference of the application's, by user.
        customers: who they are, by user and account.
        pins: where they are pinned.
        moved: those who have a wallet that answers for another order than the one that made it, or for none.
    """

    identities: set[str]
    accounts: dict[str, set[str]]
    customers: dict[tuple[str, str], str]
    pins: dict[str, str]
    moved: set[str]


def _in_sqlite(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    each = func.json_each(bindparam(name, type_=JsonText)).table_valued("value")
    return column.in_(select(each.c.value))


def _in_postgresql(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    return column == any_(bindparam(name, type_=ARRAY(Text)))


_KINDS: Final = ("order", "wallet", "customer", "pin", "moved")
FINISHED: Final = (
    "state",
    "generation",
    "sends",
    "first_sent_at",
    "last_ended_at",
    "doubtful",
    "applied",
    "look_ups",
    "not_before",
    "owner",
    "lease_until",
    "wallet_id",
    "updated_at",
)
"""What `finish` may change of an order."""

_P: Final = provisions.c
_C: Final = current_wallets.c


def _what_is_known(among: _Among) -> Executable:
    nothing: ColumnElement[str] = literal_column("''")
    kinds: list[ColumnElement[str]] = [literal_column(f"'{kind}'") for kind in _KINDS]
    order, wallet, customer, pin, moved = kinds
    return union_all(
        select(order, _P.identity, nothing, nothing).where(among(_P.identity, "the_identities")),
        select(wallet, _P.user_id, _P.account, nothing).where(
            among(_P.user_id, "the_users"), _P.kind == "wallet", _P.reference.is_(None)
        ),
        select(customer, customers.c.user_id, customers.c.account, customers.c.customer_id).where(
            among(customers.c.user_id, "the_users")
        ),
        select(pin, user_pins.c.user_id, user_pins.c.account, nothing).where(among(user_pins.c.user_id, "the_users")),
        select(moved, _C.user_id, nothing, nothing).where(
            among(_C.user_id, "the_users"), or_(_C.provision_id.is_(None), _C.provision_id != _C.order_id)
        ),
    )


_KNOWN: Final = Prepared({"sqlite": _what_is_known(_in_sqlite), "postgresql": _what_is_known(_in_postgresql)})
_EACH_USER: Final = func.unnest(bindparam("the_users", type_=ARRAY(Text))).column_valued("one")
_LOCK: Final = Prepared(select(_EACH_USER, func.pg_try_advisory_xact_lock(func.hashtextextended(_EACH_USER, 0))))
_BEGIN: Final = insert_new(provisions)
_WALLET: Final = insert_new(wallets)


def _finish(values: Mapping[str, ColumnElement[Any]], _: FromClause) -> Executable:
    seen = and_(_P.id == values["id"], _P.owner == values["seen_owner"], _P.version == values["seen_version"])
    return update(provisions).where(seen).values(**{name: values[name] for name in FINISHED}, version=_P.version + 1)


_FINISH: Final = RowSet(
    {"id": _P.id, "seen_owner": _P.owner, "seen_version": _P.version, **{name: _P[name] for name in FINISHED}},
    {"sqlite": _finish, "postgresql": _finish},
)


def lock_users(connection: Connection, users: Collection[str]) -> Collection[str]:
    """Keep other processes from doing the same for these users until the transaction ends; return for whom it works."""
    if connection.dialect.name == "sqlite" or not users:  # SQLite has one writer at a time
        return users
    return {user for user, locked in _LOCK.all(connection, {"the_users": list(users)}) if locked}


def known(connection: Connection, identities: Collection[str], users: Collection[str]) -> Known:
    """Return what the journal knows of some orders and their users."""
    asked = {"the_identities": list(identities), "the_users": list(users)}
    found = Known(set(), {}, {}, {}, set())
    for kind, whose, account, customer_id in _KNOWN.all(connection, asked):
        match kind:
            case "order":
                found.identities.add(whose)
            case "wallet":
                found.accounts.setdefault(whose, set()).add(account)
            case "customer":
                found.customers[whose, account] = customer_id
            case "pin":
                found.pins[whose] = account
            case "moved":
                found.moved.add(whose)
    return found


def begin(connection: Connection, orders: Sequence[ProvisionRow]) -> None:
    """Record new orders.

    Raises:
        NotTogether: one of them is known.
    """
    if orders and _BEGIN.run(connection, [_columns(order) for order in orders]) != len(orders):
        raise NotTogether


@dataclass(frozen=True, slots=True)
class Finished:
    """An order that is done.

    Args:
        seen: the order as this owner last saw it.
        changes: what is known of it now: what stands in the columns of `FINISHED`.
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
    if _WALLET.run(connection, [_columns(order.wallet) for order in orders]) != len(orders):
        raise NotTogether
    rows = [
        {"id": order.seen.id, "seen_owner": owner, "seen_version": order.seen.version, **order.changes}
        for order in orders
    ]
    if _FINISH.run(connection, rows) != len(orders):
        raise NotTogether
    currents.first(connection, [order.current for order in orders])


def _columns(row: ProvisionRow | WalletRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in type(row).__slots__}
