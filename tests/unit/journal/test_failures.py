"""A database that fails: one clear sentence, nothing half written, and the next call works."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.unit.journal.orders import NOW, busy, new, record, recorded
from walletport.journal import Journal, JournalError, ProvisionRow, Transaction, rows

BIG = {"reasons": ["x" * 200_000]}
OF_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = 'postgres'"
)


def identities(journal: Journal) -> set[str]:
    return {row.identity for row in journal.read(rows.list_provisions)}


def events(journal: Journal) -> int:
    count: int = journal.read(lambda c: c.execute(text("SELECT count(*) FROM events")).scalar_one())
    return count


def no_more_pages(connection: Transaction) -> None:
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


@pytest.fixture
def other(sqlite_url: str):
    """Another program's connection to the same file."""
    engine = create_engine(sqlite_url, connect_args={"isolation_level": None})
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_full_disk_is_said_and_leaves_nothing_half_written(sqlite_journal: Journal) -> None:
    """Neither the order nor its event; once there is room, the same write succeeds."""
    recorded(sqlite_journal, "before")
    sqlite_journal.write(no_more_pages).result(20)
    error = sqlite_journal.write(record(new("too big", decision=BIG))).exception(20)
    assert isinstance(error, JournalError)
    assert (error.message, error.retryable) == ("the journal's database has no room left on its disk", True)
    assert (identities(sqlite_journal), events(sqlite_journal)) == ({"before"}, 1)
    recorded(sqlite_journal, "too big", decision=BIG)
    assert (identities(sqlite_journal), events(sqlite_journal)) == ({"before", "too big"}, 2)


def test_a_disk_that_fills_within_a_batch_never_loses_what_it_confirmed(sqlite_journal: Journal) -> None:
    """SQLite may give up the whole transaction by itself: whoever is told of success must find it, and nobody else."""
    with busy(sqlite_journal):
        before = sqlite_journal.write(record(new("before")))
        limit = sqlite_journal.write(no_more_pages)
        full = sqlite_journal.write(record(new("full", decision=BIG)))
        after = sqlite_journal.write(record(new("after")))
    told = {"before": before.exception(20), "after": after.exception(20), "full": full.exception(20)}
    assert limit.done()
    assert isinstance(told["full"], JournalError)
    assert identities(sqlite_journal) == {name for name, error in told.items() if error is None}
    assert recorded(sqlite_journal, "next").identity == "next"


def test_a_transaction_that_sqlite_rolls_back_by_itself_confirms_nothing(sqlite_journal: Journal) -> None:
    """What was done before in the same batch is gone with it, and everybody is told."""

    def rolls_back(connection: Transaction) -> None:
        for _ in range(2):
            connection.exec_driver_sql("INSERT OR ROLLBACK INTO customers VALUES ('u', 'a', 'c', 0, 'linked')")

    with busy(sqlite_journal):
        futures = [sqlite_journal.write(work) for work in (record(new("before")), rolls_back, record(new("after")))]
    errors = [future.exception(20) for future in futures]
    assert [type(error) for error in errors] == [JournalError] * 3
    assert errors[0] is not errors[2]  # each can be raised in a thread of its own
    assert (identities(sqlite_journal), events(sqlite_journal)) == (set(), 0)
    recorded(sqlite_journal, "next")


FAILING_COMMIT = """
import os, resource, sys
from tests.unit.journal.orders import busy, new, record
from walletport.journal import Journal, rows

def identities():
    return sorted(row.identity for row in journal.read(rows.list_provisions))

path = sys.argv[1]
with Journal.open("sqlite:///" + path) as journal:
    journal.write(record(new("before"))).result(20)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(path + "-wal"), most))
    with busy(journal):
        futures = [journal.write(record(new(name))) for name in ("one", "two")]
    for future in futures:
        print(future.exception(20).message)
    print(identities())
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    journal.write(record(new("after"))).result(20)
    print(identities())
    print(journal.read(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar()))
"""


def test_a_commit_that_fails_fails_all_of_its_pieces(sqlite_url: str, pytestconfig: pytest.Config) -> None:
    """The operating system refuses to let the file grow, which SQLite finds out on commit only."""
    done = subprocess.run(
        [sys.executable, "-c", FAILING_COMMIT, sqlite_url.removeprefix("sqlite:///")],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        timeout=25,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "the disk of the journal's database fails",
        "the disk of the journal's database fails",
        "['before']",
        "['after', 'before']",
        "ok",
    ]


