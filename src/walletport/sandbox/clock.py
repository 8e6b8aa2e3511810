"""The sandbox's time: the real one, moved ahead on demand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from walletport.errors import ConfigurationError


class MovableClock:
    """Tells the emulators' time; moving it ahead lets keys be forgotten and wallets grow active without waiting."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def __call__(self) -> datetime:
        """Return the time as aware UTC."""
        return datetime.now(UTC) + self.offset

    def advance(self, seconds: float) -> None:
        """Move the clock ahead.

        Args:
            seconds: how far; time does not go back.

        Raises:
            ConfigurationError: the number is negative, or leads out of the calendar.
        """
        try:
            offset = self.offset + timedelta(seconds=seconds)
            moved = datetime.now(UTC) + offset
        except (OverflowError, ValueError):
            moved = None
        if moved is None or seconds < 0:
            msg = "the clock is moved ahead by a number of seconds, such as 300"
            raise ConfigurationError(msg)
        self.offset = offset
