"""Claims: one order is one process's at a time, and what it commits counts only while that holds."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import create_engine

from tests.unit.journal.orders import LEASE, NOW, advance, claimed, later, recorded
from tests.unit.journal.processes import in_processes, records_fifty
from walletport.journal import Journal, LostClaim, ProvisionRow, Transaction, rows


def claim(
    journal: Journal, provision_id: str, owner: str, now: datetime = NOW, until: datetime = NOW + LEASE
) -> ProvisionRow | None:
    return journal.write(lambda c: rows.claim(c, provision_id, owner, now, until)).result(20)


def stands(journal: Journal, provision_id: str) -> ProvisionRow:
    return journal.read(lambda c: rows.get_provision(c, provision_id))


@pytest.mark.timeout(120)
def test_the_same_orders_from_four_processes_are_recorded_once_each(url: str) -> None:
    """Fifty orders, in each process in another order and ten at a time: all hear the same id, one that it is new."""
    Journal.open(url).close()
    told = [answer for answers in in_processes(4, records_fifty, url) for answer in answers]
    assert len(told) == 200
    with Journal.open(url) as journal:
        kept = {row.identity: row.id for row in journal.read(rows.list_provisions)}
        assert all(len(journal.read(lambda c, one=one: rows.events_of(c, one))) == 1 for one in kept.values())
    assert len(kept) == 50
    assert {answer[:2] for answer in told} == set(kept.items())
    assert sorted(identity for identity, _, is_new in told if is_new) == sorted(kept)


def test_of_fifty_threads_that_claim_an_order_one_wins(url: str) -> None:
    """Ten in each of five openings of the journal, which know nothing of each other."""
    journals = [Journal.open(url) for _ in range(5)]
    row = recorded(journals[0])
    together = threading.Barrier(50)

    def take(number: int) -> str | None:
        together.wait(20)
        taken = claim(journals[number % 5], row.id, f"owner-{number}")
        return None if taken is None else taken.owner

    with ThreadPoolExecutor(50) as threads:
        winners = [owner for owner in threads.map(take, range(50)) if owner is not None]
    assert [stands(journals[0], row.id).owner] == winners
    for journal in journals:
        journal.close()


def test_a_claim_keeps_others_out_until_it_runs_out(journal: Journal) -> None:
    """On the microsecond: at its end it has run out."""
    row = claimed(journal, "first")
    assert (row.owner, row.lease_until) == ("first", NOW + LEASE)
    assert claim(journal, row.id, "second", later(29.999999)) is None
    taken = claim(journal, row.id, "second", later(30), later(60))
    assert taken is not None
    assert (taken.owner, taken.lease_until, taken.version) == ("second", later(60), row.version + 1)


def test_the_same_owner_may_claim_again(journal: Journal) -> None:
    """What it held before is out of date then."""
    row = claimed(journal)
    again = claim(journal, row.id, "me", until=later(60))
    assert again is not None
    assert (again.lease_until, again.version) == (later(60), row.version + 1)
    with pytest.raises(LostClaim):
        advance(journal, row)
    assert advance(journal, again, state="sending").state == "sending"


def test_an_order_that_does_not_exist_cannot_be_claimed(journal: Journal) -> None:
    """It is nobody's."""
    assert claim(journal, "no-such-id", "me") is None


def test_an_order_that_another_process_is_just_taking_is_not_waited_for(
    postgresql_journal: Journal, postgresql_url: str
) -> None:
    """A transaction that waits holds up everything that is committed with it."""
    row = recorded(postgresql_journal)
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        assert rows.claim(connection, row.id, "other", NOW, NOW + LEASE) is not None
        assert claim(postgresql_journal, row.id, "me") is None
    engine.dispose()
    assert stands(postgresql_journal, row.id).owner == "other"


