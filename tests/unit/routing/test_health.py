"""The breaker of one account, in every order of outcomes, processes and time that Hypothesis thinks of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from walletport.routing.health import (
    FIRST_PAUSE,
    LONGEST_ASKED_FOR,
    LONGEST_PAUSE,
    MOST_FAILURES,
    Health,
    Signal,
    after,
    probing,
)

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
LONGEST = timedelta(seconds=20)  # that an order which tries an account out may take
SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def failed(times: int, known: Health | None = None) -> Health:
    known = known or Health()
    for _ in range(times):
        known = after(known, Signal.FAILED, START, START)
    return known


OPEN = failed(MOST_FAILURES)


def test_failures_in_a_row_open_it_and_one_success_forgets_them() -> None:
    nearly = failed(MOST_FAILURES - 1)
    assert nearly.why_unavailable(START) is None
    assert after(nearly, Signal.WORKED, START, START) == Health()
    assert OPEN.why_unavailable(START) == "5 failures in a row; it is tried again at 12:00:10 UTC"


def test_refused_credentials_open_it_at_once() -> None:
    known = after(Health(), Signal.UNAUTHENTICATED, START, START)
    assert known.why_unavailable(START) == "its credentials are refused; it is tried again at 12:00:10 UTC"


@pytest.mark.parametrize("known", [Health(), failed(3), OPEN], ids=["well", "three failures", "open"])
def test_what_is_refused_because_of_the_order_says_nothing(known: Health) -> None:
    assert after(known, Signal.NOTHING, START, START) == known


def test_too_many_requests_take_it_out_for_as_long_as_the_provider_asks_and_no_longer() -> None:
    known = after(failed(3), Signal.THROTTLED, START, START, timedelta(seconds=45))
    assert known.why_unavailable(at(44)) == "the provider asked to be left alone until 12:00:45 UTC"
    assert known.why_unavailable(at(45)) is None
    assert known.failures == 3, "it counts neither way"
    shorter = after(known, Signal.THROTTLED, at(1), at(1), SECOND)
    assert shorter.throttled_until == known.throttled_until
    assert after(Health(), Signal.THROTTLED, START, START).throttled_until == at(1), "where it does not say"
    assert after(Health(), Signal.THROTTLED, START, START, timedelta(0)) == Health(), "where it says not at all"
    forever = after(Health(), Signal.THROTTLED, START, START, timedelta(days=9000))
    assert forever.throttled_until == START + LONGEST_ASKED_FOR


def test_one_order_at_a_time_tries_it_out() -> None:
    assert probing(OPEN, at(9), LONGEST) is None
    taken = probing(OPEN, at(10), LONGEST)
    assert taken is not None
    assert taken.why_unavailable(at(10)) == "5 failures in a row; one order is trying it out"
    assert probing(taken, at(11), LONGEST) is None
    assert probing(taken, at(30), LONGEST) is not None, "whose process died"
    assert probing(Health(), START, LONGEST) is None


def test_what_began_before_it_was_half_open_is_no_news() -> None:
    """An answer may come late, and a success of before says nothing about now."""
    for signal in (Signal.WORKED, Signal.FAILED, Signal.UNAUTHENTICATED):
        assert after(OPEN, signal, at(9), at(30)) == OPEN


def test_the_outcome_of_trying_it_out_decides() -> None:
    taken = probing(OPEN, at(10), LONGEST)
    assert taken is not None
    assert after(taken, Signal.WORKED, at(10), at(11)) == Health()
    again = after(taken, Signal.FAILED, at(10), at(11))
    assert (again.opens, again.retry_at) == (2, at(11) + 2 * FIRST_PAUSE)
    assert after(taken, Signal.NOTHING, at(10), at(11)) == OPEN, "the next one may"
    busy = after(taken, Signal.THROTTLED, at(10), at(11), timedelta(seconds=5))
    assert (busy.probe_until, busy.throttled_until, busy.opens) == (None, at(16), 1)


def test_an_order_that_overran_its_time_does_not_give_back_the_place_of_the_next() -> None:
    first = probing(OPEN, at(10), LONGEST)
    assert first is not None
    second = probing(first, at(31), LONGEST)
    assert second is not None
    assert after(second, Signal.NOTHING, at(10), at(32), None, LONGEST) == second
    busy = after(second, Signal.THROTTLED, at(10), at(32), SECOND, LONGEST)
    assert busy.probe_until == second.probe_until
    assert after(second, Signal.NOTHING, at(31), at(33), None, LONGEST) == OPEN, "the next one's own end does"


def test_each_time_it_fails_again_the_pause_is_longer_up_to_a_limit() -> None:
    known, now, pauses = OPEN, START, []
    for _ in range(40):
        assert known.retry_at is not None
        pauses.append(known.retry_at - (known.opened_at or now))
        now = known.retry_at
        known = after(known, Signal.FAILED, now, now)
    assert pauses[:4] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE]
    assert pauses[-1] == max(pauses) == LONGEST_PAUSE


class OneAccount(RuleBasedStateMachine):
    """Several orders in flight at an account whose breaker several processes share."""

    @initialize()
    def begin(self) -> None:
        self.known, self.now = Health(), START
        self.in_flight: list[datetime] = []  # when each began
        self.probes: list[tuple[datetime, datetime]] = []  # those let through while it was half open: from, until
        self.in_a_row = 0
        self.asked_until = START

    @rule(seconds=st.sampled_from([0, 1, 5, 10, 21, 60, 301]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def an_order_comes(self) -> None:
        """It goes there only where the account is available; where it is half open, only if it gets the place."""
        if self.known.why_unavailable(self.now) is not None:
            return
        if self.known.is_half_open(self.now):
            taken = probing(self.known, self.now, LONGEST)
            assert taken is not None
            assert all(self.now >= until for _, until in self.probes), "another is trying it out"
            self.probes.append((self.now, self.now + LONGEST))
            self.known = taken
        self.in_flight.append(self.now)

    @precondition(lambda self: self.in_flight)
    @rule(which=st.integers(0, 20), signal=st.sampled_from(Signal), asked=st.sampled_from([None, 0, 3, 40]))
    def one_ends(self, which: int, signal: Signal, asked: int | None) -> None:
        began = self.in_flight.pop(which % len(self.in_flight))
        before = self.known
        pause = None if asked is None else timedelta(seconds=asked)
        self.known = after(before, signal, began, self.now, pause, LONGEST)
        self.probes = [probe for probe in self.probes if probe[0] != began]
        if signal is Signal.THROTTLED:
            self.asked_until = max(self.asked_until, self.now + (SECOND if pause is None else pause))
            assert (self.known.failures, self.known.opens) == (before.failures, before.opens)
        if signal is Signal.NOTHING:
            assert (self.known.failures, self.known.opens) == (before.failures, before.opens)
        if self.known.opens > before.opens:
            enough = before.failures + 1 >= MOST_FAILURES or signal is Signal.UNAUTHENTICATED
            assert before.is_open or enough
            assert signal in (Signal.FAILED, Signal.UNAUTHENTICATED)
            self.probes.clear()
        if before.is_open and not self.known.is_open:
            assert signal is Signal.WORKED
            assert before.retry_at is not None
            assert began >= before.retry_at
            self.probes.clear()

    @invariant()
    def it_is_left_alone_while_the_provider_asks(self) -> None:
        if hasattr(self, "known") and self.now < self.asked_until:
            assert self.known.why_unavailable(self.now) is not None

    @invariant()
    def it_is_never_out_for_good(self) -> None:
        if hasattr(self, "known"):
            later = self.now + LONGEST_PAUSE + LONGEST_ASKED_FOR + LONGEST
            assert self.known.why_unavailable(later) is None

    @invariant()
    def what_is_open_says_why(self) -> None:
        if hasattr(self, "known"):
            assert (self.known.why is not None) == self.known.is_open == (self.known.retry_at is not None)


TestOneAccount = OneAccount.TestCase
