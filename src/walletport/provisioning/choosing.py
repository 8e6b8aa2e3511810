"""The choice of an account as it is made for an order: with what the journal knows of user and accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from walletport.errors import ProviderUnavailable, WalletportError
from walletport.journal import Transaction, rows, standing
from walletport.models import Chain
from walletport.provisioning.customers import customer_at, find_customer
from walletport.provisioning.failover import may_succeed_elsewhere
from walletport.provisioning.sharing import Held, find_held
from walletport.routing import Decision, Route, RouteRequest, choose, keep
from walletport.transport.effects import Program, WaitFor

if TYPE_CHECKING:
    from walletport.models import CustomerProfile
    from walletport.provisioning.program import Provisioner
    from walletport.provisioning.standing import View

_ROUTED: Final = ("draw", "failover", "only")


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows that matters for a choice.

    Args:
        view: how the accounts stand.
        pin: the account where a person wants the user.
        held: a wallet that the user has, which satisfies the order.
    """

    view: View
    pin: str | None
    held: Held | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A decision, and what it was made from."""

    decision: Decision
    known: Known


class Choice:
    """Chooses accounts.

    Args:
        provisioner: knows the accounts, and makes customers.
        routes: the first that matches counts.
    """

    def __init__(self, provisioner: Provisioner, routes: tuple[Route, ...]) -> None:
        self._provisioner = provisioner
        self._routes = routes
        self._declared = {name: at_work.capabilities for name, at_work in provisioner.accounts.items()}

    def of(
        self,
        request: RouteRequest,
        account: str | None = None,
        *,
        reference: str | None = None,
        unfit: Mapping[str, str] | None = None,
        as_if_all_were_well: bool = False,
        known: Known | None = None,
    ) -> Chosen:
        """Return the choice for an order as things stand, and do nothing.

        Args:
            request: the order.
            account: the account the caller asks for by name.
            reference: the application's own; an order with one gets a wallet of its own.
            unfit: accounts that have turned out not to be fit for this order, each with the reason.
            as_if_all_were_well: choose as if every account took orders at the moment.
            known: what the journal knows, where that was read before.

        Raises:
            WalletportError: as `choose` does.
        """
        now = self._provisioner.clock.now()
        shares = account is None and reference is None
        if known is None:
            known = self._provisioner.journal.read(
                lambda connection: self._known(connection, request, now, shares=shares)
            )
        if known.held is not None:
            return Chosen(keep(known.held.wallet.account, known.held.wallet.wallet_id), known)
        return Chosen(self.decide(request, account, known, unfit, as_if_all_were_well=as_if_all_were_well), known)

    def decide(
        self,
        request: RouteRequest,
        account: str | None,
        known: Known,
        unfit: Mapping[str, str] | None = None,
        *,
        as_if_all_were_well: bool = False,
    ) -> Decision:
        """Return the choice for an order of a user who has no wallet that satisfies it; see `of`."""
        view, now = known.view, self._provisioner.clock.now()
        out = {} if as_if_all_were_well else {**view.unavailable, **(unfit or {})}
        paused = {} if as_if_all_were_well else view.paused

        def decide(unavailable: Mapping[str, str]) -> Decision:
            return choose(
                request,
                self._routes,
                self._declared,
                now=now,
                unavailable=unavailable,
                paused=paused,
                pinned=account,
                pin=known.pin,
            )

        try:
            return decide(out)
        except ProviderUnavailable:
            unfit = unfit or {}
            longer = {name: why for name, why in out.items() if name in unfit or name not in view.free_soon}
            if longer == out:
                raise
            return decide(longer)  # it is paced there, as those are that are at work there already

    def of_nobody(self, connection: Transaction) -> Known:
        """Return what matters for users who are not pinned and have no orders: how the accounts stand."""
        view = self._provisioner.standing.view(connection, self._provisioner.accounts, self._provisioner.clock.now())
        return Known(view, None, None)

    def made(
        self,
        request: RouteRequest,
        reference: str | None,
        account: str | None,
        profile: CustomerProfile | None,
        until: datetime,
    ) -> Program[tuple[Decision, str | None]]:
        """Return the choice for an order that is about to be committed, and who the user is there.

        A customer is made on the way where one is needed. Where that account certainly fails to make one, the choice
        is made anew without it.

        Raises:
            ConfigurationError: no account fits, or the user has no customer there; the message says what to do.
            WalletportError: the customer was refused, or it is not known whether there is one.
        """
        unfit: dict[str, str] = {}
        failed: WalletportError | None = None
        while True:
            try:
                chosen = self.of(request, account, reference=reference, unfit=unfit)
            except WalletportError:
                if failed is None:
                    raise
                raise failed from None
            decision, name = chosen.decision, chosen.decision.account
            if chosen.known.held is not None:
                return decision, chosen.known.held.wallet.customer_id
            linked = find_customer(self._provisioner, request.user, name, profile)
            if not (yield from self._let_through(chosen)):
                continue
            if linked is not None:
                return decision, linked
            try:
                customer_id = yield from customer_at(self._provisioner, request.user, name, profile, until)
            except WalletportError as error:
                if decision.by not in _ROUTED or not may_succeed_elsewhere(error):
                    raise
                failed, unfit[name] = error, f"the user's customer could not be made there ({type(error).__name__})"
            else:
                return decision, customer_id

    def _known(self, connection: Transaction, request: RouteRequest, now: datetime, *, shares: bool) -> Known:
        accounts = self._provisioner.accounts
        held = None
        if shares:
            orders = rows.plain_orders_of(connection, request.user)
            held = find_held(connection, accounts, orders, request.chain, request.asset)
        pinned = standing.pin_of(connection, request.user)
        view = self._provisioner.standing.view(connection, accounts, now)
        return Known(view, None if pinned is None else pinned.account, held)

    def _let_through(self, chosen: Chosen) -> Program[bool]:
        """Take the one place at an account that is half open, or return that somebody else has it."""
        name = chosen.decision.account
        if chosen.decision.by not in _ROUTED or name not in chosen.known.view.half_open:
            return True
        taken: bool = yield WaitFor(
            self._provisioner.journal.write(lambda connection: self._provisioner.commits.lets_in(connection, name))
        )
        return taken


def request_of(user: str, chain: str | None, asset: str | None, attributes: Mapping[str, str] | None) -> RouteRequest:
    """Return an order as routing looks at it.

    Raises:
        ConfigurationError: something in it makes no sense; the message says what to write.
    """
    return RouteRequest(
        user=user, chain=None if chain is None else Chain(chain), asset=asset, attributes=attributes or {}
    )
