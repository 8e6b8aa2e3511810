"""One customer, step by step: customer, wallet, address, cut-over; each step is a row in the journal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from walletport.errors import ApprovalPending, Conflict, CustomerNotEligible, UnsupportedOperation, WalletportError
from walletport.jobs.chunk import IN_FLIGHT, MOST_TRIES, PATIENCE, Came, ChunkBody
from walletport.journal import ItemOutcome, ItemRow, JobRow, JournalError, LostClaim, MoveRow, moves
from walletport.provisioning.current import deposit_address
from walletport.provisioning.outcomes import backoff, stored
from walletport.provisioning.relocation import Relocation
from walletport.switching.cutover import advance, cut_over
from walletport.switching.machine import MoveEvent, MoveState, Step, decide
from walletport.switching.scope import Scope
from walletport.switching.walking import no_customer

if TYPE_CHECKING:
    from walletport.jobs.crew import Crew
    from walletport.models import CustomerProfile

_PLANNED: Final = "planned"
_DONE: Final = "done"
_SOON: Final = 0.1  # seconds
_A_GLANCE: Final = 0.01  # seconds: read once


class _Blocked(Exception):
    """Something that a person has to do first."""


class _NotYet(Exception):
    """The wallet cannot take deposits yet; the cause says why."""


def asked(scope: Scope, *, cuts_over: bool) -> dict[str, object]:
    """Return what a process has to know to carry out moves of a job that another began."""
    return {"source": scope.source, "target": scope.target, "cuts_over": cuts_over}


def shared_body(crew: Crew, job: JobRow, in_flight: int) -> MoveBody:
    """Return what carries out the chunks of a job that another process began."""
    told = job.asked or {}
    scope = Scope(str(told["source"]), str(told["target"]))
    return MoveBody(crew, scope, cuts_over=bool(told["cuts_over"]), in_flight=in_flight)


class MoveBody(ChunkBody):
    """Carries the moves of chunks out.

    Args:
        crew: accounts and journal.
        scope: from where to where.
        cuts_over: whether the wallet at the target becomes the user's once its address is known.
        in_flight: how many customers are worked on at a time.
        ended: called with how many have ended in which state.
    """

    def __init__(
        self,
        crew: Crew,
        scope: Scope,
        *,
        cuts_over: bool,
        in_flight: int = IN_FLIGHT,
        ended: Callable[[Mapping[str, int]], None] | None = None,
    ) -> None:
        super().__init__(crew, in_flight=in_flight, ended=ended)
        self._crew = crew
        self._scope = scope
        self._cuts_over = cuts_over
        self._there = Relocation(crew.desk, scope.target)

    async def come(self, item: ItemRow, profile: CustomerProfile | None) -> Came:
        """Carry one customer on as far as it goes at the moment."""
        try:
            return await self._carried(item, profile)
        except LostClaim:  # somebody has just written to the move, such as a rollback: look again
            return Came(ItemOutcome(item.line, _PLANNED, item.tries, None, None), _SOON)

    async def _carried(self, item: ItemRow, profile: CustomerProfile | None) -> Came:
        key = (item.user_id, item.chain, item.asset)
        find = partial(moves.get, source=self._scope.source, target=self._scope.target, key=key)
        move = await self._crew.read(find)
        if move is None:  # the journal was put back to an older state
            return Came(
                ItemOutcome(item.line, "blocked", item.tries, None, {"message": "the move is not in the journal"})
            )
        try:
            while (step := decide(MoveState(move.state), cuts_over=self._cuts_over)) is not Step.NOTHING:
                move = await self._do(step, move, profile)
        except _Blocked as blocked:
            return await self._end_blocked(item, move, str(blocked))
        except _NotYet as failed:
            return await self._later(item, move, failed)
        except LostClaim:
            raise
        except WalletportError as error:
            came = await self.judged(item, error)
            if came.outcome.state == _PLANNED:
                return came
            return await self._end_blocked(item, move, _reason(error), error)
        return self._end(item, move)

    def _end(self, item: ItemRow, move: MoveRow) -> Came:
        if move.state in (MoveState.BLOCKED, MoveState.ROLLED_BACK):
            error = None if move.reason is None else {"message": move.reason}
            return Came(ItemOutcome(item.line, move.state, item.tries, None, error))
        return Came(ItemOutcome(item.line, _DONE, item.tries, move.provision_id, None))

    async def _do(self, step: Step, move: MoveRow, profile: CustomerProfile | None) -> MoveRow:
        match step:
            case Step.FIND_CUSTOMER:
                return await self._find_customer(move, profile)
            case Step.PROVISION:
                return await self._provision(move)
            case Step.READ_ADDRESS:
                return await self._read_address(move)
            case _:
                now = self._crew.clock.now()
                return await self._crew.write(partial(cut_over, row=move, now=now))

    async def _find_customer(self, move: MoveRow, profile: CustomerProfile | None) -> MoveRow:
        target = self._scope.target
        impossible = self._there.why_not(move.user_id, move.chain, move.asset)
        if impossible is not None:
            raise _Blocked(impossible)
        customer_id = await self._crew.customer_id(user=move.user_id, account=target)
        if customer_id is None:
            why = no_customer(self._there, target, has_profile=profile is not None)
            if why is not None:
                raise _Blocked(why)
            customer_id = await self._crew.driver.drive(self._there.customer(move.user_id, profile, PATIENCE))
        return await self._advance(move, MoveEvent.CUSTOMER_READY, customer_id=customer_id)

    async def _provision(self, move: MoveRow) -> MoveRow:
        order = self._there.provision(move.user_id, move.chain, move.asset, move.reference, PATIENCE)
        made = await self._crew.driver.drive(order)
        wallet_id = None if made.wallet is None else made.wallet.id
        return await self._advance(move, MoveEvent.PROVISIONED, provision_id=made.id, wallet_id=wallet_id)

    async def _read_address(self, move: MoveRow) -> MoveRow:
        """Wait a moment until the wallet can take deposits on the chain."""
        order_id = move.provision_id or ""
        try:
            made = await self._crew.wait_until_ready(order_id, timeout=PATIENCE)
        except UnsupportedOperation as error:  # nobody can look: what its create told is all there will ever be
            made = (await self._crew.story(order_id)).provision
            if made.wallet is None or deposit_address(made.wallet, move.chain) is None:
                raise _Blocked(error.message) from None
        except Conflict as error:
            raise _Blocked(error.message) from None
        except JournalError:
            raise
        except WalletportError as error:
            raise _NotYet from error
        await self._read_old_address(move)
        address = None if made.wallet is None else deposit_address(made.wallet, move.chain)
        return await self._advance(move, MoveEvent.ADDRESS_KNOWN, address=address)

    async def _read_old_address(self, move: MoveRow) -> None:
        """Read the address that is to be watched, if it is not known yet; the switch does not depend on it."""
        if move.old_provision_id is None:
            return
        with contextlib.suppress(WalletportError):
            old = (await self._crew.story(move.old_provision_id)).provision
            if old.wallet is not None and not old.wallet.addresses:
                await self._crew.wait_until_ready(old.id, timeout=_A_GLANCE)

    async def _advance(self, move: MoveRow, event: MoveEvent, **changes: object) -> MoveRow:
        now = self._crew.clock.now()
        return await self._crew.write(partial(advance, row=move, event=event, changes=changes, now=now))

    async def _later(self, item: ItemRow, move: MoveRow, failed: _NotYet) -> Came:
        error = failed.__cause__
        if not isinstance(error, WalletportError):
            raise failed
        if item.tries + 1 >= MOST_TRIES:
            return await self._end_blocked(item, move, f"{error.message} (the same command takes it up again)")
        wait = backoff(error.retry_after, item.tries + 3).total_seconds()
        return Came(ItemOutcome(item.line, _PLANNED, item.tries + 1, None, stored(error)), wait)

    async def _end_blocked(
        self, item: ItemRow, move: MoveRow, reason: str, error: WalletportError | None = None
    ) -> Came:
        """Record why a customer cannot go on, and where to do something about it."""
        move = await self._advance(move, MoveEvent.BLOCKED, reason=reason, link=_link(error))
        came = self._end(item, move)
        kept = came.outcome.error if error is None else stored(error)
        order_id = None if error is None else error.provision_id
        return Came(replace(came.outcome, error=kept, provision_id=order_id))


def _reason(error: WalletportError) -> str:
    missing = error.missing if isinstance(error, CustomerNotEligible) else ()
    unsaid = [one for one in missing if one not in error.message]
    return f"{error.message} (missing: {', '.join(unsaid)})" if unsaid else error.message


def _link(error: WalletportError | None) -> str | None:
    if isinstance(error, CustomerNotEligible):
        return error.link
    return error.approval_url if isinstance(error, ApprovalPending) else None
