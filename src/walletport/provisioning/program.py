"""Carrying one order out, step by step, between the journal and the provider.

A program like the engine's: it yields steps and does nothing itself, so it exists once for sync and async. Each turn
claims the order, asks the machine what to do, commits that, does it, and commits what came of it. A crash at any
instruction leaves a row from which the next process goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from walletport.errors import ConnectFailed, UnsupportedOperation, WalletportError
from walletport.journal import (
    Journal,
    JournalError,
    LostClaim,
    NewProvision,
    NotTogether,
    ProvisionRow,
    Transaction,
    rows,
)
from walletport.models import Customer, CustomerProfile, Wallet
from walletport.provisioning import machine, queries
from walletport.provisioning.commits import Commits
from walletport.provisioning.failover import find_target
from walletport.provisioning.machine import ENDS, LookUp, Send, State, Wait
from walletport.provisioning.outcomes import backoff_of_look_up, event_of, signal_of
from walletport.provisioning.recording import Call, Claim, Done, Happened, Taken, known_of
from walletport.provisioning.standing import Standing
from walletport.transport import effects
from walletport.transport.effects import Program, Sleep, WaitFor

if TYPE_CHECKING:
    from walletport.provisioning.account import AccountAtWork
    from walletport.transport.engine import Clock

Item = TypeVar("Item")
T = TypeVar("T")
_FIRST_LOOK: Final = 0.02
_LONGEST_LOOK: Final = 0.5
_LATE: Final = (0.02, 0.1, 0.5)


class Provisioner:
    """Carries out the orders of one journal.

    Args:
        journal: where everything is committed.
        accounts: the configured accounts by name.
        claim: who is asking.
        clock: tells the time.
    """

    def __init__(self, journal: Journal, accounts: Mapping[str, AccountAtWork], claim: Claim, clock: Clock) -> None:
        self.journal = journal
        self.accounts = accounts
        self.clock = clock
        self.commits = Commits(accounts, claim, clock)
        self.is_dead = claim.is_dead
        self._claim = claim

    @property
    def standing(self) -> Standing:
        """What this process knows of the accounts."""
        return self.commits.standing

    def begin(
        self,
        new: NewProvision,
        until: datetime,
        profile: CustomerProfile | None = None,
        beside: Iterable[NewProvision] = (),
    ) -> Program[ProvisionRow]:
        """Commit an order, unless it is known already, and carry it on.

        Args:
            new: the order as it is to be committed.
            until: start nothing later than this.
            profile: makes a customer, where the order is for one or goes on where the user has none; never kept.
            beside: orders to be committed with it, if it is new; somebody else carries them on.
        """
        call, asked_at, beside = Call(), self.clock.now(), tuple(beside)
        try:
            row, taken = yield from self._commit(
                lambda connection: self.commits.begin(connection, new, beside, call, asked_at)
            )
            return (yield from self._carry_on(row, taken, until, profile, call))
        finally:
            self.commits.let_go(call, is_over=True)

    def begin_together(
        self,
        work: Callable[[Transaction, Sequence[Item]], Sequence[Taken | None]],
        item: Item,
        until: datetime,
        profile: CustomerProfile | None,
        call: Call,
    ) -> Program[ProvisionRow | None]:
        """Commit an order in one go with others, and carry it on; ``None`` if something about it is special.

        Args:
            work: commits orders, and says of each what is to be done.
            item: the order.
            until: as for `begin`.
            profile: as for `begin`.
            call: the call that carries it on.
        """
        try:
            try:
                taken: Taken | None = yield WaitFor(self.journal.write_together(work, item))
            except NotTogether:
                return None
            if taken is None:
                return None
            return (yield from self._carry_on(taken.row, taken, until, profile, call))
        finally:
            self.commits.let_go(call, is_over=True)

    def settle(
        self, row: ProvisionRow, until: datetime, profile: CustomerProfile | None = None
    ) -> Program[ProvisionRow]:
        """Carry on an order that is known, until it ends or the time is over, and return how it stands.

        Args:
            row: as the journal holds it.
            until: start nothing later than this.
            profile: as for `begin`.
        """
        call = Call()
        try:
            return (yield from self._carry_on(row, None, until, profile, call))
        finally:
            self.commits.let_go(call, is_over=True)

    def conclude(self, seen: ProvisionRow, happened: Happened, detail: Mapping[str, object]) -> Program[ProvisionRow]:
        """Commit what was found out about an order that had come to an end without what it is for.

        Args:
            seen: the order as it stood when that was found out.
            happened: what was found out.
            detail: more of it for the order's story, such as who says so.

        Raises:
            LostClaim: somebody has settled it meanwhile; nothing is changed.
        """
        return (yield from self._commit(lambda connection: self.commits.conclude(connection, seen, happened, detail)))

    def _carry_on(
        self, row: ProvisionRow, taken: Taken | None, until: datetime, profile: CustomerProfile | None, call: Call
    ) -> Program[ProvisionRow]:
        look = _FIRST_LOOK
        while State(row.state) not in ENDS:
            if taken is None:
                taken = yield from self._commit(partial(self._take, row.id, call))
            if taken is None:  # somebody else is at it
                row = self._read(row.id)
                if State(row.state) in ENDS or self.clock.now() >= until:
                    break
                yield Sleep(look)
                look = min(look * 2, _LONGEST_LOOK)
                continue
            row, wait = yield from self._turn(taken, until, profile, call)
            self.commits.let_go(call)
            taken = None
            if (row.not_before and self.clock.now() >= until) or (wait and wait > until):
                break  # it has to wait, perhaps for a moment only that is over by now
            if wait is not None:
                yield Sleep(max(0.0, (wait - self.clock.now()).total_seconds()))
        return row

    def renew(self) -> Program[None]:
        """Keep the claims on the orders this process is at work on."""
        held = self.commits.held()
        if held:
            until = self.clock.now() + self._claim.lease
            ours = yield from self._commit(lambda connection: rows.renew(connection, held, self._claim.owner, until))
            self.commits.renewed(held, ours, until)

    def _turn(
        self, taken: Taken, until: datetime, profile: CustomerProfile | None, call: Call
    ) -> Program[tuple[ProvisionRow, datetime | None]]:
        """Do what was committed, commit what came of it, and say until when to wait."""
        row, action = taken.row, taken.action
        if isinstance(action, Wait):
            return row, action.until
        if not isinstance(action, Send | LookUp):
            return row, None
        happened = yield from (self._send(row, profile, call) if isinstance(action, Send) else self._look_up(row))
        if happened.signal is not None:
            target = yield from find_target(self, row, happened, profile, until)
            happened = replace(happened, target=target)
        try:
            row = yield from self._record(row, happened, call)
        except LostClaim:
            # Another process took this one for dead; what it has committed counts. But what was made is a fact.
            row = self._read(row.id) if happened.made is None else (yield from self._too_late(row, happened))
        except JournalError:
            if not self.journal.read(partial(queries.is_of_another, row=row, made=happened.made)):
                raise
            row = yield from self._commit(lambda connection: self.commits.leave_to_a_person(connection, row, happened))
        return row, None

    def _record(self, row: ProvisionRow, happened: Happened, call: Call) -> Program[ProvisionRow]:
        """Commit what came of a turn; a wallet that was made as it ought to be, in one go with others."""
        if self.commits.is_plain(row, happened):
            try:
                done: Done = yield WaitFor(self.journal.write_together(self.commits.record_all, (row, happened)))
            except NotTogether:
                pass
            else:
                call.made = done.wallet
                return done.row
        return (yield from self._commit(lambda connection: self.commits.record(connection, row, happened)))

    def _too_late(self, seen: ProvisionRow, happened: Happened) -> Program[ProvisionRow]:
        """Commit what was made, although another process has gone on with its order."""
        for pause in _LATE:
            try:
                return (
                    yield from self._commit(lambda connection: self.commits.record_late(connection, seen, happened))
                )
            except LostClaim:  # that one is just writing
                yield Sleep(pause)
        return self._read(seen.id)

    def _take(self, provision_id: str, call: Call, connection: Transaction) -> Taken | None:
        return self.commits.take(connection, provision_id, call)

    def _read(self, provision_id: str) -> ProvisionRow:
        return self.journal.read(lambda connection: rows.get_provision(connection, provision_id))

    def _send(self, row: ProvisionRow, profile: CustomerProfile | None, call: Call) -> Program[Happened]:
        """Send the create once under the committed key."""
        call.was_late = False
        try:
            made = yield from self._in_time(row, self._create(row, profile), call)
        except WalletportError as error:
            signal = None if call.was_late else signal_of(error)
            return Happened(event_of(error, row.sends, self.clock.now()), error=error, signal=signal)
        return Happened(machine.Made(self.clock.now()), made=made, signal=signal_of(None))

    def _in_time(self, row: ProvisionRow, program: Program[T], call: Call) -> Program[T]:
        """Carry a program out, and let nothing leave that would leave too late.

        Between the commit and the request lie a wait for a credential and whatever stops a process. Once the claim
        has run out, somebody else may be at the order, and may prove that nothing was made; and a repeat counts on
        the provider's memory.
        """
        try:
            step = next(program)
            while True:
                try:
                    if isinstance(step, effects.Send):
                        self._check_time(row, call)
                    result = yield step
                except BaseException as error:  # noqa: BLE001 - whatever the driver throws is for the program
                    step = program.throw(error)
                else:
                    step = program.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value
        finally:
            program.close()

    def _check_time(self, row: ProvisionRow, call: Call) -> None:
        now, problem = self.clock.now(), None
        if now >= call.until:
            problem = "the claim on this order ran out before it was sent"
        elif row.doubtful and not machine.in_window(known_of(row), self.accounts[row.account].policy(row.kind), now):
            problem = "the time in which this order may be repeated ran out before it was sent"
        if problem is not None:
            call.was_late = True
            raise ConnectFailed(problem)

    def _create(self, row: ProvisionRow, profile: CustomerProfile | None) -> Program[Wallet | Customer]:
        operations = self.accounts[row.account].operations
        if row.kind == "customer":
            if profile is None:
                msg = "this customer's profile is not kept: call provision again with profile="
                raise UnsupportedOperation(msg)
            return (yield from operations.create_customer(profile, row.idempotency_key))
        return (
            yield from operations.create_wallet(
                row.customer_id or "", row.chain, row.asset, row.sent_reference, row.idempotency_key
            )
        )

    def _look_up(self, row: ProvisionRow) -> Program[Happened]:
        """Ask the provider what became of an order whose answer was lost."""
        began_at = self.clock.now()
        operations = self.accounts[row.account].operations
        try:
            wallet = yield from operations.find_wallet(row.customer_id or "", row.chain, row.asset, row.sent_reference)
        except WalletportError as error:
            wait = backoff_of_look_up(error.retry_after, row.look_ups + 1)
            return Happened(machine.LookUpFailed(self.clock.now(), wait), error=error)
        if wallet is None:
            return Happened(machine.Absent(began_at))
        return Happened(machine.Made(self.clock.now()), made=wallet)

    def _commit(self, work: Callable[[Transaction], T]) -> Program[T]:
        result: T = yield WaitFor(self.journal.write(work))
        return result
