"""One limit for many processes: simulated senders at a clock of the test's own, with a real journal between them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.limiters import LIMITERS, Limiter, sliding
from tests.unit.jobs.senders import Simulation, limited
from walletport.errors import ConnectFailed
from walletport.journal import Journal, JournalError, rates
from walletport.provisioning.owner import new_owner
from walletport.transport.effects import Sleep, WaitFor

LIMIT = 200
vendors = pytest.mark.parametrize("vendor", LIMITERS.values(), ids=LIMITERS)


def allotted(simulation: Simulation) -> dict[str, float]:
    """Return how many requests a second each process may send, as the journal has it."""
    shares = simulation.journal.write(lambda c: rates.look(c, "main", simulation.now())[1]).result()
    return {one.owner: one.rate or 0.0 for one in shares}


def test_one_process_uses_the_whole_limit(simulation: Simulation) -> None:
    simulation.start("a", 50)
    simulation.run(20)
    assert simulation.most_in_a_second() <= 50
    assert simulation.rate(1, 20) >= 47


@vendors
def test_four_busy_processes_stay_near_the_limit_and_are_hardly_ever_refused(
    simulation: Simulation, vendor: Callable[[float], Limiter]
) -> None:
    """Although each of them wakes up late, as it does on a machine that has other work."""
    simulation.late = 0.05
    answer = limited(vendor(LIMIT))
    for name in "abcd":
        simulation.start(name, LIMIT, senders=32, answer=answer)
    simulation.run(40)
    assert simulation.rate(3, 40, "200") >= 0.9 * LIMIT
    assert simulation.refused(3, 40) < 0.01


def test_what_one_process_leaves_the_others_use(simulation: Simulation) -> None:
    """It has a request now and then, so an even share would lie idle."""
    for name in "abc":
        simulation.start(name, LIMIT, senders=32)
    simulation.start("d", LIMIT, senders=1, pause=0.5)
    simulation.run(30)
    assert simulation.rate(5, 30) >= 0.95 * LIMIT
    assert allotted(simulation)["d"] < 10


def test_a_process_that_has_more_to_do_again_gets_its_share_back(simulation: Simulation) -> None:
    """Within a moment, in which the others make room; and nobody is over the limit meanwhile."""
    answer = limited(sliding(LIMIT))
    for name in "ab":
        simulation.start(name, LIMIT, senders=32, answer=answer)
    simulation.run(10)
    simulation.start("c", LIMIT, senders=32, answer=answer, at=10)
    simulation.run(12)
    assert list(allotted(simulation).values()) == pytest.approx([LIMIT * 0.97 / 3] * 3)
    assert simulation.refused(0, 12) == 0


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(0.05, 3), st.sampled_from("abcd"), st.sampled_from(["start", "kill", "stop"])), max_size=8
    )
)
def test_together_they_are_never_allotted_more_than_the_limit(events: list[tuple[float, str, str]]) -> None:
    """Whoever comes, dies or stands still, and whenever."""
    with tempfile.TemporaryDirectory() as folder, Journal.open(f"sqlite:///{folder}/journal.db") as journal:
        simulation = Simulation(journal)
        for number, (pause, name, event) in enumerate(events):
            if event == "start":
                simulation.start(f"{name}{number}", 20, senders=3, pause=0.1 * (number % 4), at=simulation.seconds)
            elif event == "kill":
                simulation.kill(f"{name}{number - 1}")
            else:
                simulation.stop(f"{name}{number - 1}", pause * 5)
            until = simulation.seconds + pause
            while simulation.seconds < until:
                simulation.run(min(until, simulation.seconds + 0.25))
                assert sum(allotted(simulation).values()) <= 20 * 0.97 + 1e-6


def test_the_share_of_a_process_that_is_gone_from_this_machine_is_free_at_once(simulation: Simulation) -> None:
    """Nobody has to wait until its time is up."""
    gone = new_owner().split("|")
    gone[1] = str(2**22 + 1)  # a number that Linux gives to no process
    simulation.start("|".join(gone), 50)
    simulation.run(5)
    simulation.kill("|".join(gone))
    simulation.start("b", 50, at=5)
    simulation.run(10)
    assert simulation.rate(5.5, 10) >= 46


def test_processes_that_come_and_die_never_exceed_the_limit_together(simulation: Simulation) -> None:
    """What a dead one leaves unused is used again once its share has run out."""
    simulation.start("a", 50)
    simulation.start("b", 50, at=0.3)
    simulation.start("c", 50, at=5)
    simulation.start("d", 50, at=5.1)
    simulation.run(15)
    assert simulation.rate(10, 15) >= 46
    simulation.kill("a")
    simulation.kill("b")
    simulation.run(24)
    assert simulation.rate(16, 24) == pytest.approx(25, abs=2)
    simulation.run(40)
    assert simulation.rate(30, 40) >= 46
    # Evenly spaced slots of each of four: any second can hold one more of each than its share says.
    assert simulation.most_in_a_second() <= 50 * 0.97 + 4


def test_a_process_that_was_stopped_looks_before_it_sends_again(simulation: Simulation) -> None:
    """Its share went to another meanwhile."""
    stopped = simulation.pace("a", 50)
    first = stopped.turn()
    step = next(first)
    assert isinstance(step, WaitFor)
    with pytest.raises(StopIteration):
        first.send(step.future.result())
    assert stopped.rate == pytest.approx(48.5), "nobody else is there"
    simulation.start("b", 50, at=12)
    simulation.run(30)
    again = stopped.turn()
    step = next(again)
    assert isinstance(step, WaitFor)
    step = again.send(step.future.result())
    assert isinstance(step, Sleep)
    assert stopped.rate == 0


def test_a_process_that_was_stopped_does_not_send_all_at_once_what_waited(simulation: Simulation) -> None:
    """By the clock each of its requests has waited long enough."""
    answer = limited(sliding(LIMIT))
    for name in "abcd":
        simulation.start(name, LIMIT, senders=32, answer=answer)
    simulation.run(10)
    simulation.stop("a", 5)
    simulation.run(20)
    assert sum(15 <= at < 15.1 for at, name in simulation.by if name == "a") <= 10
    assert simulation.refused(10, 20) == 0
    assert simulation.rate(16, 20) >= 0.95 * LIMIT


def test_a_provider_that_asks_for_a_pause_gets_one_from_everybody(simulation: Simulation) -> None:
    """Although it has told only one of them."""
    told: list[float] = []

    def answer(at: float) -> tuple[bool, float | None]:
        if at < 10 or told:
            return False, None
        told.append(at)
        return True, 5.0

    simulation.start("a", 50, answer=answer)
    simulation.start("b", 50, answer=answer)
    simulation.run(30)
    assert simulation.rate(11.5, 14.9) == 0
    assert simulation.rate(20, 30) > 40


def test_without_a_limit_the_journal_is_asked_once(simulation: Simulation) -> None:
    """Whether others have learned one; after that nothing waits."""
    pace = simulation.pace("a", None)
    first = pace.turn()
    step = next(first)
    assert isinstance(step, WaitFor)
    with pytest.raises(StopIteration):
        first.send(step.future.result())
    assert list(pace.turn()) == []


def test_a_journal_that_is_away_sends_nothing(simulation: Simulation) -> None:
    """Nobody knows how fast the others are, so the order is certainly not applied."""
    turn = simulation.pace("a", 50).turn()
    step = next(turn)
    assert isinstance(step, WaitFor)
    step.future.result()
    simulation.journal.close()
    with pytest.raises(ConnectFailed) as caught:
        turn.throw(failure_of(simulation.journal))
    assert caught.value.outcome == "not_applied"


def failure_of(journal: Journal) -> JournalError:
    with pytest.raises(JournalError) as caught:
        journal.write(lambda connection: None)
    return caught.value
