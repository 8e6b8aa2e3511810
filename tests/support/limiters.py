"""How vendors count requests against a limit, in the three ways that are common: each lets through, or does not."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

Limiter = Callable[[float], bool]
"""Takes the time of a request in seconds, and returns whether it is let through."""


def sliding(limit: float) -> Limiter:
    """Let so many through in any one second, as the sandbox does."""
    let_through: deque[float] = deque()

    def lets_through(now: float) -> bool:
        while let_through and let_through[0] <= now - 1:
            let_through.popleft()
        if len(let_through) >= limit:
            return False
        let_through.append(now)
        return True

    return lets_through


def fixed(limit: float) -> Limiter:
    """Let so many through in each second of the clock."""
    second, came = 0, 0

    def lets_through(now: float) -> bool:
        nonlocal second, came
        if int(now) != second:
            second, came = int(now), 0
        came += 1
        return came <= limit

    return lets_through


def bucket(limit: float) -> Limiter:
    """Let through while there are tokens, of which a bucket holds as many as come in a tenth of a second."""
    depth = max(1.0, limit / 10)
    tokens, last = depth, 0.0

    def lets_through(now: float) -> bool:
        nonlocal tokens, last
        tokens, last = min(depth, tokens + (now - last) * limit), now
        if tokens < 1:
            return False
        tokens -= 1
        return True

    return lets_through


LIMITERS: Final[dict[str, Callable[[float], Limiter]]] = {"sliding": sliding, "fixed": fixed, "bucket": bucket}
