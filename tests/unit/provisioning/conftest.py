"""A sandbox, and a configuration whose accounts are its emulators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.journal.conftest import postgresql_url, server, sqlite_url, url  # noqa: F401 - fixtures
from tests.unit.provisioning.world import Vendors, configured
from walletport import Config
from walletport.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run all emulators on loopback."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def vendors(sandbox: Sandbox) -> Vendors:
    """The sandbox's vendors, and everything they were asked."""
    return Vendors(sandbox)


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path) -> Config:
    """Name an account after each provider, with the journal in a file of its own."""
    return configured(sandbox, f"sqlite:///{tmp_path / 'journal.db'}")
