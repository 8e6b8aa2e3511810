"""Group commit: together when many wait, alone when one fails, and never a word before the commit."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for

import pytest
from sqlalchemy import Engine, event, text

from tests.unit.journal.orders import NOW, busy, new, record, recorded
from walletport.journal import Journal, JournalError, Transaction, rows


@pytest.fixture
def commits() -> Iterator[list[None]]:
    """Grows by one with each commit."""
    seen: list[None] = []

    def committed(connection: object) -> None:
        seen.append(None)

    event.listen(Engine, "commit", committed)
    yield seen
    event.remove(Engine, "commit", committed)


def identities(journal: Journal) -> set[str]:
    return {row.identity for row in journal.read(lambda c: rows.list_provisions(c, limit=1000))}


def raises(error: BaseException) -> Callable[[Transaction], None]:
    def work(connection: Transaction) -> None:
        rows.record_intent(connection, new("half"), NOW)
        raise error

    return work


def test_what_waits_together_is_committed_together(journal: Journal, commits: list[None]) -> None:
    """Fifty pieces of work that wait are one commit."""
    with busy(journal):
        commits.clear()
        futures = [journal.write(record(new(f"order-{number}"))) for number in range(50)]
    assert wait_for(futures, 20).not_done == set()
    assert len(commits) == 2  # of what held the thread, and of the fifty
    assert identities(journal) == {f"order-{number}" for number in range(50)}


def test_fifty_threads_need_fewer_commits_than_writes(journal: Journal, commits: list[None]) -> None:
    """Nobody holds the thread here: they meet while the commit before theirs is under way."""

    def write(number: int) -> None:
        for turn in range(4):
            journal.write(record(new(f"order-{number}-{turn}"))).result(20)

    with ThreadPoolExecutor(50) as threads:
        list(threads.map(write, range(50)))
    assert len(identities(journal)) == 200
    assert len(commits) < 200


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), SystemExit(3), JournalError("no")], ids=lambda error: type(error).__name__
)
def test_a_piece_of_work_fails_alone(journal: Journal, error: BaseException) -> None:
    """Those before and after it in the batch stand; of its own nothing does, and its error is what it raised."""
    with busy(journal):
        before = journal.write(record(new("before")))
        failing = journal.write(raises(error))
        after = journal.write(record(new("after")))
    assert type(failing.exception(20)) is type(error)
    assert (before.result(20).identity, after.result(20).identity) == ("before", "after")
    assert identities(journal) == {"before", "after"}


def test_a_statement_that_fails_fails_alone(journal: Journal) -> None:
    """PostgreSQL refuses everything after a failed statement, up to the savepoint."""
    with busy(journal):
        before = journal.write(record(new("before")))
        failing = journal.write(lambda c: c.execute(text("INSERT INTO events VALUES (1, 'nobody', 1, 'x', '{}')")))
        after = journal.write(record(new("after")))
    assert isinstance(failing.exception(20), JournalError)
    assert {before.result(20).identity, after.result(20).identity} == identities(journal)


def test_nothing_resolves_before_its_commit(journal: Journal) -> None:
    """Whoever is told can be sure that every other connection sees it."""
    seen: list[set[str]] = []
    with busy(journal):
        for identity in ("one", "two"):
            journal.write(record(new(identity))).add_done_callback(lambda _: seen.append(identities(journal)))
    journal.write(record(new("three"))).result(20)
    assert seen == [{"one", "two"}, {"one", "two"}]


def test_a_write_cannot_be_cancelled(journal: Journal) -> None:
    """What was handed over is written, whoever stops waiting."""
    with busy(journal):
        future = journal.write(record(new("order")))
        assert not future.cancel()
    assert future.result(20).identity == "order"


def test_a_cancelled_task_loses_no_write(journal: Journal) -> None:
    """The answer of a provider is recorded although the application has lost interest."""

    async def gives_up() -> None:
        with busy(journal):
            task = asyncio.ensure_future(asyncio.wrap_future(journal.write(record(new("order")))))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(gives_up())
    recorded(journal, "next")  # the thread lives
    assert identities(journal) == {"order", "next"}


def test_a_write_whose_event_loop_is_gone_is_written(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    """Its result has nowhere to go; the thread goes on."""

    async def leaves() -> asyncio.Future[object]:
        return asyncio.wrap_future(journal.write(record(new("order"))))

    with busy(journal):
        asyncio.run(leaves())
    recorded(journal, "next")
    assert identities(journal) == {"order", "next"}


def test_closing_writes_what_was_handed_over(url: str) -> None:
    """And says so to whoever waits."""
    journal = Journal.open(url)
    with busy(journal):
        futures = [journal.write(record(new(f"order-{number}"))) for number in range(20)]
        closing = threading.Thread(target=journal.close)
        closing.start()
    closing.join(20)
    assert {future.result(0).identity for future in futures} == {f"order-{number}" for number in range(20)}
    with Journal.open(url) as again:
        assert len(identities(again)) == 20


def test_a_closed_journal_says_so(journal: Journal) -> None:
    """Closing twice is harmless."""
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="the journal is closed"):
        journal.write(record(new()))
    with pytest.raises(JournalError, match="the journal is closed"):
        journal.read(rows.list_provisions)


def test_a_program_that_forgets_to_close_ends(sqlite_url: str) -> None:
    """The thread that writes keeps no process alive."""
    code = "import sys; from walletport.journal import Journal; journal = Journal.open(sys.argv[1]); print('end')"
    done = subprocess.run([sys.executable, "-c", code, sqlite_url], capture_output=True, timeout=20, check=True)
    assert (done.stdout.strip(), done.stderr) == (b"end", b"")


FORKS = """
import os, sys
from walletport.journal import Journal, JournalError, rows
journal = Journal.open(sys.argv[1])
assert journal.read(rows.list_provisions) == []
child = os.fork()
if child == 0:
    try:
        journal.write(rows.list_provisions)
    except JournalError as error:
        print(error.message, flush=True)
    journal.close()
    os._exit(0)
