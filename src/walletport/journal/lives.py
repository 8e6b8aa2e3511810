"""What became of orders, many at a time: one row for each order, what happened to it counted by the database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Select, case, func, select, tuple_

from walletport.journal.schema import events, provisions

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from walletport.journal.journal import Journal

_COLUMNS: Final = tuple(provisions.c[name] for name in ("id", "account", "decision", "state", "created_at"))
_WINDOW: Final = 2000  # orders a query; a long read would keep SQLite's log from being cut


@dataclass(frozen=True, slots=True)
class Life:
    """What became of one order for a wallet.

    Args:
        id: the order's.
        account: the account that carries it out, or has.
        decision: why, as JSON.
        state: where it stands.
        created_at: when it was committed.
        sent_at: when it was first sent.
        made_at: when its wallet was made, as far as the journal knows.
        ready_at: when it was first seen that the wallet can take deposits.
        sends: how often it was sent.
        failovers: how often it was handed to another account.
    """

    id: str
    account: str
    decision: Mapping[str, object]
    state: str
    created_at: datetime
    sent_at: datetime | None
    made_at: datetime | None
    ready_at: datetime | None
    sends: int
    failovers: int


def lives(
    journal: Journal,
    *,
    until: datetime,
    since: datetime | None = None,
    chain: str | None = None,
    asset: str | None = None,
    window: int = _WINDOW,
) -> Iterator[Life]:
    """Yield what became of every order for a wallet, oldest first, however many there are.

    Args:
        journal: where to look.
        until: only orders committed before this.
        since: only orders committed at this time or later.
        chain: only orders for this chain.
        asset: only orders for this asset.
        window: how many orders are in memory at once.

    Raises:
        JournalError: the database failed.
    """
    wanted = [provisions.c.kind == "wallet", provisions.c.created_at < until]
    wanted += [] if since is None else [provisions.c.created_at >= since]
    wanted += [column == value for column, value in _named(chain, asset) if value is not None]
    last: Life | None = None
    while True:
        query = _window(wanted, last, window)

        def find(connection: Connection, query: Select[*tuple[Any, ...]] = query) -> list[Life]:
            return [Life(*row) for row in connection.execute(query)]

        found = journal.read(find)
        yield from found
        if len(found) < window:
            return
        last = found[-1]


def lives_of(connection: Connection, ids: Collection[str]) -> dict[str, Life]:
    """Return what became of these orders, by id, whatever they are for."""
    found = [Life(*row) for row in connection.execute(_told(select(*_COLUMNS).where(provisions.c.id.in_(ids))))]
    return {life.id: life for life in found}


def _named(chain: str | None, asset: str | None) -> tuple[tuple[ColumnElement[str | None], str | None], ...]:
    return (provisions.c.chain, chain), (provisions.c.asset, asset)


def _window(wanted: list[ColumnElement[bool]], last: Life | None, size: int) -> Select[*tuple[Any, ...]]:
    place = tuple_(provisions.c.created_at, provisions.c.id)
    some = select(*_COLUMNS).where(*wanted).order_by(provisions.c.created_at, provisions.c.id).limit(size)
    if last is not None:
        some = some.where(place > tuple_(last.created_at, last.id, types=[column.type for column in place]))
    return _told(some)


def _told(some: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Return some orders, each with what happened to it."""
    page = some.subquery()
    return (
        select(*page.c, _first("sending"), _first("made"), _first("ready"), _count("sending"), _count("failed over"))
        .select_from(page.outerjoin(events, events.c.provision_id == page.c.id))
        .group_by(*page.c)
        .order_by(page.c.created_at, page.c.id)
    )


def _first(what: str) -> ColumnElement[datetime | None]:
    return func.min(case((events.c.what == what, events.c.at)))


def _count(what: str) -> ColumnElement[int]:
    return func.count(case((events.c.what == what, 1)))
