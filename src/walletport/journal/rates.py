"""What processes that share an account's rate limit tell each other; every function takes an open transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection, Executable, Table, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from walletport.journal.schema import rate_shares, rates

_MakeInsert: TypeAlias = Callable[[Table], sqlite.Insert] | Callable[[Table], postgresql.Insert]


class _Inserts(NamedTuple):
    """What is inserted or prolonged: ON CONFLICT, for which SQLAlchemy has a construct per database."""

    known: Executable
    share: Executable


def _inserts(insert: _MakeInsert) -> _Inserts:
    known, share = insert(rates), insert(rate_shares)
    # It changes nothing, and returns and locks the row all the same.
    same = known.on_conflict_do_update(index_elements=["account"], set_={"account": known.excluded.account})
    prolonged = share.on_conflict_do_update(index_elements=["account", "owner"], set_={"until": share.excluded.until})
    return _Inserts(same.returning(*rates.c), prolonged)


_INSERTS: Final = {"sqlite": _inserts(sqlite.insert), "postgresql": _inserts(postgresql.insert)}
_MEMBERS: Final = select(func.count()).where(rate_shares.c.account == bindparam("the_account"))
_GONE: Final = delete(rate_shares).where(
    rate_shares.c.account == bindparam("the_account"), rate_shares.c.until <= bindparam("the_now")
)
_LEAVE: Final = delete(rate_shares).where(
    rate_shares.c.account == bindparam("the_account"), rate_shares.c.owner == bindparam("the_owner")
)
_CHANGE: Final = update(rates).where(rates.c.account == bindparam("the_account"))


@dataclass(frozen=True, slots=True)
class RateRow:
    """What is known of an account's limit, by whoever met it last.

    Args:
        learned: how many requests a second all processes together send at most; ``None`` where nobody was told off.
        closed_until: nothing is sent before, because the provider asked for that.
        updated_at: when ``learned`` changed last.
    """

    account: str
    learned: float | None
    closed_until: datetime | None
    updated_at: datetime


def share(connection: Connection, account: str, owner: str, now: datetime, until: datetime) -> tuple[RateRow, int]:
    """Count a process among those that share an account's limit, or prolong that.

    One process after the other: the account's row is locked until the commit, so that none is missed.

    Returns:
        What is known of the limit, and how many processes share it now, this one included.
    """
    inserts = _INSERTS[connection.dialect.name]
    new = {"account": account, "learned": None, "closed_until": None, "updated_at": now}
    found = connection.execute(inserts.known, new).one()
    connection.execute(inserts.share, {"account": account, "owner": owner, "until": until})
    connection.execute(_GONE, {"the_account": account, "the_now": now})
    members = connection.execute(_MEMBERS, {"the_account": account}).scalar_one()
    return RateRow(*found), members


def learn(connection: Connection, row: RateRow) -> None:
    """Record what is known of an account's limit now."""
    changes = {"learned": row.learned, "closed_until": row.closed_until, "updated_at": row.updated_at}
    connection.execute(_CHANGE, {"the_account": row.account, **changes})


def reopen(connection: Connection, account: str) -> None:
    """Forget that the provider asked to be left alone."""
    connection.execute(_CHANGE, {"the_account": account, "closed_until": None})


def leave(connection: Connection, account: str, owner: str) -> None:
    """Give a share back."""
    connection.execute(_LEAVE, {"the_account": account, "the_owner": owner})
