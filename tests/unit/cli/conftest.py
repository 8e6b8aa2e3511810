from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installed import install
from tests.unit.cli.running import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in which Toy, a rude vendor, a broken plugin and a name that two distributions bring are installed."""
    install(tmp_path, {"toy": "tests.support.toy:Toy", "rude": "tests.unit.cli.rude:Rude", "broken": "no.where:It"})
    install(tmp_path, {"twice": "tests.support.toy:Toy"}, "one-owner", "1.0")
    install(tmp_path, {"twice": "tests.support.toy:Toy"}, "other-owner", "2.0")
    return Shell(tmp_path)
