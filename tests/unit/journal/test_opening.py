"""What is wrong with a journal's settings is said in one sentence, which never repeats the URL."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from walletport.errors import ConfigurationError
from walletport.journal import Journal, JournalError

SECRET = "hunter2-8c1f"


def refusal(url: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Journal.open(url, patience=2.0)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.message


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"journal.db?{SECRET}", "the journal's URL cannot be read: write sqlite:///walletport.db or"),
        (f"postgresql+psycopg://u:{SECRET}@host:port/db", "the journal's URL cannot be read: write"),
        (f"mysql://u:{SECRET}@host/db", "the journal is kept in SQLite or PostgreSQL: write"),
        (f"postgres://u:{SECRET}@host/db", "the journal is kept in SQLite or PostgreSQL: write"),
        (f"postgresql+asyncpg://u:{SECRET}@host/db", "the journal is kept in SQLite or PostgreSQL: write"),
        ("sqlite+aiosqlite:///x.db", "the journal is kept in SQLite or PostgreSQL: write"),
        ("sqlite://", "the journal must be a plain file, which outlives the process"),
        ("sqlite:///:memory:", "the journal must be a plain file, which outlives the process"),
        ("sqlite:///file:x?mode=memory&uri=true", "the journal must be a plain file, which outlives the process"),
        ("sqlite:////no/such/folder/x.db", "the journal's folder /no/such/folder does not exist: make it first"),
        ("sqlite:////dev/null/x.db", "the journal's folder /dev/null does not exist: make it first"),
        ("sqlite:////dev/null", "the journal /dev/null is not a file"),
        ("sqlite:////tmp", "the journal /tmp is not a file"),
    ],
    ids=lambda value: value.replace(SECRET, "SECRET"),
)
def test_a_url_that_cannot_be_a_journal_is_refused(url: str, said: str) -> None:
    """The message says what is wrong or what to write."""
    assert refusal(url).startswith(said)


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    """Somebody's notes are not overwritten."""
    path = tmp_path / "notes.txt"
    path.write_text("something else entirely" * 100)
    assert refusal(f"sqlite:///{path}") == "the journal's file is not a SQLite database"
    assert path.read_text() == "something else entirely" * 100


@pytest.mark.parametrize(
    "address",
    [f"u:{SECRET}@127.0.0.1:1/db", f"u:{SECRET}@no-such-host.invalid/db", f"u:{SECRET}@/db?host=/no/such/folder"],
    ids=["nobody listens", "no such host", "no such socket"],
)
def test_a_server_that_cannot_be_reached_is_said_in_one_sentence(address: str) -> None:
    """Without the password, and without what libpq says."""
    said = refusal(f"postgresql+psycopg://{address}")
    assert said.startswith("the journal's database cannot be reached: check host, port, database, user, password")


def test_a_database_that_does_not_exist_is_said_in_one_sentence(server: str) -> None:
    """libpq gives no code for it, so it is the same sentence."""
    url = make_url(server).set(database="no_such_database").render_as_string(hide_password=False)
    assert refusal(url).startswith("the journal's database cannot be reached: check host, port, database, user")


def test_a_database_user_without_rights_is_told_what_to_grant(postgresql_url: str) -> None:
    """Since PostgreSQL 15 that is what a new user has."""
    engine = create_engine(postgresql_url)
    name = f"reader_{os.getpid()}_{id(engine)}"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN")
        schema = connection.exec_driver_sql("SELECT current_schema()").scalar()
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {name}")
    engine.dispose()
    url = make_url(postgresql_url).set(username=name).render_as_string(hide_password=False)
    assert refusal(url) == "the journal's database user may not make or read its tables: grant it CREATE on its schema"


def test_a_locked_file_is_no_fault_of_the_settings(sqlite_url: str) -> None:
    """Trying again later may help, and the error says so."""
    Journal.open(sqlite_url).close()
    engine = create_engine(sqlite_url, connect_args={"isolation_level": None})
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(JournalError, match="another process holds a lock") as caught:
            Journal.open(sqlite_url, patience=0.2)
        connection.exec_driver_sql("ROLLBACK")
    engine.dispose()
    assert caught.value.retryable
    Journal.open(sqlite_url).close()


