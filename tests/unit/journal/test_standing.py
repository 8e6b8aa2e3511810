"""What is known of accounts and pins: shared, never overwritten unseen, and there after an upgrade."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect

from tests.unit.journal.orders import recorded, rewind
from tests.unit.journal.processes import counts_forty, in_processes
from walletport.journal import AccountRow, Journal, PinRow, rows, standing
from walletport.journal.schema import HEAD, VERSION_TABLE

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def read(journal: Journal, name: str = "main") -> AccountRow:
    return journal.read(lambda connection: standing.account(connection, name))


def change(journal: Journal, seen: AccountRow, **changes: object) -> bool:
    return journal.write(lambda connection: standing.change_account(connection, seen, changes)).result(20)


def test_an_account_of_which_nothing_is_known_is_doing_well(journal: Journal) -> None:
    assert read(journal) == AccountRow("main")
    assert journal.read(standing.accounts) == {}


def test_what_somebody_else_has_recorded_since_is_never_overwritten(journal: Journal) -> None:
    """From the first time on."""
    nothing = read(journal)
    assert change(journal, nothing, failures=1)
    assert not change(journal, nothing, failures=9)
    seen = read(journal)
    assert (seen.failures, seen.version) == (1, 2)
    assert change(journal, seen, failures=2, opened_at=NOW, why="2 failures in a row")
    assert not change(journal, seen, failures=9)
    assert journal.read(standing.accounts) == {"main": read(journal)}
    assert (read(journal).failures, read(journal).opened_at) == (2, NOW)


def test_a_pin_is_replaced_and_forgotten(journal: Journal) -> None:
    later = NOW + timedelta(days=1)
    for row in (PinRow("user-2", "main", NOW), PinRow("user-1", "main", NOW), PinRow("user-1", "spare", later)):
        journal.write(lambda connection, row=row: standing.pin(connection, row)).result(20)
    assert journal.read(lambda c: standing.pins(c, 9)) == [
        PinRow("user-1", "spare", later),
        PinRow("user-2", "main", NOW),
    ]
    assert journal.read(lambda c: standing.pins(c, 1)) == [PinRow("user-1", "spare", later)]
    assert journal.write(lambda c: standing.unpin(c, "user-1")).result(20) == "spare"
    assert journal.write(lambda c: standing.unpin(c, "user-1")).result(20) is None
    assert journal.read(lambda c: standing.pin_of(c, "user-1")) is None


def test_events_of_an_account_come_newest_first(journal: Journal) -> None:
    for number in range(3):
        journal.write(
            lambda c, number=number: standing.append_event(c, "main", "opened", {"failures": number}, NOW)
        ).result(20)
    journal.write(lambda c: standing.append_event(c, "spare", "paused", {}, NOW)).result(20)
    found = journal.read(lambda c: standing.events_of_account(c, "main", 2))
    assert [event.detail for event in found] == [{"failures": 2}, {"failures": 1}]


def test_processes_that_record_at_once_lose_nothing(url: str) -> None:
    Journal.open(url).close()
    assert sum(in_processes(3, counts_forty, url)) == 120
    with Journal.open(url) as journal:
        assert read(journal).failures == 120


def test_a_journal_of_before_is_upgraded_with_what_it_holds(url: str) -> None:
    """The tables of the first revision, with an order in them."""
    with Journal.open(url) as journal:
        row = recorded(journal)
    rewind(url, "r0001")
    with Journal.open(url) as journal:
        assert journal.read(lambda c: rows.get_provision(c, row.id)) == row
        assert change(journal, read(journal), failures=1)
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar() == HEAD
    engine.dispose()


def test_the_first_revision_alone_has_none_of_these_tables(sqlite_url: str) -> None:
    """So the test above begins where old journals stand."""
    engine = create_engine(sqlite_url)
    config = Config()
    config.set_main_option("script_location", "walletport.journal:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "r0001")
        assert set(inspect(connection).get_table_names()) == {
            *("provisions", "wallets", "customers", "events"),
            VERSION_TABLE,
        }
    engine.dispose()


@pytest.mark.parametrize("user", ["user-1", "\N{SNOWMAN}" * 200])
def test_a_user_is_locked_by_one_process_at_a_time(postgresql_journal: Journal, postgresql_url: str, user: str) -> None:
    """Until its transaction ends; other users are free."""
    engine = create_engine(postgresql_url)

    def take(name: str) -> bool:
        return postgresql_journal.write(lambda connection: rows.lock_user(connection, name)).result(20)

    with engine.begin() as other:
        assert rows.lock_user(other, user)
        assert not take(user)
        assert take("user-2")
    assert take(user)
    engine.dispose()
