"""What is committed of an order: each method is the work of one transaction, and does nothing else.

The machine says what follows from what; here it becomes rows.
"""

from __future__ import annotations

import threading
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from walletport.errors import ApprovalPending
from walletport.journal import (
    CustomerRow,
    LostClaim,
    NewProvision,
    NotTogether,
    ProvisionRow,
    Transaction,
    rows,
    together,
)
from walletport.models import Chain, Customer, Wallet
from walletport.operations import is_ready
from walletport.provisioning import machine, sharing
from walletport.provisioning.failover import moved, story_of
from walletport.provisioning.machine import ENDS, GiveUp, Nothing, Send, State, Wait
from walletport.provisioning.outcomes import stored
from walletport.provisioning.readiness import note_if_ready
from walletport.provisioning.recording import (
    MACHINE_FIELDS,
    READY,
    STORY,
    Call,
    Claim,
    Done,
    Happened,
    Taken,
    known_of,
    wallet_row,
)
from walletport.provisioning.standing import Standing
from walletport.transport.encoding import new_idempotency_key

if TYPE_CHECKING:
    from walletport.provisioning.account import AccountAtWork
    from walletport.transport.engine import Clock

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_LET_GO: Final[Mapping[str, object]] = {"owner": None, "lease_until": None}
_LATELY: Final[Mapping[str, object]] = {"late": True}


