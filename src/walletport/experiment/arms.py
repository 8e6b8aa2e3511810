"""What is known of one account, added up order by order in memory that does not grow with their number."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from walletport.journal import Life

_STEP: Final = math.log(1.01)
_SHORTEST: Final = 1e-6  # seconds; the journal's own grain
SETTLED: Final = ("done", "rejected", "needs_review")
"""The states that say how an order came out; what is still open, or waits for an approval, does not yet."""


class Durations:
    """Durations, each to within half a per cent: what is kept is how many fell between two powers of 1.01.

    The layout is DDSketch's (Masson, Rim and Lee, "DDSketch", VLDB 2019).
    """

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, duration: timedelta) -> None:
        """Count a duration; one that is not above 0, because clocks differ, counts as the shortest."""
        seconds = max(duration.total_seconds(), _SHORTEST)
        self._counts[math.ceil(math.log(seconds) / _STEP)] += 1

    def merge(self, other: Durations) -> None:
        """Count all of another's."""
        self._counts.update(other._counts)

    @property
    def count(self) -> int:
        """How many there are."""
        return self._counts.total()

    def buckets(self) -> tuple[list[float], list[int]]:
        """Return the durations that occurred, in seconds and rising, and how often each did."""
        indices = sorted(self._counts)
        return [self._seconds(index) for index in indices], [self._counts[index] for index in indices]

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Return the durations that these shares did not exceed, in seconds; there must be at least one.

        Args:
            shares: above 0, at most 1, and rising.
        """
        seconds, counts = self.buckets()
        found: list[float] = []
        seen, position = counts[0], 0
        for share in shares:
            while seen < math.ceil(share * self.count):
                position += 1
                seen += counts[position]
            found.append(seconds[position])
        return found

    @staticmethod
    def _seconds(index: int) -> float:
        """Return the middle of what falls between the powers, so that the error is the same on both sides."""
        return math.exp(index * _STEP) * 2 / (1 + math.exp(_STEP))


@dataclass(slots=True)
class Arm:
    """One account, with the orders that count for it.

    Args:
        orders: how many.
        states: how many stand in each state.
        own: how many were made at the account itself.
        retries: sends beyond the first, of all of them together.
        failovers: how often one was handed to another account.
        latency: first send to wallet, of those that are done.
        address: order to usable address, of those where it is known.
    """

    orders: int = 0
    states: Counter[str] = field(default_factory=Counter)
    own: int = 0
    retries: int = 0
    failovers: int = 0
    latency: Durations = field(default_factory=Durations)
    address: Durations = field(default_factory=Durations)

    def add(self, life: Life, account: str) -> None:
        """Count an order for this account."""
        self.orders += 1
        self.states[life.state] += 1
        self.own += life.state == "done" and life.account == account
        self.retries += max(0, life.sends - 1)
        self.failovers += life.failovers
        if life.state == "done" and life.sent_at is not None and life.made_at is not None:
            self.latency.add(life.made_at - life.sent_at)
        if life.ready_at is not None:
            self.address.add(life.ready_at - life.created_at)

    def merge(self, other: Arm) -> None:
        """Count all orders of another."""
        self.orders += other.orders
        self.states.update(other.states)
        self.own += other.own
        self.retries += other.retries
        self.failovers += other.failovers
        self.latency.merge(other.latency)
        self.address.merge(other.address)

    @property
    def settled(self) -> int:
        """How many have come out one way or the other."""
        return sum(self.states[state] for state in SETTLED)

    @property
    def done(self) -> int:
        """How many have a wallet."""
        return self.states["done"]
