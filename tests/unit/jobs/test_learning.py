"""Limits that nobody names, and named ones that are wrong: learned from "too many requests" alone."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.support.limiters import LIMITERS, Limiter, sliding
from tests.unit.jobs.senders import Simulation, limited

LIMIT = 200
vendors = pytest.mark.parametrize("vendor", LIMITERS.values(), ids=LIMITERS)


def start_four(simulation: Simulation, named: float | None, lets_through: Limiter, senders: int = 32) -> None:
    for name in "abcd":
        simulation.start(name, named, senders=senders, answer=limited(lets_through))


@vendors
def test_a_limit_that_nobody_names_is_learned_and_kept_to(
    simulation: Simulation, vendor: Callable[[float], Limiter]
) -> None:
    """In half a minute, although all of them have begun as fast as they can; from then on few are refused."""
    simulation.late = 0.02
    start_four(simulation, None, vendor(LIMIT))
    simulation.run(90)
    assert simulation.rate(30, 90, "200") >= 0.9 * LIMIT
    assert simulation.refused(30, 90) < 0.01


def test_what_each_was_let_through_in_the_first_rush_adds_up(simulation: Simulation) -> None:
    """The first who is refused knows of nobody else."""
    start_four(simulation, None, sliding(LIMIT))
    simulation.run(8)
    assert simulation.rate(3, 8, "200") >= 0.8 * LIMIT


def test_a_first_guess_that_was_too_low_is_left_behind_soon(simulation: Simulation) -> None:
    """A rush into a small bucket is let through much less than the limit."""
    start_four(simulation, None, LIMITERS["bucket"](LIMIT))
    simulation.run(30)
    assert simulation.rate(2, 4) < 0.6 * LIMIT
    assert simulation.rate(20, 30, "200") >= 0.9 * LIMIT


def test_a_limit_that_falls_and_rises_again_is_followed(simulation: Simulation) -> None:
    limiter = [sliding(LIMIT)]

    def lets_through(at: float) -> bool:
        return limiter[0](at)

    start_four(simulation, None, lets_through)
    simulation.run(30)
    limiter[0] = sliding(LIMIT / 2)
    simulation.run(60)
    assert simulation.rate(45, 60, "200") >= 0.7 * LIMIT / 2
    assert simulation.refused(45, 60) < 0.01
    limiter[0] = sliding(LIMIT)
    simulation.run(180)
    assert simulation.rate(150, 180, "200") >= 0.9 * LIMIT


def test_a_named_limit_that_is_too_high_is_not_believed(simulation: Simulation) -> None:
    """Another application may use the same account."""
    start_four(simulation, LIMIT, sliding(120))
    simulation.run(60)
    assert simulation.rate(20, 60, "200") >= 0.85 * 120
    assert simulation.refused(20, 60) < 0.01


def test_many_processes_learn_together(simulation: Simulation) -> None:
    """Each of them is refused too seldom to notice by itself."""
    answer = limited(sliding(180))
    for number in range(16):
        simulation.start(f"process {number}", 190, senders=8, answer=answer)
    simulation.run(40)
    assert simulation.refused(20, 40) < 0.01
    assert simulation.rate(20, 40, "200") >= 0.85 * 180


@pytest.mark.parametrize(("named", "slowest"), [(None, 300), (LIMIT, 0.8 * LIMIT)])
def test_a_vendor_that_refuses_at_random_is_not_obeyed(
    simulation: Simulation, named: float | None, slowest: float
) -> None:
    """It would refuse as much of any rate, so going slower gains nothing."""
    chance = random.Random(7)
    start_four(simulation, named, lambda _: chance.random() >= 0.02, senders=8)
    simulation.run(60)
    assert simulation.rate(30, 60) >= slowest


def test_a_learned_limit_is_known_after_a_pause(simulation: Simulation) -> None:
    """A rate that nobody used has not grown meanwhile, so there is no second rush."""
    lets_through = sliding(LIMIT)
    simulation.start("a", None, senders=32, answer=limited(lets_through))
    simulation.run(30)
    simulation.kill("a")
    simulation.start("b", None, senders=64, answer=limited(lets_through), at=200)
    simulation.run(215)
    assert simulation.refused(200, 215) < 0.01
    assert simulation.rate(202, 215, "200") >= 0.9 * LIMIT


def test_an_answer_to_what_was_sent_before_a_cut_does_not_cut_again(simulation: Simulation) -> None:
    """One overload is one cut: what it leaves is near to what was let through."""
    start_four(simulation, LIMIT, sliding(160))
    simulation.run(12)
    assert simulation.rate(6, 12) >= 0.8 * 160