def test_a_file_that_is_just_being_written_to_is_waited_for(sqlite_url: str) -> None:
    """SQLite itself would fail at once where the file is not yet as the journal needs it."""
    engine = create_engine(sqlite_url, connect_args={"isolation_level": None})
    with engine.connect() as connection, ThreadPoolExecutor(1) as threads:
        connection.exec_driver_sql("CREATE TABLE theirs (name TEXT)")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        opening = threads.submit(Journal.open, sqlite_url)
        with pytest.raises(TimeoutError):
            opening.result(0.1)
        connection.exec_driver_sql("COMMIT")
        opening.result(20).close()
    engine.dispose()


def test_opening_a_finished_journal_waits_for_nobody(sqlite_url: str) -> None:
    """A process starts although another one is writing all the time."""
    Journal.open(sqlite_url).close()
    engine = create_engine(sqlite_url, connect_args={"isolation_level": None})
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        Journal.open(sqlite_url, patience=0.1).close()
        connection.exec_driver_sql("ROLLBACK")
    engine.dispose()


WITHOUT_RIGHTS = """
import os, sys
import alembic.command, alembic.config, alembic.script
from walletport.errors import ConfigurationError
from walletport.journal import Journal
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    Journal.open(sys.argv[1])
except ConfigurationError as error:
    print(error.message)
"""


@pytest.mark.parametrize("what", ["journal.db", ".", ".."])
def test_a_place_without_permission_is_named(what: str) -> None:
    """The file; its folder, because SQLite writes beside its file; and one above, which lets nobody pass."""
    with tempfile.TemporaryDirectory() as above:  # not below pytest's folder, which is closed to others
        folder = Path(above, "folder")
        folder.mkdir()
        path = folder / "journal.db"
        Journal.open(f"sqlite:///{path}").close()
        for place in (path, folder, Path(above)):
            place.chmod(0o777)
        closed = (folder / what).resolve()
        closed.chmod(0o000 if what == ".." else 0o555)
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_RIGHTS, f"sqlite:///{path}"], capture_output=True, text=True, check=True
        )
        Path(above).chmod(0o777)
    named = path if what != "." else folder
    assert done.stdout.strip() == f"this process has no permission to write to {named}, where the journal is"


WITHOUT_DRIVER = """
import sys
sys.modules["psycopg"] = None
from walletport.errors import ConfigurationError
from walletport.journal import Journal
try:
    Journal.open("postgresql+psycopg://u:p@host/db")
except ConfigurationError as error:
    print(error.message)
"""


def test_a_missing_driver_is_named_with_the_line_that_installs_it() -> None:
    """PostgreSQL is an extra."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_DRIVER], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ("a journal in PostgreSQL needs its driver: pip install 'walletport[postgres]'")


def test_importing_the_library_does_not_import_sqlalchemy() -> None:
    """Whoever calls one provider directly has no journal, and does not wait for one."""
    code = (
        "import sys, walletport; walletport.Client; walletport.providers;"
        "print(sorted({'sqlalchemy', 'alembic', 'psycopg'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_relative_file_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may change its folder afterwards."""
    monkeypatch.chdir(tmp_path)
    with Journal.open("sqlite:///journal.db") as journal:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        journal.write(lambda c: c.exec_driver_sql("SELECT 1").scalar()).result(20)
        journal.read(lambda c: c.exec_driver_sql("SELECT 1").scalar())
    assert (tmp_path / "journal.db").is_file()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_sqlite_journal_survives_power_cuts_and_keeps_its_keys(sqlite_url: str) -> None:
    """The settings that its promises rest on: a write-ahead log, synced on each commit, and foreign keys."""
    with Journal.open(sqlite_url) as journal:
        asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = journal.write(lambda c: [c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]).result(20)
    assert found == ["wal", 2, 1, 10_000]


def test_a_postgresql_journal_waits_for_the_disk(postgresql_url: str) -> None:
    """Whatever the server's default is: an order whose commit a power cut takes back would be sent twice."""
    careless = make_url(postgresql_url)
    careless = careless.update_query_dict({"options": f"{careless.query['options']} -csynchronous_commit=off"})
    for url, expected in ((careless, "on"), (make_url(postgresql_url), "on")):
        with Journal.open(url.render_as_string(hide_password=False)) as journal:
            assert journal.write(lambda c: c.exec_driver_sql("SHOW synchronous_commit").scalar()).result(20) == expected
