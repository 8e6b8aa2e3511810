"""Processes that share an account's limit, at a clock of the test's own, with a real journal between them."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tests.support.limiters import Limiter
from walletport.errors import RateLimited
from walletport.journal import Journal
from walletport.provisioning.pacing import Pace
from walletport.transport.effects import Program, Sleep, WaitFor

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ON_THE_WAY = 0.01  # seconds, to the vendor and back

Answer = Callable[[float], tuple[bool, float | None]]
"""Takes the time, and returns whether a request is refused, and how long the vendor asks to wait."""


def limited(lets_through: Limiter) -> Answer:
    """Answer as a vendor with a limit does."""
    return lambda at: (False, None) if lets_through(at) else (True, 1.0)


class _Due(NamedTuple):
    at: float
    number: int
    process: str
    program: Program[None]


@dataclass
class Simulation:
    """Processes that do what a driver does, in simulated time."""

    journal: Journal
    late: float = 0.0
    """By how many seconds at most a process wakes up late, as it does where others need the processor too."""
    seconds: float = 0.0
    sent: list[tuple[float, str]] = field(default_factory=list)
    by: list[tuple[float, str]] = field(default_factory=list)
    _waiting: list[_Due] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _killed: set[str] = field(default_factory=set)
    _stopped: dict[str, float] = field(default_factory=dict)
    _chance: random.Random = field(default_factory=lambda: random.Random(1))

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def pace(self, name: str, limit: float | None) -> Pace:
        return Pace("main", limit, self.journal, name, self)

    def start(
        self,
        name: str,
        limit: float | None,
        *,
        senders: int = 8,
        at: float = 0.0,
        answer: Answer | None = None,
        pause: float = 0.0,
    ) -> None:
        """Let a process send as fast as it may, or with pauses, and keep its share as a port does."""
        pace = self.pace(name, limit)
        for _ in range(senders):
            self._add(at, name, self._send(name, pace, answer, pause))
        self._add(at, name, self._keep(pace))

    def kill(self, name: str) -> None:
        self._killed.add(name)

    def stop(self, name: str, seconds: float) -> None:
        """Let a process do nothing for a while."""
        self._stopped[name] = self.seconds + seconds

    def run(self, until: float) -> None:
        while self._waiting and self._waiting[0].at <= until:
            self.seconds, _, process, program = heapq.heappop(self._waiting)
            if process in self._killed:
                continue
            if self._stopped.get(process, 0.0) > self.seconds:
                self._add(self._stopped[process], process, program)
                continue
            try:
                step = next(program)
                while isinstance(step, WaitFor):
                    step = program.send(step.future.result())
            except StopIteration:
                continue
            assert isinstance(step, Sleep)
            self._add(self.seconds + step.seconds + self._chance.uniform(0, self.late), process, program)
        self.seconds = until

    def most_in_a_second(self, since: float = 0.0) -> int:
        times = sorted(at for at, _ in self.sent if at >= since)
        return max((sum(first <= at < first + 1 for at in times) for first in times), default=0)

    def rate(self, since: float, until: float, told: str = "") -> float:
        """Return how many requests a second were sent, or were answered so."""
        return sum(since <= at < until and (not told or told == was) for at, was in self.sent) / (until - since)

    def refused(self, since: float, until: float) -> float:
        """Return the share of "too many requests" among the answers."""
        return self.rate(since, until, "429") / self.rate(since, until)

    def _add(self, at: float, process: str, program: Program[None]) -> None:
        heapq.heappush(self._waiting, _Due(at, next(self._numbers), process, program))

    def _send(self, name: str, pace: Pace, answer: Answer | None, pause: float) -> Program[None]:
        while True:
            try:
                yield from pace.turn()
            except RateLimited as error:
                yield Sleep(error.retry_after or 0.5)
                continue
            yield Sleep(ON_THE_WAY)
            is_refused, retry_after = answer(self.seconds) if answer else (False, None)
            self.sent.append((self.seconds, "429" if is_refused else "200"))
            self.by.append((self.seconds, name))
            yield Sleep(ON_THE_WAY)
            pace.answered(limited=is_refused, retry_after=retry_after)
            yield Sleep(retry_after if is_refused and retry_after else pause)

    def _keep(self, pace: Pace) -> Program[None]:
        while True:
            yield from pace.beat()
            yield Sleep(0.5)
