"""Orders, customers and recovery over several accounts, as programs; `Port` and `AsyncPort` only drive them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from walletport.capabilities import Need
from walletport.errors import ApprovalPending, ConfigurationError, OutcomeUnknown, WalletportError
from walletport.journal import (
    CustomerRow,
    Journal,
    LostClaim,
    NewProvision,
    ProvisionRow,
    Transaction,
    rows,
)
from walletport.models import Chain, Customer, Wallet
from walletport.operations import check_number
from walletport.provisioning import queries
from walletport.provisioning.findings import look_for, read_wallet
from walletport.provisioning.identity import identity_of, opaque_reference
from walletport.provisioning.machine import ENDS, Made, ReviewedAbsent, State
from walletport.provisioning.outcomes import restored
from walletport.provisioning.record import CustomerLink, Provision, Story
from walletport.provisioning.recording import Happened
from walletport.provisioning.recovery import NAP, Recovery
from walletport.routing import Decision, RouteRequest, choose
from walletport.settings import unknown_name
from walletport.transport.effects import Program, Sleep, WaitFor
from walletport.transport.encoding import new_idempotency_key

if TYPE_CHECKING:
    from walletport.models import CustomerProfile
    from walletport.provisioning.account import AccountAtWork
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
    """

    def __init__(self, provisioner: Provisioner, routes: tuple[Route, ...]) -> None:
        self._provisioner = provisioner
        self._routes = routes
        self._stopping = False
        self._accounts: Mapping[str, AccountAtWork] = provisioner.accounts
        self._journal: Journal = provisioner.journal
        self.recovery = Recovery(provisioner, self._approved)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of the configured accounts."""
        return tuple(self._accounts)

    def route(self, user: str, chain: str | None, asset: str | None, account: str | None) -> Decision:
        """Choose the account for an order, and do nothing."""
        return self._choose(_request(user, chain, asset), account)

    def _choose(self, request: RouteRequest, account: str | None) -> Decision:
        capabilities = {name: at_work.capabilities for name, at_work in self._accounts.items()}
        return choose(request, self._routes, capabilities, pinned=account)

    def provision(
        self,
        user: str,
        chain: str | None,
        asset: str | None,
        reference: str | None,
        *,
        account: str | None,
        profile: CustomerProfile | None,
        wait: float,
    ) -> Program[Provision]:
        """Carry an order out exactly once; see `Port.provision`."""
        until = self._until(wait)
        request = _request(user, chain, asset)
        if reference is not None:
            _check_text("reference", reference)
        identity = identity_of("wallet", request.user, request.chain, request.asset, reference)
        row = self._journal.read(lambda connection: rows.find_by_identity(connection, identity))
        if row is None or State(row.state) is State.REJECTED:
            decision = self._choose(request, account)
            customer_id = yield from self._customer(request.user, decision.account, profile, until)
            new = self._new(identity, request, reference, decision, customer_id)
            row = yield from self._provisioner.begin(new, until)
        elif State(row.state) is State.AWAITING_APPROVAL:
            row = yield from self._approved(row)
        elif State(row.state) not in ENDS:
            self._account_of(row)
            row = yield from self._provisioner.settle(row, until)
        return self._finished(row)

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
            happened = Happened(ReviewedAbsent())
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
        return (yield from self.recovery.recover(self._until(wait)))

    def keep(self) -> Program[None]:
        """Keep this process's claims alive until ``stop`` is called; nothing else may hold this up."""
        while not self._stopping:
            try:
                yield from self._provisioner.renew()
            except WalletportError as error:
                # The journal may be away for a moment; the claims then run out, which is safe.
                _log.warning("keeping the journal's claims failed: %s", error)
            for _ in range(_NAPS_A_BEAT):
                if not self._stopping:
                    yield Sleep(NAP)

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
            if state is not State.NEEDS_REVIEW:
                msg = f"order {row.id} is {state}: only one that is {State.NEEDS_REVIEW} can be resolved as absent"
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

    def _customer(self, user: str, account: str, profile: CustomerProfile | None, until: datetime) -> Program[str]:
        """Return who a user is at an account; make the customer there, exactly once, where that is asked for."""
        linked = self._journal.read(lambda connection: rows.customer_of(connection, user, account))
        if linked is not None:
            return linked.customer_id
        create = self._accounts[account].capabilities.create_customer
        if profile is None or not create.usable:
            why = f" ({create.reason})" if profile is not None and create.reason else ""
            msg = (
                f"user {user!r} has no customer at account {account!r}{why}: "
                f"link_customer(user={user!r}, account={account!r}, customer_id=...)"
            )
            raise ConfigurationError(msg)
        new = NewProvision(
            kind="customer",
            identity=queries.customer_identity(user, account),
            user_id=user,
            account=account,
            idempotency_key=self._key(account),
            decision=Decision(account=account, reasons=(f"the user needs a customer at {account}",)).model_dump(),
        )
        row = yield from self._provisioner.begin(new, until, profile)
        self._finished(row)
        if row.customer_id is None:
            msg = "the journal holds a customer that was made and not its id"
            raise ConfigurationError(msg)
        return row.customer_id

    def _new(
        self, identity: str, request: RouteRequest, reference: str | None, decision: Decision, customer_id: str
    ) -> NewProvision:
        # Some vendors take a reference with the first create only, and it is what finds a wallet again.
        takes = self._accounts[decision.account].capabilities.order.reference is not Need.REFUSED
        return NewProvision(
            kind="wallet",
            identity=identity,
            user_id=request.user,
            account=decision.account,
            idempotency_key=self._key(decision.account),
            chain=request.chain,
            asset=request.asset,
            reference=reference,
            sent_reference=(reference or opaque_reference(identity)) if takes else None,
            customer_id=customer_id,
            decision=decision.model_dump(mode="json"),
        )

    def _finished(self, row: ProvisionRow) -> Provision:
        """Return an order that is done, or raise what stands in its way."""
        state = State(row.state)
        if state is State.DONE:
            return self._journal.read(lambda connection: queries.provision_of(connection, row))
        provider = self._account_of(row).provider
        if state is State.AWAITING_APPROVAL:
            error: WalletportError = ApprovalPending(
                "a person must approve this order first", approval_id=row.approval_id, approval_url=row.approval_url
            )
        elif state is State.REJECTED:
            error = restored(row.error or {}, provider)
            error.outcome = "not_applied"
        else:
            needs_review = state is State.NEEDS_REVIEW
            what = "a person must look and settle it" if needs_review else "it goes on by itself, or with recover()"
            msg = f"nobody can say yet whether order {row.id} made a wallet: {what}"
            error = OutcomeUnknown(msg) if needs_review else restored(row.error or {}, provider, msg)
            error.outcome = "unknown"
        error.provider, error.operation, error.provision_id = provider, "provision", row.id
        raise error

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

    def _key(self, account: str) -> str:
        return new_idempotency_key(self._accounts[account].capabilities.idempotency)

    def _now(self) -> datetime:
        return self._provisioner.clock.now()

    def _until(self, wait: float) -> datetime:
        return self._now() + timedelta(seconds=min(check_number("wait", wait, 0), _LONGEST_WAIT))


def _check_text(name: str, value: str) -> None:
    try:
        blank = not value.encode().strip()
    except UnicodeEncodeError:
        msg = f"{name} holds characters that are no text (lone surrogates)"
        raise ConfigurationError(msg) from None
    if blank:
        msg = f"{name} must be a text that is not empty"
        raise ConfigurationError(msg)


def _request(user: str, chain: str | None, asset: str | None) -> RouteRequest:
    return RouteRequest(user=user, chain=None if chain is None else Chain(chain), asset=asset)
