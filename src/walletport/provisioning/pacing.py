"""One account's rate limit, shared by every process that works at it.

Each process that sends counts itself in the journal and takes an even share of the limit. Whoever comes waits until
all others must have seen it before it sends; whoever has not looked for a moment looks before it sends. So the shares
never add up to more than the limit, and the share of a process that dies stays unused until its time is up: a crash
slows the others down and never breaks the limit.

What a provider answers with "too many requests" lowers the limit for all, and time without it raises it again.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from walletport.errors import ConnectFailed, RateLimited
from walletport.journal import Journal, JournalError, RateRow, Transaction, rates
from walletport.transport.effects import Program, Sleep, WaitFor
from walletport.transport.pacing import Slots

if TYPE_CHECKING:
    from walletport.transport.engine import Clock

_HEADROOM: Final = 0.97  # of a limit: requests do not arrive as evenly as they leave
_LOOK_EVERY: Final = 0.9  # seconds
_STALE: Final = 1.5  # seconds; who has looked longer ago looks before sending
_SETTLE: Final = 2.0  # seconds; by then everybody has seen a newcomer, or does not send
_SHARE: Final = timedelta(seconds=10)  # how long a dead process's share stays unused
_LAPSE: Final = 8.0  # seconds; less than that, because the share was taken a moment after the look began
_IDLE: Final = 3.0  # seconds without a request, after which a share is given back
_FEW: Final = 3  # "too many requests" so often at most is no sign of a limit: some vendors say it at random
_SMALL: Final = 0.03  # nor is such a share of all answers
_LOOKS_BACK: Final = 5  # seconds, over which both are counted
_DEEPEST, _SMALLEST = 0.5, 0.95  # of a rate, that is left after a cut
_CUT_EVERY: Final = 1.0  # seconds; the answers to one burst count once
_RAISE: Final = 1.02
_RAISE_EVERY: Final = timedelta(seconds=2)
_SHORT: Final = 2.0  # seconds; who asks for less is served by going slower
_LONGEST_CLOSED: Final = 3600.0
_LEAST: Final = 0.1  # requests a second; below that a limit could never be learned anew
_MOST: Final = 10_000.0
_NAP: Final = 0.5


class Pace:
    """Paces one account's requests in this process.

    Args:
        account: its name.
        limit: requests a second that the configuration or the provider names; ``None`` where nobody does.
        journal: where processes tell each other.
        owner: names this process.
        clock: tells the time.
    """

    def __init__(self, account: str, limit: float | None, journal: Journal, owner: str, clock: Clock) -> None:
        self._account = account
        self._limit = None if limit is None else limit * _HEADROOM
        self._journal = journal
        self._owner = owner
        self._clock = clock
        self._lock = threading.Lock()
        self._slots = Slots()
        self._known: RateRow | None = None
        self._members = 1
        self._shares = False
        self._looking = False
        self._news = self._told = 0
        self._looked_at = self._used_at = self._cut_at = float("-inf")
        self._opens_at = self._sends_from = float("-inf")
        self._answers: deque[_Second] = deque(maxlen=_LOOKS_BACK)

    @property
    def rate(self) -> float | None:
        """How many requests a second this process may send; ``None`` for as many as it can."""
        learned = self._known.learned if self._known else None
        together = min((rate for rate in (self._limit, learned) if rate is not None), default=None)
        return None if together is None else together / self._members

    def turn(self) -> Program[None]:
        """Wait until the next request may leave.

        Raises:
            RateLimited: the provider asked to be left alone for longer than a moment; nothing was sent.
        """
        self._used_at = self._clock.monotonic()
        while True:
            if self.rate is not None:
                yield from self._look_if_stale()
            now = self._clock.monotonic()
            with self._lock:
                rate, shut = self.rate, max(self._opens_at, self._sends_from if self.rate is not None else 0.0) - now
                wait = self._slots.take(now, rate) if rate is not None and shut <= 0 else 0.0
            if shut <= 0:
                break
            if self._opens_at - now > _SHORT:
                # Whoever has an order decides what to do meanwhile: wait, give up, or go to another account.
                msg = "the provider asked to be left alone, so nothing was sent"
                raise RateLimited(msg, outcome="not_applied", retry_after=self._opens_at - now)
            yield Sleep(min(shut, _NAP))
        if wait > 0:
            yield Sleep(wait)

    def answered(self, *, limited: bool, retry_after: float | None) -> None:
        """Learn from an answer."""
        now = self._clock.monotonic()
        with self._lock:
            burst = limited and now - self._cut_at < _CUT_EVERY  # of which the first answers have counted
            recent = self._answers if burst else self._count(limited=limited)
            if not limited:
                return
            if retry_after is not None and retry_after > _SHORT:
                self._opens_at = max(self._opens_at, now + min(retry_after, _LONGEST_CLOSED))
                self._news += 1
            if burst:
                return
            refused = sum(second.limited for second in recent)
            share = refused / sum(second.limited + second.served for second in recent)
            if refused >= _FEW and share > _SMALL:
                self._cut(now, share)

    def reopen(self, connection: Transaction) -> None:
        """Send again although the provider asked to be left alone: a person says so, for all processes."""
        with self._lock:
            self._opens_at = float("-inf")
        rates.reopen(connection, self._account)

    def beat(self) -> Program[None]:
        """Tell the others, and learn from them; called about once a second."""
        now = self._clock.monotonic()
        if self._shares and now - self._used_at > _IDLE:
            yield from self.leave()
        elif now - self._used_at <= _IDLE and now - self._looked_at >= _LOOK_EVERY:
            yield from self._look()

    def leave(self) -> Program[None]:
        """Give the share back."""
        if self._shares:
            self._shares = False
            self._looked_at = float("-inf")
            yield WaitFor(self._journal.write(lambda connection: rates.leave(connection, self._account, self._owner)))

    def _look_if_stale(self) -> Program[None]:
        while self._clock.monotonic() - self._looked_at > _STALE:
            if self._looking:
                yield Sleep(_NAP / 10)
                continue
            try:
                yield from self._look()
            except JournalError as error:
                msg = f"nobody can say how fast requests may leave: {error.message}"
                raise ConnectFailed(msg, retryable=error.retryable) from None

    def _look(self) -> Program[None]:
        self._looking = True
        try:
            began, news = self._clock.monotonic(), self._news
            known, members = yield WaitFor(self._journal.write(self._share))
            with self._lock:
                lapsed = began - self._looked_at >= _LAPSE  # a process that was stopped is as good as new
                if members > 1 and (lapsed or not self._shares):
                    self._sends_from = self._clock.monotonic() + _SETTLE
                self._shares, self._members, self._looked_at = True, members, began
                opens_at = float("-inf")
                if known.closed_until is not None:
                    opens_at = began + (known.closed_until - self._clock.now()).total_seconds()
                if self._news == news:  # else what was learned meanwhile is told next
                    self._known, self._told = known, news
                    self._opens_at = opens_at
                self._opens_at = max(self._opens_at, opens_at)
        finally:
            self._looking = False

    def _share(self, connection: Transaction) -> tuple[RateRow, int]:
        now = self._clock.now()
        row, members = rates.share(connection, self._account, self._owner, now, now + _SHARE)
        if self._news > self._told:
            mine = self._known or row
            if not self._shares and mine.learned is not None:  # learned before anybody else was known
                mine = replace(mine, learned=mine.learned * members)
            new = self._merged(row, mine, now)
        else:
            new = self._raised(row, now)
        if new != row:
            rates.learn(connection, new)
        return new, members

    def _merged(self, row: RateRow, mine: RateRow, now: datetime) -> RateRow:
        """Return what everybody is to know, where this process has just been told off."""
        fresh = row.learned is not None and now - row.updated_at < timedelta(seconds=_CUT_EVERY)
        learned = min(row.learned, mine.learned) if fresh and row.learned and mine.learned else mine.learned
        closed_for = self._opens_at - self._clock.monotonic()
        closed = now + timedelta(seconds=closed_for) if closed_for > 0 else None
        later = max((at for at in (closed, row.closed_until) if at is not None), default=None)
        return replace(row, learned=learned, closed_until=later, updated_at=now)

    def _raised(self, row: RateRow, now: datetime) -> RateRow:
        """Return a limit that nobody was told off for lately, a little higher."""
        if row.learned is None or now - row.updated_at < _RAISE_EVERY:
            return row
        learned: float | None = row.learned * _RAISE
        if learned is not None and learned >= (self._limit or _MOST):
            learned = None
        return replace(row, learned=learned, updated_at=now)

    def _learn(self, learned: float) -> None:
        now = self._clock.now()
        known = self._known or RateRow(self._account, None, None, now)
        self._known = replace(known, learned=learned, updated_at=now)

    def _cut(self, now: float, share: float) -> None:
        """Go slower, by as much as the provider refused; where no rate is known, than what it served."""
        served = float(max(second.served for second in self._answers))
        kept = min(max(1 - share, _DEEPEST), _SMALLEST)
        together = self.rate * kept if self.rate is not None else served * _SMALLEST
        self._cut_at = now
        self._news += 1
        self._answers.clear()
        self._learn(max(_LEAST, together * self._members))

    def _count(self, *, limited: bool) -> deque[_Second]:
        """Count an answer, second by second, and return the counts of the last few seconds."""
        second = int(self._clock.monotonic())
        if not self._answers or self._answers[-1].second != second:
            self._answers.append(_Second(second))
        while self._answers[0].second <= second - _LOOKS_BACK:
            self._answers.popleft()
        self._answers[-1].limited += limited
        self._answers[-1].served += not limited
        return self._answers


@dataclass(slots=True)
class _Second:
    """How many answers came in one second."""

    second: int
    served: int = 0
    limited: int = 0
