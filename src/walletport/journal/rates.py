"""What processes that share an account's rate limit tell each other; every function takes an open transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection, Executable, Table, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from walletport.journal.schema import rate_shares, rates

_MakeInsert: TypeAlias = Callable[[Table], sqlite.Insert] | Callable[[Table], postgresql.Insert]


class _Inserts(NamedTuple):
    """What is inserted or changed: ON CONFLICT, for which SQLAlchemy has a construct per database."""

    known: Executable
    share: Executable


def _inserts(insert: _MakeInsert) -> _Inserts:
    known, share = insert(rates), insert(rate_shares)
    # It changes nothing, and returns and locks the row all the same.
    same = known.on_conflict_do_update(index_elements=["account"], set_={"account": known.excluded.account})
    keys = ["account", "owner"]
    changed = {column.name: column for column in share.excluded if column.name not in keys}
    return _Inserts(same.returning(*rates.c), share.on_conflict_do_update(index_elements=keys, set_=changed))


_INSERTS: Final = {"sqlite": _inserts(sqlite.insert), "postgresql": _inserts(postgresql.insert)}
_SHARES: Final = select(rate_shares).where(rate_shares.c.account == bindparam("the_account"))
_LEAVE: Final = delete(rate_shares).where(
    rate_shares.c.account == bindparam("the_account"), rate_shares.c.owner == bindparam("the_owner")
)
_CHANGE: Final = update(rates).where(rates.c.account == bindparam("the_account"))
_COUNT_ANEW: Final = (
    update(rate_shares).where(rate_shares.c.account == bindparam("the_account")).values(answers=0, refused=0)
)


@dataclass(frozen=True, slots=True)
class RateRow:
    """What is known of an account's limit, by whoever met it last.

    Args:
        learned: how many requests a second it let through when it was met last; ``None`` where it never was.
        closed_until: nothing is sent before, because the provider asked for that.
        updated_at: when it was met last.
        rough: whether it was met in a rush that knew no limit, in which much less may have been let through.
    """

    account: str
    learned: float | None
    closed_until: datetime | None
    updated_at: datetime
    rough: bool = False


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One of the processes that share an account's limit.

    Args:
        owner: names it.
        until: by then it is given up, unless it comes again.
        rate: how many requests a second it may send; ``None`` for as many as it can.
        wanted: how many it could send; ``None`` for as many as it may.
        served: how many of its requests were let through in a second lately.
        answers: how many answers it got lately.
        refused: how many of them said "too many requests".
    """

    account: str
    owner: str
    until: datetime
    rate: float | None = None
    wanted: float | None = None
    served: float = 0.0
    answers: int = 0
    refused: int = 0


def look(connection: Connection, account: str, now: datetime) -> tuple[RateRow, list[ShareRow]]:
    """Return what is known of an account's limit, and the processes that share it.

    One process after the other: the account's row is locked until the commit, so that none is missed.
    """
    new = {"account": account, "learned": None, "closed_until": None, "updated_at": now}
    found = connection.execute(_INSERTS[connection.dialect.name].known, new).one()
    return RateRow(*found), [ShareRow(*row) for row in connection.execute(_SHARES, {"the_account": account})]


def share(connection: Connection, row: ShareRow) -> None:
    """Count a process among those that share an account's limit, or change what it says."""
    connection.execute(_INSERTS[connection.dialect.name].share, asdict(row))


def learn(connection: Connection, row: RateRow) -> None:
    """Record what is known of an account's limit now."""
    changes = {name: value for name, value in asdict(row).items() if name != "account"}
    connection.execute(_CHANGE, {"the_account": row.account, **changes})


def count_anew(connection: Connection, account: str) -> None:
    """Forget how processes were answered: the limit is taken to be another since."""
    connection.execute(_COUNT_ANEW, {"the_account": account})


def reopen(connection: Connection, account: str) -> None:
    """Forget that the provider asked to be left alone."""
    connection.execute(_CHANGE, {"the_account": account, "closed_until": None})


def leave(connection: Connection, account: str, owner: str) -> None:
    """Give a share back."""
    connection.execute(_LEAVE, {"the_account": account, "the_owner": owner})
