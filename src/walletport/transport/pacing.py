"""How fast requests may follow each other: what the engine asks, and the arithmetic of slots.

aiolimiter and its like were looked at: they wait in an event loop, keep the rate they were made with, and know nothing
of ``Retry-After`` or of other processes. Flows here run in neither loop nor thread of their own, and rates change.
"""

from __future__ import annotations

from typing import Final, Protocol

from walletport.transport.effects import Program

_CATCH_UP: Final = 0.05  # seconds; how far a late process may be behind and still make up for it


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


class Slots:
    """Evenly spaced moments at which requests leave; each is given to one."""

    def __init__(self) -> None:
        self._next = 0.0

    def take(self, now: float, rate: float) -> float:
        """Take the next free slot.

        Args:
            now: the monotonic time in seconds.
            rate: how many a second.

        Returns:
            How long to wait for it, in seconds.
        """
        slot = max(self._next, now - _CATCH_UP)
        self._next = slot + 1 / rate
        return max(0.0, slot - now)
