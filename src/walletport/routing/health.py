"""How an account is doing: a circuit breaker as a pure function of what was known, what happened, and the time.

Kept libraries were looked at (pybreaker, circuitbreaker, aiobreaker, purgatory). None fits, for the same reasons: each
wraps the call that it judges, reads its own clock, opens for a fixed time whatever ``Retry-After`` says, and keeps what
it knows in memory or in Redis instead of the transaction that records the outcome; and none lets one call at a time
through across processes when it is half open.

The rules:

- five failures in a row (a 5xx, or no usable answer) open the breaker, unless something was made while the last of
  them was under way; refused credentials open it at once;
- an open breaker lets nobody through for ten seconds, twice as long each time it fails again, five minutes at most;
- after that it is half open: one order at a time is let through, and its outcome closes or opens it;
- "too many requests" takes the account out for as long as the provider asks, and counts neither way; for a moment more
  the account still gets what no other account takes;
- what a provider refuses for a reason in the order says nothing about the account.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

MOST_FAILURES: Final = 5
FIRST_PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(minutes=5)
PAUSE_AFTER_429: Final = timedelta(seconds=1)
A_MOMENT: Final = timedelta(seconds=2)
"""Who asks to be left alone for so long is served by going slower."""
LONGEST_ASKED_FOR: Final = timedelta(hours=1)
_MOST_DOUBLINGS: Final = 10


class Signal(StrEnum):
    """What the end of a request says about its account."""

    WORKED = "worked"
    FAILED = "failed"
    THROTTLED = "throttled"
    UNAUTHENTICATED = "credentials refused"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Health:
    """How an account is doing; as it stands here, it is doing well.

    Args:
        failures: how many in a row.
        opens: how often in a row the breaker opened; 0 while it is closed.
        opened_at: when it opened last.
        retry_at: when it is half open.
        probe_until: how long the order that was let through when it was half open may take.
        throttled_until: how long the provider asked to be left alone.
        why: what opened it.
    """

    failures: int = 0
    opens: int = 0
    opened_at: datetime | None = None
    retry_at: datetime | None = None
    probe_until: datetime | None = None
    throttled_until: datetime | None = None
    why: str | None = None

    @property
    def is_well(self) -> bool:
        """Whether one more success would be no news."""
        return not self.failures and not self.is_open

    @property
    def is_open(self) -> bool:
        """Whether the breaker is open, or half open."""
        return self.opens > 0

    def is_half_open(self, now: datetime) -> bool:
        """Return whether one order may be let through to see how the account is doing."""
        return self.retry_at is not None and self.retry_at <= now

    def why_unavailable(self, now: datetime) -> str | None:
        """Return why the account gets no new orders, or ``None`` if it gets some."""
        if self.throttled_until is not None and now < self.throttled_until:
            return f"the provider asked to be left alone until {self.throttled_until:%H:%M:%S} UTC"
        if self.retry_at is not None and now < self.retry_at:
            return f"{self.why}; it is tried again at {self.retry_at:%H:%M:%S} UTC"
        if self.probe_until is not None and now < self.probe_until:
            return f"{self.why}; one order is trying it out"
        return None

    def is_free_soon(self, now: datetime) -> bool:
        """Return whether nothing keeps orders away but that the provider asked to be left alone, for a moment more."""
        until = self.throttled_until
        return until is not None and not self.is_open and now < until <= now + A_MOMENT


def probing(health: Health, now: datetime, longest: timedelta) -> Health | None:
    """Return what is known once an order is let through a half-open breaker, or ``None`` if none may be.

    Args:
        health: as it is known.
        now: the time.
        longest: how long to wait for that order's outcome before the next is let through.
    """
    if not health.is_half_open(now) or health.why_unavailable(now) is not None:
        return None
    return replace(health, probe_until=now + longest)


def after(  # noqa: PLR0917 - what was known, what happened, when
    health: Health,
    signal: Signal,
    began: datetime,
    now: datetime,
    asked: timedelta | None = None,
    longest: timedelta | None = None,
) -> Health:
    """Return what is known of an account once a request has ended.

    Args:
        health: what was known.
        signal: what the end says.
        began: when the request began: one that began before the breaker was half open says nothing about now.
        now: the time.
        asked: how long the provider asked to be left alone.
        longest: as for `probing`; tells an order that overran its time from the one that took its place.
    """
    if signal is Signal.THROTTLED:
        pause = PAUSE_AFTER_429 if asked is None else min(asked, LONGEST_ASKED_FOR)
        return _throttled(health, now, pause, gives_back=_gives_back(health, began, longest))
    if not health.is_open:
        return _while_closed(health, signal, now)
    if not health.is_half_open(began):
        return health
    match signal:
        case Signal.WORKED:
            return Health(throttled_until=health.throttled_until)
        case Signal.NOTHING:
            return replace(health, probe_until=None) if _gives_back(health, began, longest) else health
        case _:
            return _opened(health, signal, now)


def _while_closed(health: Health, signal: Signal, now: datetime) -> Health:
    if signal is Signal.WORKED:
        return replace(health, failures=0)
    if signal is Signal.NOTHING:
        return health
    if signal is Signal.UNAUTHENTICATED or health.failures + 1 >= MOST_FAILURES:
        return _opened(health, signal, now)
    return replace(health, failures=health.failures + 1)


def _opened(health: Health, signal: Signal, now: datetime) -> Health:
    pause = min(FIRST_PAUSE * 2 ** min(health.opens, _MOST_DOUBLINGS), LONGEST_PAUSE)
    failures = health.failures + 1
    refused = signal is Signal.UNAUTHENTICATED
    why = "its credentials are refused" if refused else f"{failures} failures in a row"
    return Health(failures, health.opens + 1, now, now + pause, None, health.throttled_until, why)


def _gives_back(health: Health, began: datetime, longest: timedelta | None) -> bool:
    """Return whether a request that ended without news is the one that tries the account out now."""
    if not health.is_half_open(began):
        return False
    return longest is None or health.probe_until is None or began >= health.probe_until - longest


def _throttled(health: Health, now: datetime, pause: timedelta, *, gives_back: bool) -> Health:
    until = now + pause if health.throttled_until is None else max(health.throttled_until, now + pause)
    if until <= now:
        return health
    # An order that was to try the account out has found nothing out; the next may.
    probe_until = None if gives_back else health.probe_until
    return replace(health, throttled_until=until, probe_until=probe_until)
