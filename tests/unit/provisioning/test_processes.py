"""Several processes at one order: whoever asks, however many at once, and whoever is stopped in the middle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.unit.provisioning.worker import FORKING, Site, asks_once, fifty_calls, go_on, started, stop
from tests.unit.provisioning.world import (
    CREATES,
    PROVIDERS,
    SETTLE,
    WINDOW,
    Asked,
    Vendors,
    ask_until_it_ends,
    configured,
    opened,
    told,
)
from walletport.journal import Journal, rows
from walletport.provisioning.machine import State

LEASE = 2.0  # seconds; it is renewed every half second


@pytest.mark.parametrize(("url", "provider"), [("sqlite", "conduit"), ("postgresql", "polygon-oms")], indirect=["url"])
def test_two_hundred_calls_in_four_processes_make_one_create_and_get_one_answer(
    provider: str, url: str, vendors: Vendors
) -> None:
    """Threads and tasks, while the vendor takes its time over the one create."""
    vendors.sandbox.faults.add(f"late:times=1:seconds=0.5{CREATES}")
    with opened(configured(vendors.sandbox, url), vendors.sandbox):
        pass  # links the user
    together, answers = FORKING.Barrier(8), FORKING.Queue()
    site = Site.of(vendors.sandbox, url)
    processes = [started(fifty_calls, site, provider, together, answers) for _ in range(4)]
    found = [answers.get(timeout=100) for _ in processes]
    for process in processes:
        process.join(30)
    assert [len(each) for each in found] == [50, 50, 50, 50], found
    (wallet_id,) = vendors.wallets(provider)
    first = found[0][0]
    assert first["wallet"]["id"] == wallet_id
    assert all(answer == first for each in found for answer in each)
    assert len(vendors.creates(provider)) == 1


class Stopped:
    """A process that has asked for an order and is stopped, with SIGSTOP, as soon as a vendor gets a certain request.

    Args:
        vendors: the sandbox's.
        journal: the journal's URL.
        provider: the account.
        at: which request; the vendor answers it, and nobody reads that.
    """

    def __init__(self, vendors: Vendors, journal: str, provider: str, at: Callable[[Asked], bool]) -> None:
        self.stands = threading.Event()
        self.answers = FORKING.Queue()
        self._journal = journal

        def before(asked: Asked) -> None:
            if at(asked) and not self.stands.is_set():
                stop(self.process)
                self.stands.set()

        vendors.before = before
        site = Site.of(vendors.sandbox, journal, lease=LEASE)
        self.process = started(asks_once, site, provider, self.answers)
        assert self.stands.wait(60)

    def wait_until_its_claim_has_run_out(self) -> None:
        with Journal.open(self._journal) as journal:
            (row,) = journal.read(rows.list_provisions)
        assert row.state == "sending"
        assert row.lease_until is not None
        threading.Event().wait((row.lease_until - datetime.now(UTC)).total_seconds())

    def go_on(self) -> str:
        """Let it go on, and return what it told."""
        go_on(self.process)
        answer: str = self.answers.get(timeout=60)
        self.process.join(60)
        return answer


def until_made(story: list[str]) -> list[str]:
    """Leave out that the wallet is ready, which some vendors' are at once."""
    return story[: story.index("made") + 1]


def is_token(asked: Asked) -> bool:
    return asked.request.path[-1] == "token"


def test_what_a_stopped_process_has_not_sent_never_leaves(url: str, vendors: Vendors) -> None:
    """Stopped between the commit and the create, while it fetches a token.

    Another process proves that nothing is there and sends under a new key; the old one must not follow.
    """
    with opened(configured(vendors.sandbox, url), vendors.sandbox) as port:
        slow = Stopped(vendors, url, "polygon-oms", is_token)
        slow.wait_until_its_claim_has_run_out()
        vendors.sandbox.clock.advance(WINDOW + SETTLE)
        record = ask_until_it_ends(port, vendors.sandbox, "polygon-oms")
        assert slow.go_on() == record.wallet.id
        assert until_made(told(port, record))[2:] == ["process died", "found absent", "found absent", "sending", "made"]
    assert vendors.wallets("polygon-oms") == [record.wallet.id]
    assert len(vendors.creates("polygon-oms")) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_answer_to_a_stopped_process_makes_no_second_wallet(
    provider: str, sqlite_url: str, vendors: Vendors
) -> None:
    """Stopped with the answer outstanding; another process takes over under the same key, and both tell one wallet."""
    with opened(configured(vendors.sandbox, sqlite_url), vendors.sandbox) as port:
        slow = Stopped(vendors, sqlite_url, provider, lambda asked: asked.is_create)
        slow.wait_until_its_claim_has_run_out()
        record = ask_until_it_ends(port, vendors.sandbox, provider)
        assert slow.go_on() == record.wallet.id
        assert until_made(told(port, record)) == ["intended", "sending", "process died", "sending", "made"]
    assert vendors.wallets(provider) == [record.wallet.id]
    assert len(vendors.keys(provider)) == 1


def test_the_late_answer_to_a_stopped_process_settles_what_another_one_has_left_to_a_person(
    url: str, vendors: Vendors
) -> None:
    """Past Ledger.so's window nobody can look; but the process that was stopped has read the answer after all."""
    with opened(configured(vendors.sandbox, url), vendors.sandbox) as port:
        slow = Stopped(vendors, url, "ledger-so", lambda asked: asked.is_create)
        slow.wait_until_its_claim_has_run_out()
        vendors.sandbox.clock.advance(WINDOW + 1)
        review = ask_until_it_ends(port, vendors.sandbox, "ledger-so")
        assert review.state is State.NEEDS_REVIEW
        (wallet_id,) = vendors.wallets("ledger-so")
        assert slow.go_on() == wallet_id
        (record,) = port.provisions(account="ledger-so")
        assert (record.state, record.wallet.id) == (State.DONE, wallet_id)
        last = port.story(record.id).events[-1]
        assert (last.what, last.detail) == ("made", {"id": wallet_id, "late": True})
    assert len(vendors.creates("ledger-so")) == 1
