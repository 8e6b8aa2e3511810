"""A PostgreSQL of the tests' own for what several processes share, and processes in simulated time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.jobs.senders import Simulation
from tests.unit.journal.conftest import postgresql_url, server  # noqa: F401 - fixtures
from walletport.journal import Journal


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    """Processes that share an account's limit."""
    with Journal.open(f"sqlite:///{tmp_path / 'journal.db'}") as journal:
        yield Simulation(journal)
