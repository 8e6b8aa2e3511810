"""Finds the emulators, through the plugins like everything else about a provider."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from walletport.errors import ConfigurationError
from walletport.plugins import load_provider, providers
from walletport.provider import WalletProvider
from walletport.provider.emulation import Clock, Emulator

CONTROL: Final = "/_sandbox"
"""The path below which the sandbox itself is steered."""


@dataclass(frozen=True, slots=True)
class Found:
    """The emulators that were found.

    Args:
        emulators: by provider name.
        kinds: those providers' classes, by name.
        failed: why other installed providers could not be emulated, by name.
    """

    emulators: dict[str, Emulator] = field(default_factory=dict)
    kinds: dict[str, type[WalletProvider]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def find_emulators(wanted: Iterable[str | type[WalletProvider]] | None, clock: Clock, seed: int) -> Found:
    """Make the emulators of the wanted providers, or of every installed one that has an emulator.

    Args:
        wanted: names or classes of providers; ``None`` for all. Only with ``None`` is one that fails left out.
        clock: tells the emulators' time.
        seed: makes their ids and addresses reproducible.

    Raises:
        ConfigurationError: a wanted provider is not there, or has no emulator, or none has one.
    """
    found = Found()
    for item in (provider.name for provider in providers()) if wanted is None else wanted:
        try:
            kind = load_provider(item) if isinstance(item, str) else item
            emulator = _emulator(kind, clock, seed)
            if emulator is not None:
                _check_mount(emulator, kind.name, found)
        except ConfigurationError as error:
            if wanted is not None:
                raise
            found.failed[item if isinstance(item, str) else item.name] = error.message
            continue
        if emulator is not None:
            found.emulators[kind.name], found.kinds[kind.name] = emulator, kind
        elif wanted is not None:
            msg = f"provider {kind.name!r} has no emulator: leave it out"
            raise ConfigurationError(msg)
    if not found.emulators and not found.failed:
        msg = "no installed provider has an emulator: install one, for example with pip install walletport"
        raise ConfigurationError(msg)
    return found


def _emulator(kind: type[WalletProvider], clock: Clock, seed: int) -> Emulator | None:
    try:
        emulator_kind = kind.emulator()
        return None if emulator_kind is None else emulator_kind(clock, seed)
    except Exception as error:  # a plugin may fail in any way
        msg = f"the emulator of {kind.name!r} does not start: {type(error).__name__}: {error}"
        raise ConfigurationError(msg) from error


def _check_mount(emulator: Emulator, name: str, found: Found) -> None:
    mount = emulator.mount
    if not mount.startswith("/") or mount.endswith("/") or mount == CONTROL:
        msg = f"the emulator of {name!r} cannot be mounted at {mount!r}: use a path such as /acme/v1"
        raise ConfigurationError(msg)
    for other, taken in found.emulators.items():
        if taken.mount == mount:
            msg = f"the emulators of {other!r} and {name!r} are both mounted at {mount!r}: leave one out"
            raise ConfigurationError(msg)
