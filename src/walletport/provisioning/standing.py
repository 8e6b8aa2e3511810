"""How accounts stand: who is paused, how each is doing, and which users are pinned; shared through the journal.

It decides where new orders go, and where an order goes on that an account has certainly not applied. What is in doubt
is none of its business.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from walletport.errors import WalletportError
from walletport.journal import AccountEventRow, AccountRow, JournalError, ProvisionRow, Transaction, standing
from walletport.models import Model
from walletport.routing.health import Health, Signal, after, probing

_HEALTH: Final = ("failures", "opens", "opened_at", "retry_at", "probe_until", "throttled_until", "why")
_MOST_TRIES: Final = 5
_UNTIL_COMMITTED: Final = timedelta(seconds=30)
_log = logging.getLogger("walletport")

Condition: TypeAlias = Literal["healthy", "open", "half open", "throttled"]
"""How an account is doing; half open is an open breaker that lets one order through at a time."""


class AccountState(Model):
    """How an account stands.

    Args:
        account: its name.
        paused_at: since when a person has it paused, or ``None``.
        pause_reason: what that person said.
        condition: how it is doing.
        why: why it gets no new orders at the moment, or fewer, besides a pause; ``None`` where it is healthy.
        failures: how many requests in a row have failed.
        retry_at: when an open breaker lets the next order through, or what was throttled is asked again.
    """

    account: str
    paused_at: datetime | None
    pause_reason: str | None
    condition: Condition
    why: str | None
    failures: int
    retry_at: datetime | None

    @classmethod
    def of(cls, row: AccountRow, now: datetime) -> AccountState:
        """Return what an application sees of a row."""
        health = health_of(row)
        throttled = health.throttled_until is not None and now < health.throttled_until
        condition: Condition = "throttled" if throttled else "healthy"
        if health.is_open:
            condition = "half open" if health.is_half_open(now) else "open"
        return cls(
            account=row.account,
            paused_at=row.paused_at,
            pause_reason=row.pause_reason,
            condition=condition,
            why=health.why_unavailable(now) or health.why,
            failures=health.failures,
            retry_at=health.throttled_until if throttled and not health.is_open else health.retry_at,
        )


class AccountEvent(Model):
    """One thing that happened to an account: it was paused or resumed, or its breaker opened or closed.

    Args:
        at: when.
        what: in a word or two.
        detail: more of it.
    """

    at: datetime
    what: str
    detail: Mapping[str, object]

    @classmethod
    def of(cls, row: AccountEventRow) -> AccountEvent:
        """Return what an application sees of a row."""
        return cls(at=row.at, what=row.what, detail=row.detail)


class Pin(Model):
    """Where a user's new orders go because a person says so."""

    user: str
    account: str
    pinned_at: datetime


@dataclass(frozen=True, slots=True)
class View:
    """How the accounts stand at one time, as a choice needs it.

    Args:
        paused: who is paused, with the reason.
        unavailable: who gets no new orders for another reason, which is told.
        half_open: who lets one order through at a time.
        free_soon: which of the unavailable will get orders again in a moment.
    """

    paused: Mapping[str, str]
    unavailable: Mapping[str, str]
    half_open: frozenset[str]
    free_soon: frozenset[str]

    def why_out(self, account: str) -> str | None:
        """Return why an account gets no new orders, or ``None`` if it gets some."""
        return f"paused: {self.paused[account]}" if account in self.paused else self.unavailable.get(account)


def health_of(row: AccountRow) -> Health:
    """Return how an account is doing, as the journal holds it."""
    return Health(**{name: getattr(row, name) for name in _HEALTH})


