"""How many orders of one account are in flight at a time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final

_SECONDS: Final = 4.0  # of work at a known rate; what waits longer for its turn could be in doubt after a crash
_LEAST: Final = 2
_LOOK: Final = 0.25  # seconds; the rate may have changed


class Window:
    """So many places, fewer where a rate limit would only let them wait.

    Args:
        most: how many places there are at most.
        rate: tells how many requests a second may be sent now; ``None`` for as many as can be.
    """

    def __init__(self, most: int, rate: Callable[[], float | None]) -> None:
        self._most = most
        self._rate = rate
        self._taken = 0
        self._freed = asyncio.Event()

    @property
    def places(self) -> int:
        """How many places there are now."""
        rate = self._rate()
        return self._most if rate is None else min(self._most, max(_LEAST, math.ceil(rate * _SECONDS)))

    async def take(self) -> None:
        """Wait for a place."""
        while self._taken >= self.places:
            self._freed.clear()
            try:
                async with asyncio.timeout(_LOOK):
                    await self._freed.wait()
            except TimeoutError:
                continue
        self._taken += 1

    def give_back(self) -> None:
        """Leave it to another."""
        self._taken -= 1
        self._freed.set()
