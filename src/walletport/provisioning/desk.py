"""Orders, customers and recovery over several accounts, as programs; `Port` and `AsyncPort` only drive them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from walletport.capabilities import Ability
from walletport.errors import ConfigurationError, PermissionDenied, WalletportError
from walletport.journal import (
    AccountRow,
    CustomerRow,
    Journal,
    LostClaim,
    PinRow,
    ProvisionRow,
    Transaction,
    WalletRow,
    as_stored,
    rows,
    standing,
)
from walletport.models import Customer, Wallet
from walletport.operations import check_number
from walletport.provisioning import queries
from walletport.provisioning import standing as stands
from walletport.provisioning.choosing import Choice, Known, request_of
from walletport.provisioning.current import answering
from walletport.provisioning.findings import look_for, read_wallet
from walletport.provisioning.identity import identity_of
from walletport.provisioning.intake import Asked, Intake, new_order
from walletport.provisioning.machine import ENDS, ApprovalRefused, Made, ReviewedAbsent, State
from walletport.provisioning.outcomes import error_of
from walletport.provisioning.readiness import wait_until_ready
from walletport.provisioning.record import CustomerLink, Provision, Story
from walletport.provisioning.recording import Call, Happened
from walletport.provisioning.recovery import NAP, Recovery
from walletport.provisioning.shadowing import Shadow, find_shadows, with_shadows
from walletport.provisioning.standing import AccountEvent, AccountState, Pin
from walletport.routing import Decision, RouteRequest, switched
from walletport.settings import unknown_name
from walletport.transport.effects import Program, Sleep, Together, WaitFor

if TYPE_CHECKING:
    from walletport.models import CustomerProfile
    from walletport.provisioning.account import AccountAtWork
    from walletport.provisioning.pacing import Pace
    from walletport.provisioning.program import Provisioner
    from walletport.routing import Route

_NAPS_A_BEAT: Final = 5
_LONGEST_WAIT: Final = 10 * 365 * 24 * 3600.0  # seconds; keeps a senseless figure inside the calendar
_A_PERSON: Final[Mapping[str, object]] = {"by": "a person"}
_log = logging.getLogger("walletport")


class Desk:
    """What can be done with several accounts and one journal.

    Args:
        provisioner: carries orders out.
        routes: which account an order goes to.
        paces: how fast requests follow each other, by account.
    """

    def __init__(self, provisioner: Provisioner, routes: tuple[Route, ...], paces: Mapping[str, Pace]) -> None:
        self._paces = paces
        self._provisioner = provisioner
        self._choice = Choice(provisioner, routes)
        self._intake = Intake(provisioner, self._choice)
        self._stopping = False
        self._accounts: Mapping[str, AccountAtWork] = provisioner.accounts
        self._journal: Journal = provisioner.journal
        self._recovery = Recovery(provisioner, self._approved)
        self._shadows = Recovery(provisioner, self._approved, "shadow")
        self._has_shadows = any(route.shadow for route in routes)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of the configured accounts."""
        return tuple(self._accounts)

    def rate(self, account: str) -> float | None:
        """Return how many requests a second this process may send for an account; ``None`` for as many as it can."""
        return self._paces[account].rate if account in self._paces else None

    @property
    def provisioner(self) -> Provisioner:
        """Carries orders out."""
        return self._provisioner

    def can_make_customer(self, account: str) -> Ability:
        """Say whether an application can make customers at an account."""
        return self._account(account).capabilities.create_customer

    def route(
        self,
        user: str,
        chain: str | None,
        asset: str | None,
        account: str | None,
        attributes: Mapping[str, str] | None,
        *,
        as_if_all_were_well: bool = False,
        known: Known | None = None,
    ) -> Decision:
        """Choose the account for an order, and do nothing."""
        request = request_of(user, chain, asset, attributes)
        return self._choice.of(request, account, as_if_all_were_well=as_if_all_were_well, known=known).decision

    def known_of_nobody(self, connection: Transaction) -> Known:
        """Return what a choice needs to know for users who are not pinned and have no orders."""
        return self._choice.of_nobody(connection)

    def provision(
        self,
        user: str,
        chain: str | None,
        asset: str | None,
        reference: str | None,
        *,
        account: str | None,
        profile: CustomerProfile | None,
        attributes: Mapping[str, str] | None,
        wait: float,
        is_likely_new: bool = False,
    ) -> Program[Provision]:
        """Carry an order out exactly once; see `Port.provision`.

        Where ``is_likely_new``, it is looked up only if it turns out not to be.
        """
        until = self._until(wait)
        request = request_of(user, chain, asset, attributes)
        if reference is not None:
            _check_text("reference", reference)
        identity = identity_of("wallet", request.user, request.chain, request.asset, reference)
        asked = Asked(identity, request, reference, account, Call())
        if is_likely_new:
            done = yield from self._at_once(asked, profile, until)
            if done is not None:
                return done
        row = self._journal.read(lambda connection: answering(connection, identity, request, reference))
        carry_out = self._carry_out if is_likely_new else self.carry_out
        return (yield from carry_out(row, asked, profile, until))

    def carry_out(
        self, row: ProvisionRow | None, asked: Asked, profile: CustomerProfile | None, until: datetime
    ) -> Program[Provision]:
        """Carry an order out as it is asked for, or on from how it stands.

        Args:
            row: how it stands, if it is known.
            asked: what is wanted.
            profile: makes the customer where there is none; never kept.
            until: start nothing later than this.
        """
        if row is None:
            done = yield from self._at_once(asked, profile, until)
            if done is not None:
                return done
        return (yield from self._carry_out(row, asked, profile, until))

    def _at_once(self, asked: Asked, profile: CustomerProfile | None, until: datetime) -> Program[Provision | None]:
        """Carry out an order about which nothing is special; ``None`` if something is, and nothing was done."""
        row = yield from self._provisioner.begin_together(self._intake.begin_all, asked, until, profile, asked.call)
        return None if row is None else self._finished(row, asked.call.made)

    def _carry_out(
        self, row: ProvisionRow | None, asked: Asked, profile: CustomerProfile | None, until: datetime
    ) -> Program[Provision]:
        if row is None or State(row.state) is State.REJECTED:
            row = yield from self._begin(asked, profile, until)
        elif State(row.state) is State.AWAITING_APPROVAL:
            row = yield from self._approved(row)
        elif State(row.state) not in ENDS:
            self._account_of(row)
            row = yield from self._provisioner.settle(row, until, profile)
        return self._finished(row)

    def _begin(self, asked: Asked, profile: CustomerProfile | None, until: datetime) -> Program[ProvisionRow]:
        """Carry out an order that is new, or that was refused, the long way."""
        decision, customer_id = yield from self._choice.made(
            asked.request, asked.reference, asked.account, profile, until
        )
        decision = switched(decision.account) if asked.is_switched else decision
        new = new_order(self._provisioner, asked, decision, customer_id)
        new, shadows = with_shadows(self._provisioner, new, decision)
        try:
            return (yield from self._provisioner.begin(new, until, profile, shadows))
        finally:
            if shadows:
                self._shadows.hurry()

    def wait_until_ready(self, provision_id: str, timeout: float) -> Program[Provision]:
        """Wait until an order's wallet can take deposits; see `Port.wait_until_ready`."""
        row = self._known(provision_id)
        try:
            return (yield from wait_until_ready(self._provisioner, self._account_of(row), row, timeout))
        except WalletportError as error:
            error.provision_id = row.id
            raise

    def pause(self, account: str, reason: str) -> Program[None]:
        """Give an account no new orders; see `Port.pause`."""
        self._account(account)
        _check_text("reason", reason)
        yield WaitFor(self._journal.write(lambda connection: stands.pause(connection, account, reason, self._now())))

    def resume(self, account: str) -> Program[bool]:
        """Give an account orders again; see `Port.resume`."""
        self._account(account)

        def work(connection: Transaction) -> bool:
            if account in self._paces:
                self._paces[account].reopen(connection)
            return stands.resume(connection, account, self._now())

        changed: bool = yield WaitFor(self._journal.write(work))
        return changed

    def account_states(self) -> list[AccountState]:
        """Return how each account stands; see `Port.account_states`."""
        known, now = self._journal.read(standing.accounts), self._now()
        return [AccountState.of(known.get(name, AccountRow(name)), now) for name in self._accounts]

    def account_events(self, account: str, limit: int) -> list[AccountEvent]:
        """Return what happened to an account; see `Port.account_events`."""
        self._account(account)
        queries.check_limit(limit)
        found = self._journal.read(lambda connection: standing.events_of_account(connection, account, limit))
        return [AccountEvent.of(row) for row in found]

    def pin(self, user: str, account: str) -> Program[None]:
        """Say where a user's new orders go; see `Port.pin`."""
        self._account(account)
        row = PinRow(RouteRequest(user=user).user, account, self._now())
        yield WaitFor(self._journal.write(lambda connection: standing.pin(connection, row)))

    def unpin(self, user: str) -> Program[bool]:
        """Let the routes decide about a user again; see `Port.unpin`."""
        was: str | None = yield WaitFor(self._journal.write(lambda connection: standing.unpin(connection, user)))
        return was is not None

    def pins(self, limit: int) -> list[Pin]:
        """Return the pinned users; see `Port.pins`."""
        queries.check_limit(limit)
        found = self._journal.read(lambda connection: standing.pins(connection, limit))
        return [Pin(user=row.user_id, account=row.account, pinned_at=row.pinned_at) for row in found]

    def link_customers(self, links: Iterable[CustomerLink]) -> Program[None]:
        """Record who users are at accounts, all of them or none; see `Port.link_customers`."""
        now, new = self._now(), list(links)
        for link in new:
            self._account(link.account)
        customers = [CustomerRow(link.user, link.account, link.customer_id, now, "linked") for link in new]

        def work(connection: Transaction) -> None:
            for customer in customers:
                rows.link_customer(connection, customer)

        yield WaitFor(self._journal.write(work))
        for row, customer in self._journal.read(lambda connection: queries.waiting_for(connection, customers)):
            made = Customer(provider=self._accounts[row.account].provider, id=customer.customer_id)
            with contextlib.suppress(LostClaim):
                yield from self._provisioner.conclude(row, Happened(Made(self._now()), made), _A_PERSON)

    def customer_id(self, user: str, account: str) -> str | None:
        """Return who a user is at an account, or ``None`` if nobody has told."""
        self._account(account)
        found = self._journal.read(lambda connection: rows.customer_of(connection, user, account))
        return None if found is None else found.customer_id

    def wallets(self, user: str, account: str | None) -> list[Wallet]:
        """Return the wallets the journal knows of a user."""
        found = self._journal.read(lambda connection: rows.wallets_of(connection, user))
        return [Wallet.model_validate(row.document) for row in found if account in (None, row.account)]

    def provisions(self, state: str | None, account: str | None, user: str | None, limit: int) -> list[Provision]:
        """Return orders, newest first; see `Port.provisions`."""
        listed = self._journal.read(lambda connection: queries.provisions(connection, state, account, user, limit))
        if not listed and account is not None:
            self._account(account)  # of one that is configured no more, only what is known can be told
        return listed

    def story(self, provision_id: str) -> Story:
        """Return an order and everything that happened to it."""
        row = self._known(provision_id)
        return self._journal.read(lambda connection: queries.story_of(connection, row))

    def resolve(self, provision_id: str, wallet_id: str | None, *, absent: bool) -> Program[Provision]:
        """Settle an order by what a person has found; see `Port.resolve`."""
        if absent is (wallet_id is not None):
            msg = "say what was found: either wallet_id=, or absent=True where the provider made no wallet"
            raise ConfigurationError(msg)
        row = self._known(provision_id)
        account = self._account_of(row)
        self._check_resolvable(row, wallet_id)
        if wallet_id is None:
            shown = yield from look_for(account, row)
            if shown is not None:
                msg = f"account {account.name!r} shows a wallet of this order, {shown.id!r}: resolve it with wallet_id="
                raise ConfigurationError(msg)
            happened = _none_was_made(row)
        else:
            made = yield from read_wallet(account, row, wallet_id)
            happened = Happened(Made(self._now()), made)
        row = yield from self._provisioner.conclude(row, happened, _A_PERSON)
        return self._journal.read(lambda connection: queries.provision_of(connection, row))

    def recover(self, wait: float) -> Program[int]:
        """Carry on everything that nobody is at work on, and return how many orders have ended by that.

        Args:
            wait: start nothing later than this many seconds from now.
        """
        until = self._until(wait)
        ended = yield from self._recovery.recover(until)
        return ended + (yield from self._shadows.recover(until))

    def keep_recovering(self) -> Program[None]:
        """Carry on what others left behind, and shadows beside it, until ``stop_recovering`` is called."""
        yield Together([self._recovery.keep(), *([self._shadows.keep()] if self._has_shadows else [])])

    def stop_recovering(self) -> None:
        """Let ``keep_recovering`` end."""
        self._recovery.stop()
        self._shadows.stop()

    def shadows(self, order: str | None, limit: int) -> list[Shadow]:
        """Return orders with their shadows; see `Port.shadows`."""
        queries.check_limit(limit)
        row = None if order is None else self._known(order)
        return self._journal.read(lambda connection: find_shadows(connection, row, limit))

    def keep(self) -> Program[None]:
        """Keep this process's claims alive until ``stop`` is called; nothing else may hold this up."""
        while not self._stopping:
            try:
                yield from self._provisioner.renew()
                for pace in self._paces.values():
                    yield from pace.beat()
            except WalletportError as error:
                # The journal may be away for a moment; the claims then run out, which is safe.
                _log.warning("keeping the journal's claims failed: %s", error)
            for _ in range(_NAPS_A_BEAT):
                if not self._stopping:
                    yield Sleep(NAP)
        with contextlib.suppress(WalletportError):
            for pace in self._paces.values():
                yield from pace.leave()

    def stop(self) -> None:
        """Let ``keep`` end."""
        self._stopping = True

    def _approved(self, row: ProvisionRow) -> Program[ProvisionRow]:
        """Finish an order that a person had to approve, if the provider shows its wallet by now; never send it."""
        wallet = yield from look_for(self._account_of(row), row)
        if wallet is None:
            return row
        try:
            return (yield from self._provisioner.conclude(row, Happened(Made(self._now()), wallet), {}))
        except LostClaim:
            return self._known(row.id)

    def _known(self, provision_id: str) -> ProvisionRow:
        """Return an order by its id."""
        _check_text("provision_id", provision_id)
        row = self._journal.read(lambda connection: queries.find_row(connection, provision_id))
        if row is None:
            msg = f"the journal holds no order {provision_id!r}: `walletport journal list` shows what there is"
            raise ConfigurationError(msg)
        return row

    def _check_resolvable(self, row: ProvisionRow, wallet_id: str | None) -> None:
        state = State(row.state)
        if wallet_id is None:
            if state not in (State.NEEDS_REVIEW, State.AWAITING_APPROVAL):
                wanted = f"{State.NEEDS_REVIEW} or {State.AWAITING_APPROVAL}"
                msg = f"order {row.id} is {state}: only one that is {wanted} can be resolved as absent"
                raise ConfigurationError(msg)
            return
        if row.kind == "customer":
            msg = f"order {row.id} is for a customer: link_customer(...) settles it, or absent=True"
            raise ConfigurationError(msg)
        if state not in (State.NEEDS_REVIEW, State.AWAITING_APPROVAL):
            wanted = f"{State.NEEDS_REVIEW} or {State.AWAITING_APPROVAL}"
            msg = f"order {row.id} is {state}: only one that is {wanted} can be resolved with a wallet"
            raise ConfigurationError(msg)
        known = self._journal.read(lambda connection: rows.get_wallet(connection, row.account, wallet_id))
        if known is not None and known.provision_id not in (None, row.id):
            msg = f"wallet {wallet_id!r} is that of order {known.provision_id}: nothing was recorded"
            raise ConfigurationError(msg)

    def _finished(self, row: ProvisionRow, wallet: WalletRow | None = None) -> Provision:
        """Return an order that is done, with its wallet if that was made just now, or raise what stands in its way."""
        if wallet is not None:
            return Provision.of(row, Wallet.model_validate(as_stored(wallet.document)))
        if State(row.state) is State.DONE:
            return self._journal.read(lambda connection: queries.provision_of(connection, row))
        raise error_of(row, self._account_of(row).provider)

    def _account_of(self, row: ProvisionRow) -> AccountAtWork:
        """Return the account that carries an order out, which may be configured no more."""
        if row.account not in self._accounts:
            msg = f"order {row.id} is at account {row.account!r}, which is not configured: add it to carry the order on"
            raise ConfigurationError(msg, provision_id=row.id)
        return self._accounts[row.account]

    def _account(self, name: str) -> AccountAtWork:
        if name not in self._accounts:
            msg = f"account: {unknown_name(name, self._accounts, 'account')}"
            raise ConfigurationError(msg)
        return self._accounts[name]

    def _now(self) -> datetime:
        return self._provisioner.clock.now()

    def _until(self, wait: float) -> datetime:
        return self._now() + timedelta(seconds=min(check_number("wait", wait, 0), _LONGEST_WAIT))


def _none_was_made(row: ProvisionRow) -> Happened:
    if State(row.state) is State.AWAITING_APPROVAL:
        # It is sent again only if it is asked for again: whoever refused it once need not be asked by a machine.
        refusal = PermissionDenied("the approval of this order was refused", outcome="not_applied", retryable=False)
        return Happened(ApprovalRefused(), error=refusal)
    return Happened(ReviewedAbsent())


def _check_text(name: str, value: str) -> None:
    try:
        blank = not value.encode().strip()
    except UnicodeEncodeError:
        msg = f"{name} holds characters that are no text (lone surrogates)"
        raise ConfigurationError(msg) from None
    if blank:
        msg = f"{name} must be a text that is not empty"
        raise ConfigurationError(msg)
