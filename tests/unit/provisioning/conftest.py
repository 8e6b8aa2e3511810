"""A sandbox, and a configuration whose accounts are its emulators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from walletport import Account, Config
from walletport.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run all emulators on loopback."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path) -> Config:
    """Name an account after each provider, with the journal in a file of its own."""
    return configured(sandbox, f"sqlite:///{tmp_path / 'journal.db'}")


def configured(sandbox: Sandbox, journal: str) -> Config:
    """Return a configuration with an account for each emulator."""
    make: Callable[..., Account] = Account.of
    accounts = {
        name: make(name, name, base_url=sandbox.url + emulator.mount, timeout=2.0, **emulator.settings)
        for name, emulator in sandbox.emulators.items()
    }
    return Config(accounts=accounts, journal=journal)