def test_a_commit_the_database_refuses_fails_all_of_its_pieces(postgresql_journal: Journal) -> None:
    """A rule that is checked at the end of the transaction only; the writes after it work."""
    postgresql_journal.write(
        lambda c: c.exec_driver_sql(
            "ALTER TABLE customers ADD CONSTRAINT never EXCLUDE (account WITH =) DEFERRABLE INITIALLY DEFERRED"
        )
    ).result(20)

    def links(user: str):
        return lambda c: c.exec_driver_sql(f"INSERT INTO customers VALUES ('{user}', 'a', 'c', 0, 'linked')").rowcount

    with busy(postgresql_journal):
        futures = [postgresql_journal.write(work) for work in (links("one"), record(new("order")), links("two"))]
    for future in futures:
        error = future.exception(20)
        assert isinstance(error, JournalError)
        assert error.message == "the journal refuses a row that breaks its rules"
    assert identities(postgresql_journal) == set()
    recorded(postgresql_journal, "next")


def test_a_locked_file_is_waited_for_and_then_said(sqlite_journal: Journal, other) -> None:
    """Reading goes on meanwhile; once the lock is gone, the next write works."""
    recorded(sqlite_journal, "before")
    other.exec_driver_sql("BEGIN EXCLUSIVE")
    error = sqlite_journal.write(record(new("locked"))).exception(20)
    assert identities(sqlite_journal) == {"before"}
    other.exec_driver_sql("ROLLBACK")
    assert isinstance(error, JournalError)
    assert (error.message, error.retryable) == ("another process holds a lock on the journal's database", True)
    recorded(sqlite_journal, "after")
    assert identities(sqlite_journal) == {"before", "after"}


def test_a_short_lock_is_waited_for(sqlite_url: str, other) -> None:
    """Whoever writes beside us does not make a write fail."""
    with Journal.open(sqlite_url) as journal:
        other.exec_driver_sql("BEGIN EXCLUSIVE")
        future = journal.write(record(new("order")))
        assert not future.done()
        other.exec_driver_sql("COMMIT")
        assert future.result(20).identity == "order"


def test_a_locked_table_is_waited_for_and_then_said(postgresql_journal: Journal, postgresql_url: str) -> None:
    """What is handed over with it and touches another table is written."""
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE provisions IN ACCESS EXCLUSIVE MODE")
        with busy(postgresql_journal):
            locked = postgresql_journal.write(record(new("locked")))
            free = postgresql_journal.write(lambda c: c.exec_driver_sql("SELECT count(*) FROM customers").scalar())
        assert free.result(20) == 0
        error = locked.exception(20)
    engine.dispose()
    assert isinstance(error, JournalError)
    assert (error.message, error.retryable) == ("another process holds a lock on the journal's database", True)
    recorded(postgresql_journal, "locked")


def test_a_lock_that_goes_in_time_costs_nothing(postgresql_journal: Journal, postgresql_url: str) -> None:
    """The work is done again by itself, once; nobody is told."""
    engine, tries = create_engine(postgresql_url), threading.Semaphore(0)

    def work(connection: Transaction) -> ProvisionRow:
        tries.release()
        return record(new("order"))(connection)

    with engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE provisions IN ACCESS EXCLUSIVE MODE")
        future = postgresql_journal.write(work)
        assert tries.acquire(timeout=20)
        assert tries.acquire(timeout=20)  # the first try is over
    engine.dispose()
    assert future.result(20).identity == "order"
    assert events(postgresql_journal) == 1


def test_two_processes_with_the_same_orders_in_another_order_do_not_fail(postgresql_url: str) -> None:
    """Each batch holds the row that the other one waits for."""
    first_done, second_done = threading.Event(), threading.Event()

    def after(identity: str, mine: threading.Event, theirs: threading.Event | None):
        def work(connection: Transaction) -> bool:
            if theirs is not None:
                assert theirs.wait(20)
            is_new = rows.record_intent(connection, new(identity), NOW)[1]
            mine.set()
            return is_new

        return work

    with Journal.open(postgresql_url) as one, Journal.open(postgresql_url) as two:
        with busy(one), busy(two):
            futures = [
                one.write(after("x", first_done, None)),
                one.write(after("y", threading.Event(), second_done)),
                two.write(after("y", second_done, None)),
                two.write(after("x", threading.Event(), first_done)),
            ]
        news = [future.result(20) for future in futures]
        assert (identities(one), events(one)) == ({"x", "y"}, 2)
    assert sorted(news) == [False, False, True, True]


