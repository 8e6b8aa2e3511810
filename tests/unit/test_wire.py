"""Reading vendors' objects: strict about identity, tolerant of additions, exact about money, silent about values."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from tests.unit import strategies
from walletport.errors import MalformedResponse
from walletport.models import Drift
from walletport.provider import read_json
from walletport.provider.wire import (
    ALWAYS,
    Amount,
    Known,
    Timestamp,
    WireModel,
    amount,
    drift_of,
    from_base_units,
    mapping,
    read,
    timestamp,
)

SECRET = "hidden-in-the-answer"


class Held(WireModel):
    """A balance as this test's vendor writes it."""

    code: Annotated[str, Known.of("USDC", "usdt")]
    amount: Amount


class Vault(WireModel):
    """A wallet as this test's vendor writes it."""

    id: str
    customer_id: str
    number: int | None = None
    frozen: bool = False
    state: Annotated[str | None, Known.of("active", "closed")] = None
    network: Annotated[str, Known.of("polygon")] | None = None
    tags: list[Annotated[str, Known.of("hot")]] = Field(default_factory=list)
    made_at: Annotated[Timestamp, ALWAYS] = None
    holder: Annotated[str, ALWAYS] | None = None
    main: Held | None = None
    balances: list[Held] = Field(default_factory=list)


FULL = {
    "id": "v-1",
    "customerId": "c-1",
    "madeAt": "2026-06-01T12:00:00Z",
    "holder": "h",
    "state": "ACTIVE",
    "network": "polygon",
    "tags": ["hot"],
    "main": {"code": "usdc", "amount": "1"},
    "balances": [{"code": "USDT", "amount": "0.5"}],
}
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-06-01T12:00:00Z",
        "2026-06-01T12:00:00.000Z",
        "2026-06-01T12:00:00+00:00",
        "2026-06-01T17:30:00+05:30",
        "2026-06-01T12:00:00",
        "2026-06-01 12:00:00",
        "20260601T120000Z",
        1780315200,
        1780315200000,
        Decimal("1780315200.0"),
        Decimal("1.780315200E12"),
    ],
)
def test_a_time_is_read_from_any_of_the_vendors_clocks(value: object) -> None:
    """ISO with Z, with an offset, without zone; seconds and milliseconds since 1970; always aware UTC."""
    assert timestamp(value) == NOON
    assert timestamp(value).tzinfo is UTC


def test_a_time_keeps_its_fraction_and_a_date_is_midnight() -> None:
    """Milliseconds order events of the same second."""
    assert timestamp("2026-06-01T12:00:00.123Z") == NOON.replace(microsecond=123000)
    assert timestamp(1780315200123) == NOON.replace(microsecond=123000)
    assert timestamp(Decimal("1780315200.5")) == NOON.replace(microsecond=500000)
    assert timestamp("2026-06-01") == NOON.replace(hour=0)
    assert timestamp(-1) == datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert timestamp(0) == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_time_without_zone_is_utc_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server in Tokyo reads the same instant."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert timestamp("2026-06-01T12:00:00") == NOON
        assert timestamp("2026-06-01") == NOON.replace(hour=0)
        assert timestamp(1780315200) == NOON
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        "",
        "soon",
        "2026-13-01T00:00:00Z",
        "2026-06-01T12:00:00 Europe/Berlin",
        "0001-01-01T00:00:00+05:00",
        "\ud800",
        10**18,
        -(10**18),
        10**400,
        Decimal("1e999999"),
        Decimal("1e999999999"),
        Decimal("NaN"),
        1.5,
        [],
        {},
    ],
)
def test_an_unreadable_time_is_none(value: object) -> None:
    """Nothing hangs on a date, so no wallet is lost over one."""
    assert timestamp(value) is None


@given(strategies.json_values | st.decimals() | st.floats())
def test_any_value_is_a_time_or_none(value: object) -> None:
    """The reader of times raises nothing, whatever it meets."""
    moment = timestamp(value)
    assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize(
    "value", ["1.50", "-1.50", "+1.50", "0", "0.000000000000000001", "1e3", "1E-18", "1e100", "1e-100", "9" * 100, 7]
)
def test_an_amount_is_exact(value: str | int) -> None:
    """Every digit that was written is there."""
    assert amount(value) == Decimal(value)
    assert amount(Decimal(value)).as_tuple() == Decimal(value).as_tuple()


