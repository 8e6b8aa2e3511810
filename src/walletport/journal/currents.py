"""Which wallet is a user's, and which were before; every function takes an open transaction and commits nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, bindparam, delete, func, literal_column, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from walletport.journal.moverecords import CurrentRow, Key, WatchedRow
from walletport.journal.prepared import Prepared
from walletport.journal.records import ProvisionRow
from walletport.journal.rowset import insert_new
from walletport.journal.schema import current_wallets, provisions, wallets, watched_wallets
from walletport.journal.types import place

_ONE_STATEMENT: Final = 500  # values; SQLite limits how many one statement takes
_C: Final = current_wallets.c
_W: Final = watched_wallets.c
_ONE: Final = and_(
    _C.user_id == bindparam("the_user"), _C.chain == bindparam("the_chain"), _C.asset == bindparam("the_asset")
)
_GET: Final = Prepared(select(current_wallets).where(_ONE))
_ANSWER: Final = Prepared(
    select(*provisions.c, *current_wallets.c).select_from(
        select(literal_column("1").label("one"))
        .subquery()
        .outerjoin(provisions, provisions.c.identity == bindparam("the_identity"))
        .outerjoin(current_wallets, _ONE)
    )
)
_FIRST: Final = insert_new(current_wallets)
_MOVE: Final = (
    update(current_wallets)
    .where(
        _ONE,
        _C.account == bindparam("the_account"),
        func.coalesce(_C.wallet_id, "") == func.coalesce(bindparam("the_wallet", type_=_C.wallet_id.type), ""),
    )
    .returning(_C.user_id)
)
_WATCH: Final = {
    "sqlite": sqlite.insert(watched_wallets).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(watched_wallets).on_conflict_do_nothing(),
}
_PLACE: Final = (_C.user_id, _C.chain, _C.asset)
_WATCHED_PLACE: Final = (_W.user_id, _W.chain, _W.asset, _W.account, _W.wallet_id)
_FORGET: Final = delete(watched_wallets).where(
    *(column == bindparam(f"the_{column.name}", type_=column.type) for column in _WATCHED_PLACE)
)


def first(connection: Connection, rows: Iterable[CurrentRow]) -> None:
    """Record which wallet is a user's, unless one is already."""
    values = [{name: getattr(row, name) for name in CurrentRow.__slots__} for row in rows]
    if values:
        _FIRST.run(connection, values)


def get(connection: Connection, user_id: str, chain: str | None, asset: str | None) -> CurrentRow | None:
    """Return which wallet is a user's, if any is."""
    row = _GET.one(connection, _named((user_id, chain, asset)))
    return None if row is None else CurrentRow(*row)


def answer(connection: Connection, identity: str, key: Key) -> tuple[ProvisionRow | None, CurrentRow | None]:
    """Return the order of an identity, if there is one, and the wallet that is its user's, if any is."""
    # Both are joined to a row that is always there.
    (found,) = _ANSWER.all(connection, {"the_identity": identity, **_named(key)})
    order, current = found[: len(provisions.c)], found[len(provisions.c) :]
    return (
        None if order[0] is None else ProvisionRow(*order),
        None if current[0] is None else CurrentRow(*current),
    )


def among(connection: Connection, users: Sequence[str]) -> dict[Key, CurrentRow]:
    """Return the wallets that are these users'."""
    found: dict[Key, CurrentRow] = {}
    for start in range(0, len(users), _ONE_STATEMENT):
        wanted = select(current_wallets).where(_C.user_id.in_(users[start : start + _ONE_STATEMENT]))
        found |= {row.key: row for row in (CurrentRow(*one) for one in connection.execute(wanted.order_by(*_PLACE)))}
    return found


def page(connection: Connection, account: str, after: Key | None, limit: int) -> list[CurrentRow]:
    """Return the wallets at an account that are users', by user, from the one after ``after``."""
    wanted = select(current_wallets).where(_C.account == account).order_by(*_PLACE).limit(limit)
    if after is not None:
        wanted = wanted.where(tuple_(*_PLACE) > place(_PLACE, after))
    return [CurrentRow(*row) for row in connection.execute(wanted)]


