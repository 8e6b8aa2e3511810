"""From customers to a plan that can be read, and to moves in the journal."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from walletport.errors import ConfigurationError
from walletport.jobs.checking import BadLines
from walletport.jobs.seen import Problems
from walletport.journal import (
    ChunkRow,
    CurrentRow,
    CustomerRow,
    ItemRow,
    LostClaim,
    MoveRow,
    Transaction,
    currents,
    jobrows,
    moves,
)
from walletport.models import Chain, Model
from walletport.switching.cutover import advance
from walletport.switching.machine import MoveEvent, MoveState
from walletport.switching.walking import Candidate, Standing, Walker

if TYPE_CHECKING:
    from walletport.capabilities import Capabilities
    from walletport.journal import Journal
    from walletport.switching.scope import Scope

_TO_SWITCH: Final = (Standing.EXISTS, Standing.CAN_BE_MADE)
_IN_A_JOB: Final = (*_TO_SWITCH, Standing.FOLLOW_UP, Standing.IMPOSSIBLE)  # perhaps they can go by then
_AT_ONCE: Final = 500  # customers in one transaction


class SwitchPlan(Model):
    """What a switch would do; nothing is written or sent for it.

    Every customer is counted once: ``customers`` is the sum of ``exist``, ``can_be_made``, ``follow_up``,
    ``impossible``, ``cut_over``, ``rolled_back``, ``elsewhere`` and ``outside``, and the first two are ``to_switch``.
    What comes after them tells more of those who are to be switched, or of what is left out.

    Args:
        source: the account that is left.
        target: the account they go to.
        customers: how many there are: one for each user, chain and asset.
        cut_over: how many have their wallet at the target already.
        rolled_back: how many were taken out and stay so.
        elsewhere: how many have their current wallet at another account by now.
        outside: how many are not in the part of the users that is meant.
        impossible: how many the target cannot make a wallet for, by reason.
        exist: how many are to be switched, and customers of the target already.
        can_be_made: how many are to be switched, and can be made customers there.
        follow_up: for how many somebody has to do something first, by reason: they are no customers there and cannot be
            made, or an earlier run was told what is missing. A run tries them all the same.
        addresses_change: how many of those that are to be switched get another deposit address.
        addresses_unknown: of how many of them the old address is not known, so that it cannot be watched.
        no_successor: on how many wallets at the source deposits are possible on a chain on which the wallet at the
            target takes none, by chain.
        unsettled: how many orders at the source have not ended: what they make is not in this plan.
        others: how many wallets at the source are nobody's current one, and stay as they are: those of orders with
            a ``reference`` beside a user's first.
    """

    source: str
    target: str
    customers: int = 0
    cut_over: int = 0
    rolled_back: int = 0
    elsewhere: int = 0
    outside: int = 0
    impossible: Mapping[str, int] = {}
    exist: int = 0
    can_be_made: int = 0
    follow_up: Mapping[str, int] = {}
    addresses_change: int = 0
    addresses_unknown: int = 0
    no_successor: Mapping[str, int] = {}
    unsettled: int = 0
    others: int = 0

    @property
    def to_switch(self) -> int:
        """How many are to be switched, and need nothing first."""
        return self.exist + self.can_be_made


def make_plan(walker: Walker, journal: Journal, scope: Scope, able: Capabilities) -> SwitchPlan:
    """Return what a switch would do.

    Args:
        walker: walks through the customers.
        journal: where their wallets are.
        scope: who is meant.
        able: what the target declares.

    Raises:
        BadLines: lines of the file are wrong.
    """
    standings, impossible, follow_up = Counter[Standing](), Counter[str](), Counter[str]()
    no_successor, addresses = Counter[str](), Counter[bool]()
    lost = lru_cache(partial(_lost_chains, able=able))
    for some in _parts(checked(walker, scope)):
        wallets = journal.read(partial(_addresses, account=scope.source, candidates=some))
        for one in some:
            standings[one.standing] += 1
            if one.standing is Standing.IMPOSSIBLE:
                impossible[one.why or ""] += 1
            elif one.standing is Standing.FOLLOW_UP:
                follow_up[one.why or ""] += 1
            if one.standing not in _TO_SWITCH:
                continue
            chains = None if one.current is None else wallets.get(one.current.wallet_id or "")
            addresses[_has_address(one, chains)] += 1
            if chains:
                no_successor.update(lost(one.key[1], chains))
    unsettled, others = journal.read(lambda connection: currents.left_out(connection, scope.source))
    return SwitchPlan(
        source=scope.source,
        target=scope.target,
        customers=standings.total(),
        cut_over=standings[Standing.CUT_OVER],
        rolled_back=standings[Standing.ROLLED_BACK],
        elsewhere=standings[Standing.ELSEWHERE],
        outside=standings[Standing.OUTSIDE],
        impossible=dict(impossible.most_common()),
        exist=standings[Standing.EXISTS],
        can_be_made=standings[Standing.CAN_BE_MADE],
        follow_up=dict(follow_up.most_common()),
        addresses_change=addresses.total(),
        addresses_unknown=addresses[False],
        no_successor=dict(no_successor.most_common()),
        unsettled=unsettled,
        others=others,
    )


def checked(walker: Walker, scope: Scope) -> Iterator[Candidate]:
    """Yield every customer, and say in the end which lines of the file are wrong.

    Raises:
        BadLines: lines are wrong.
    """
    problems = Problems()
    yield from walker.walk(problems)
    if problems.count:
        raise BadLines("the file" if scope.file is None else scope.file.name, problems)


def check(walker: Walker, scope: Scope) -> int:
    """Go through all customers once before anything is done; return how many a job would have.

    Raises:
        BadLines: lines of the file are wrong.
        ConfigurationError: there is nobody at the source, and was nobody.
    """
    total, in_job = 0, 0
    for one in checked(walker, scope):
        total += 1
        in_job += one.standing in _IN_A_JOB
    if not total:
        where = scope.source if scope.file is None else scope.file.name
        msg = f"{where} has no customer" if scope.file is None else f"{where} names no customer"
        raise ConfigurationError(msg)
    return in_job


class MovePlanner:
    """Commits the moves of a scope, chunk by chunk.

    Args:
        journal: where to.
        scope: who is meant.
        job_id: the job.
        now: the time.
        chunk_size: how many customers a chunk has at most.
    """

    def __init__(self, journal: Journal, scope: Scope, job_id: str, now: datetime, chunk_size: int) -> None:
        self._journal = journal
        self._scope = scope
        self._job_id = job_id
        self._now = now
        self._size = chunk_size
        self._chunks = itertools.count(1)

    def plan(self, walker: Walker, advanced: Callable[[int], None]) -> None:
        """Commit every move; what an earlier attempt has left of the plan is forgotten, for it was never begun.

        Args:
            walker: walks through the customers.
            advanced: told how many were committed since it was last told.

        Raises:
            BadLines: the file was changed since it was checked.
        """
        self._journal.write(lambda connection: jobrows.clear_plan(connection, self._job_id)).result()
        wanted = (one for one in checked(walker, self._scope) if one.standing in _IN_A_JOB)
        for some in _parts(wanted):
            planned = [
                self._chunk(part[start : start + self._size], with_file=with_file)
                for with_file in (False, True)
                for part in [[one for one in some if _needs_file(one) is with_file]]
                for start in range(0, len(part), self._size)
            ]
            self._journal.write(partial(self._commit, candidates=some, planned=planned)).result()
            advanced(len(some))

    def _commit(
        self, connection: Transaction, candidates: list[Candidate], planned: list[tuple[ChunkRow, list[ItemRow]]]
    ) -> None:
        jobrows.link_customers(connection, [link for one in candidates for link in self._links(one)])
        known = {one.position: one.current or self._made_elsewhere(one) for one in candidates}
        currents.first(connection, [known[one.position] for one in candidates if one.current is None])
        orders = [row.order_id for row in known.values() if row.order_id is not None]
        references = currents.references(connection, orders)
        new = [self._move(one, known[one.position], references) for one in candidates]
        moves.add(connection, [move for one, move in zip(candidates, new, strict=True) if one.move is None])
        for one, move in zip(candidates, new, strict=True):
            if one.move is not None:
                self._take_up(connection, one, one.move, move)
        jobrows.plan(connection, self._job_id, planned)

    def _take_up(self, connection: Transaction, one: Candidate, seen: MoveRow, new: MoveRow) -> None:
        """Let a move begin again that had come to an end; one that is under way goes on where it is."""
        if MoveState(seen.state) not in (MoveState.BLOCKED, MoveState.ROLLED_BACK, MoveState.CUT_OVER):
            return
        names = ("reference", "old_wallet_id", "old_address", "old_provision_id", "order_id")
        told = {name: getattr(new, name) for name in names}
        try:
            row = advance(connection, seen, MoveEvent.TAKEN_UP, told, self._now)
            if one.standing is Standing.IMPOSSIBLE:
                advance(connection, row, MoveEvent.BLOCKED, {"reason": one.why}, self._now)
        except LostClaim:  # somebody has just moved it: what they have committed counts
            return

    def _move(self, one: Candidate, current: CurrentRow, references: Mapping[str, str | None]) -> MoveRow:
        user, chain, asset = one.key
        impossible = one.standing is Standing.IMPOSSIBLE
        return MoveRow(
            source=self._scope.source,
            target=self._scope.target,
            user_id=user,
            chain=chain,
            asset=asset,
            state=MoveState.BLOCKED if impossible else MoveState.PLANNED,
            created_at=self._now,
            updated_at=self._now,
            reference=references.get(current.order_id or ""),
            old_wallet_id=current.wallet_id,
            old_address=current.address,
            old_provision_id=current.provision_id,
            order_id=current.order_id,
            reason=one.why if impossible else None,
        )

    def _made_elsewhere(self, one: Candidate) -> CurrentRow:
        address = None if one.line is None else one.line.address
        return CurrentRow(*one.key, self._scope.source, None, address, None, None, self._now)

    def _links(self, one: Candidate) -> Iterator[CustomerRow]:
        if one.line is None:
            return
        for account, customer_id in (
            (self._scope.source, one.line.customer_id),
            (self._scope.target, one.line.target_customer_id),
        ):
            if customer_id is not None:
                yield CustomerRow(one.key[0], account, customer_id, self._now, "linked")

    def _chunk(self, some: list[Candidate], *, with_file: bool) -> tuple[ChunkRow, list[ItemRow]]:
        number, first = next(self._chunks), some[0]
        items = [self._item(number, one) for one in some]
        state = "open" if any(item.state == "planned" for item in items) else "done"
        byte = first.byte if with_file else None
        chunk = ChunkRow(self._job_id, number, self._scope.target, len(items), first.position, byte, state)
        return chunk, items

    def _item(self, number: int, one: Candidate) -> ItemRow:
        user, chain, asset = one.key
        item = ItemRow(self._job_id, number, one.position, user, chain, asset, None, self._scope.target)
        if one.standing is not Standing.IMPOSSIBLE:
            return item
        return replace(item, state="blocked", error={"type": "UnsupportedOperation", "message": one.why})


def _needs_file(one: Candidate) -> bool:
    """Return whether a customer may have to be made from the profile in the file, which other processes have not."""
    has_profile = one.line is not None and one.line.profile is not None
    return has_profile and one.standing in (Standing.CAN_BE_MADE, Standing.FOLLOW_UP)


def _parts(candidates: Iterable[Candidate]) -> Iterator[list[Candidate]]:
    remaining = iter(candidates)
    while some := list(itertools.islice(remaining, _AT_ONCE)):
        yield some


def _addresses(connection: Transaction, account: str, candidates: list[Candidate]) -> dict[str, frozenset[str | None]]:
    """Return the chains of the addresses that the wallets at the source have; ``None`` for one that names none.

    Documents are read as they are: a `Wallet` of each would cost more than all the rest of a plan.
    """
    ids = [one.current.wallet_id for one in candidates if one.current is not None and one.current.wallet_id]
    found = currents.documents(connection, account, ids)
    return {wallet_id: _chains_of(document) for wallet_id, document in found.items()}


def _chains_of(document: Mapping[str, object]) -> frozenset[str | None]:
    addresses, chain = document.get("addresses"), document.get("chain")
    own = chain if isinstance(chain, str) else None
    return frozenset(one.get("chain") or own for one in addresses) if isinstance(addresses, list) else frozenset()


def _has_address(one: Candidate, chains: Collection[str | None] | None) -> bool:
    if chains is not None:
        return bool(chains)
    told = one.line.address if one.line is not None else None
    return (one.current is not None and one.current.address is not None) or told is not None


def _lost_chains(ordered: str | None, chains: frozenset[str | None], able: Capabilities) -> set[str]:
    """Return the chains on which the wallet at the source takes deposits and that at the target will not."""
    if ordered is None:
        return set()
    lost = {Chain(chain) for chain in chains if chain is not None} - {Chain(ordered)}
    if able.several_addresses.usable:
        lost -= {Chain(chain) for chain in able.order.chains} if able.order.chains else lost
    family = Chain(ordered).family
    return {str(chain) if chain.family == family else f"{chain} (another form of address)" for chain in lost}