class Commits:
    """What is committed of the orders of one journal.

    Args:
        accounts: the configured accounts by name.
        claim: who is asking.
        clock: tells the time.
    """

    def __init__(self, accounts: Mapping[str, AccountAtWork], claim: Claim, clock: Clock) -> None:
        self.standing = Standing()
        self._accounts = accounts
        self._claim = claim
        self._clock = clock
        self._held: dict[str, Call] = {}
        self._holding = threading.Lock()

    def begin(
        self, connection: Transaction, new: NewProvision, beside: Iterable[NewProvision], call: Call, asked_at: datetime
    ) -> tuple[ProvisionRow, Taken | None]:
        """Record an order, unless it is known already, and take it."""
        now, owner = self._clock.now(), None if call.is_over else self._claim.owner
        row, is_new = rows.record_intent(connection, new, now, owner=owner, lease_until=now + self._claim.lease)
        for other in beside if is_new else ():
            rows.record_intent(connection, other, now)
        # What was refused while this call waited is its answer, too.
        if not is_new and State(row.state) is State.REJECTED and row.updated_at <= asked_at:
            row = self._reopen(connection, row, new)
        return row, self._take(connection, row, call, is_ours=is_new)

    def begin_all(self, connection: Transaction, asked: Sequence[tuple[NewProvision, Call]]) -> list[Taken]:
        """Record orders that are new, and that they are about to be sent, all at once.

        Raises:
            NotTogether: one of them is known; the transaction must not be committed.
        """
        now, taken = self._clock.now(), list[Taken]()
        for new, call in asked:
            row = rows.planned(new, now)
            rows.note(connection, row.id, "intended", {"account": row.account}, now)
            if self._hold(row.id, call):
                with self._holding:
                    call.until = now + self._claim.lease
                known = machine.after(known_of(row), machine.SendBegan(now), self._policy(row))
                row = replace(
                    row, owner=self._claim.owner, lease_until=call.until, version=row.version + 1, **_columns(known)
                )
                rows.note(connection, row.id, STORY[machine.SendBegan], {"key": row.idempotency_key}, now)
                taken.append(Taken(row, Send()))
            else:
                taken.append(Taken(row, Nothing()))
        together.begin(connection, [one.row for one in taken])
        return taken

    def take(self, connection: Transaction, provision_id: str, call: Call) -> Taken | None:
        """Take an order, and record what is to be done with it; ``None`` where it has ended or is taken."""
        return self._take(connection, rows.get_provision(connection, provision_id), call)

    def conclude(
        self, connection: Transaction, seen: ProvisionRow, happened: Happened, detail: Mapping[str, object]
    ) -> ProvisionRow:
        """Record what was found out about an order that had come to an end without what it is for.

        Raises:
            LostClaim: somebody has settled it meanwhile.
        """
        now = self._clock.now()
        row = rows.claim(connection, seen.id, self._claim.owner, now, now + self._claim.lease)
        if row is None or (row.state, row.generation) != (seen.state, seen.generation):
            msg = "somebody else has settled this order meanwhile: look at it again"
            raise LostClaim(msg)
        return self.record(connection, row, happened, detail)

    def _take(self, connection: Transaction, row: ProvisionRow, call: Call, *, is_ours: bool = False) -> Taken | None:
        """Claim an order and commit what is to be done with it, or return ``None`` where it has ended or is taken.

        One that was recorded with its claim a moment ago ``is_ours``.

        The journal tells processes apart; calls within one are told apart here, which is safe because a process
        writes one transaction at a time.
        """
        now = self._clock.now()
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
            held = sharing.before_sending(connection, row, self._accounts, now)
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

    def _hold(self, provision_id: str, call: Call) -> bool:
        """Take an order for a call, unless another call of this process is at it or this one is over."""
        with self._holding:
            if call.is_over or self._held.get(provision_id, call) is not call:
                return False
            self._held[provision_id] = call
            return True

    def let_go(self, call: Call, *, is_over: bool = False) -> None:
        """Give back what a call holds; one that is over takes nothing more, whatever is still waiting to be written."""
        with self._holding:
            call.is_over = call.is_over or is_over
            for provision_id in [held for held, by in self._held.items() if by is call]:
                del self._held[provision_id]

    def _reopen(self, connection: Transaction, row: ProvisionRow, new: NewProvision) -> ProvisionRow:
        """Start a refused order anew, perhaps at another account; unless somebody else is just doing that."""
        now = self._clock.now()
        claimed = rows.claim(connection, row.id, self._claim.owner, now, now + self._claim.lease)
        if claimed is None or State(claimed.state) is not State.REJECTED:
            return claimed or row
        changes = {name: getattr(new, name) for name in ("account", "customer_id", "sent_reference", "decision")}
        return self._advance(connection, claimed, machine.AskedAgain(), {"account": new.account}, changes)

    def record(
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
            probe, now = self._accounts[row.account].longest_probe, self._clock.now()
            self.standing.hear(connection, row, happened.signal, happened.error, now, probe)
        event, target = happened.event, happened.target
        if target is not None:
            moves = target.account is not None and self.lets_in(connection, target.account)
            detail = story_of(row, target, detail, moves=moves)
            if moves:
                event = machine.FailedOver()
                changes |= moved(row, self._accounts, target)
        row = self._advance(connection, row, event, {**detail, **more}, changes)
        if isinstance(happened.made, Wallet):
            note_if_ready(connection, row, happened.made, self._clock.now())
        return row

    def record_all(self, connection: Transaction, made: Sequence[tuple[ProvisionRow, Happened]]) -> list[Done]:
        """Record orders whose wallets were made, as `record` does, all at once.

        Raises:
            NotTogether: something about one of them is special; the transaction must not be committed.
        """
        now = self._clock.now()
        finished = [self._finished(row, happened, now) for row, happened in made]
        together.finish(connection, finished, self._claim.owner)
        for order in finished:
            rows.note(connection, order.seen.id, STORY[machine.Made], {"id": order.wallet.wallet_id}, now)
        for row, happened in made:
            chain = None if row.chain is None else Chain(row.chain)
            if isinstance(happened.made, Wallet) and is_ready(happened.made, chain):
                rows.note(connection, row.id, READY, {}, now)  # no story can hold it yet
        return [
            Done(replace(order.seen, **order.changes, version=order.seen.version + 1), order.wallet)
            for order in finished
        ]

    def held(self) -> dict[str, tuple[Call, datetime]]:
        """Return the orders this process is at work on, each with its call and until when its claim holds."""
        with self._holding:
            return {provision_id: (call, call.until) for provision_id, call in self._held.items()}

    def renewed(self, held: Mapping[str, tuple[Call, datetime]], ours: Container[str], until: datetime) -> None:
        """Take note that the claims on these orders were prolonged, as far as they are still ours."""
        with self._holding:
            for provision_id, (call, seen) in held.items():
                if call.until == seen:  # else it has taken the order again meanwhile
                    call.until = until if provision_id in ours else _LONG_AGO

    def _finished(self, row: ProvisionRow, happened: Happened, now: datetime) -> together.Finished:
        if not isinstance(happened.made, Wallet) or not self.is_plain(row, happened):
            raise NotTogether
        known = machine.after(known_of(row), happened.event, self._policy(row))
        changes = {**_columns(known), **_LET_GO, "wallet_id": happened.made.id, "updated_at": now}
        current = rows.current_of(row, happened.made.id, now)
        return together.Finished(row, changes, wallet_row(row, happened.made, now), current)

    def is_plain(self, row: ProvisionRow, happened: Happened) -> bool:
        """Return whether nothing is to be recorded but that an order's wallet was made."""
        return (
            row.kind == "wallet"
            and isinstance(happened.event, machine.Made)
            and happened.target is None
            and not (happened.signal and self.standing.would_hear(row.account, happened.signal))
        )

    def record_late(self, connection: Transaction, seen: ProvisionRow, happened: Happened) -> ProvisionRow:
        """Record what was made, although another process has gone on with its order.

        Raises:
            LostClaim: that one is just writing.
        """
        row, made = rows.get_provision(connection, seen.id), happened.made
        if made is None or (row.account == seen.account and made.id in (row.wallet_id, row.customer_id)):
            return row
        if row.owner is not None:
            rows.release(connection, row.id, row.owner)
        now = self._clock.now()
        claimed = rows.claim(connection, row.id, self._claim.owner, now, now + self._claim.lease)
        if claimed is None:
            msg = "another process is writing to this order"
            raise LostClaim(msg)
        if row.account == seen.account and State(row.state) not in (State.DONE, State.REJECTED):
            return self.record(connection, claimed, happened, _LATELY)
        # Two wallets for one order: no journal can prevent it now, but it can show it.
        self._save(connection, seen, made)
        detail = {"id": made.id, "account": seen.account, **_LATELY}
        return rows.advance(connection, claimed, self._claim.owner, _LET_GO, "made", detail, now)

    def leave_to_a_person(self, connection: Transaction, row: ProvisionRow, happened: Happened) -> ProvisionRow:
        """Record that nobody can know what became of an order: what was made is recorded for another."""
        detail = {"id": None if happened.made is None else happened.made.id, "why": "recorded for another"}
        return self._advance(connection, row, machine.NobodyKnows(), detail, _LET_GO)

    def lets_in(self, connection: Transaction, account: str) -> bool:
        """Return whether an account takes one more order now; one that is half open takes one at a time."""
        return self.standing.lets_in(connection, account, self._clock.now(), self._accounts[account].longest_probe)

    def _save(self, connection: Transaction, row: ProvisionRow, made: Wallet | Customer) -> None:
        now = self._clock.now()
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
        account = self._accounts[str(changes.get("account", row.account))]
        before = known_of(row)
        known = machine.after(before, event, account.policy(row.kind))
        written = {**changes, **_columns(known)}
        if known.generation != before.generation:
            written["idempotency_key"] = new_idempotency_key(account.capabilities.idempotency)
        what = STORY.get(type(event), type(event).__name__)
        return rows.advance(connection, row, self._claim.owner, written, what, detail, self._clock.now())

    def _policy(self, row: ProvisionRow) -> machine.Policy:
        return self._accounts[row.account].policy(row.kind)


def _columns(known: machine.Known) -> dict[str, Any]:
    """Return what the machine knows, as columns of an order."""
    return {**{name: getattr(known, name) for name in MACHINE_FIELDS}, "state": known.state.value}
