"""`walletport providers` and `walletport capabilities`: what is installed and what each can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from walletport.capabilities import Capabilities
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
    told = [one.in_words() for one in all_of_them]
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
