"""How fast requests may follow each other: what the engine asks, and the arithmetic of turns.

aiolimiter and its like were looked at: they wait in an event loop, keep the rate they were made with, and know nothing
of ``Retry-After`` or of other processes. Flows here run in neither loop nor thread of their own, and rates change.
"""

from __future__ import annotations

from typing import Final, Protocol

from walletport.transport.effects import Program

_CATCH_UP: Final = 0.1  # seconds; what a late process has missed beyond that, it has missed for good
_ALMOST: Final = 1e-6  # of a token, that may be missing: sums of floats do not come out even


class Pacer(Protocol):
    """Holds requests back, and learns from the answers."""

    def turn(self) -> Program[None]:
        """Wait until the next request may leave.

        Raises:
            ConnectFailed: nobody can say at the moment; nothing was sent.
        """
        ...

    def answered(self, *, limited: bool, retry_after: float | None) -> None:
        """Learn from an answer.

        Args:
            limited: the provider said "too many requests".
            retry_after: for how many seconds it asked to wait, if it said so.
        """
        ...


class Turns:
    """A token bucket with a queue: requests leave one after the other, evenly spaced.

    A token is taken when a request really leaves. So a process that was not scheduled for a while, whose requests have
    all waited long enough by the clock, still sends them one after the other, and a new rate holds for all who wait.
    """

    def __init__(self) -> None:
        self._tokens = 1.0
        self._counted_at = self._rate = 0.0
        self._came = self._went = 0

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._came - self._went

    def come(self) -> int:
        """Return the number that a request has in the queue; whoever has one must `go`."""
        self._came += 1
        return self._came

    def wait(self, number: int, now: float, rate: float) -> float:
        """Take the token of a request whose turn it is.

        Args:
            number: the request's in the queue.
            now: the monotonic time in seconds.
            rate: how many a second may leave.

        Returns:
            For how many seconds the request has to wait before it asks again; 0 if it may leave.
        """
        earned = (now - self._counted_at) * min(rate, self._rate)
        depth = max(1.0, min(rate * _CATCH_UP, self.waiting))  # who had nothing to send has not been late with it
        self._tokens, self._counted_at, self._rate = min(self._tokens + earned, depth), now, rate
        if rate <= 0:
            return float("inf")
        # Whoever has just come queues behind the others. Of those, the first who is awake goes.
        queue = max(1, number - self._went)
        if self._tokens < (queue if number == self._came else 1) - _ALMOST:
            return (queue - self._tokens) / rate
        self._tokens -= 1
        return 0.0

    def go(self) -> None:
        """Leave the queue, with a token or without."""
        self._went += 1
