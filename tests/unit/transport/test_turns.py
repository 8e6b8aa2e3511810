"""Whose turn it is: evenly spaced, first come first served, and never all at once."""

from __future__ import annotations

import pytest

from walletport.transport.pacing import Turns


def went(turns: Turns, numbers: list[int], now: float, rate: float) -> int:
    """Let all who wait ask, and return how many may leave."""
    free = [number for number in numbers if turns.wait(number, now, rate) <= 0]
    for number in free:
        numbers.remove(number)
        turns.go()
    return len(free)


def test_requests_leave_evenly_spaced() -> None:
    turns = Turns()
    numbers = [turns.come() for _ in range(5)]
    assert turns.wait(numbers[0], 100.0, 10) == 0
    turns.go()
    assert [turns.wait(number, 100.0, 10) for number in numbers[1:]] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_who_slept_too_long_catches_up_a_little_and_no_more() -> None:
    """A process that was not scheduled for a minute has 32 requests whose time has come."""
    turns = Turns()
    numbers = [turns.come() for _ in range(32)]
    assert went(turns, numbers, 0.0, 50) == 1
    assert went(turns, numbers, 60.0, 50) == 5
    assert went(turns, numbers, 60.0, 50) == 0
    assert went(turns, numbers, 61.0, 50) == 5


def test_who_had_nothing_to_send_has_not_been_late_with_it() -> None:
    """After a quiet minute the first requests are as evenly spaced as any."""
    turns = Turns()
    numbers = [turns.come()]
    assert went(turns, numbers, 0.0, 50) == 1
    late = [turns.come()]
    assert went(turns, late, 60.0, 50) == 1
    assert went(turns, [turns.come() for _ in range(5)], 60.0, 50) == 0


def test_a_slower_rate_holds_for_those_who_wait_already() -> None:
    turns = Turns()
    numbers = [turns.come() for _ in range(3)]
    assert went(turns, numbers, 0.0, 10) == 1
    assert turns.wait(numbers[0], 0.05, 1) > 0
    assert turns.wait(numbers[0], 0.1, 1) == pytest.approx(0.9, abs=0.1)


def test_a_newcomer_does_not_overtake() -> None:
    """A token is there, and whoever it is for has not woken up yet."""
    turns = Turns()
    numbers = [turns.come() for _ in range(2)]
    assert went(turns, numbers, 0.0, 10) == 1
    newcomer = turns.come()
    assert turns.wait(newcomer, 0.1, 10) > 0
    assert turns.wait(numbers[0], 0.1, 10) == 0


def test_who_gives_up_holds_nobody_up() -> None:
    turns = Turns()
    numbers = [turns.come() for _ in range(4)]
    assert went(turns, numbers, 0.0, 10) == 1
    turns.go()
    numbers.pop(0)
    assert turns.wait(numbers[0], 0.0, 10) == pytest.approx(0.1)


def test_without_a_share_nobody_leaves() -> None:
    turns = Turns()
    assert turns.wait(turns.come(), 0.0, 0.0) == float("inf")


def test_a_higher_rate_is_not_owed_for_the_time_before() -> None:
    """Those who waited for a share do not all leave as soon as there is one."""
    turns = Turns()
    numbers = [turns.come() for _ in range(32)]
    assert went(turns, numbers, 0.0, 0.0) == 0
    assert went(turns, numbers, 1.0, 50) == 1
