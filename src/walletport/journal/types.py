"""How times and documents are stored, alike in both databases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.types import TypeDecorator

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC, stored as whole microseconds since 1970: sorts and compares, and loses nothing."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - its signature
        """Return what is stored.

        Raises:
            ValueError: the time is naive, or in another zone than UTC.
        """
        if value is None:
            return None
        if value.utcoffset() != timedelta(0):
            msg = "a time in the journal is aware and in UTC"
            raise ValueError(msg)
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - its signature
        """Return the time that was stored."""
        return None if value is None else _EPOCH + value * _MICROSECOND


class JsonText(TypeDecorator[object]):
    """A JSON document as text: a database's own JSON type would reorder it, or refuse a character it holds.

    A `Decimal` is stored as a string with all its digits, never as a float.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:  # noqa: ARG002 - its signature
        """Return what is stored."""
        return None if value is None else json.dumps(value, default=_plain, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:  # noqa: ARG002 - its signature
        """Return the document that was stored."""
        return None if value is None else json.loads(value)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    msg = f"a {type(value).__name__} is not JSON"
    raise TypeError(msg)