@pytest.mark.parametrize(
    "value",
    [
        0.1,
        True,
        None,
        "",
        " 1",
        "1 ",
        "1\n",
        "1_000",
        "1,000.00",
        "1.",
        ".5",
        "0x10",
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "١٢",
        "five",
        "9" * 101,
        "0." + "1" * 101,
        "1e101",
        "1e-101",
        "1e999999999",
        "1e" + "9" * 30,
        Decimal("1e999999999"),
        Decimal("NaN"),
        Decimal("Infinity"),
        10**101,
        [],
        {},
    ],
)
def test_what_is_no_exact_amount_is_refused(value: object) -> None:
    """A float, a word, a grouping mark, an endless number: money is not guessed at."""
    with pytest.raises(ValueError, match="amount"):
        amount(value)


@given(strategies.json_values | st.decimals() | st.floats())
def test_any_value_is_a_finite_amount_or_refused(value: object) -> None:
    """No other error comes out, and nothing endless."""
    try:
        number = amount(value)
    except ValueError:
        return
    assert number.is_finite()
    assert len(f"{number:f}") < 300


def test_an_amount_of_a_json_number_is_exact() -> None:
    """A vendor that writes numbers instead of strings loses nothing here."""
    held = read(Held, read_json(b'{"code": "USDC", "amount": 0.1000000000000000000000000001}'))
    assert str(held.amount) == "0.1000000000000000000000000001"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 1),
        ("id", None),
        ("id", True),
        ("customerId", ["c"]),
        ("number", "1"),
        ("number", Decimal("1.5")),
        ("number", True),
        ("frozen", "true"),
        ("frozen", 1),
        ("balances", {}),
        ("balances", [1]),
        ("main", []),
        ("tags", [1]),
    ],
)
def test_a_value_of_another_type_is_malformed(field: str, value: object) -> None:
    """A number is no string and a string is no number; the message names the place and no value."""
    with pytest.raises(MalformedResponse) as told:
        read(Vault, FULL | {field: value})
    assert field in str(told.value)
    assert told.value.outcome == "unknown"


def test_a_missing_identity_is_malformed() -> None:
    """A wallet without id is no wallet."""
    with pytest.raises(MalformedResponse, match="Vault is not as documented at: id"):
        read(Vault, {name: value for name, value in FULL.items() if name != "id"})


def test_our_own_names_are_never_read_from_the_wire() -> None:
    """``customer_id`` from a vendor that writes ``customerId`` is an unknown field, not the customer."""
    with pytest.raises(MalformedResponse, match="customerId"):
        read(Vault, {"id": "v-1", "customer_id": "c-2"})
    both = read(Vault, FULL | {"customer_id": "c-2"})
    assert both.customer_id == "c-1"
    assert Drift(where="customer_id", what="field", seen="customer_id") in drift_of(both)


def test_unknown_fields_are_kept() -> None:
    """What a vendor adds tomorrow is in the model and in its dump."""
    vault = read(Vault, FULL | {"riskScore": 5, "model_dump": "x", "class": None})
    assert vault.model_extra == {"riskScore": 5, "model_dump": "x", "class": None}
    assert vault.id == "v-1"
    assert vault.model_dump(by_alias=True)["riskScore"] == 5


def test_a_read_object_cannot_be_changed() -> None:
    """Adapters map; they do not mend what the vendor said."""
    with pytest.raises(ValidationError):
        read(Vault, FULL).id = "other"


def test_an_answer_as_documented_has_no_drift() -> None:
    """Known values count in any letter case."""
    assert drift_of(read(Vault, FULL)) == ()


def test_every_deviation_is_in_the_drift_list() -> None:
    """Unknown fields and values, nested and in lists, and documented fields that are missing."""
    vault = read(
        Vault,
        {
            "id": "v-1",
            "customerId": "c-1",
            "state": "frozen_by_court",
            "network": "base",
            "tags": ["hot", "lukewarm"],
            "riskScore": SECRET,
            "main": {"code": "EURC", "amount": 1, "fiat": {}},
            "balances": [{"code": "usdc", "amount": 1}, {"code": "DAI", "amount": 1, "x": 1}],
        },
    )
    assert set(drift_of(vault)) == {
        Drift(where="state", what="value", seen="frozen_by_court"),
        Drift(where="network", what="value", seen="base"),
        Drift(where="tags.1", what="value", seen="lukewarm"),
        Drift(where="riskScore", what="field", seen="riskScore"),
        Drift(where="main.code", what="value", seen="EURC"),
        Drift(where="main.fiat", what="field", seen="fiat"),
        Drift(where="balances.1.code", what="value", seen="DAI"),
        Drift(where="balances.1.x", what="field", seen="x"),
        Drift(where="madeAt", what="missing", seen=""),
        Drift(where="holder", what="missing", seen=""),
    }


