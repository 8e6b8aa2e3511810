"""How much of an account's limit each process gets, and what a limit is taken to be that refuses: pure arithmetic."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

_HEADROOM: Final = 0.97  # of a limit: requests do not arrive as evenly as they leave
_UNSURE: Final = 0.95  # of what was let through, that a limit is taken to be: buckets let through more at first
_DEPTH: Final = 0.05  # of what a limit was found to be, that is left out at first
_PLATEAU: Final = 20.0  # seconds until nothing is left out any more
_SLOW_START: Final = 1.07  # times as much each second, where a limit is only guessed
_GUESS_HOLDS: Final = 1.5  # seconds, until all have the share of it that can be judged
_LONGEST: Final = 1000.0  # seconds; a power of more than that is too large for a float
_LEAST: Final = 0.1  # requests a second; below that a limit could never be learned anew
_MOST: Final = 10_000.0  # requests a second; what would be more is no limit
_BURST: Final = 1.2  # times what is let through at the moment may be sent next
_FEW: Final = 3  # "too many requests" so often at most is no sign of a limit: some vendors say it at random
_SOME, _MANY = 0.005, 0.03  # of all answers: what is a sign where a limit is expected, and where none is
_DEEPEST: Final = 0.5  # of a rate, that is left by one cut
_LOOKS_BACK: Final = 5  # seconds, over which answers are counted
_PARTS: Final = 4  # of a second, in which they are
_TRUSTED: Final = 0.96  # of a limit that somebody named, that a few refusals leave


def fair_share(together: float, wanted: float, others: Iterable[float]) -> float:
    """Return one process's share of a rate, by max-min fairness: nobody gets less so that another has more than it.

    Args:
        together: requests a second of all of them.
        wanted: how many it could send; infinite for as many as it may.
        others: how many each of the others could send.
    """
    wishes = sorted([wanted, *others])
    left = together
    for served, wish in enumerate(wishes):
        even = left / (len(wishes) - served)
        if wish >= even:
            return min(wanted, even)
        left -= wish
    return wanted + left / len(wishes)


def with_headroom(limit: float) -> float:
    """Return how many requests a second to send where a limit is known."""
    return limit * _HEADROOM


def regrown(ceiling: float, seconds: float, served: float, *, rough: bool) -> float | None:
    """Return how many requests a second to send, so long after a limit was met; ``None`` for as many as one likes.

    The curve is that of TCP CUBIC (RFC 9438), which the AWS SDKs use in their adaptive retry mode too: quickly back to
    where the limit was met, for long about there, then ever faster beyond it, because limits rise. As there, a rate
    that nobody makes use of does not grow, and a first guess is left behind sooner (slow start).

    Args:
        ceiling: what was let through then.
        seconds: how long ago.
        served: how many requests a second are let through now.
        rough: whether the ceiling is only a guess.
    """
    since = min(max(seconds, 0.0), _LONGEST)
    growth = _SLOW_START ** max(0.0, since - _GUESS_HOLDS) if rough else 1 + _DEPTH * (since / _PLATEAU - 1) ** 3
    rate = min(ceiling * growth, max(ceiling, _BURST * served))
    return None if rate >= _MOST else max(_LEAST, rate)


def is_limit(answers: int, refused: int, *, expected: bool) -> bool:
    """Return whether answers are a sign of a limit.

    Some vendors say "too many requests" at random, and would say it to the slowest client. So a few of them count only
    where a limit has to be met sooner or later, and otherwise it takes more than chance would make of a few.

    Args:
        answers: how many came.
        refused: how many of them said "too many requests".
        expected: whether a limit is being felt for: requests leave as fast as somebody said, or faster than was ever
            let through.
    """
    if expected:
        return refused >= _FEW and refused > answers * _SOME
    by_chance = answers * _MANY
    return refused >= _FEW and refused > by_chance + 2 * math.sqrt(by_chance)


def feels_for_limit(seconds: float, *, rough: bool) -> bool:
    """Return whether a rate is by now higher than what was let through when a limit was met, so many seconds ago."""
    return rough or seconds >= 2 * _PLATEAU


def first_ceiling(served: float) -> float:
    """Return what a limit is taken to be that nobody knew, where so many requests a second were let through."""
    return served * _UNSURE


def ceiling_after(rate: float, limit: float | None, served: float, answers: int, refused: int) -> float:
    """Return what a limit is taken to be once it has refused: what it let through, less a little.

    Args:
        rate: how many requests a second could be sent.
        limit: what somebody said the limit is.
        served: how many were let through in a second.
        answers: how many came lately.
        refused: how many of them said "too many requests".
    """
    share = refused / answers
    found = max(min(rate * (1 - share), served) * _UNSURE, rate * _DEEPEST)
    return found if limit is None or share > _MANY else max(found, with_headroom(limit) * _TRUSTED)


class Answers:
    """Counts the answers of the last few seconds.

    Args:
        monotonic: tells the time in seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._parts: deque[_Part] = deque()
        self._counts_from = float("-inf")

    def count(self, *, limited: bool) -> None:
        """Count an answer."""
        now = self._monotonic()
        number = int(now * _PARTS)
        if not self._parts or self._parts[-1].number != number:
            self._forget(number)
            self._parts.append(_Part(number))
        part = self._parts[-1]
        part.served += not limited
        if now >= self._counts_from:
            part.answers += 1
            part.refused += limited

    def count_anew(self, after: float) -> None:
        """Forget how requests were answered, and count from so many seconds from now on."""
        self._counts_from = self._monotonic() + after
        for part in self._parts:
            part.answers = part.refused = 0

    @property
    def lately(self) -> tuple[int, int]:
        """How many answers came, and how many of them said "too many requests"."""
        self._forget(int(self._monotonic() * _PARTS))
        return sum(part.answers for part in self._parts), sum(part.refused for part in self._parts)

    @property
    def served(self) -> float:
        """How many requests were let through in the last second, up to the part that is not over yet."""
        return self._second_from(int(self._monotonic() * _PARTS) - _PARTS)

    @property
    def most_served(self) -> float:
        """How many requests were let through in the best of the last few seconds."""
        self._forget(int(self._monotonic() * _PARTS))
        return max((self._second_from(part.number) for part in self._parts), default=0)

    def _second_from(self, first: int) -> int:
        return sum(part.served for part in self._parts if first <= part.number < first + _PARTS)

    def _forget(self, number: int) -> None:
        while self._parts and self._parts[0].number <= number - _LOOKS_BACK * _PARTS:
            self._parts.popleft()


@dataclass(slots=True)
class _Part:
    """What came in a part of a second."""

    number: int
    served: int = 0
    answers: int = 0
    refused: int = 0