def test_a_database_that_became_read_only_is_said(sqlite_journal: Journal) -> None:
    """Nothing is written; the next write has a fresh connection, as it must have where a server became a standby."""
    sqlite_journal.write(lambda c: c.exec_driver_sql("PRAGMA query_only=ON").close()).result(20)
    error = sqlite_journal.write(record(new("order"))).exception(20)
    assert isinstance(error, JournalError)
    assert (error.message, error.retryable) == ("the journal's database is read-only", False)
    assert identities(sqlite_journal) == set()
    recorded(sqlite_journal, "next")


def test_a_server_that_became_a_standby_is_left(postgresql_journal: Journal) -> None:
    """The write fails; the next one has a fresh connection, which may lead to the server that took over."""
    postgresql_journal.write(
        lambda c: c.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY").close()
    ).result(20)
    error = postgresql_journal.write(record(new("order"))).exception(20)
    assert isinstance(error, JournalError)
    assert error.message == "the journal's database is read-only"
    recorded(postgresql_journal, "next")


def test_a_file_that_was_removed_is_noticed(sqlite_journal: Journal, tmp_path: Path) -> None:
    """SQLite itself goes on writing to a file without a name; no empty one takes its place."""
    recorded(sqlite_journal, "before")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    with busy(sqlite_journal):
        futures = [sqlite_journal.write(record(new(name))) for name in ("one", "two")]
        for file in tmp_path.glob("journal.db*"):
            file.rename(moved / file.name)
    errors = [future.exception(20) for future in futures]
    assert [type(error) for error in errors] == [JournalError, JournalError]
    assert {error.message for error in errors} == {
        "the journal's file was removed or replaced while it was open: put it back"
    }
    assert errors[0] is not errors[1]  # each can be raised in a thread of its own
    again = sqlite_journal.write(record(new("order"))).exception(20)
    assert isinstance(again, JournalError)
    assert again.message == "the journal's file cannot be opened: it is gone, or there is no permission"
    with pytest.raises(JournalError, match="removed or replaced"):
        identities(sqlite_journal)
    assert list(tmp_path.glob("journal.db*")) == []
    for file in moved.iterdir():
        file.rename(tmp_path / file.name)
    recorded(sqlite_journal, "after")
    assert identities(sqlite_journal) == {"before", "after"}


def test_a_file_that_was_replaced_is_noticed(sqlite_journal: Journal, tmp_path: Path) -> None:
    """Whoever restores a backup under a running process: one write and one read fail, the next have the new file."""
    recorded(sqlite_journal, "before")
    assert identities(sqlite_journal) == {"before"}
    with Journal.open(f"sqlite:///{tmp_path / 'backup.db'}") as backup:
        recorded(backup, "restored")
    for file in tmp_path.glob("journal.db*"):
        file.unlink()
    (tmp_path / "backup.db").rename(tmp_path / "journal.db")
    with pytest.raises(JournalError, match="removed or replaced"):
        sqlite_journal.write(record(new("order"))).result(20)
    with pytest.raises(JournalError, match="removed or replaced"):
        identities(sqlite_journal)
    assert identities(sqlite_journal) == {"restored"}
    recorded(sqlite_journal, "after")
    assert identities(sqlite_journal) == {"restored", "after"}


def test_connections_that_were_cut_between_two_calls_cost_nothing(
    postgresql_journal: Journal, postgresql_url: str
) -> None:
    """A server restarted overnight: the next write and the next read take a fresh connection."""
    recorded(postgresql_journal, "before")
    engine = create_engine(postgresql_url)
    for what in ("write", "read"):
        with engine.begin() as connection:
            assert len(connection.exec_driver_sql(OF_OTHERS).all()) >= 1, what
        if what == "write":
            recorded(postgresql_journal, "after")
        else:
            assert identities(postgresql_journal) == {"before", "after"}
    engine.dispose()


