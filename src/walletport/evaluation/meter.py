"""The request budget and the deadline: shared fairly by the accounts, and never passed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

Reason: TypeAlias = Literal["the request budget", "the time limit"]
BUDGET: Final = "the request budget"
TIME: Final = "the time limit"


class LimitReached(BaseException):  # like an interrupt it must unwind everything, adapters' own handlers included
    """Nothing more may be sent.

    Args:
        reason: which limit it was.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Meter:
    """Counts the requests of a run and tells when it must end.

    Args:
        max_requests: how many may be sent.
        max_seconds: how long it may take.
        monotonic: tells the time in seconds.
    """

    def __init__(self, max_requests: int, max_seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._ends = monotonic() + max_seconds
        self._left = max_requests
        self._share = max_requests
        self._share_ends = self._ends
        self.sent = 0

    def begin_account(self, accounts_left: int) -> None:
        """Give the next account its part of what is left; what it leaves over falls to those behind it.

        Args:
            accounts_left: how many accounts are still to come, this one included.
        """
        now = self._monotonic()
        self._share = self._left // accounts_left
        self._share_ends = now + max(0.0, self._ends - now) / accounts_left
        self.sent = 0

    @property
    def seconds_left(self) -> float:
        """How long this account may still go on."""
        return max(0.0, self._share_ends - self._monotonic())

    def allow(self) -> None:
        """Count a request that is about to be sent.

        Raises:
            LimitReached: it may not be.
        """
        if self._share <= 0:
            raise LimitReached(BUDGET)
        if self._monotonic() >= self._share_ends:
            raise LimitReached(TIME)
        self._share -= 1
        self._left -= 1
        self.sent += 1
