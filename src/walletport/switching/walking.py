"""All customers that a switch is about, one after the other, each with what is known of them; nothing is written."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from walletport.jobs.seen import Problems, Seen
from walletport.journal import CurrentRow, Key, MoveRow, Transaction, currents, jobrows, moves
from walletport.provisioning.relocation import Relocation
from walletport.switching.line import SwitchedCustomer, read_line
from walletport.switching.machine import MoveState

if TYPE_CHECKING:
    from walletport.jobs.source import OrderFile, Record
    from walletport.journal import Journal
    from walletport.provisioning.desk import Desk
    from walletport.switching.scope import Scope

_AT_ONCE: Final = 500
_Asked = tuple[Key, int | None, SwitchedCustomer | None]


class Standing(StrEnum):
    """What a plan says of a customer; two are to be switched, and one once somebody has done something first."""

    CUT_OVER = "cut_over"
    ROLLED_BACK = "rolled_back"
    ELSEWHERE = "elsewhere"
    OUTSIDE = "outside"
    IMPOSSIBLE = "impossible"
    EXISTS = "exists"
    CAN_BE_MADE = "can_be_made"
    FOLLOW_UP = "follow_up"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One customer.

    Args:
        position: a number of its own: the line of the file, or counted up.
        key: user, chain and asset.
        current: the wallet that is the user's, if the journal knows it.
        move: how far the move is, if it was ever begun.
        standing: what a plan says.
        why: the reason, where it cannot be switched or needs follow-up.
        byte: where the line begins in the file of customers.
        line: what it says.
    """

    position: int
    key: Key
    current: CurrentRow | None
    move: MoveRow | None
    standing: Standing
    why: str | None = None
    byte: int | None = None
    line: SwitchedCustomer | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What the journal knows of some users."""

    currents: Mapping[Key, CurrentRow]
    moves: Mapping[Key, MoveRow]
    customers: Mapping[tuple[str, str], str]


class Walker:
    """Walks through the customers of a scope.

    Args:
        desk: knows the accounts.
        journal: knows everybody else.
        scope: who is meant.
        advance: told how many bytes of a file were read since it was last told.
    """

    def __init__(
        self, desk: Desk, journal: Journal, scope: Scope, advance: Callable[[int], None] = lambda _: None
    ) -> None:
        self._there = Relocation(desk, scope.target)
        self._journal = journal
        self._scope = scope
        self._advance = advance
        self._reasons: dict[tuple[str | None, str | None], str | None] = {}
        self._position = 0

    def walk(self, problems: Problems) -> Iterator[Candidate]:
        """Yield every customer once.

        Args:
            problems: takes the bad lines of a file.
        """
        self._position = 0
        scope = self._scope
        if scope.customers is not None:
            yield from self._from_lines(scope.customers, problems, self._customers)
        elif scope.users is not None:
            yield from self._from_lines(scope.users, problems, self._users)
        else:
            yield from self._from_journal()

    def digest(self) -> str:
        """Return a digest of who is named in the file; what is said of a customer may be put right in the same file."""
        file, digest = self._scope.file, hashlib.sha256()
        for record in [] if file is None else file.records():
            line = read_line(record.values)
            said = line if isinstance(line, str) else [line.user, line.chain, line.asset, line.address]
            digest.update(json.dumps([record.line, said]).encode())
        return digest.hexdigest()

    def _from_journal(self) -> Iterator[Candidate]:
        source, target, after = self._scope.source, self._scope.target, None
        while held := self._journal.read(partial(currents.page, account=source, after=after, limit=_AT_ONCE)):
            after = held[-1].key
            yield from self._candidates([(row.key, None, None) for row in held])
        after = None
        while begun := self._journal.read(
            partial(moves.page, source=source, target=target, after=after, limit=_AT_ONCE)
        ):
            after = begun[-1].key
            known = self._known([row.user_id for row in begun])
            gone = [(row.key, None, None) for row in begun if _account(known, row.key) != source]
            yield from self._candidates(gone, known)

    def _from_lines(
        self,
        file: OrderFile,
        problems: Problems,
        judge: Callable[[list[tuple[Record, SwitchedCustomer]], Problems, Seen], Iterator[Candidate]],
    ) -> Iterator[Candidate]:
        at, records = 0, iter(file.records())
        with Seen() as seen:
            while some := list(itertools.islice(records, _AT_ONCE)):
                good: list[tuple[Record, SwitchedCustomer]] = []
                for record in some:
                    line = (record.problem or "is empty") if record.values is None else read_line(record.values)
                    if isinstance(line, str):
                        problems.add(record.line, line)
                    else:
                        good.append((record, line))
                yield from judge(good, problems, seen)
                self._advance(some[-1].byte - at)
                at = some[-1].byte

    def _users(
        self, lines: list[tuple[Record, SwitchedCustomer]], problems: Problems, seen: Seen
    ) -> Iterator[Candidate]:
        known = self._known([line.user for _, line in lines])
        of_user: dict[str, dict[Key, None]] = {}
        for key in [*known.currents, *known.moves]:
            if _account(known, key) == self._scope.source or key in known.moves:
                of_user.setdefault(key[0], {})[key] = None
        for record, line in lines:
            first, _ = seen.first(line.user, record.line, "")
            if first != record.line:
                problems.add(record.line, f"line {first} names the same user")
            elif line.user not in of_user:
                problems.add(record.line, f"user {line.user!r} has no wallet at {self._scope.source}")
            else:
                yield from self._candidates([(key, None, None) for key in of_user[line.user]], known)

    def _customers(
        self, lines: list[tuple[Record, SwitchedCustomer]], problems: Problems, seen: Seen
    ) -> Iterator[Candidate]:
        known = self._known([line.user for _, line in lines])
        for record, line in lines:
            problem = self._contradiction(record, line, known, seen)
            if problem is not None:
                problems.add(record.line, problem)
                continue
            self._position = record.line - 1
            yield from self._candidates([((line.user, line.chain, line.asset), record.byte, line)], known)

    def _contradiction(self, record: Record, line: SwitchedCustomer, known: _Known, seen: Seen) -> str | None:
        """Return what a line says that is not so, by the journal or by another line."""
        key = (line.user, line.chain, line.asset)
        first, _ = seen.first(json.dumps(key), record.line, "")
        if first != record.line:
            return f"line {first} names the same customer"
        for account, customer_id in (
            (self._scope.source, line.customer_id),
            (self._scope.target, line.target_customer_id),
        ):
            linked = known.customers.get((line.user, account))
            if None not in (customer_id, linked) and linked != customer_id:
                return f"user {line.user!r} is linked to customer {linked!r} at {account!r} already"
            if customer_id is None:
                continue
            first, said = seen.first(json.dumps(["customer", line.user, account]), record.line, customer_id)
            if said != customer_id:
                return f"line {first} says that this user is another customer at {account}"
        current = known.currents.get(key)
        told = None if current is None else current.address
        if told is not None and line.address not in (None, told):
            return f"the journal knows another address of this customer at {self._scope.source}"
        return None

    def _candidates(self, asked: Iterable[_Asked], known: _Known | None = None) -> Iterator[Candidate]:
        wanted = list(asked)
        known = known or self._known([key[0] for key, _, _ in wanted])
        for key, byte, line in wanted:
            self._position += 1
            standing, why = self._standing(key, known, line)
            current, move = known.currents.get(key), known.moves.get(key)
            yield Candidate(self._position, key, current, move, standing, why, byte, line)

    def _standing(self, key: Key, known: _Known, line: SwitchedCustomer | None) -> tuple[Standing, str | None]:
        scope, current, move = self._scope, known.currents.get(key), known.moves.get(key)
        if current is not None and current.account != scope.source:
            is_ours = move is not None and move.state == MoveState.CUT_OVER
            if is_ours and move is not None and (current.account, current.wallet_id) == (scope.target, move.wallet_id):
                return Standing.CUT_OVER, None
            return Standing.ELSEWHERE, f"the current wallet is at {current.account}"
        if not scope.includes(key[0]):
            return Standing.OUTSIDE, None
        if move is not None and move.state == MoveState.ROLLED_BACK and not scope.again:
            return Standing.ROLLED_BACK, None
        impossible = self._why_not(key)
        if impossible is not None:
            return Standing.IMPOSSIBLE, impossible
        return self._customer(key[0], known, line, move)

    def _told(self, move: MoveRow, standing: Standing) -> str | None:
        """Return what held an earlier run up, if that cannot be seen from here, such as a check of who they are."""
        if move.state != MoveState.BLOCKED:
            return None
        if standing is Standing.EXISTS:  # as long as they were no customer, that was the reason
            return None if move.customer_id is None else move.reason
        nobody = no_customer(self._there, self._scope.target, has_profile=False)
        return None if move.reason == nobody else move.reason

    def _customer(
        self, user: str, known: _Known, line: SwitchedCustomer | None, move: MoveRow | None
    ) -> tuple[Standing, str | None]:
        named = None if line is None else line.target_customer_id
        exists = named is not None or (user, self._scope.target) in known.customers
        has_profile = line is not None and line.profile is not None
        why = None if exists else no_customer(self._there, self._scope.target, has_profile=has_profile)
        standing = Standing.EXISTS if exists else Standing.CAN_BE_MADE
        why = why or (None if move is None else self._told(move, standing))
        return (standing, None) if why is None else (Standing.FOLLOW_UP, why)

    def _why_not(self, key: Key) -> str | None:
        user, chain, asset = key
        if (chain, asset) not in self._reasons:
            self._reasons[chain, asset] = self._there.why_not(user, chain, asset)
        return self._reasons[chain, asset]

    def _known(self, users: list[str]) -> _Known:
        source, target, asked = self._scope.source, self._scope.target, list(dict.fromkeys(users))

        def query(connection: Transaction) -> _Known:
            # Moves first: a cut-over in between must not look like one whose wallet went back to the source.
            begun = moves.among(connection, source, target, asked)
            return _Known(currents.among(connection, asked), begun, jobrows.customers_among(connection, asked))

        return self._journal.read(query)


def no_customer(there: Relocation, account: str, *, has_profile: bool) -> str | None:
    """Return why a user who is nobody yet at an account cannot be made a customer there, or ``None`` if they can."""
    create = there.able.create_customer
    if create.usable and has_profile:
        return None
    if create.usable:
        return f"no customer at {account}: link one, or give email and names in a file of customers to make one"
    return f"no customer at {account} ({create.reason}): link one"


def _account(known: _Known, key: Key) -> str | None:
    current = known.currents.get(key)
    return None if current is None else current.account