def test_a_connection_that_breaks_within_a_batch_fails_all_of_it(postgresql_journal: Journal) -> None:
    """Nothing of it stands, everybody is told, and the next write works."""

    def breaks(connection: Transaction) -> None:
        rows.record_intent(connection, new("half"), NOW)
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    with busy(postgresql_journal):
        futures = [postgresql_journal.write(work) for work in (record(new("before")), breaks, record(new("after")))]
    for future in futures:
        error = future.exception(20)
        assert isinstance(error, JournalError)
        assert error.message == "the connection to the journal's database broke, or it cannot be reached"
        assert error.retryable
    assert (identities(postgresql_journal), events(postgresql_journal)) == (set(), 0)
    recorded(postgresql_journal, "next")
    assert identities(postgresql_journal) == {"next"}


def test_a_read_on_a_broken_connection_is_said(postgresql_journal: Journal) -> None:
    """The next one works."""
    with pytest.raises(JournalError, match="the connection to the journal's database broke"):
        postgresql_journal.read(lambda c: c.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert identities(postgresql_journal) == set()


def test_tables_that_are_gone_are_said(journal: Journal) -> None:
    """Somebody has dropped them under a running process."""
    journal.write(lambda c: c.exec_driver_sql("DROP TABLE events").close()).result(20)
    error = journal.write(record(new())).exception(20)
    assert isinstance(error, JournalError)
    assert "events" not in error.message


def test_an_error_of_the_journal_holds_no_sql_and_no_value(journal: Journal) -> None:
    """Neither its text, nor what is chained to it, nor what is pickled of it."""
    work = text("INSERT INTO customers VALUES (:user, 'a', NULL, 0, 'linked')").bindparams(user="secret-user-7")
    caught = [journal.write(lambda c: c.execute(work)).exception(20)]
    with pytest.raises(JournalError) as raised:
        journal.read(lambda c: c.execute(text("SELECT nothing FROM nowhere WHERE a = 'secret-user-7'")))
    caught.append(raised.value)
    for error in caught:
        assert isinstance(error, JournalError)
        assert error.__cause__ is None
        assert error.__context__ is None or error.__suppress_context__
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.outcome) == (JournalError, str(error), "unknown")
        for word in ("secret-user-7", "INSERT", "SELECT", "nowhere"):
            assert word not in repr(vars(error)) + str(error)


def test_a_value_no_column_takes_is_the_callers_mistake(journal: Journal) -> None:
    """Python's own word for it; what is handed over with it stands."""
    with busy(journal):
        naive = journal.write(lambda c: rows.record_intent(c, new("naive"), NOW.replace(tzinfo=None)))
        strange = journal.write(lambda c: rows.record_intent(c, new("strange", decision={"a": object()}), NOW))
        good = journal.write(record(new("good")))
    assert (type(naive.exception(20)), type(strange.exception(20))) == (ValueError, TypeError)
    assert identities(journal) == {good.result(20).identity} == {"good"}


def test_a_text_that_no_database_takes_fails_alone(journal: Journal) -> None:
    """Half a surrogate pair, as JSON may hold it; written or asked for, it is not repeated."""
    with busy(journal):
        half = journal.write(record(new(user="user-\ud83d")))
        good = journal.write(record(new("good")))
    with pytest.raises(JournalError, match="the journal cannot store this value") as asked:
        journal.read(lambda c: rows.provisions_of(c, "user-\ud83d"))
    error = half.exception(20)
    assert isinstance(error, JournalError)
    assert error.message == asked.value.message
    assert identities(journal) == {good.result(20).identity}


WRITES_ON = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from tests.unit.journal.orders import new, record
from walletport.journal import Journal
journal = Journal.open(sys.argv[1])
def write(number):
    identity = journal.write(record(new(f"order-{number}"))).result().identity
    os.write(1, identity.encode() + bytes([10]))  # in one piece
with ThreadPoolExecutor(8) as threads:
    list(threads.map(write, range(100_000)))
"""


def test_a_process_that_is_killed_has_lost_nothing_it_confirmed(url: str, pytestconfig: pytest.Config) -> None:
    """And no order stands without its event."""
    running = subprocess.Popen(
        [sys.executable, "-c", WRITES_ON, url], cwd=pytestconfig.rootpath, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    confirmed = {running.stdout.readline().strip() for _ in range(100)}
    running.kill()
    confirmed |= {line.strip() for line in running.stdout.readlines() if line.endswith("\n")}
    running.stdout.close()
    running.wait(20)
    with Journal.open(url) as journal:
        kept = journal.read(lambda c: rows.list_provisions(c, limit=200_000))
        assert confirmed <= {row.identity for row in kept}
        assert events(journal) == len(kept)
