"""How long and how often the core tries: so many attempts for each request, so much time for the whole operation."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from walletport.provider import Response

if TYPE_CHECKING:
    from datetime import datetime

    from walletport.errors import WalletportError

_FIRST_WAIT: Final = 0.25
_LONGEST_WAIT: Final = 8.0
_WINDOW_MARGIN: Final = 0.8  # clocks differ, and a request may lie in a queue
_LONGEST_ASKED: Final = 1e9  # thirty years; keeps a senseless figure finite
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class Limits:
    """What one operation may cost.

    Args:
        timeout: for each wait within one attempt (a free connection, TCP, TLS, a first byte), in seconds. An answer
            that drips in is cut off: its headers after four times this, its body after as long again.
        max_attempts: how often one request is sent at most, the first time included. The one repeat with a new
            credential after a 401 does not count.
        max_elapsed: no further attempt starts later than this many seconds after the operation began; it is shared
            by all requests of the operation.
        max_body: largest answer that is read, in bytes after decompression.
        repeats_creates: whether a request that can make a wallet is sent again within the operation; a journal wants
            to commit each send before it happens.
    """

    timeout: float = 30.0
    max_attempts: int = 4
    max_elapsed: float = 60.0
    max_body: int = 4 * 1024 * 1024
    repeats_creates: bool = True


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
            wait = max(0.0, error.retry_after)
        return wait if self.allows(now + wait, key_window) else None

    def allows(self, at: float, key_window: timedelta | None) -> bool:
        """Return whether a further attempt may start at this monotonic time."""
        allowed = self.limits.max_elapsed
        if key_window is not None:
            allowed = min(allowed, key_window.total_seconds() * _WINDOW_MARGIN)
        return at - self.started <= allowed


def retry_after(response: Response, now: datetime) -> float | None:
    """Read ``Retry-After`` as seconds from now; the header may hold seconds or an HTTP date (RFC 9110, 10.2.3).

    Seconds with a fraction are taken as well, as some servers send them. A date is taken relative to the answer's
    own ``Date`` header where it has one, so a clock that is off does not matter. What cannot be read is ``None``.
    """
    value = (response.header("retry-after") or "").strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), _LONGEST_ASKED)
    moment = _http_date(value)
    if moment is None:
        return None
    said_at = _http_date(response.header("date") or "") or now
    return max(0.0, (moment - said_at).total_seconds())


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):  # each for another garbage
        return None
    # asctime, the oldest of the three forms, names no zone and means UTC (RFC 9110, 5.6.7).
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
