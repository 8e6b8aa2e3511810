"""One limit for many processes: simulated senders at a clock of the test's own, with a real journal between them."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from walletport.errors import ConnectFailed, RateLimited
from walletport.journal import Journal, JournalError
from walletport.provisioning.pacing import Pace
from walletport.transport.effects import Program, Sleep, WaitFor

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Simulation:
    """Processes that do what a driver does, in simulated time."""

    journal: Journal
    seconds: float = 0.0
    sent: list[tuple[float, str]] = field(default_factory=list)
    _waiting: list[tuple[float, int, Program[None]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _killed: set[str] = field(default_factory=set)

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def pace(self, name: str, limit: float | None) -> Pace:
        return Pace("main", limit, self.journal, name, self)

    def start(self, name: str, limit: float | None, *, senders: int = 8, at: float = 0.0, answer: Answer | None = None):
        """Let a process send as fast as it may, and keep its share as a port does."""
        pace = self.pace(name, limit)
        for _ in range(senders):
            self._add(at, self._send(name, pace, answer))
        self._add(at, self._keep(name, pace))

    def kill(self, name: str) -> None:
        self._killed.add(name)

    def run(self, until: float) -> None:
        while self._waiting and self._waiting[0][0] <= until:
            self.seconds, _, program = heapq.heappop(self._waiting)
            try:
                step = next(program)
                while isinstance(step, WaitFor):
                    step = program.send(step.future.result())
            except StopIteration:
                continue
            assert isinstance(step, Sleep)
            self._add(self.seconds + step.seconds, program)
        self.seconds = until

    def most_in_a_second(self, since: float = 0.0) -> int:
        times = sorted(at for at, _ in self.sent if at >= since)
        return max((sum(first <= at < first + 1 for at in times) for first in times), default=0)

    def rate(self, since: float, until: float) -> float:
        return sum(since <= at < until for at, _ in self.sent) / (until - since)

    def _add(self, at: float, program: Program[None]) -> None:
        heapq.heappush(self._waiting, (at, next(self._numbers), program))

    def _send(self, name: str, pace: Pace, answer: Answer | None) -> Program[None]:
        while name not in self._killed:
            try:
                yield from pace.turn()
            except RateLimited as error:
                yield Sleep(error.retry_after or 0.5)
                continue
            limited, retry_after = answer(self.seconds) if answer else (False, None)
            self.sent.append((self.seconds, "429" if limited else "200"))
            yield Sleep(0.02)
            pace.answered(limited=limited, retry_after=retry_after)

    def _keep(self, name: str, pace: Pace) -> Program[None]:
        while name not in self._killed:
            yield from pace.beat()
            yield Sleep(0.5)


Answer = Callable[[float], tuple[bool, float | None]]


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    with Journal.open(f"sqlite:///{tmp_path / 'journal.db'}") as journal:
        yield Simulation(journal)


def test_one_process_uses_the_whole_limit(simulation: Simulation) -> None:
    simulation.start("a", 50)
    simulation.run(20)
    assert simulation.most_in_a_second() <= 50
    assert simulation.rate(1, 20) >= 47


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
    simulation.start("b", 50)
    stopped = simulation.pace("a", 50)
    simulation.run(1)
    assert asked_and_then_waited(stopped.turn()), "it is new"
    simulation.run(30)
    assert asked_and_then_waited(stopped.turn()), "its share has run out, and it is new again"


def test_a_provider_that_asks_for_a_pause_gets_one_from_everybody(simulation: Simulation) -> None:
    def answer(at: float) -> tuple[bool, float | None]:
        return (True, 5.0) if 10 <= at < 10.03 else (False, None)

    simulation.start("a", 50, answer=answer)
    simulation.start("b", 50, answer=answer)
    simulation.run(30)
    assert simulation.rate(11.5, 15) == 0
    assert simulation.rate(20, 30) > 40


def test_a_limit_that_nobody_names_is_learned_and_shared(simulation: Simulation) -> None:
    """Near to it, with few answers that say "too many"."""
    let_through: list[float] = []

    def answer(at: float) -> tuple[bool, float | None]:
        while let_through and let_through[0] <= at - 1:
            let_through.pop(0)
        if len(let_through) >= 40:
            return True, 1.0
        let_through.append(at)
        return False, None

    for name in ("a", "b", "c"):
        simulation.start(name, None, senders=4, answer=answer)
    simulation.run(120)
    late = [told for at, told in simulation.sent if at >= 60]
    assert late.count("200") / 60 >= 0.85 * 40
    assert late.count("429") / len(late) < 0.02


def test_without_a_limit_nothing_waits_and_nothing_is_asked(simulation: Simulation) -> None:
    assert list(simulation.pace("a", None).turn()) == []


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


def asked_and_then_waited(turn: Program[None]) -> bool:
    step = next(turn)
    assert isinstance(step, WaitFor)
    step = turn.send(step.future.result())
    return isinstance(step, Sleep) and step.seconds > 0