os.waitpid(child, 0)
print(journal.write(rows.list_provisions).result(), journal.read(rows.list_provisions), flush=True)
journal.close()
"""


def test_a_forked_process_is_told_to_open_the_journal_again(url: str) -> None:
    """It has neither the thread nor connections of its own; its parent goes on undisturbed."""
    done = subprocess.run([sys.executable, "-c", FORKS, url], capture_output=True, text=True, timeout=25, check=True)
    assert done.stdout.splitlines() == [
        "the journal was opened before this process was forked: open it again here",
        "[] []",
    ]
    assert done.stderr == ""


def test_reading_cannot_write(journal: Journal) -> None:
    """A write that went past the one thread would be lost on a failure nobody is told of."""
    with pytest.raises(JournalError, match="read-only"):
        journal.read(record(new("order")))
    assert identities(journal) == set()


class TestBlocking:
    """A journal for threads that wait for what they write."""

    def test_whoever_waits_writes_it_where_nobody_else_is_writing(self, url: str) -> None:
        """No other thread has to wake up for it, and it is committed by the time it is handed over."""
        with Journal.open(url, blocking=True) as journal:
            future = journal.write(lambda _: threading.get_ident())
            assert future.done()
            assert future.result() == threading.get_ident()
            recorded(journal, "order")
            assert identities(journal) == {"order"}

    def test_what_comes_meanwhile_is_committed_together(self, url: str, commits: list[None]) -> None:
        """It waits for nobody but the one who is writing."""
        with Journal.open(url, blocking=True) as journal, ThreadPoolExecutor(21) as threads:
            holds, release = threading.Event(), threading.Event()

            def hold(_: Transaction) -> None:
                holds.set()
                assert release.wait(20)

            first = threads.submit(journal.write, hold)
            assert holds.wait(20)
            commits.clear()
            others = [journal.write(record(new(f"order-{number}"))) for number in range(20)]
            assert not any(future.done() for future in others)
            release.set()
            first.result(20).result(20)
            assert len({future.result(20).identity for future in others}) == 20
            assert len(commits) == 2  # of the one who was writing, and of the twenty

    @pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt()], ids=lambda e: type(e).__name__)
    def test_what_fails_is_told_to_whoever_asked_and_the_next_one_works(self, url: str, error: BaseException) -> None:
        with Journal.open(url, blocking=True) as journal:
            with pytest.raises(type(error)):
                journal.write(raises(error)).result()
            recorded(journal, "order")
            assert identities(journal) == {"order"}

    def test_fifty_threads_lose_nothing(self, url: str) -> None:
        """Whoever finds nobody writing writes, and the others' work is never left lying."""

        def write(number: int) -> None:
            for turn in range(6):
                journal.write(record(new(f"order-{number}-{turn}"))).result(20)

        with Journal.open(url, blocking=True) as journal, ThreadPoolExecutor(50) as threads:
            list(threads.map(write, range(50)))
            assert len(identities(journal)) == 300
