"""One account's rate limit, shared by every process that works at it.

Each process that sends has a row in the journal that says how fast it may. About once a second it says there how fast
it could send, and takes what is fair, but never more than the others have not taken: so the rates in the journal never
add up to more than the limit, whoever comes, goes, or has nothing to do. Who has not looked for a moment looks before
it sends. What a process that died may send stays unused until its time is up: a crash slows the others down and never
breaks the limit. On the same machine a process that is gone is noticed at once.

What a provider answers with "too many requests" is counted there too, over all processes, and teaches a limit;
``rate_control`` is the arithmetic.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from walletport.errors import ConnectFailed, RateLimited
from walletport.journal import Journal, JournalError, RateRow, ShareRow, Transaction, rates
from walletport.provisioning.owner import is_gone
from walletport.provisioning.rate_control import (
    Answers,
    ceiling_after,
    fair_share,
    feels_for_limit,
    first_ceiling,
    is_limit,
    regrown,
    with_headroom,
)
from walletport.transport.effects import Program, Sleep, WaitFor
from walletport.transport.pacing import Turns

if TYPE_CHECKING:
    from walletport.transport.engine import Clock

_LOOK_EVERY: Final = 0.9  # seconds
_SOON: Final = 0.3  # seconds; who has less than is fair looks that often, until the others have made room
_STALE: Final = 1.5  # seconds; who has looked longer ago looks before sending
_SHARE: Final = timedelta(seconds=10)  # how long a dead process's share stays unused
_IDLE: Final = 3.0  # seconds without a request, after which a share is given back
_ROOM: Final = 1.25  # times what it sends is what a process could send of which no request has to wait
_NEARLY: Final = 0.95  # of a fair share is enough
_SINKING_IN: Final = 1.5  # seconds, until a new rate shows in the answers
_SAMPLE: Final = 0.7  # seconds of answers, before they are judged
_SHORT: Final = 2.0  # seconds; who asks for less is served by going slower
_LONGEST_CLOSED: Final = 3600.0
_NAP: Final = 0.25


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
        self._limit = limit
        self._journal = journal
        self._owner = owner
        self._clock = clock
        self._lock = threading.Lock()
        self._turns = Turns()
        self._answers = Answers(clock.monotonic)
        self._rate = None if limit is None else with_headroom(limit)
        self._fair = self._rate
        self._shares = self._looking = self._alarmed = False
        self._news = self._told = 0
        self._looked_at = self._used_at = self._opens_at = float("-inf")
        self._learned_at: datetime | None = None

    @property
    def rate(self) -> float | None:
        """How many requests a second this process may send; ``None`` for as many as it can."""
        return self._rate

    def turn(self) -> Program[None]:
        """Wait until the next request may leave.

        Raises:
            RateLimited: the provider asked to be left alone for longer than a moment; nothing was sent.
            ConnectFailed: the journal cannot say how fast the others send; nothing was sent.
        """
        with self._lock:
            number = self._turns.come()
        try:
            while True:
                self._used_at = self._clock.monotonic()
                if self._rate is not None or self._alarmed or self._learned_at is None:
                    yield from self._look_if_due()
                with self._lock:
                    now = self._clock.monotonic()
                    wait = max(self._opens_at - now, 0.0)
                    if wait <= 0 and self._rate is not None:
                        wait = self._turns.wait(number, now, self._rate)
                    is_closed = self._opens_at - now > _SHORT
                if wait <= 0:
                    return
                if is_closed:
                    # Whoever has an order decides what to do meanwhile: wait, give up, or go to another account.
                    msg = "the provider asked to be left alone, so nothing was sent"
                    raise RateLimited(msg, outcome="not_applied", retry_after=wait)
                yield Sleep(min(wait, _NAP))
        finally:
            with self._lock:
                self._turns.go()

    def answered(self, *, limited: bool, retry_after: float | None) -> None:
        """Learn from an answer."""
        with self._lock:
            self._answers.count(limited=limited)
            if not limited:
                return
            if retry_after is not None and retry_after > _SHORT:
                opens_at = self._clock.monotonic() + min(retry_after, _LONGEST_CLOSED)
                self._opens_at = max(self._opens_at, opens_at)
                self._news += 1
            self._alarmed = self._alarmed or is_limit(*self._answers.lately, expected=False)

    def reopen(self, connection: Transaction) -> None:
        """Send again although the provider asked to be left alone: a person says so, for all processes."""
        with self._lock:
            self._opens_at = float("-inf")
        rates.reopen(connection, self._account)

    def beat(self) -> Program[None]:
        """Tell the others, and learn from them; called about once a second."""
        idle_for = self._clock.monotonic() - self._used_at
        if self._shares and idle_for > _IDLE:
            yield from self.leave()
        elif idle_for <= _IDLE and self._is_due(_LOOK_EVERY):
            yield from self._look()

    def leave(self) -> Program[None]:
        """Give the share back."""
        if self._shares:
            self._shares = False
            self._looked_at = float("-inf")
            yield WaitFor(self._journal.write(lambda connection: rates.leave(connection, self._account, self._owner)))

    def _is_due(self, patience: float) -> bool:
        is_short = self._rate is not None and self._fair is not None and self._rate < self._fair * _NEARLY
        age = self._clock.monotonic() - self._looked_at
        return age > (_SOON if is_short or self._alarmed else patience)

    def _look_if_due(self) -> Program[None]:
        while self._is_due(_STALE):
            if self._looking:
                yield Sleep(_NAP / 5)
                continue
            try:
                yield from self._look()
            except JournalError as error:
                msg = f"nobody can say how fast requests may leave: {error.message}"
                raise ConnectFailed(msg, retryable=error.retryable) from None

    def _look(self) -> Program[None]:
        with self._lock:
            if self._looking:  # of two answers, the older one could be heard last
                return
            self._looking = True
        try:
            began, news = self._clock.monotonic(), self._news
            known, rate = yield WaitFor(self._journal.write(self._tell))
            with self._lock:
                self._shares, self._rate, self._looked_at, self._alarmed = True, rate, began, False
                self._count_anew_after(known)
                opens_at = float("-inf")
                if known.closed_until is not None:
                    opens_at = began + (known.closed_until - self._clock.now()).total_seconds()
                if self._news == news:  # else what was learned meanwhile is told next
                    self._told, self._opens_at = news, opens_at
                self._opens_at = max(self._opens_at, opens_at)
        finally:
            self._looking = False

    def _count_anew_after(self, known: RateRow) -> None:
        """Forget answers to a rate that is no more."""
        if known.updated_at != self._learned_at:
            self._learned_at = known.updated_at
            age = (self._clock.now() - known.updated_at).total_seconds()
            self._answers.count_anew(_SINKING_IN - age if known.learned is not None else 0.0)

    def _tell(self, connection: Transaction) -> tuple[RateRow, float | None]:
        """Say how fast this process could send, and how it was answered; return how fast it may."""
        now = self._clock.now()
        row, everybody = rates.look(connection, self._account, now)
        gone = [one for one in everybody if one.until <= now or (one.owner != self._owner and is_gone(one.owner))]
        here = [one for one in everybody if one not in gone]
        others = [one for one in here if one.owner != self._owner]
        said = next((one for one in here if one.owner == self._owner), ShareRow(self._account, self._owner, now))
        with self._lock:
            mine = self._says(now)
            new = self._closed(self._learned(row, mine, others, said, now), now)
            if new.updated_at != self._learned_at:
                mine = replace(mine, answers=0, refused=0)
            mine = replace(mine, rate=self._allotted(new, mine, others, said, now))
            if mine.rate is not None and (self._rate is None or mine.rate < self._rate):
                self._rate = mine.rate  # at once: as soon as this is committed, another may take what is left
        for one in gone:
            rates.leave(connection, self._account, one.owner)
        if new.learned != row.learned:
            rates.count_anew(connection, self._account)
        if new != row:
            rates.learn(connection, new)
        rates.share(connection, mine)
        return new, mine.rate

    def _says(self, now: datetime) -> ShareRow:
        answers, refused = self._answers.lately
        wanted = None if self._turns.waiting else max(1.0, self._answers.most_served * _ROOM)
        return ShareRow(
            self._account,
            self._owner,
            now + _SHARE,
            wanted=wanted,
            served=self._answers.most_served if self._rate is None else self._answers.served,
            answers=answers,
            refused=refused,
        )

    def _learned(
        self, row: RateRow, mine: ShareRow, others: Sequence[ShareRow], said: ShareRow, now: datetime
    ) -> RateRow:
        """Return what everybody is to know of the limit."""
        everybody = [mine, *others]
        answers, refused = sum(one.answers for one in everybody), sum(one.refused for one in everybody)
        served = sum(one.served for one in everybody)
        age = (now - row.updated_at).total_seconds()
        rate = self._together(row, served, age)
        if row.learned is not None and age < (_SINKING_IN + _SAMPLE) * (1 + row.rough):
            if self._rate is not None:
                return row
            # It was refused in the same rush as whoever said so first, who did not know of this one.
            return replace(row, learned=row.learned + first_ceiling(max(mine.served - said.served, 0.0)))
        expected = self._limit is not None if row.learned is None else feels_for_limit(age, rough=row.rough)
        if not is_limit(answers, refused, expected=expected):
            return row
        if rate is None:
            return replace(row, learned=first_ceiling(served), updated_at=now, rough=True)
        ceiling = ceiling_after(rate, self._limit, served, answers, refused)
        return replace(row, learned=ceiling, updated_at=now, rough=False) if ceiling < rate else row

    def _closed(self, row: RateRow, now: datetime) -> RateRow:
        """Return the same, and until when the provider asked this process to leave it alone."""
        closed_for = self._opens_at - self._clock.monotonic()
        if self._news == self._told or closed_for <= 0:
            return row
        closed = now + timedelta(seconds=closed_for)
        return replace(row, closed_until=max(closed, row.closed_until or closed))

    def _together(self, row: RateRow, served: float, age: float) -> float | None:
        """Return how many requests a second all processes together may send, so long after a limit was met."""
        learned = None if row.learned is None else regrown(row.learned, age, served, rough=row.rough)
        named = None if self._limit is None else with_headroom(self._limit)
        return min((rate for rate in (named, learned) if rate is not None), default=None)

    def _allotted(
        self, row: RateRow, mine: ShareRow, others: Sequence[ShareRow], said: ShareRow, now: datetime
    ) -> float | None:
        """Return this process's share: what is fair, as soon as it is there to be taken."""
        served = mine.served + sum(one.served for one in others)
        together = self._together(row, served, (now - row.updated_at).total_seconds())
        self._fair = None
        if together is None:
            return None
        wanted, *wishes = [float("inf") if one.wanted is None else one.wanted for one in (mine, *others)]
        self._fair = fair_share(together, wanted, wishes)
        left = together - sum(one.rate or 0.0 for one in others)
        return min(self._fair, max(said.rate or 0.0, left))
