"""Times: aware, in UTC, whole microseconds; what goes in comes out, and sorts as it should."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from tests.unit.journal.orders import NOW, advance, claimed, recorded
from walletport.journal import Journal, rows
from walletport.journal.types import UtcTime

DIALECT = sqlite.dialect()
TIMES = st.datetimes(timezones=st.just(UTC))


@given(TIMES)
def test_a_time_comes_back_as_it_was(time: datetime) -> None:
    """From the year 1 to 9999, on the microsecond, always in UTC."""
    stored = UtcTime().process_bind_param(time, DIALECT)
    assert isinstance(stored, int)
    assert -(2**63) <= stored < 2**63
    again = UtcTime().process_result_value(stored, DIALECT)
    assert again == time
    assert again is not None
    assert again.tzinfo is UTC


@given(TIMES, TIMES)
def test_times_sort_in_the_database_as_they_do_here(one: datetime, other: datetime) -> None:
    """Which is how claims and waits are compared."""
    stored = [UtcTime().process_bind_param(time, DIALECT) for time in (one, other)]
    assert (stored[0] < stored[1]) is (one < other)


def test_what_is_stored_is_microseconds_since_1970() -> None:
    """Other programs may read it."""
    assert UtcTime().process_bind_param(datetime(2026, 1, 1, 0, 0, 1, 5, tzinfo=UTC), DIALECT) == 1_767_225_601_000_005
    assert UtcTime().process_bind_param(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), DIALECT) == -1
    assert UtcTime().process_bind_param(None, DIALECT) is None


@pytest.mark.parametrize(
    "time",
    [datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))],  # noqa: DTZ001 - the point
    ids=["naive", "another zone"],
)
def test_a_time_that_is_not_in_utc_is_refused(time: datetime) -> None:
    """Somebody's local hour would shift a window by hours."""
    with pytest.raises(ValueError, match="a time in the journal is aware and in UTC"):
        UtcTime().process_bind_param(time, DIALECT)


def test_utc_under_another_name_is_utc(journal: Journal) -> None:
    """What counts is the offset."""
    row = recorded(journal, now=NOW.astimezone(timezone(timedelta(0), "Zulu")))
    assert row.created_at == NOW
    assert row.created_at.tzinfo is UTC


@given(time=TIMES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_time_comes_back_from_both_databases(journal: Journal, time: datetime) -> None:
    """Through a whole write and a whole read."""
    row = advance(journal, claimed(journal), first_sent_at=time)
    assert row.first_sent_at == time
    assert journal.read(lambda c: rows.get_provision(c, row.id)).first_sent_at == time
