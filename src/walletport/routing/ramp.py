"""A share of the users that grows by itself: a pure function of the time, which is passed in.

All weights but the growing one stand still, so a ramp moves users towards its account and nobody anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, Field

from walletport.errors import ConfigurationError
from walletport.settings import CheckedModel

_WHOLE: Final = 10_000
"""Hundredths of a per cent: a share in force is a round figure that can be told."""


def _rising(percent: tuple[float, float]) -> tuple[float, float]:
    if percent[0] >= percent[1]:
        msg = "must rise: write percent = [0, 50]; to take users away from an account, give it less weight or pause it"
        raise ValueError(msg)
    return percent


Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Ramp(CheckedModel):
    """A share of a route's users that grows evenly.

    Args:
        account: whose share it is.
        percent: its share at the start and at the end, in per cent of the route's users.
        start: when it begins to grow; before that the share is the first figure.
        days: how long it grows; after that the share is the second figure.
    """

    account: str = Field(min_length=1, description="an account's name", examples=['account = "NAME"'])
    percent: Annotated[tuple[Percent, Percent], AfterValidator(_rising)] = Field(
        description="two numbers from 0 to 100", examples=["percent = [0, 50]"]
    )
    start: Annotated[AwareDatetime, Field(strict=True)] = Field(
        description="a time with its zone", examples=["start = 2027-01-01T00:00:00Z"]
    )
    days: Annotated[float, Field(strict=True, gt=0, le=3650, allow_inf_nan=False)] = Field(
        description="a number of days above 0", examples=["days = 7"]
    )

    def share(self, now: datetime) -> float:
        """Return the share at this time, in per cent, rounded down to hundredths."""
        return self._parts(now) * 100 / _WHOLE

    def _parts(self, now: datetime) -> int:
        first, last = self.percent
        passed = min(1.0, max(0.0, (now - self.start) / timedelta(days=self.days)))
        return int((first + (last - first) * passed) * _WHOLE / 100)

    def weights(self, split: Mapping[str, int], now: datetime | None) -> Mapping[str, float]:
        """Return the weights in force: those of the split as they are, and one that gives the account its share.

        Raises:
            ConfigurationError: no time was given.
        """
        if now is None:
            msg = "a route with a ramp is a matter of time: pass now="
            raise ConfigurationError(msg)
        parts = self._parts(now)
        if parts in (0, _WHOLE):
            return {self.account: 1} if parts else split
        return {**split, self.account: sum(split.values()) * parts / (_WHOLE - parts)}

    def explain(self, now: datetime) -> str:
        """Say what the share is, and why."""
        first, last = self.percent
        return (
            f"the ramp gives {self.account} {self.share(now):g}% of the users at this time: from {first:g}% to "
            f"{last:g}% over {self.days:g} days from {self.start:%Y-%m-%d %H:%M %Z}"
        )
