"""How times and documents are stored, alike in both databases."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Dialect, Text, Tuple, bindparam, tuple_
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
        return None if value is None else _ENCODE(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:  # noqa: ARG002 - its signature
        """Return the document that was stored."""
        return None if value is None else json.loads(value)


class TextOrNone(TypeDecorator[str]):
    """A text or nothing, in a column of a key, where no database takes NULL: nothing is stored as ``""``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str:  # noqa: ARG002 - its signature
        """Return what is stored."""
        return value or ""

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - its signature
        """Return the text that was stored."""
        return value or None


def as_stored(document: Mapping[str, object]) -> Mapping[str, object]:
    """Return a document as it is read again once it was stored."""
    read: Mapping[str, object] = json.loads(_ENCODE(document))
    return read


def place(columns: Sequence[ColumnElement[object]], values: Sequence[object]) -> Tuple:
    """Return values as a row that can be compared with columns; nothing among them is bound as the column stores it."""
    bound = (bindparam(None, value, column.type) for column, value in zip(columns, values, strict=True))
    return tuple_(*bound)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    msg = f"a {type(value).__name__} is not JSON"
    raise TypeError(msg)


# `json.dumps` makes an encoder for each call, which takes longer than a short document.
_ENCODE: Final = json.JSONEncoder(default=_plain, separators=(",", ":")).encode
