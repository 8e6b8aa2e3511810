"""A PostgreSQL of the tests' own, for what several processes share."""

from __future__ import annotations

from tests.unit.journal.conftest import postgresql_url, server  # noqa: F401 - fixtures
