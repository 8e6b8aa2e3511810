"""Carrying one order out, step by step, between the journal and the provider.

A program like the engine's: it yields steps and does nothing itself, so it exists once for sync and async. Each turn
claims the order, asks the machine what to do, commits that, does it, and commits what came of it. A crash at any
instruction leaves a row from which the next process goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from walletport.errors import ApprovalPending, ConnectFailed, UnsupportedOperation, WalletportError
from walletport.journal import CustomerRow, Journal, LostClaim, NewProvision, ProvisionRow, Transaction, WalletRow, rows
from walletport.models import Customer, CustomerProfile, Wallet
from walletport.provisioning import machine
from walletport.provisioning.machine import ENDS, Action, GiveUp, Known, LookUp, Send, State, Wait
from walletport.provisioning.outcomes import backoff, event_of, stored
from walletport.transport.effects import Program, Sleep, WaitFor
from walletport.transport.encoding import new_idempotency_key

if TYPE_CHECKING:
    from walletport.provisioning.account import AccountAtWork
    from walletport.transport.engine import Clock

T = TypeVar("T")
_FIRST_LOOK: Final = 0.02
_LONGEST_LOOK: Final = 0.5


@dataclass(frozen=True, slots=True)
class Taken:
    """An order that this process has claimed, and what was committed that it will do."""

    row: ProvisionRow
    action: Action


@dataclass(frozen=True, slots=True)
class Happened:
    """What came of it.

    Args:
        event: for the machine.
        made: the wallet or customer, if there is one now.
        error: what it ended in otherwise.
    """

    event: machine.Event
    made: Wallet | Customer | None = None
    error: WalletportError | None = None


@dataclass(eq=False, slots=True)
class _Call:
    """One call that carries an order on; over once nobody waits for it any more."""

    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """Who is working on orders, and for how long without a sign of life.

    Args:
        owner: names one process, and one opening of the journal in it.
        lease: how long a claim holds without being renewed.
        is_dead: tells of another owner whether its process is certainly gone, so that its lease need not run out.
    """

    owner: str
    lease: timedelta
    is_dead: Callable[[str], bool]


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
        self._held: dict[str, _Call] = {}
        self._holding = threading.Lock()
        self.is_dead = claim.is_dead
        self._claim = claim

    def begin(
        self, new: NewProvision, until: datetime, profile: CustomerProfile | None = None
    ) -> Program[ProvisionRow]:
        """Commit an order, unless it is known already, and carry it on.

        Args:
            new: the order as it is to be committed.
            until: start nothing later than this.
            profile: for an order for a customer; never kept.
        """
        call = _Call()

        def work(connection: Transaction) -> tuple[ProvisionRow, Taken | None]:
            row, is_new = rows.record_intent(connection, new, self.clock.now())
            if not is_new and State(row.state) is State.REJECTED:
                row = self._reopen(connection, row, new)
            return row, self._take(connection, row, call)

        try:
            row, taken = yield from self._commit(work)
            return (yield from self._carry_on(row, taken, until, profile, call))
        finally:
            self._let_go(call, is_over=True)

    def settle(self, row: ProvisionRow, until: datetime) -> Program[ProvisionRow]:
        """Carry on an order that is known, until it ends or the time is over, and return how it stands.

        Args:
            row: as the journal holds it.
            until: start nothing later than this.
        """
        call = _Call()
        try:
            return (yield from self._carry_on(row, None, until, None, call))
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
        self, row: ProvisionRow, taken: Taken | None, until: datetime, profile: CustomerProfile | None, call: _Call
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
            row, wait = yield from self._turn(taken, profile)
            self._let_go(call)
            taken = None
            if wait is not None:
                if wait > until:
                    break
                yield Sleep(max(0.0, (wait - self.clock.now()).total_seconds()))
        return row

    def renew(self) -> Program[None]:
        """Keep the claims on the orders this process is at work on."""
        with self._holding:
            ids = sorted(self._held)
        until = self.clock.now() + self._claim.lease
        if ids:
            yield from self._commit(lambda connection: rows.renew(connection, ids, self._claim.owner, until))

    def _turn(self, taken: Taken, profile: CustomerProfile | None) -> Program[tuple[ProvisionRow, datetime | None]]:
        """Do what was committed, commit what came of it, and say until when to wait."""
        row, action = taken.row, taken.action
        if isinstance(action, Wait):
            return row, action.until
        if not isinstance(action, Send | LookUp):
            return row, None
        try:
            happened = yield from (self._send(row, profile) if isinstance(action, Send) else self._look_up(row))
            return (yield from self._commit(lambda connection: self._record(connection, row, happened))), None
        except LostClaim:
            # Another process took this one for dead; whatever it has committed since is what counts.
            return self._read(row.id), None

    def _reopen(self, connection: Transaction, row: ProvisionRow, new: NewProvision) -> ProvisionRow:
        """Start a refused order anew, perhaps at another account; unless somebody else is just doing that."""
        now = self.clock.now()
        claimed = rows.claim(connection, row.id, self._claim.owner, now, now + self._claim.lease)
        if claimed is None or State(claimed.state) is not State.REJECTED:
            return row
        changes = {name: getattr(new, name) for name in ("account", "customer_id", "sent_reference", "decision")}
        return self._advance(connection, claimed, machine.AskedAgain(), {"account": new.account}, changes)

    def _read(self, provision_id: str) -> ProvisionRow:
        return self.journal.read(lambda connection: rows.get_provision(connection, provision_id))

    def _hold(self, provision_id: str, call: _Call) -> bool:
        """Take an order for a call, unless another call of this process is at it or this one is over."""
        with self._holding:
            if call.is_over or self._held.get(provision_id, call) is not call:
                return False
            self._held[provision_id] = call
            return True

    def _let_go(self, call: _Call, *, is_over: bool = False) -> None:
        """Give back what a call holds; one that is over takes nothing more, whatever is still waiting to be written."""
        with self._holding:
            call.is_over = call.is_over or is_over
            for provision_id in [held for held, by in self._held.items() if by is call]:
                del self._held[provision_id]

    def _take_again(self, provision_id: str, call: _Call, connection: Transaction) -> Taken | None:
        return self._take(connection, rows.get_provision(connection, provision_id), call)

    def _take(self, connection: Transaction, row: ProvisionRow, call: _Call) -> Taken | None:
        """Claim an order and commit what is to be done with it, or return ``None`` where it has ended or is taken.

        The journal tells processes apart; calls within one are told apart here, which is safe because all of them
        claim in the one thread that writes.
        """
        now = self.clock.now()
        if State(row.state) in ENDS or not self._hold(row.id, call):
            return None
        if row.owner is not None and self._claim.is_dead(row.owner):
            rows.release(connection, row.id, row.owner)
        claimed = rows.claim(connection, row.id, self._claim.owner, now, now + self._claim.lease)
        if claimed is None:
            return None
        row, policy = claimed, self._policy(claimed)
        if State(row.state) is State.SENDING:  # its process died with the answer outstanding
            row = self._advance(connection, row, machine.ProcessDied(now), {})
        action = machine.decide(known_of(row), policy, now)
        if isinstance(action, Send):
            row = self._advance(connection, row, machine.SendBegan(now), {"key": row.idempotency_key})
        elif isinstance(action, GiveUp):
            row = self._advance(connection, row, machine.NobodyKnows(), {}, _LET_GO)
        elif isinstance(action, Wait):
            rows.release(connection, row.id, self._claim.owner)
        return Taken(row, action)

    def _send(self, row: ProvisionRow, profile: CustomerProfile | None) -> Program[Happened]:
        """Send the create once under the committed key."""
        try:
            if self.clock.now() >= (row.lease_until or self.clock.now()):
                # This process slept past its claim; somebody else may be sending already.
                msg = "the claim on this order ran out before it was sent"
                raise ConnectFailed(msg)
            made = yield from self._create(row, profile)
        except WalletportError as error:
            return Happened(event_of(error, row.sends, self.clock.now()), error=error)
        return Happened(machine.Made(self.clock.now()), made=made)

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
            wait = backoff(error.retry_after, row.look_ups + 1)
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
        return self._advance(connection, row, happened.event, {**detail, **more}, changes)

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
        written = {**changes, **{name: getattr(known, name) for name in _MACHINE_FIELDS}, "state": known.state.value}
        if known.generation != before.generation:
            written["idempotency_key"] = new_idempotency_key(account.capabilities.idempotency)
        what = _STORY.get(type(event), type(event).__name__)
        return rows.advance(connection, row, self._claim.owner, written, what, detail, self.clock.now())

    def _policy(self, row: ProvisionRow) -> machine.Policy:
        return self.accounts[row.account].policy(row.kind)

    def _commit(self, work: Callable[[Transaction], T]) -> Program[T]:
        result: T = yield WaitFor(self.journal.write(work))
        return result


_LET_GO: Final[Mapping[str, object]] = {"owner": None, "lease_until": None}
_MACHINE_FIELDS: Final = (
    "generation",
    "sends",
    "first_sent_at",
    "last_ended_at",
    "doubtful",
    "applied",
    "look_ups",
    "not_before",
)
_STORY: Final[Mapping[type, str]] = {
    machine.SendBegan: "sending",
    machine.Made: "made",
    machine.Refused: "refused",
    machine.Doubtful: "in doubt",
    machine.ApprovalAsked: "approval asked",
    machine.Absent: "found absent",
    machine.LookUpFailed: "look-up failed",
    machine.ProcessDied: "process died",
    machine.NobodyKnows: "needs review",
    machine.ReviewedAbsent: "reviewed: absent",
    machine.AskedAgain: "asked again",
}


def known_of(row: ProvisionRow) -> Known:
    """Return what the journal holds of an order, as the machine reads it."""
    return Known(state=State(row.state), **{name: getattr(row, name) for name in _MACHINE_FIELDS})


def wallet_row(row: ProvisionRow, wallet: Wallet, now: datetime) -> WalletRow:
    """Return what the journal keeps of a wallet."""
    return WalletRow(
        account=row.account,
        wallet_id=wallet.id,
        provision_id=row.id,
        user_id=row.user_id,
        customer_id=wallet.customer_id,
        chain=wallet.chain or row.chain,
        asset=wallet.asset or row.asset,
        status=wallet.status.value,
        document=wallet.model_dump(mode="json"),
        updated_at=wallet.updated_at or now,
    )
