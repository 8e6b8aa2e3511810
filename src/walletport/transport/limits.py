"""How long and how often the core tries: one budget in attempts and in time for each operation."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from walletport.provider import Response

if TYPE_CHECKING:
    from datetime import datetime

    from walletport.errors import WalletportError

_FIRST_WAIT: Final = 0.25
_LONGEST_WAIT: Final = 8.0
_WINDOW_MARGIN: Final = 0.8  # clocks differ, and a request may lie in a queue


@dataclass(frozen=True)
class Limits:
    """What one operation may cost.

    Args:
        timeout: for connecting, and for each wait within one attempt, in seconds; an answer that drips in is cut
            off after the same time.
        max_attempts: how often one request is sent at most, the first time included.
        max_elapsed: no further attempt starts later than this many seconds after the operation began.
        max_body: largest answer that is read, in bytes after decompression.
    """

    timeout: float = 30.0
    max_attempts: int = 4
    max_elapsed: float = 60.0
    max_body: int = 4 * 1024 * 1024


@dataclass(slots=True)
class Budget:
    """What is left of the limits in one operation.

    Args:
        limits: the whole.
        started: the monotonic time at which the operation began.
    """

    limits: Limits
    started: float

    def wait_before(
        self, attempt: int, error: WalletportError, now: float, key_window: timedelta | None
    ) -> float | None:
        """Return how long to wait before this attempt, in seconds, or ``None`` where there must be none.

        Args:
            attempt: its number; the first is 1.
            error: what the attempt before it ended in.
            now: the monotonic time.
            key_window: how long the provider remembers the idempotency key, where the repeat relies on it.
        """
        if not error.retryable or attempt > self.limits.max_attempts:
            return None
        if error.retry_after is None:
            ceiling = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (attempt - 2))
            wait = random.uniform(ceiling / 2, ceiling)  # noqa: S311 - spreads load, hides nothing
        else:
            wait = error.retry_after
        elapsed = now - self.started + wait
        allowed = self.limits.max_elapsed
        if key_window is not None:
            allowed = min(allowed, key_window.total_seconds() * _WINDOW_MARGIN)
        return wait if elapsed <= allowed else None


def retry_after(response: Response, now: datetime) -> float | None:
    """Read ``Retry-After`` as seconds from now; the header may hold seconds or an HTTP date (RFC 9110, 10.2.3).

    A date is taken relative to the answer's own ``Date`` header where it has one, so a clock that is off does not
    matter. What cannot be read is ``None``.
    """
    value = (response.header("retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) <= 9 else None  # noqa: PLR2004 - thirty years is no answer
    moment = _http_date(value)
    if moment is None:
        return None
    said_at = _http_date(response.header("date") or "") or now
    return max(0.0, (moment - said_at).total_seconds())


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