class Standing:
    """What this process knows of the accounts, and how it records what it learns.

    Nothing is written, or even read, for an order that went well at an account that is known to be well.
    """

    def __init__(self) -> None:
        self._well: frozenset[str] = frozenset()
        self._failed_at: dict[str, datetime] = {}

    def view(self, connection: Transaction, names: Iterable[str], now: datetime) -> View:
        """Return how the accounts stand now."""
        known = standing.accounts(connection)
        found = {name: known.get(name, AccountRow(name)) for name in names}
        health = {name: health_of(row) for name, row in found.items()}
        # What has just failed may not be committed yet; who took it for well would not hear that it works again.
        doubtful = {name for name, at in self._failed_at.items() if now - at < _UNTIL_COMMITTED}
        self._well = frozenset(name for name, one in health.items() if one.is_well and name not in doubtful)
        return View(
            {name: row.pause_reason or "no reason given" for name, row in found.items() if row.paused_at is not None},
            {name: why for name, one in health.items() if (why := one.why_unavailable(now)) is not None},
            frozenset(name for name, one in health.items() if one.is_half_open(now)),
            frozenset(name for name, one in health.items() if one.is_free_soon(now)),
        )

    def would_hear(self, name: str, signal: Signal) -> bool:
        """Return whether the end of an attempt may say anything new about its account."""
        return name not in self._well or signal not in (Signal.WORKED, Signal.NOTHING)

    def hear(  # noqa: PLR0917 - where, whose, what, when
        self,
        connection: Transaction,
        sent: ProvisionRow,
        signal: Signal,
        error: WalletportError | None,
        now: datetime,
        longest: timedelta,
    ) -> None:
        """Record what the end of an attempt says about its account, where that changes anything.

        Args:
            connection: where to write: the commit that records the outcome.
            sent: the order, as it was recorded when the attempt began.
            signal: what its end says.
            error: what it ended in, if it did.
            now: the time.
            longest: how long an order that tries the account out may take.
        """
        name, began = sent.account, sent.updated_at
        asked = None if error is None or error.retry_after is None else timedelta(seconds=error.retry_after)
        if not self.would_hear(name, signal):
            return
        if signal is Signal.WORKED:
            self._failed_at.pop(name, None)
        elif signal is not Signal.NOTHING:
            self._failed_at[name] = now
        for _ in range(_MOST_TRIES):
            row = standing.account(connection, name)
            health = health_of(row)
            known = after(health, signal, began, now, asked, longest)
            in_a_row = known.opens > health.opens == 0 and signal is Signal.FAILED
            if in_a_row and standing.worked_since(connection, name, began):
                return  # of many requests in flight those that fail may end together, and first
            if known == health or _changed(connection, row, known):
                self._well = self._well | {name} if known.is_well else self._well - {name}
                _tell(connection, name, health, known, signal, now)
                return
        # Others are recording just what happens to this account; one signal more or less makes no difference.

    def lets_in(self, connection: Transaction, name: str, now: datetime, longest: timedelta) -> bool:
        """Return whether an account takes one more order; of several processes one gets the place at a half open one.

        Args:
            connection: where to write.
            name: the account.
            now: the time.
            longest: how long the order that takes the place may take.
        """
        row = standing.account(connection, name)
        health = health_of(row)
        if not health.is_half_open(now):
            return row.paused_at is None and health.why_unavailable(now) is None
        known = probing(health, now, longest)
        if known is None or row.paused_at is not None or not _changed(connection, row, known):
            return False
        standing.append_event(connection, name, "trying it out", {"opened": row.opens}, now)
        return True


def pause(connection: Transaction, name: str, reason: str, now: datetime) -> None:
    """Record that an account gets no new orders."""
    _set_pause(connection, name, now, reason)
    standing.append_event(connection, name, "paused", {"reason": reason}, now)


def resume(connection: Transaction, name: str, now: datetime) -> bool:
    """Record that an account gets orders again, and return whether it was paused; a breaker is closed by that too."""
    row = _set_pause(connection, name, None, None)
    if row.paused_at is None and health_of(row) == Health():
        return False
    standing.append_event(connection, name, "resumed", {}, now)
    return True


def _set_pause(connection: Transaction, name: str, at: datetime | None, reason: str | None) -> AccountRow:
    for _ in range(_MOST_TRIES):
        row = standing.account(connection, name)
        changes: dict[str, object] = {"paused_at": (row.paused_at or at) if at else None, "pause_reason": reason}
        if at is None:
            changes |= {field: getattr(Health(), field) for field in _HEALTH}
        if standing.change_account(connection, row, changes):
            return row
    msg = f"account {name!r} is being changed by others at this moment: try again"
    raise JournalError(msg, outcome="not_applied", retryable=True)


def _changed(connection: Transaction, row: AccountRow, known: Health) -> bool:
    return standing.change_account(connection, row, {name: getattr(known, name) for name in _HEALTH})


def _tell(  # noqa: PLR0917 - the same
    connection: Transaction, name: str, was: Health, known: Health, signal: Signal, now: datetime
) -> None:
    """Leave an event of what a person wants to hear of, and say it aloud."""
    if known.opens > was.opens:
        detail = {"why": known.why, "retry_at": str(known.retry_at)}
        standing.append_event(connection, name, "opened", detail, now)
        level = logging.ERROR if signal is Signal.UNAUTHENTICATED else logging.WARNING
        _log.log(level, "account %s gets no new orders: %s; tried again at %s", name, known.why, known.retry_at)
    elif was.is_open and not known.is_open:
        standing.append_event(connection, name, "closed", {"was": was.why}, now)
        _log.warning("account %s works again", name)
    elif signal is Signal.THROTTLED and (was.throttled_until or now) <= now:
        standing.append_event(connection, name, "throttled", {"until": str(known.throttled_until)}, now)
