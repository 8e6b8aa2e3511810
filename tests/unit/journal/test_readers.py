"""Reading: connections that stay open, and what a query that fails leaves behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, create_engine, event, text

from tests.unit.journal.orders import recorded
from walletport.journal import Journal, JournalError, Transaction, rows


def test_one_query_after_the_other_takes_the_connection_that_is_open(journal: Journal) -> None:
    """SQLAlchemy's pool is asked once."""
    taken: list[None] = []

    def checked_out(*_: object) -> None:
        taken.append(None)

    journal.read(lambda _: None)
    event.listen(Engine, "engine_connect", checked_out)
    try:
        for _ in range(5):
            journal.read(rows.list_provisions)
    finally:
        event.remove(Engine, "engine_connect", checked_out)
    assert taken == []


def test_many_threads_read_at_once(journal: Journal) -> None:
    """Each has a connection of its own, more of them than are kept."""
    row = recorded(journal, "order")
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: journal.read(lambda c: rows.get_provision(c, row.id)), range(80)))
    assert found == [row] * 80


def test_what_a_query_raises_itself_comes_out_of_it(journal: Journal) -> None:
    """The connection is as good as before."""

    def raises(connection: Transaction) -> None:
        rows.list_provisions(connection)
        raise IndexError

    journal.read(lambda _: None)
    with pytest.raises(IndexError):
        journal.read(raises)
    assert journal.read(rows.list_provisions) == []


def test_what_was_committed_before_is_seen(journal: Journal) -> None:
    """A connection that stays open holds no older state of the database."""
    for number in range(3):
        row = recorded(journal, f"order-{number}")
        assert journal.read(lambda c, row=row: rows.get_provision(c, row.id)) == row


def test_a_connection_that_was_cut_between_two_queries_costs_nothing(
    postgresql_journal: Journal, postgresql_url: str
) -> None:
    """The query is asked once more on a fresh one."""
    recorded(postgresql_journal, "order")
    postgresql_journal.read(rows.list_provisions)
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()
    (found,) = postgresql_journal.read(rows.list_provisions)
    assert found.identity == "order"


def test_a_closed_journal_is_not_read(journal: Journal) -> None:
    journal.read(lambda _: None)
    journal.close()
    with pytest.raises(JournalError, match="the journal is closed"):
        journal.read(lambda _: None)
