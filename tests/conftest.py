"""Options of the test run: ``--long`` for what takes minutes, ``--record`` for the cassettes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# One slow example on a busy machine is no fault of the code, so nothing here has a deadline.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("default"), max_examples=20_000)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests that take minutes, too")
    parser.addoption("--record", action="store_true", help="record the cassettes anew against the sandbox")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes: run with --long"))
