"""Customers who go from one account to another; every function takes an open transaction and commits nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, bindparam, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from walletport.journal.moverecords import Key, MoveRow
from walletport.journal.schema import moves
from walletport.journal.types import place

_ONE_STATEMENT: Final = 500  # values; SQLite limits how many one statement takes
_M: Final = moves.c
_ADD: Final = {
    "sqlite": sqlite.insert(moves).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(moves).on_conflict_do_nothing(),
}
_ONE: Final = and_(
    _M.source == bindparam("the_source"),
    _M.target == bindparam("the_target"),
    _M.user_id == bindparam("the_user"),
    _M.chain == bindparam("the_chain"),
    _M.asset == bindparam("the_asset"),
)
_GET: Final = select(moves).where(_ONE)
_ADVANCE: Final = (
    update(moves).where(_ONE, _M.version == bindparam("the_version")).values(version=_M.version + 1).returning(*moves.c)
)
_PLACE: Final = (_M.user_id, _M.chain, _M.asset)


def add(connection: Connection, rows: Iterable[MoveRow]) -> None:
    """Record moves that are to be made, unless they are known."""
    values = [asdict(row) for row in rows]
    if values:
        connection.execute(_ADD[connection.dialect.name], values)


def get(connection: Connection, source: str, target: str, key: Key) -> MoveRow | None:
    """Return a move, if it is known."""
    row = connection.execute(_GET, _named(source, target, key)).one_or_none()
    return None if row is None else MoveRow(*row)


def advance(connection: Connection, row: MoveRow, changes: Mapping[str, object], now: datetime) -> MoveRow | None:
    """Record what is known of a move now, or return ``None`` where somebody has written to it since it was read."""
    seen = {**_named(row.source, row.target, row.key), "the_version": row.version}
    changed = connection.execute(_ADVANCE, {**seen, **changes, "updated_at": now}).one_or_none()
    return None if changed is None else MoveRow(*changed)


def among(connection: Connection, source: str, target: str, users: Sequence[str]) -> dict[Key, MoveRow]:
    """Return the moves of these users."""
    found: dict[Key, MoveRow] = {}
    for start in range(0, len(users), _ONE_STATEMENT):
        some = users[start : start + _ONE_STATEMENT]
        wanted = select(moves).where(_M.source == source, _M.target == target, _M.user_id.in_(some))
        rows = (MoveRow(*row) for row in connection.execute(wanted.order_by(*_PLACE)))
        found |= {row.key: row for row in rows}
    return found


def page(connection: Connection, source: str, target: str, after: Key | None, limit: int) -> list[MoveRow]:
    """Return moves, by user, from the one after ``after``."""
    wanted = select(moves).where(_M.source == source, _M.target == target)
    if after is not None:
        wanted = wanted.where(tuple_(*_PLACE) > place(_PLACE, after))
    return [MoveRow(*row) for row in connection.execute(wanted.order_by(*_PLACE).limit(limit))]


def _named(source: str, target: str, key: Key) -> dict[str, object]:
    return {
        "the_source": source,
        "the_target": target,
        **dict(zip(("the_user", "the_chain", "the_asset"), key, strict=True)),
    }
