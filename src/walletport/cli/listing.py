"""`walletport providers` and `walletport capabilities`: what is installed and what each can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from walletport.capabilities import Capabilities, Idempotency, OrderFields, RateLimit
from walletport.cli.output import Output
from walletport.plugins import InstalledProvider, load_provider, providers

_FEW_WORDS: Final = 17  # a column of an answer or of prose


def show_providers(output: Output, found: Sequence[InstalledProvider]) -> None:
    """Print what is installed, and what is wrong with it."""
    if not found:
        output.line("No provider is installed: pip install walletport brings some.")
        return
    output.table(
        ["name", "title", "distribution", "version", "state"],
        [[one.name, one.title or "-", one.distribution, one.version, one.state] for one in found],
    )
    for one in found:
        if one.reason:
            output.line()
            output.line(f"{one.name}: {one.reason}")


def providers_as_json(found: Sequence[InstalledProvider]) -> dict[str, object]:
    """Return what is installed for machines."""
    names = ("name", "title", "distribution", "version", "state", "reason")
    return {"providers": [{name: getattr(one, name) for name in names} for one in found]}


def pick(names: Sequence[str]) -> list[InstalledProvider]:
    """Return the named installed providers, or all.

    Raises:
        ConfigurationError: one is not installed or does not load; the message says what is installed.
    """
    for name in names:
        load_provider(name)
    found = providers()
    return [one for one in found if one.name in names] if names else found


def show_capabilities(output: Output, found: Sequence[InstalledProvider]) -> None:
    """Print what each provider can do, the reasons, and what an order carries."""
    declared = {one.name: one.capabilities for one in found if one.capabilities is not None}
    if declared:
        _show_declared(output, declared)
    for one in found:
        if one.capabilities is None:
            output.line()
            output.line(f"{one.name} is left out ({one.state}): {one.reason}")


def _show_declared(output: Output, declared: dict[str, Capabilities]) -> None:
    names, all_of_them = list(declared), list(declared.values())
    abilities = all_of_them[0].abilities()
    output.side_by_side(
        names,
        {ability: [one.ability(ability).answer.value for one in all_of_them] for ability in abilities},
        least=_FEW_WORDS,
    )
    output.line()
    output.line("Why", style="bold")
    for name, one in declared.items():
        reasons = {ability: given.reason for ability, given in one.abilities().items() if given.reason}
        if reasons:
            output.table(
                [name, "", ""],
                [[ability, one.ability(ability).answer.value, reason] for ability, reason in reasons.items()],
            )
    output.line()
    output.line("What an order carries, and what a repeat does", style="bold")
    told = [facts_of(one) for one in all_of_them]
    output.side_by_side(names, {label: [facts[label] for facts in told] for label in told[0]}, least=_FEW_WORDS)


def capabilities_as_json(found: Sequence[InstalledProvider]) -> dict[str, object]:
    """Return what each provider declares, for machines; times are ISO 8601 durations."""
    return {
        "providers": [
            {
                "name": one.name,
                "state": one.state,
                "reason": one.reason,
                "capabilities": None if one.capabilities is None else one.capabilities.model_dump(mode="json"),
            }
            for one in found
        ]
    }


def facts_of(declared: Capabilities) -> dict[str, str]:
    """Return what an order carries and what a repeat does, in words by label."""
    order, policy = declared.order, declared.idempotency
    return {
        "chain": order.chain.value,
        "asset": order.asset.value,
        "reference": order.reference.value,
        "chains": _known(order.chains or _each(chain for chain, _ in order.pairs), fixed=order.chains_fixed),
        "assets": _assets(order),
        "idempotency key": _key(policy),
        "is remembered": _window(policy),
        "a repeat gets": policy.replay or "-",
        "settle time": _duration(declared.settle_time),
        "rate limit": _rate(declared.rate_limit),
        "custody": declared.custody or "-",
    }


def _assets(order: OrderFields) -> str:
    if order.pairs:
        return _known([f"{asset} on {chain}" for chain, asset in order.pairs], fixed=True)
    return _known(order.assets, fixed=order.assets_fixed)


def _each(values: Iterable[str]) -> tuple[str, ...]:
    """Return every value once, in its order."""
    return tuple(dict.fromkeys(values))


def _known(values: Sequence[str], *, fixed: bool) -> str:
    if not values:
        return "not told"
    return ", ".join(values) + ("; no other" if fixed else "")


def _key(policy: Idempotency) -> str:
    if policy.place == "none":
        return "none"
    limit = f", at most {policy.max_length} characters" if policy.max_length is not None else ""
    return f"{policy.place} {policy.name} ({'required' if policy.required else 'optional'}){limit}"


def _window(policy: Idempotency) -> str:
    if policy.place == "none":
        return "-"
    return _duration(policy.window) + ("" if policy.window_documented else ", assumed: not documented")


def _rate(limit: RateLimit) -> str:
    number = f"{limit.requests_per_second:g}/s" if limit.requests_per_second is not None else ""
    return "; ".join(part for part in (number, limit.note) if part) or "not told"


def _duration(time: timedelta) -> str:
    """Return a duration in the largest unit that leaves no rest."""
    seconds = time.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
