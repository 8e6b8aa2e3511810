"""Carrying on what nobody is at work on: orders of processes that died, and orders whose time to wait is over."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from walletport.errors import WalletportError
from walletport.journal import Journal, JournalError, Kind, ProvisionRow, Transaction, rows
from walletport.provisioning.machine import ENDS, State
from walletport.transport.effects import Program, Sleep, Together

if TYPE_CHECKING:
    from walletport.provisioning.program import Provisioner

NAP: Final = 0.1  # seconds; how long closing waits for whoever sleeps
_NAPS_BETWEEN_ROUNDS: Final = 100
_AT_ONCE: Final = 16  # beside what the application itself has in flight
_A_PAGE: Final = 100
_log = logging.getLogger("walletport")

Page: TypeAlias = Callable[[ProvisionRow | None], list[ProvisionRow]]
"""Returns the orders that come next after one, or the first ones."""
Visit: TypeAlias = Callable[[ProvisionRow], Program[bool]]
"""Carries one order on, and returns whether it has ended by that."""


class _Round:
    """One way through orders, page by page, for several workers at once; each order is handed out once.

    One that fails is passed by, so it keeps no other waiting.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._lock = threading.Lock()
        self._here: deque[ProvisionRow] = deque()
        self._last: ProvisionRow | None = None
        self.is_over = False
        self.ended = 0
        self.failure: Exception | None = None

    def waiting(self) -> int:
        """Return how many orders are there for the first workers."""
        with self._lock:
            self._turn_page()
            return len(self._here)

    def next(self) -> ProvisionRow | None:
        """Return an order that nobody has had in this round, or ``None`` if there is none, or no more is wanted."""
        with self._lock:
            self._turn_page()
            return None if self.is_over else self._here.popleft()

    def _turn_page(self) -> None:
        if self._here or self.is_over:
            return
        self._here.extend(self._page(self._last))
        if self._here:
            self._last = self._here[-1]
        else:
            self.is_over = True

    def count(self, *, ended: bool) -> None:
        """Count an order that has been carried on."""
        with self._lock:
            self.ended += ended

    def pass_by(self, row: ProvisionRow, error: Exception) -> None:
        """Remember the first failure; an error that is none of ours may hold anything in its text."""
        told = error if isinstance(error, WalletportError) else type(error).__name__
        _log.warning("carrying on order %s failed: %s", row.id, told)
        with self._lock:
            self.failure = self.failure or error


class Recovery:
    """Carries on what can be carried on, several orders at once and each at most once in a round.

    Args:
        provisioner: carries orders out.
        look_for_approved: finishes an order that a person had to approve, if its wallet is there by now.
        kind: what the orders are for.
    """

    def __init__(
        self,
        provisioner: Provisioner,
        look_for_approved: Callable[[ProvisionRow], Program[ProvisionRow]],
        kind: Kind = "wallet",
    ) -> None:
        self._provisioner = provisioner
        self._journal: Journal = provisioner.journal
        self._look_for_approved = look_for_approved
        self._kind = kind
        self._stopping = False
        self._hurries = False

    def recover(self, until: datetime) -> Program[int]:
        """Carry everything on, and return how many orders have ended by that.

        Args:
            until: start nothing later than this.

        Raises:
            WalletportError: the journal failed; or, after all others were carried on, what the first order failed in.
        """
        done: list[_Round] = []
        due_at: datetime | None = self._now()
        while due_at is not None and (not done or (due_at <= until and self._now() < until)):
            if done:
                yield Sleep(max(NAP, (due_at - self._now()).total_seconds()))
            began_at = self._now()  # nobody waits for one order while others can be carried on
            done.append((yield from self._go_round(self._due, partial(self._settle, until=began_at))))
            due_at = self._journal.read(partial(self._next_due_at, began_at))
        done.append((yield from self._go_round(self._awaiting_approval, partial(self._approved, until=until))))
        for failure in (each.failure for each in done if each.failure is not None):
            raise failure
        return sum(each.ended for each in done)

    def keep(self) -> Program[None]:
        """Go round again and again until ``stop`` is called."""
        while not self._stopping:
            self._hurries = False
            try:
                yield from self._go_round(self._due, partial(self._settle, until=self._now()))
            except Exception as error:  # noqa: BLE001 - whatever it was, the next round may go well
                told = error if isinstance(error, WalletportError) else type(error).__name__
                _log.warning("carrying on what others left behind failed: %s", told)
            for _ in range(_NAPS_BETWEEN_ROUNDS):
                if not self._stopping and not self._hurries:
                    yield Sleep(NAP)

    def hurry(self) -> None:
        """Let ``keep`` go round at once: there is something new."""
        self._hurries = True

    def stop(self) -> None:
        """Start nothing more."""
        self._stopping = True

    def _go_round(self, page: Page, visit: Visit) -> Program[_Round]:
        this = _Round(page)
        workers = min(_AT_ONCE, this.waiting())
        if workers:
            yield Together([self._work(this, visit) for _ in range(workers)])
        return this

    def _work(self, this: _Round, visit: Visit) -> Program[None]:
        try:
            while not self._stopping and (row := this.next()) is not None:
                try:
                    ended = yield from visit(row)
                except Exception as error:
                    if isinstance(error, JournalError) and error.retryable:  # it would meet every other order, too
                        raise
                    this.pass_by(row, error)
                else:
                    this.count(ended=ended)
        except BaseException:
            this.is_over = True  # for the others as well, once they have ended what they are at
            raise

    def _settle(self, row: ProvisionRow, until: datetime) -> Program[bool]:
        row_now = yield from self._provisioner.settle(row, until)
        return State(row_now.state) in ENDS

    def _approved(self, row: ProvisionRow, until: datetime) -> Program[bool]:
        is_ours = (row.kind == "shadow") is (self._kind == "shadow")
        if not is_ours or row.account not in self._provisioner.accounts or self._now() >= until:
            return False
        row_now = yield from self._look_for_approved(row)
        return State(row_now.state) is State.DONE

    def _due(self, after: ProvisionRow | None) -> list[ProvisionRow]:
        """Return what can be carried on now, what a process held that has died included.

        Orders for customers are not among them: their profile is not kept, so they go on when it is given again. Nor
        are those of accounts that are configured no more.
        """

        def query(connection: Transaction) -> list[ProvisionRow]:
            dead = [owner for owner in rows.owners(connection) if self._provisioner.is_dead(owner)]
            accounts = tuple(self._provisioner.accounts)
            return rows.due(connection, self._now(), accounts, _A_PAGE, kind=self._kind, dead=dead, after=after)

        return self._journal.read(query)

    def _next_due_at(self, after: datetime, connection: Transaction) -> datetime | None:
        """Return when the next order can be carried on that had to wait at that time."""
        return rows.next_due_at(connection, after, tuple(self._provisioner.accounts), self._kind)

    def _awaiting_approval(self, after: ProvisionRow | None) -> list[ProvisionRow]:
        last = None if after is None else after.id
        return self._journal.read(
            lambda connection: rows.list_provisions(
                connection, state=State.AWAITING_APPROVAL, limit=_A_PAGE, after=last
            )
        )

    def _now(self) -> datetime:
        return self._provisioner.clock.now()