def test_null_is_a_value_and_not_missing() -> None:
    """A documented field that is null was sent."""
    vault = read(Vault, FULL | {"madeAt": None, "holder": None, "state": None})
    assert drift_of(vault) == ()


def test_drift_is_shortened() -> None:
    """A field name of a megabyte makes no megabyte of drift, and an unknown field's value is never told."""
    (told,) = drift_of(read(Vault, FULL | {"x" * 10**6: SECRET}))
    assert len(told.where) <= 200
    assert len(told.seen) <= 40
    (told,) = drift_of(read(Vault, FULL | {"state": "y" * 10**6}))
    assert len(told.seen) <= 40


@given(st.dictionaries(st.sampled_from(sorted(FULL)) | strategies.text, strategies.json_values | st.just(SECRET)))
def test_any_object_is_a_model_or_malformed_without_values(value: dict[str, object]) -> None:
    """Whatever JSON comes, the reader gives a model or one kind of error, and the error shows nothing of it."""
    refused = None
    try:
        vault = read(Vault, value)
    except MalformedResponse as error:
        refused = error
    if refused is None:
        drift_of(vault)
        assert vault.id == value["id"]
    else:
        assert SECRET not in f"{refused}{refused!r}"
        assert refused.__cause__ is None


@given(strategies.json_values)
def test_any_json_is_a_model_or_malformed(value: object) -> None:
    """A list, a word or a number where an object was promised."""
    try:
        read(Vault, value)
    except MalformedResponse:
        return
    assert isinstance(value, dict)


def test_a_long_list_of_faults_is_cut() -> None:
    """The message stays readable when everything is wrong."""
    with pytest.raises(MalformedResponse) as told:
        read(Vault, FULL | {"balances": [{"z" * 99: SECRET}] * 50})
    assert str(told.value).count("balances.") == 5
    assert "..." in str(told.value)
    assert SECRET not in str(told.value)
    with pytest.raises(MalformedResponse) as told:
        read(Vault, FULL | {"balances": [1] * 5})
    assert "balances.4 " in str(told.value)
    assert "..." not in str(told.value)


def test_what_is_no_object_at_all_is_named_as_a_whole() -> None:
    """There is no place in it to name."""
    for value in ([], "text", None):
        with pytest.raises(MalformedResponse, match=r"Vault is not as documented at: \(whole\)"):
            read(Vault, value)


def test_a_model_that_is_read_by_hand_shows_no_value_either() -> None:
    """An adapter may call pydantic itself; what pydantic says may end in a log."""
    with pytest.raises(ValidationError) as told:
        Vault.model_validate(FULL | {"number": SECRET})
    assert SECRET not in str(told.value)


@given(strategies.json_values)
def test_mapping_gives_objects_and_nothing_else(value: object) -> None:
    """What is no object is an empty one, so that ``raw`` is always an object."""
    assert mapping(value) == (value if isinstance(value, dict) else {})


@pytest.mark.parametrize(
    ("units", "decimals", "whole"),
    [
        (1500000, 6, "1.500000"),
        (-1, 18, "-1E-18"),
        (0, 6, "0.000000"),
        (7, 0, "7"),
        (10**99 + 1, 18, f"1{'0' * 81}.000000000000000001"),
    ],
)
def test_base_units_become_whole_ones_digit_for_digit(units: int, decimals: int, whole: str) -> None:
    """However many digits there are, and whatever decimal context the application has set."""
    with localcontext(prec=2):
        assert from_base_units(units, decimals).as_tuple() == Decimal(whole).as_tuple()


@pytest.mark.parametrize(("units", "decimals"), [(1, -1), (1, 101), (10**100, 6)])
def test_more_digits_than_any_asset_has_are_no_amount(units: int, decimals: int) -> None:
    """A number of a million digits is a fault of the vendor's, and must not be worked with."""
    with pytest.raises(MalformedResponse, match="more digits than any asset"):
        from_base_units(units, decimals)
