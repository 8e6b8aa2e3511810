"""The choice: from an order, the routes and what the accounts declare to one account, and why that one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from walletport.capabilities import Need
from walletport.errors import ConfigurationError, ProviderUnavailable, UnsupportedOperation
from walletport.models import Model
from walletport.routing.rendezvous import draw
from walletport.routing.route import Route, RouteRequest
from walletport.settings import unknown_name

if TYPE_CHECKING:
    from walletport.capabilities import Capabilities

_NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


class Decision(Model):
    """Which account carries out an order.

    Args:
        account: its name.
        reasons: one sentence for each step that led to it.
        failover: the accounts to hand the order to, one after the other, where it is known that none before has
            applied it.
    """

    account: str
    reasons: tuple[str, ...]
    failover: tuple[str, ...] = ()


def choose(
    order: RouteRequest,
    routes: Sequence[Route],
    accounts: Mapping[str, Capabilities],
    *,
    unavailable: Mapping[str, str] = _NOBODY,
    pinned: str | None = None,
) -> Decision:
    """Choose the account for an order; the same order gets the same answer in every process.

    Args:
        order: what is wanted, and for whom.
        routes: the first that matches counts. None at all is fine where there is exactly one account.
        accounts: every account by name, with what its provider declares.
        unavailable: accounts that should get no new orders at the moment, with the reason.
        pinned: the account the caller asks for by name; then neither routes nor availability count.

    Raises:
        ConfigurationError: no route matches, or there is no such account; the message says what to type.
        UnsupportedOperation: none of the accounts can express the order.
        ProviderUnavailable: some could, and every one of them is unavailable.
    """
    if pinned is not None:
        return _as_asked(order, pinned, accounts)
    route, why = _route_for(order, routes, accounts)
    cannot = _who_cannot((*route.split, *route.failover), order, accounts)
    down = {name: unavailable[name] for name in (*route.split, *route.failover) if name in unavailable.keys() - cannot}
    reasons = [
        why,
        *(f"{name} cannot: {reason}" for name, reason in cannot.items()),
        *(f"{name} is unavailable: {reason}" for name, reason in down.items()),
    ]
    sharing = {name: weight for name, weight in route.split.items() if name not in cannot | down}
    spare = [name for name in route.failover if name not in cannot | down]
    if sharing:
        account = draw(order.user, sharing)
        reasons.append(f"{account}: weight {sharing[account]} of {sum(sharing.values())}")
    elif spare:
        account = spare[0]
        reasons.append(f"{account}: the first failover account that can take it")
    else:
        msg = f"no account can take this order: {'; '.join(reasons)}"
        raise ProviderUnavailable(msg, outcome="not_applied") if down else UnsupportedOperation(msg)
    rest = tuple(name for name in spare if name != account)
    return Decision(account=account, reasons=tuple(reasons), failover=rest)


def _as_asked(order: RouteRequest, account: str, accounts: Mapping[str, Capabilities]) -> Decision:
    if account not in accounts:
        msg = f"account: {unknown_name(account, accounts, 'account')}"
        raise ConfigurationError(msg)
    cannot = _who_cannot((account,), order, accounts)
    if cannot:
        msg = f"{account} cannot take this order: {cannot[account]}"
        raise UnsupportedOperation(msg)
    return Decision(account=account, reasons=(f"{account} was asked for by name",))


def _route_for(order: RouteRequest, routes: Sequence[Route], accounts: Mapping[str, Capabilities]) -> tuple[Route, str]:
    if not routes and len(accounts) == 1:
        only = next(iter(accounts))
        return Route(split={only: 1}), f"{only} is the only account"
    for position, route in enumerate(routes, start=1):
        if route.matches(order):
            return route, f"route {position} {route.explain(order)}"
    named = [f"{name} {value}" for name, value in (("chain", order.chain), ("asset", order.asset)) if value]
    wanted = f"an order for {' and '.join(named)}" if named else "an order that names neither chain nor asset"
    msg = f"no route is for {wanted}: pass account=, or add [[routes]]; accounts are {', '.join(accounts) or 'none'}"
    raise ConfigurationError(msg)


def _who_cannot(names: Iterable[str], order: RouteRequest, accounts: Mapping[str, Capabilities]) -> dict[str, str]:
    """Return the accounts that cannot express the order, each with its reason, in the order given."""
    reasons = {name: _why_not(order, accounts.get(name)) for name in names}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _why_not(order: RouteRequest, declared: Capabilities | None) -> str | None:
    if declared is None:
        return "there is no such account"
    if not declared.create_wallet.usable:
        return declared.create_wallet.reason or "this provider makes no wallets"
    # Where a provider insists on a reference, one is always made for the order.
    reference = "made" if declared.order.reference is Need.REQUIRED else None
    return declared.order.why_not(order.chain, order.asset, reference)
