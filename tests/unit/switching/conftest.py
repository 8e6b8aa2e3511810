from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.cli.running import Shell
from tests.unit.journal.conftest import postgresql_url, server, sqlite_url, url  # noqa: F401 - fixtures
from tests.unit.switching.world import NEW, OLD, SPANNING, Town
from walletport.sandbox import Sandbox


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Two custodians, and a third whose wallets span chains."""
    with Sandbox([OLD, NEW, SPANNING]) as box:
        box.emulators[OLD].activation_delay = timedelta(0)
        yield Town(box, tmp_path)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell."""
    return Shell(tmp_path)
