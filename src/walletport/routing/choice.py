"""The choice: from an order, the routes and what the accounts declare to one account, and why that one."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pydantic import Field

from walletport.capabilities import Need
from walletport.errors import ConfigurationError, ProviderUnavailable, UnsupportedOperation
from walletport.models import Model
from walletport.routing.rendezvous import draw
from walletport.routing.route import Route, RouteRequest
from walletport.settings import unknown_name

if TYPE_CHECKING:
    from walletport.capabilities import Capabilities

_NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


By: TypeAlias = Literal["draw", "failover", "only", "name", "pin", "wallet", "shadow", "switch"]
"""What settled on the account: the draw by weight, its place in the failover list, that there is no other, the caller's
``account=``, a pin, a wallet that the user has there already, that it is a shadow, or a switch of custodians."""


class Decision(Model):
    """Which account carries out an order.

    Args:
        account: its name.
        reasons: one sentence for each step that led to it.
        failover: the accounts to hand the order to, one after the other, where it is known that none before has
            applied it.
        by: what settled on it.
        route: the name of the route that matched, or its position (``"1"`` is the first); ``None`` where none was
            asked.
        drawn: the account that the draw gave among those that can express the order, before anything was unavailable:
            where the user was meant to be. ``None`` where there was no draw.
        weights: the weights in force in that draw.
        shadow: the accounts that carry the order out once more, for a wallet that nobody uses.
        shadow_of: the order whose shadow this is, by its id in the journal.
    """

    account: str
    reasons: tuple[str, ...]
    failover: tuple[str, ...] = ()
    by: By = "draw"
    route: str | None = None
    drawn: str | None = None
    weights: Mapping[str, int | float] = Field(default_factory=dict)
    shadow: tuple[str, ...] = ()
    shadow_of: str | None = None


def choose(
    order: RouteRequest,
    routes: Sequence[Route],
    accounts: Mapping[str, Capabilities],
    *,
    now: datetime | None = None,
    unavailable: Mapping[str, str] = _NOBODY,
    paused: Mapping[str, str] = _NOBODY,
    pinned: str | None = None,
    pin: str | None = None,
) -> Decision:
    """Choose the account for an order; the same order gets the same answer in every process.

    Args:
        order: what is wanted, and for whom.
        routes: the first that matches counts. None at all is fine where there is exactly one account.
        accounts: every account by name, with what its provider declares.
        now: the time; needed where a route has a ramp.
        unavailable: accounts that should get no new orders at the moment, with the reason.
        paused: accounts that a person has taken out, with the reason.
        pinned: the account the caller asks for by name; then neither routes nor availability count.
        pin: the account where a person wants this user; then routes and health do not count, and a pause does.

    Raises:
        ConfigurationError: no route matches, or there is no such account; the message says what to type.
        UnsupportedOperation: none of the accounts can express the order.
        ProviderUnavailable: some could, and every one of them is unavailable or paused.
    """
    if pinned is not None:
        return _as_asked(order, pinned, accounts)
    if pin is not None:
        return _as_pinned(order, pin, accounts, paused)
    route, position = _route_for(order, routes, accounts)
    cannot = _who_cannot(route.accounts, order, accounts)
    down = _who_is_out(route.accounts, cannot, unavailable, paused)
    reasons = [_why_this(route, position, order, now)]
    reasons += [f"{name} cannot: {reason}" for name, reason in cannot.items()]
    reasons += [f"{name} is {reason}" for name, reason in down.items()]
    able = _without(route.weights(now), cannot) or _without(route.split, cannot)
    drawn = draw(order.user, able) if able else None
    sharing = _without(able, down) or _without(route.split, {**cannot, **down})
    spare = [name for name in route.failover if name not in cannot and name not in down]
    by: By = "draw" if position else "only"
    if sharing:
        account = drawn if drawn is not None and drawn in sharing else draw(order.user, sharing)
        if account != drawn:
            reasons.append(f"{drawn} is where the user belongs; the others share its users")
        reasons.append(f"{account}: weight {sharing[account]:.10g} of {sum(sharing.values()):.10g}")
    elif spare:
        account, by = spare[0], "failover"
        reasons.append(f"{account}: the first failover account that can take it")
    else:
        msg = f"no account can take this order: {'; '.join(reasons)}"
        raise ProviderUnavailable(msg, outcome="not_applied") if down else UnsupportedOperation(msg)
    rest = tuple(name for name in spare if name != account)
    if not position:
        return Decision(account=account, reasons=tuple(reasons), failover=rest, by=by)
    shadow, no_shadow = _shadows(route, order, accounts, paused) if route.shadow else ((), ())
    return Decision(
        account=account,
        reasons=(*reasons, *no_shadow),
        failover=rest,
        by=by,
        route=route.name or str(position),
        drawn=drawn,
        weights=able,
        shadow=shadow,
    )


def keep(account: str, wallet_id: str) -> Decision:
    """Return the decision for a user who has a wallet that satisfies the order: weights never move a wallet.

    Args:
        account: where the wallet is.
        wallet_id: the provider's id of it.
    """
    return Decision(account=account, reasons=(f"the user has wallet {wallet_id} at {account} already",), by="wallet")


def switched(account: str) -> Decision:
    """Return the decision for an order that is carried out once more because its user goes to another account.

    Args:
        account: where the user goes.
    """
    return Decision(account=account, reasons=(f"the user goes to {account}",), by="switch")


def _shadows(
    route: Route, order: RouteRequest, accounts: Mapping[str, Capabilities], paused: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the accounts that carry the order out in shadow, and a reason for each that does not."""
    cannot = _who_cannot(route.shadow, order, accounts)
    out = {**{name: f"paused: {paused[name]}" for name in route.shadow if name in paused}, **cannot}
    able = tuple(name for name in route.shadow if name not in out)
    return able, tuple(f"{name} carries no shadow out: {reason}" for name, reason in out.items())


