"""The tables: made once, by whoever comes first, and exactly as the code expects them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect

from tests.unit.journal.orders import recorded
from tests.unit.journal.processes import in_processes, opens
from walletport.errors import ConfigurationError
from walletport.journal import Journal, rows
from walletport.journal.schema import HEAD, VERSION_TABLE, metadata


@pytest.fixture
def engine(url: str):
    """The same database, past the journal."""
    made = create_engine(url)
    yield made
    made.dispose()


def execute(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_four_processes_that_start_at_once_make_the_tables_once(url: str, engine: Engine) -> None:
    """Each of them can work with the journal afterwards."""
    assert in_processes(4, opens, url) == [0, 0, 0, 0]
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").all() == [(HEAD,)]


def test_a_fresh_journal_has_the_tables_the_code_expects(journal: Journal, engine: Engine) -> None:
    """Tables, columns, types, keys and indexes: the migrations lead to the schema."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "version_table": VERSION_TABLE, "target_metadata": metadata}
        )
        assert compare_metadata(context, metadata) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, VERSION_TABLE}


def test_the_newest_migration_is_the_one_the_code_asks_for() -> None:
    """A migration that is added without raising ``HEAD`` would never run."""
    config = Config()
    config.set_main_option("script_location", "walletport.journal:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_what_was_written_is_there_after_opening_again(url: str) -> None:
    """Closing and opening loses nothing."""
    with Journal.open(url) as journal:
        row = recorded(journal)
    with Journal.open(url) as journal:
        assert journal.read(lambda c: rows.get_provision(c, row.id)) == row


def test_opening_a_finished_journal_does_not_import_alembic(sqlite_url: str) -> None:
    """Which takes longer than all the rest of it."""
    Journal.open(sqlite_url).close()
    code = (
        "import sys; from walletport.journal import Journal; Journal.open(sys.argv[1]); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, sqlite_url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_journal_of_a_newer_library_is_refused(url: str, engine: Engine) -> None:
    """And stays as it is."""
    Journal.open(url).close()
    execute(engine, f"UPDATE {VERSION_TABLE} SET version_num = 'r9999'")
    with pytest.raises(ConfigurationError, match="written by a newer walletport"):
        Journal.open(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar() == "r9999"


def test_a_database_with_another_programs_tables_is_refused(url: str, engine: Engine) -> None:
    """An application's own ``customers`` is never taken for the journal's."""
    execute(engine, "CREATE TABLE customers (name TEXT)")
    with pytest.raises(ConfigurationError, match="another program's table 'customers'"):
        Journal.open(url)
    assert inspect(engine).get_table_names() == ["customers"]


def test_other_tables_in_the_database_are_left_alone(url: str, engine: Engine) -> None:
    """Alembic's own table of the application among them."""
    execute(engine, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    execute(engine, "INSERT INTO alembic_version VALUES ('theirs')")
    Journal.open(url).close()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").all() == [("theirs",)]


def test_a_migration_that_fails_leaves_nothing_half_made(url: str, engine: Engine) -> None:
    """An index of that name is in the way of the last table; once it is gone, the same opening succeeds."""
    execute(engine, "CREATE TABLE theirs (name TEXT)")
    execute(engine, "CREATE INDEX ix_events_provision_id ON theirs (name)")
    with pytest.raises(ConfigurationError, match="the journal's database failed with"):
        Journal.open(url)
    assert inspect(engine).get_table_names() == ["theirs"]
    execute(engine, "DROP INDEX ix_events_provision_id")
    Journal.open(url).close()