def test_a_claim_that_is_renewed_stays(journal: Journal) -> None:
    """And whoever holds the order as it was before may still write to it."""
    row, lost, free = claimed(journal), claimed(journal, "other"), recorded(journal)
    ids = [row.id, lost.id, free.id, "no-such-id"]
    held = journal.write(lambda c: rows.renew(c, ids, "me", later(90))).result(20)
    assert held == {row.id}
    assert stands(journal, row.id).lease_until == later(90)
    assert stands(journal, lost.id) == lost
    assert stands(journal, free.id) == free
    assert claim(journal, row.id, "other", later(89)) is None
    assert advance(journal, row, state="sending").lease_until == later(90)


def test_more_claims_than_one_statement_takes_are_renewed(journal: Journal) -> None:
    """SQLite limits how many values that is."""
    row = claimed(journal)
    ids = [*(f"no-such-id-{number}" for number in range(1200)), row.id]
    assert journal.write(lambda c: rows.renew(c, ids, "me", later(90))).result(20) == {row.id}
    assert journal.write(lambda c: rows.renew(c, [], "me", later(90))).result(20) == set()


def test_a_released_order_is_free_at_once(journal: Journal) -> None:
    """Only its owner lets it go."""
    row = claimed(journal)
    journal.write(lambda c: rows.release(c, row.id, "other")).result(20)
    assert stands(journal, row.id) == row
    journal.write(lambda c: rows.release(c, row.id, "me")).result(20)
    assert (stands(journal, row.id).owner, stands(journal, row.id).lease_until) == (None, None)
    assert claim(journal, row.id, "other") is not None


def overtaken_by_another_claim(journal: Journal, row: ProvisionRow) -> None:
    assert claim(journal, row.id, "other", later(31), later(60)) is not None


def overtaken_by_its_own_change(journal: Journal, row: ProvisionRow) -> None:
    advance(journal, row, state="sending")


def overtaken_by_a_release(journal: Journal, row: ProvisionRow) -> None:
    journal.write(lambda c: rows.release(c, row.id, "me")).result(20)


@pytest.mark.parametrize("overtaken", [overtaken_by_another_claim, overtaken_by_its_own_change, overtaken_by_a_release])
def test_whoever_lost_its_claim_changes_nothing(
    journal: Journal, overtaken: Callable[[Journal, ProvisionRow], None]
) -> None:
    """Not the order, and no event is left; the error survives pickling."""
    row = claimed(journal)
    overtaken(journal, row)
    before = stands(journal, row.id), journal.read(lambda c: rows.events_of(c, row.id))
    with pytest.raises(LostClaim) as caught:
        advance(journal, row, state="done", wallet_id="w-1")
    assert (stands(journal, row.id), journal.read(lambda c: rows.events_of(c, row.id))) == before
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), again.outcome) == (LostClaim, "unknown")


def test_whoever_has_only_looked_at_an_order_changes_nothing(journal: Journal) -> None:
    """Having seen its newest version is not having claimed it."""
    row = claimed(journal, "other")
    for seen in (row, recorded(journal)):
        with pytest.raises(LostClaim):
            advance(journal, seen, by="me", state="done")


def test_an_expired_claim_that_nobody_took_still_counts(journal: Journal) -> None:
    """An answer that came late is recorded rather than lost."""
    row = claimed(journal)
    assert advance(journal, row, now=later(100), state="done").state == "done"


def test_of_fifty_changes_to_what_was_seen_one_counts(journal: Journal) -> None:
    """The others are told."""
    row = claimed(journal)

    def change(number: int) -> bool:
        def work(connection: Transaction) -> None:
            rows.advance(connection, row, "me", {"sends": number}, "sent", {"number": number}, NOW)

        return journal.write(work).exception(20) is None

    with ThreadPoolExecutor(50) as threads:
        winners = [number for number, won in enumerate(threads.map(change, range(50))) if won]
    assert [stands(journal, row.id).sends] == winners
    story = journal.read(lambda c: rows.events_of(c, row.id))
    assert [event.detail for event in story if event.what == "sent"] == [{"number": winners[0]}]
