"""The vendor's own word on when to come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.transport.hand import OK, START, Table, status
from tests.unit.transport.vendor import Vendor, create, flow
from walletport.errors import ProviderUnavailable, RateLimited, WalletportError
from walletport.provider import Request, Response
from walletport.transport.limits import retry_after

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def at(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 120 "}, 120),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": at(NOW + timedelta(seconds=90))}, 90),
        ({"retry-after": at(NOW - timedelta(hours=1))}, 0),
        ({"retry-after": at(NOW)}, 0),
        ({"retry-after": at(NOW + timedelta(seconds=90)), "date": at(NOW + timedelta(seconds=60))}, 30),
        ({"retry-after": at(NOW + timedelta(days=1)), "date": at(NOW + timedelta(days=1, seconds=-5))}, 5),
        ({"retry-after": at(NOW + timedelta(seconds=90)), "date": "yesterday"}, 90),
        ({"retry-after": "Wednesday, 04-Mar-26 05:06:17 GMT"}, 10),
        ({"retry-after": "Wed Mar  4 05:06:17 2026"}, 10),
        ({"retry-after": "99999999999999999999"}, 1e9),
        ({"retry-after": "9" * 5000}, 1e9),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "3, 4"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Mon, 99 Foo 2026 99:99:99 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 2026 00:00:00 +99999999999999"}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers, seconds):
    assert retry_after(Response(429, headers), NOW) == seconds


@given(st.text(max_size=60), st.text(max_size=60))
def test_garbage_never_raises_and_never_turns_back_time(value, date):
    seconds = retry_after(Response(429, {"retry-after": value, "date": date}), NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("code", [429, 503])
def test_the_wait_is_exactly_what_the_vendor_asks_for(code):
    played = Table().play(flow(create()), status(code, {"retry-after": "17"}), OK)
    assert played.slept == [17]


def test_a_date_is_obeyed_by_our_clock_where_the_answer_has_none():
    moment = at(START + timedelta(seconds=12))
    assert Table().play(flow(create()), status(429, {"retry-after": moment}), OK).slept == [12]


def test_a_vendor_that_says_now_is_asked_again_at_once_and_not_for_ever():
    played = Table(max_attempts=4).play(flow(create()), *[status(503, {"retry-after": "0"})] * 4)
    assert played.slept == [0, 0, 0]


@pytest.mark.parametrize(("header", "told"), [("61", 61), ("86400", 86400), ("9" * 12, 1e9)])
def test_a_wait_longer_than_the_budget_is_raised_at_once_and_told(header, told):
    played = Table(max_elapsed=60).play(flow(create()), status(429, {"retry-after": header}))
    assert (type(played.failure), played.failure.retry_after) == (RateLimited, told)
    assert played.slept == []


def test_what_the_adapter_reads_from_the_body_comes_before_the_header():
    class Tells(Vendor):
        def classify(self, request: Request, response: Response) -> WalletportError | None:
            return None if response.ok else RateLimited("slow down", retry_after=3)

    assert Table(Tells()).play(flow(create()), status(429, {"retry-after": "30"}), OK).slept == [3]


def test_a_negative_figure_of_the_adapter_is_no_wait():
    class Confused(Vendor):
        def classify(self, request: Request, response: Response) -> WalletportError | None:
            return None if response.ok else ProviderUnavailable("down", retry_after=-3)

    assert Table(Confused()).play(flow(create()), status(503), OK).slept == [0]
