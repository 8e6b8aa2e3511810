"""Reading a vendor's JSON: strict about identity, tolerant of everything the vendor may add tomorrow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Final, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from walletport.errors import MalformedResponse
from walletport.models import Drift

M = TypeVar("M", bound="WireModel")
_MAX_DIGITS: Final = 100
_MAX_SEEN: Final = 40
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_EARLIEST_MS: Final = 10**11  # 1973 in milliseconds; a smaller number is taken for seconds


class WireModel(BaseModel):
    """Base of the models of a vendor's JSON: unknown fields are kept, names are camelCase on the wire.

    Types are strict: a number is never read as a string, nor a string as a number.
    """

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )


@dataclass(frozen=True, slots=True)
class Known:
    """Annotation: the values a vendor documents for a string. Others are kept and reported as drift."""

    values: frozenset[str]

    @classmethod
    def of(cls, *values: str) -> Known:
        """List the documented values; letter case does not count."""
        return cls(frozenset(value.casefold() for value in values))


@dataclass(frozen=True, slots=True)
class Documented:
    """Annotation: the vendor documents the field as always present; its absence is reported as drift."""


ALWAYS: Final = Documented()


def timestamp(value: object) -> datetime | None:
    """Read a time as aware UTC from ISO 8601, epoch milliseconds or epoch seconds; ``None`` where unreadable.

    Nothing hangs on a wallet's dates, so an unreadable one is dropped (and stays in ``raw``) rather than losing
    the wallet behind an error. A time without zone is taken as UTC.
    """
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            number = Decimal(value)
            return datetime.fromtimestamp(float(number / 1000 if abs(number) >= _EARLIEST_MS else number), UTC)
    except (ValueError, OSError, ArithmeticError):
        return None
    return None


def amount(value: object) -> Decimal:
    """Read an amount of money exactly, from a decimal string or a JSON number.

    Raises:
        ValueError: it is not a finite number of at most 100 digits.
    """
    # Decimal itself would also read "1_000", " 1 ", "Infinity" and digits of other scripts.
    readable = bool(_NUMBER.fullmatch(value)) if isinstance(value, str) else not isinstance(value, bool)
    if not isinstance(value, int | str | Decimal) or not readable:
        msg = "not a decimal amount"
        raise ValueError(msg)
    try:
        number = Decimal(value)
    except InvalidOperation:
        msg = "not a decimal amount"
        raise ValueError(msg) from None
    if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS or len(number.as_tuple().digits) > _MAX_DIGITS:
        msg = "not a finite amount of sensible length"
        raise ValueError(msg)
    return number


def from_base_units(units: int, decimals: int) -> Decimal:
    """Return an amount in whole units of its asset, exactly: 1500000 with 6 decimals is 1.5.

    `Decimal.scaleb` would round to the context's 28 digits, and an amount of wei can have more.

    Args:
        units: the amount in the asset's smallest unit.
        decimals: how many of its digits stand behind the point.

    Raises:
        MalformedResponse: no asset has so many decimals, or so many digits.
    """
    digits = Decimal(units).as_tuple()
    if not 0 <= decimals <= _MAX_DIGITS or len(digits.digits) > _MAX_DIGITS:
        msg = "the answer's amount has more digits than any asset has"
        raise MalformedResponse(msg, retryable=False)
    return Decimal((digits.sign, digits.digits, -decimals))


Timestamp = Annotated[datetime | None, PlainValidator(timestamp)]
"""A time in any of the vendors' clocks."""
Amount = Annotated[Decimal, BeforeValidator(amount)]
"""An amount of money, exact."""


def read(model: type[M], value: object) -> M:
    """Read a vendor's object into its wire model.

    Raises:
        MalformedResponse: a field that identifies something is missing or of another type. The message names the
            places, never what stood there.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        places = sorted({_place(item["loc"]) for item in error.errors(include_input=False, include_url=False)})
        shown = ", ".join(places[:5]) + (", ..." if len(places) > 5 else "")  # noqa: PLR2004 - enough to look at
        msg = f"the answer's {model.__name__} is not as documented at: {shown}"
        raise MalformedResponse(msg) from None


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:_MAX_SEEN] for part in loc) or "(whole)"


def drift_of(model: WireModel, where: str = "") -> tuple[Drift, ...]:
    """List what in a vendor's object its documentation does not mention, for the wallet's drift record."""
    return tuple(_drift(model, where))


def _drift(model: WireModel, where: str) -> Iterator[Drift]:
    for name in model.model_extra or {}:
        yield Drift(where=f"{where}{name}"[:200], what="field", seen=name[:_MAX_SEEN])
    present = model.model_fields_set
    for name, alias, known, always in _documentation(type(model)):
        if name in present:
            yield from _drift_of_value(getattr(model, name), known, f"{where}{alias}")
        elif always:
            yield Drift(where=f"{where}{alias}", what="missing", seen="")


def _drift_of_value(value: object, known: frozenset[str] | None, place: str) -> Iterator[Drift]:
    if isinstance(value, str):
        if known is not None and value.casefold() not in known:
            yield Drift(where=place, what="value", seen=value[:_MAX_SEEN])
    elif isinstance(value, WireModel):
        yield from _drift(value, f"{place}.")
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _drift_of_value(item, known, f"{place}.{position}")


@cache
def _documentation(model: type[WireModel]) -> tuple[tuple[str, str, frozenset[str] | None, bool], ...]:
    """List a model's fields: name, name on the wire, documented values, and whether it is documented as required."""
    fields = []
    for name, field in model.model_fields.items():
        annotations = tuple(_annotations(field))
        known = next((item.values for item in annotations if isinstance(item, Known)), None)
        fields.append((name, field.alias or name, known, ALWAYS in annotations))
    return tuple(fields)


def _annotations(field: FieldInfo) -> Iterator[object]:
    """List what a field is annotated with, on the whole of it or on a part, as in ``list[Annotated[str, ...]]``."""
    yield from field.metadata
    for part in get_args(field.annotation):
        yield from getattr(part, "__metadata__", ())


def mapping(value: object) -> Mapping[str, object]:
    """Return a JSON object as it is, or an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}
