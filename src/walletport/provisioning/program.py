"""Carrying one order out, step by step, between the journal and the provider.

A program like the engine's: it yields steps and does nothing itself, so it exists once for sync and async. Each turn
claims the order, asks the machine what to do, commits that, does it, and commits what came of it. A crash at any
instruction leaves a row from which the next process goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from walletport.errors import ApprovalPending, ConnectFailed, UnsupportedOperation, WalletportError
from walletport.journal import (
    CustomerRow,
    Journal,
    JournalError,
    LostClaim,
    NewProvision,
    ProvisionRow,
    Transaction,
    rows,
)
from walletport.models import Customer, CustomerProfile, Wallet
from walletport.provisioning import machine, queries, sharing
from walletport.provisioning.failover import find_target, moved, story_of
from walletport.provisioning.machine import ENDS, GiveUp, LookUp, Nothing, Send, State, Wait
from walletport.provisioning.outcomes import backoff_of_look_up, event_of, signal_of, stored
from walletport.provisioning.readiness import note_if_ready
from walletport.provisioning.recording import (
    MACHINE_FIELDS,
    STORY,
    Call,
    Claim,
    Happened,
    Taken,
    known_of,
    wallet_row,
)
from walletport.provisioning.standing import Standing
from walletport.transport import effects
from walletport.transport.effects import Program, Sleep, WaitFor
from walletport.transport.encoding import new_idempotency_key

if TYPE_CHECKING:
    from walletport.provisioning.account import AccountAtWork
    from walletport.transport.engine import Clock

T = TypeVar("T")
_FIRST_LOOK: Final = 0.02
_LONGEST_LOOK: Final = 0.5
_LATE: Final = (0.02, 0.1, 0.5)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


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
        self._held: dict[str, Call] = {}
        self._holding = threading.Lock()
        self.is_dead = claim.is_dead
        self._claim = claim
        self.standing = Standing()

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
        call, asked_at = Call(), self.clock.now()

        def work(connection: Transaction) -> tuple[ProvisionRow, Taken | None]:
            now, owner = self.clock.now(), None if call.is_over else self._claim.owner
            row, is_new = rows.record_intent(connection, new, now, owner=owner, lease_until=now + self._claim.lease)
            for other in beside if is_new else ():
                rows.record_intent(connection, other, now)
            # What was refused while this call waited is its answer, too.
            if not is_new and State(row.state) is State.REJECTED and row.updated_at <= asked_at:
                row = self._reopen(connection, row, new)
            return row, self._take(connection, row, call, is_ours=is_new)

        try:
            row, taken = yield from self._commit(work)
            return (yield from self._carry_on(row, taken, until, profile, call))
        finally:
            self._let_go(call, is_over=True)

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
            self._let_go(call, is_over=True)

    def conclude(self, seen: ProvisionRow, happened: Happened, detail: Mapping[str, object]) -> Program[ProvisionRow]:
        """Commit what was found out about an order that had come to an end without what it is for.

        Args:
            seen: the order as it stood when that was found out.
            happened: what was found out.
            detail: more of it for the order's story, such as who says so.

        Raises:
            LostClaim: somebody has settled it meanwhile; nothing is changed.
        """

        def work(connection: Transaction) -> ProvisionRow:
            now = self.clock.now()
            row = rows.claim(connection, seen.id, self._claim.owner, now, now + self._claim.lease)
            if row is None or (row.state, row.generation) != (seen.state, seen.generation):
                msg = "somebody else has settled this order meanwhile: look at it again"
                raise LostClaim(msg)
            return self._record(connection, row, happened, detail)

        return (yield from self._commit(work))

    def _carry_on(
        self, row: ProvisionRow, taken: Taken | None, until: datetime, profile: CustomerProfile | None, call: Call
    ) -> Program[ProvisionRow]:
        look = _FIRST_LOOK
        while State(row.state) not in ENDS:
            if taken is None:
                taken = yield from self._commit(partial(self._take_again, row.id, call))
            if taken is None:  # somebody else is at it
                row = self._read(row.id)
                if State(row.state) in ENDS or self.clock.now() >= until:
                    break
                yield Sleep(look)
                look = min(look * 2, _LONGEST_LOOK)
                continue
            row, wait = yield from self._turn(taken, until, profile, call)
            self._let_go(call)
            taken = None
            if (row.not_before and self.clock.now() >= until) or (wait and wait > until):
                break  # it has to wait, perhaps for a moment only that is over by now
            if wait is not None:
                yield Sleep(max(0.0, (wait - self.clock.now()).total_seconds()))
        return row

    def renew(self) -> Program[None]:
        """Keep the claims on the orders this process is at work on."""
        with self._holding:
            held = {provision_id: (call, call.until) for provision_id, call in self._held.items()}
        until = self.clock.now() + self._claim.lease
        if not held:
            return
        ours = yield from self._commit(lambda connection: rows.renew(connection, held, self._claim.owner, until))
        with self._holding:
            for provision_id, (call, seen) in held.items():
                if call.until == seen:  # else it has taken the order again meanwhile
                    call.until = until if provision_id in ours else _LONG_AGO

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
            row = yield from self._commit(lambda connection: self._record(connection, row, happened))
        except LostClaim:
            # Another process took this one for dead; what it has committed counts. But what was made is a fact.
            row = self._read(row.id) if happened.made is None else (yield from self._too_late(row, happened))
        except JournalError:
            if not self.journal.read(partial(queries.is_of_another, row=row, made=happened.made)):
                raise
            row = yield from self._commit(lambda connection: self._leave_to_a_person(connection, row, happened))
        return row, None

    def _too_late(self, seen: ProvisionRow, happened: Happened) -> Program[ProvisionRow]:
        """Commit what was made, although another process has gone on with its order."""
        for pause in _LATE:
            try:
                return (yield from self._commit(lambda connection: self._record_late(connection, seen, happened)))
            except LostClaim:  # that one is just writing
                yield Sleep(pause)
        return self._read(seen.id)

    def _record_late(self, connection: Transaction, seen: ProvisionRow, happened: Happened) -> ProvisionRow:
        row, made = rows.get_provision(connection, seen.id), happened.made
        if made is None or (row.account == seen.account and made.id in (row.wallet_id, row.customer_id)):
            return row
        if row.owner is not None:
            rows.release(connection, row.id, row.owner)
        now = self.clock.now()
        claimed = rows.claim(connection, row.id, self._claim.owner, now, now + self._claim.lease)
        if claimed is None:
            msg = "another process is writing to this order"
            raise LostClaim(msg)
        if row.account == seen.account and State(row.state) not in (State.DONE, State.REJECTED):
            return self._record(connection, claimed, happened, _LATELY)
        # Two wallets for one order: no journal can prevent it now, but it can show it.
        self._save(connection, seen, made)
        detail = {"id": made.id, "account": seen.account, **_LATELY}
        return rows.advance(connection, claimed, self._claim.owner, _LET_GO, "made", detail, now)

    def _leave_to_a_person(self, connection: Transaction, row: ProvisionRow, happened: Happened) -> ProvisionRow:
        detail = {"id": None if happened.made is None else happened.made.id, "why": "recorded for another"}
        return self._advance(connection, row, machine.NobodyKnows(), detail, _LET_GO)

    def _reopen(self, connection: Transaction, row: ProvisionRow, new: NewProvision) -> ProvisionRow:
        """Start a refused order anew, perhaps at another account; unless somebody else is just doing that."""
        now = self.clock.now()
        claimed = rows.claim(connection, row.id, self._claim.owner, now, now + self._claim.lease)
        if claimed is None or State(claimed.state) is not State.REJECTED:
            return claimed or row
        changes = {name: getattr(new, name) for name in ("account", "customer_id", "sent_reference", "decision")}
        return self._advance(connection, claimed, machine.AskedAgain(), {"account": new.account}, changes)

    def _read(self, provision_id: str) -> ProvisionRow:
        return self.journal.read(lambda connection: rows.get_provision(connection, provision_id))

    def _hold(self, provision_id: str, call: Call) -> bool:
        """Take an order for a call, unless another call of this process is at it or this one is over."""
        with self._holding:
            if call.is_over or self._held.get(provision_id, call) is not call:
                return False
            self._held[provision_id] = call
            return True

    def _let_go(self, call: Call, *, is_over: bool = False) -> None:
        """Give back what a call holds; one that is over takes nothing more, whatever is still waiting to be written."""
        with self._holding:
            call.is_over = call.is_over or is_over
            for provision_id in [held for held, by in self._held.items() if by is call]:
                del self._held[provision_id]

    def _take_again(self, provision_id: str, call: Call, connection: Transaction) -> Taken | None:
        return self._take(connection, rows.get_provision(connection, provision_id), call)

    def _take(self, connection: Transaction, row: ProvisionRow, call: Call, *, is_ours: bool = False) -> Taken | None:
        """Claim an order and commit what is to be done with it, or return ``None`` where it has ended or is taken.

        One that was recorded with its claim a moment ago ``is_ours``.

        The journal tells processes apart; calls within one are told apart here, which is safe because all of them
        claim in the one thread that writes.
        """
        now = self.clock.now()
        if State(row.state) in ENDS or not self._hold(row.id, call):
            return None
        claimed = row if is_ours and row.lease_until is not None else self._claimed(connection, row, now)
        if claimed is None:
            return None
        with self._holding:
            call.until = claimed.lease_until or _LONG_AGO
        row, policy = claimed, self._policy(claimed)
        if State(row.state) is State.SENDING:  # its process died with the answer outstanding
            row = self._advance(connection, row, machine.ProcessDied(now), {})
        action = machine.decide(known_of(row), policy, now)
        if isinstance(action, Send) and State(row.state) is State.PLANNED:
            held = sharing.before_sending(connection, row, self.accounts, now)
            if isinstance(held, sharing.Held):
                detail = {"id": held.wallet.wallet_id, "order": held.order}
                changes = {**_LET_GO, **sharing.kept(row, held)}
                return Taken(self._advance(connection, row, machine.HadAlready(), detail, changes), Nothing())
            action = action if held is None else Wait(held)
        if isinstance(action, Send):
            row = self._advance(connection, row, machine.SendBegan(now), {"key": row.idempotency_key})
        elif isinstance(action, GiveUp):
            row = self._advance(connection, row, machine.NobodyKnows(), {}, _LET_GO)
        elif isinstance(action, Wait):
            rows.release(connection, row.id, self._claim.owner, action.until)
        return Taken(row, action)

    def _claimed(self, connection: Transaction, row: ProvisionRow, now: datetime) -> ProvisionRow | None:
        if row.owner is not None and self._claim.is_dead(row.owner):
            rows.release(connection, row.id, row.owner)
        return rows.claim(connection, row.id, self._claim.owner, now, now + self._claim.lease)

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
        elif row.doubtful and not machine.in_window(known_of(row), self._policy(row), now):
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

    def _record(
        self, connection: Transaction, row: ProvisionRow, happened: Happened, more: Mapping[str, object] = {}
    ) -> ProvisionRow:
        """Commit what came of a turn, and let the order go."""
        changes: dict[str, object] = dict(_LET_GO)
        detail: dict[str, object] = {}
        if happened.error is not None:
            detail = changes["error"] = stored(happened.error)
        if isinstance(happened.error, ApprovalPending):
            changes |= {"approval_id": happened.error.approval_id, "approval_url": happened.error.approval_url}
        if happened.made is not None:
            detail = {"id": happened.made.id}
            changes |= {"wallet_id" if isinstance(happened.made, Wallet) else "customer_id": happened.made.id}
            self._save(connection, row, happened.made)
        if happened.signal is not None:
            probe, now = self.accounts[row.account].longest_probe, self.clock.now()
            self.standing.hear(connection, row, happened.signal, happened.error, now, probe)
        event, target = happened.event, happened.target
        if target is not None:
            moves = target.account is not None and self.lets_in(connection, target.account)
            detail = story_of(row, target, detail, moves=moves)
            if moves:
                event = machine.FailedOver()
                changes |= moved(row, self.accounts, target)
        row = self._advance(connection, row, event, {**detail, **more}, changes)
        if isinstance(happened.made, Wallet):
            note_if_ready(connection, row, happened.made, self.clock.now())
        return row

    def lets_in(self, connection: Transaction, account: str) -> bool:
        """Return whether an account takes one more order now; one that is half open takes one at a time."""
        return self.standing.lets_in(connection, account, self.clock.now(), self.accounts[account].longest_probe)

    def _save(self, connection: Transaction, row: ProvisionRow, made: Wallet | Customer) -> None:
        now = self.clock.now()
        if isinstance(made, Customer):
            rows.link_customer(connection, CustomerRow(row.user_id, row.account, made.id, now, "made"))
            return
        rows.save_wallet(connection, wallet_row(row, made, now))

    def _advance(
        self,
        connection: Transaction,
        row: ProvisionRow,
        event: machine.Event,
        detail: Mapping[str, object],
        changes: Mapping[str, object] = {},
    ) -> ProvisionRow:
        """Commit an event: what is known afterwards, and the event itself for the order's story."""
        # A refused order may move to another account, and its new key must be one that account's provider takes.
        account = self.accounts[str(changes.get("account", row.account))]
        before = known_of(row)
        known = machine.after(before, event, account.policy(row.kind))
        written = {**changes, **{name: getattr(known, name) for name in MACHINE_FIELDS}, "state": known.state.value}
        if known.generation != before.generation:
            written["idempotency_key"] = new_idempotency_key(account.capabilities.idempotency)
        what = STORY.get(type(event), type(event).__name__)
        return rows.advance(connection, row, self._claim.owner, written, what, detail, self.clock.now())

    def _policy(self, row: ProvisionRow) -> machine.Policy:
        return self.accounts[row.account].policy(row.kind)

    def _commit(self, work: Callable[[Transaction], T]) -> Program[T]:
        result: T = yield WaitFor(self.journal.write(work))
        return result


_LET_GO: Final[Mapping[str, object]] = {"owner": None, "lease_until": None}
_LATELY: Final[Mapping[str, object]] = {"late": True}
