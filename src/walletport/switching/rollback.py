"""Taking customers out of a switch again, all of it or some users."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from walletport.errors import ConfigurationError
from walletport.jobs.checking import BadLines
from walletport.jobs.seen import Problems, Seen
from walletport.journal import Key, LostClaim, MoveRow, Transaction, currents, moves
from walletport.models import Model
from walletport.switching.cutover import roll_back
from walletport.switching.line import read_line
from walletport.switching.machine import MoveState

if TYPE_CHECKING:
    from walletport.jobs.source import OrderFile
    from walletport.journal import Journal
    from walletport.switching.scope import Scope

_AT_ONCE: Final = 200  # customers in one transaction
_TRIES: Final = 20
_BEFORE: Final = "rolled_back"
_ELSEWHERE: Final = "elsewhere"


class Rollback(Model):
    """What came of a rollback.

    ``customers`` is the sum of the others.

    Args:
        source: the account whose wallets are current again.
        target: the account that the customers do not go to.
        customers: how many there were in the switch.
        taken_out: how many were taken out before their cut-over.
        taken_back: how many have their wallet at the source again.
        rolled_back: how many had been rolled back before.
        elsewhere: how many stay as they are, because they have gone on to another wallet since the cut-over.
    """

    source: str
    target: str
    customers: int = 0
    taken_out: int = 0
    taken_back: int = 0
    rolled_back: int = 0
    elsewhere: int = 0


def roll_back_all(journal: Journal, scope: Scope, now: datetime, *, dry: bool) -> Rollback:
    """Take the customers of a scope out of the switch.

    Args:
        journal: where the moves are.
        scope: from where to where; the users' file says who, by default it is everybody.
        now: the time.
        dry: only count.

    Raises:
        BadLines: lines of the file are wrong, or name users who are not in this switch; nothing is changed.
        ConfigurationError: there is no such switch.
    """
    counts = Counter[str]()
    if scope.users is not None:
        for _ in _of_file(journal, scope, scope.users):
            """Every line is held against the journal before anything is changed."""
    for some in _all(journal, scope) if scope.users is None else _of_file(journal, scope, scope.users):
        counts.update(journal.read(partial(_would, some=some)) if dry else _in_one(journal, some, now))
    if not counts:
        msg = f"nobody is in a switch from {scope.source} to {scope.target}: `walletport jobs list` shows what there is"
        raise ConfigurationError(msg)
    told: Mapping[str, int] = counts
    return Rollback(source=scope.source, target=scope.target, customers=counts.total(), **told)


def _in_one(journal: Journal, some: list[MoveRow], now: datetime) -> Counter[str]:
    """Roll some customers back in one transaction, which is done anew where somebody wrote to one of them."""
    for _ in range(_TRIES):
        with contextlib.suppress(LostClaim):
            return journal.write(partial(_work, some=some, now=now)).result()
    msg = "these customers are being switched at this moment: pause the job first, `walletport jobs list` shows it"
    raise ConfigurationError(msg)


def _work(connection: Transaction, some: list[MoveRow], now: datetime) -> Counter[str]:
    counts = Counter[str]()
    for seen in some:
        row = moves.get(connection, seen.source, seen.target, seen.key) or seen
        kind = _kind(row)
        if kind != _BEFORE and roll_back(connection, row, now) is None:
            kind = _ELSEWHERE
        counts[kind] += 1
    return counts


def _would(connection: Transaction, some: list[MoveRow]) -> Counter[str]:
    known = currents.among(connection, [row.user_id for row in some])
    counts = Counter[str]()
    for row in some:
        current = known.get(row.key)
        gone = current is None or (current.account, current.wallet_id) != (row.target, row.wallet_id)
        counts[_ELSEWHERE if row.state == MoveState.CUT_OVER and gone else _kind(row)] += 1
    return counts


def _kind(row: MoveRow) -> str:
    if row.state == MoveState.ROLLED_BACK:
        return _BEFORE
    return "taken_back" if row.state == MoveState.CUT_OVER else "taken_out"


def _all(journal: Journal, scope: Scope) -> Iterator[list[MoveRow]]:
    after: Key | None = None
    page = partial(moves.page, source=scope.source, target=scope.target, limit=_AT_ONCE)
    while some := journal.read(partial(page, after=after)):
        after = some[-1].key
        yield some


def _of_file(journal: Journal, scope: Scope, file: OrderFile) -> Iterator[list[MoveRow]]:
    problems, records = Problems(), iter(file.records())
    with Seen() as seen:
        while some := list(itertools.islice(records, _AT_ONCE)):
            users: dict[str, int] = {}
            for record in some:
                line = (record.problem or "is empty") if record.values is None else read_line(record.values)
                if isinstance(line, str):
                    problems.add(record.line, line)
                elif (first := seen.first(line.user, record.line, "")[0]) != record.line:
                    problems.add(record.line, f"line {first} names the same user")
                else:
                    users[line.user] = record.line
            asked = partial(moves.among, source=scope.source, target=scope.target, users=list(users))
            found = list(journal.read(asked).values())
            for user in users.keys() - {row.user_id for row in found}:
                problems.add(users[user], f"user {user!r} is not in a switch from {scope.source} to {scope.target}")
            if found:
                yield found
    if problems.count:
        raise BadLines(file.name, problems)
