"""From a checked file to chunks of orders in the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from walletport.errors import ConfigurationError
from walletport.jobs.checking import BadLines, CheckedOrder, Checker
from walletport.jobs.seen import Problems
from walletport.journal import ChunkRow, CustomerRow, ItemRow, Transaction, jobrows

if TYPE_CHECKING:
    from datetime import datetime

    from walletport.jobs.source import OrderFile
    from walletport.journal import Journal

_AT_ONCE: Final = 2_000  # orders in one transaction


@dataclass(slots=True)
class _Filling:
    """A chunk that is being filled."""

    first_line: int
    first_byte: int | None
    items: list[CheckedOrder] = field(default_factory=list)


class Planner:
    """Commits the orders of a file, chunk by chunk, all chunks for one account each.

    Args:
        journal: where to.
        job_id: the job.
        size: how many orders a chunk has at most.
        now: the time.
    """

    def __init__(
        self,
        journal: Journal,
        job_id: str,
        size: int,
        now: datetime,
    ) -> None:
        self._journal = journal
        self._job_id = job_id
        self._size = size
        self._now = now
        self._filling: dict[tuple[str, bool], _Filling] = {}
        self._full: list[tuple[str, _Filling]] = []
        self._chunks = 0

    def plan(self, file: OrderFile, checker: Checker, digest: str, advance: Callable[[int], None]) -> None:
        """Commit every order of a file; what an earlier attempt has left is forgotten, for it was never begun.

        Args:
            file: the orders, checked before.
            checker: what checked them; it knows which lines repeat others.
            digest: what it found.
            advance: told how many orders were committed since it was last told.

        Raises:
            ConfigurationError: the file, or what is known of its customers, has changed since it was checked.
        """
        self._journal.write(lambda connection: jobrows.clear_plan(connection, self._job_id)).result()
        read, problems = hashlib.sha256(), Problems()
        for one in checker.walk(file.records(), problems):
            read.update(checker.fingerprint(one))
            if checker.is_first(one):
                self._add(one)
                self._commit_full(advance)
        if problems.count:
            raise BadLines(file.name, problems)
        if read.hexdigest() != digest:
            msg = f"{file.name} was changed while it was read: give it again"
            raise ConfigurationError(msg)
        self._full += [(account, filling) for (account, _), filling in self._filling.items()]
        self._commit_full(advance, least=1)

    def _add(self, one: CheckedOrder) -> None:
        key = (one.account, one.makes_customer)
        filling = self._filling.get(key)
        if filling is None:
            filling = self._filling[key] = _Filling(one.line, one.byte if one.makes_customer else None)
        filling.items.append(one)
        if len(filling.items) >= self._size:
            self._full.append((one.account, self._filling.pop(key)))

    def _commit_full(self, advance: Callable[[int], None], least: int = _AT_ONCE) -> None:
        if sum(len(filling.items) for _, filling in self._full) < least:
            return
        full, self._full = self._full, []
        planned = [self._chunk(account, filling) for account, filling in full]
        links = [link for _, filling in full for one in filling.items if (link := self._link(one)) is not None]

        def work(connection: Transaction) -> None:
            jobrows.link_customers(connection, links)
            jobrows.plan(connection, self._job_id, planned)

        self._journal.write(work).result()
        advance(sum(chunk.size for chunk, _ in planned))

    def _chunk(self, account: str, filling: _Filling) -> tuple[ChunkRow, list[ItemRow]]:
        self._chunks += 1
        items = [self._item(one) for one in filling.items]
        state = "done" if all(item.state == "done" for item in items) else "open"
        chunk = ChunkRow(self._job_id, self._chunks, account, len(items), filling.first_line, filling.first_byte, state)
        return chunk, items

    def _item(self, one: CheckedOrder) -> ItemRow:
        order = one.order
        return ItemRow(
            job_id=self._job_id,
            chunk=self._chunks,
            line=one.line,
            user_id=order.user,
            chain=order.chain,
            asset=order.asset,
            reference=order.reference,
            account=order.account,
            state="done" if one.is_done else "planned",
            provision_id=one.known.id if one.known is not None and one.is_done else None,
        )

    def _link(self, one: CheckedOrder) -> CustomerRow | None:
        customer_id = one.order.customer_id
        if customer_id is None:
            return None
        return CustomerRow(one.order.user, one.account, customer_id, self._now, "linked")