def _without(weights: Mapping[str, float], names: Mapping[str, str]) -> Mapping[str, float]:
    return {name: weight for name, weight in weights.items() if name not in names} if names else weights


def _who_is_out(
    names: Iterable[str], cannot: Container[str], unavailable: Mapping[str, str], paused: Mapping[str, str]
) -> dict[str, str]:
    """Return the accounts that get no new orders although they could take this one, each with its reason."""
    if not unavailable and not paused:
        return {}
    found = {name: f"unavailable: {unavailable[name]}" for name in names if name in unavailable and name not in paused}
    found |= {name: f"paused: {paused[name]}" for name in names if name in paused}
    return {name: found[name] for name in names if name in found and name not in cannot}


def _why_this(route: Route, position: int, order: RouteRequest, now: datetime | None) -> str:
    if not position:
        return f"{route.accounts[0]} is the only account"
    why = f"route {route.name or position} {route.explain(order)}"
    return why if route.ramp is None or now is None else f"{why}; {route.ramp.explain(now)}"


def _as_pinned(
    order: RouteRequest, account: str, accounts: Mapping[str, Capabilities], paused: Mapping[str, str]
) -> Decision:
    why = f"the user is pinned to {account}"
    cannot = _who_cannot((account,), order, accounts)
    if cannot:
        msg = f"{why}, which cannot take this order: {cannot[account]}; unpin the user, or pass account="
        raise UnsupportedOperation(msg)
    if account in paused:
        msg = f"{why}, which is paused: {paused[account]}; resume it, unpin the user, or pass account="
        raise ProviderUnavailable(msg, outcome="not_applied")
    return Decision(account=account, reasons=(why,), by="pin")


def _as_asked(order: RouteRequest, account: str, accounts: Mapping[str, Capabilities]) -> Decision:
    if account not in accounts:
        msg = f"account: {unknown_name(account, accounts, 'account')}"
        raise ConfigurationError(msg)
    cannot = _who_cannot((account,), order, accounts)
    if cannot:
        msg = f"{account} cannot take this order: {cannot[account]}"
        raise UnsupportedOperation(msg)
    return Decision(account=account, reasons=(f"{account} was asked for by name",), by="name")


def _route_for(order: RouteRequest, routes: Sequence[Route], accounts: Mapping[str, Capabilities]) -> tuple[Route, int]:
    """Return the route and its position from 1, or 0 where there is one account and no route."""
    if not routes and len(accounts) == 1:
        return Route(split=dict.fromkeys(accounts, 1)), 0
    for position, route in enumerate(routes, start=1):
        if route.matches(order):
            return route, position
    named = [f"{name} {value}" for name, value in (("chain", order.chain), ("asset", order.asset)) if value]
    wanted = f"an order for {' and '.join(named)}" if named else "an order that names neither chain nor asset"
    msg = f"no route is for {wanted}: pass account=, or add [[routes]]; accounts are {', '.join(accounts) or 'none'}"
    raise ConfigurationError(msg)


def _who_cannot(names: Iterable[str], order: RouteRequest, accounts: Mapping[str, Capabilities]) -> dict[str, str]:
    """Return the accounts that cannot express the order, each with its reason, in the order given."""
    cannot: dict[str, str] = {}
    last: Capabilities | None = None  # of several accounts of one provider, which declare the same, one is asked
    reason: str | None = None
    for name in names:
        declared = accounts.get(name)
        if declared is None or declared is not last:
            last, reason = declared, _why_not(order, declared)
        if reason is not None:
            cannot[name] = reason
    return cannot


def _why_not(order: RouteRequest, declared: Capabilities | None) -> str | None:
    if declared is None:
        return "there is no such account"
    if not declared.create_wallet.usable:
        return declared.create_wallet.reason or "this provider makes no wallets"
    # Where a provider insists on a reference, one is always made for the order.
    reference = "made" if declared.order.reference is Need.REQUIRED else None
    return declared.order.why_not(order.chain, order.asset, reference)