def move(connection: Connection, seen: CurrentRow, new: CurrentRow, now: datetime) -> bool:
    """Make another wallet the user's, and watch the one that was.

    Args:
        connection: where to write.
        seen: the wallet that is the user's.
        new: the one that shall be.
        now: the time.

    Returns:
        Whether it was done; if not, another wallet than ``seen`` is the user's by now, and nothing was changed.
    """
    which = {**_named(seen.key), "the_account": seen.account, "the_wallet": seen.wallet_id}
    told = {name: getattr(new, name) for name in ("account", "wallet_id", "address", "provision_id", "order_id")}
    if connection.execute(_MOVE, {**which, **told, "since": now}).one_or_none() is None:
        return False
    old = WatchedRow(*seen.key, seen.account, seen.wallet_id, seen.address, now)
    connection.execute(_WATCH[connection.dialect.name], asdict(old))
    which = {"the_account": new.account, "the_wallet_id": new.wallet_id}
    names = zip(("the_user_id", "the_chain", "the_asset"), new.key, strict=True)
    connection.execute(_FORGET, {**which, **dict(names)})
    return True


def watched(
    connection: Connection, account: str | None, user: str | None, after: WatchedRow | None, limit: int
) -> list[tuple[WatchedRow, Mapping[str, object] | None]]:
    """Return wallets that were users', each with its document if the journal holds it.

    Args:
        connection: where to look.
        account: only those at this account.
        user: only those of this user.
        after: the last one of the page before.
        limit: how many at most.
    """
    known = and_(wallets.c.account == _W.account, wallets.c.wallet_id == _W.wallet_id)
    wanted = select(*watched_wallets.c, wallets.c.document).select_from(watched_wallets.outerjoin(wallets, known))
    if account is not None:
        wanted = wanted.where(_W.account == account)
    if user is not None:
        wanted = wanted.where(_W.user_id == user)
    if after is not None:
        last = (after.user_id, after.chain, after.asset, after.account, after.wallet_id)
        wanted = wanted.where(tuple_(*_WATCHED_PLACE) > place(_WATCHED_PLACE, last))
    found = connection.execute(wanted.order_by(*_WATCHED_PLACE).limit(limit))
    return [(WatchedRow(*row[:-1]), row[-1]) for row in found]


def documents(connection: Connection, account: str, wallet_ids: Sequence[str]) -> dict[str, Mapping[str, object]]:
    """Return the wallets of these ids at an account."""
    found: dict[str, Mapping[str, object]] = {}
    for start in range(0, len(wallet_ids), _ONE_STATEMENT):
        some = wallet_ids[start : start + _ONE_STATEMENT]
        wanted = select(wallets.c.wallet_id, wallets.c.document).where(
            wallets.c.account == account, wallets.c.wallet_id.in_(some)
        )
        found |= {row.wallet_id: row.document for row in connection.execute(wanted)}
    return found


def references(connection: Connection, order_ids: Sequence[str]) -> dict[str, str | None]:
    """Return the application's own references of these orders."""
    found: dict[str, str | None] = {}
    for start in range(0, len(order_ids), _ONE_STATEMENT):
        some = order_ids[start : start + _ONE_STATEMENT]
        wanted = select(provisions.c.id, provisions.c.reference).where(provisions.c.id.in_(some))
        found |= {row.id: row.reference for row in connection.execute(wanted)}
    return found


def left_out(connection: Connection, account: str) -> tuple[int, int]:
    """Return how many orders at an account have not ended, and how many of its wallets are nobody's current one."""
    at = and_(provisions.c.account == account, provisions.c.kind == "wallet")
    open_ones = select(func.count()).select_from(provisions).where(at, provisions.c.state.not_in(["done", "rejected"]))
    # By user first: there are as many rows at the account as users, and no index by wallet.
    is_current, was_current = (
        select(held.c.user_id)
        .where(
            held.c.user_id == wallets.c.user_id,
            held.c.account == account,
            held.c.wallet_id == wallets.c.wallet_id,
        )
        .correlate(wallets)
        .exists()
        for held in (current_wallets, watched_wallets)
    )
    others = select(func.count()).select_from(wallets).where(wallets.c.account == account, ~is_current, ~was_current)
    return connection.scalar(open_ones) or 0, connection.scalar(others) or 0


def _named(key: Key) -> dict[str, object]:
    return dict(zip(("the_user", "the_chain", "the_asset"), key, strict=True))
