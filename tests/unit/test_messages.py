"""Strict JSON, and the small values a flow speaks in."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.unit import strategies
from walletport.errors import MalformedResponse
from walletport.provider import Credential, OutgoingRequest, Request, Response, read_json
from walletport.provider.messages import MAX_JSON_DEPTH, describe

SECRET = "hidden-in-the-body"
REFUSED = {
    "empty": b"",
    "spaces": b"  ",
    "not JSON": SECRET.encode(),
    "truncated": f'{{"a": "{SECRET}'.encode(),
    "trailing garbage": f'{{"a": 1}} {SECRET}'.encode(),
    "two values": b"1 2",
    "name twice": f'{{"{SECRET}": 1, "{SECRET}": 2}}'.encode(),
    "name twice inside": b'[{"x": {"a": 1, "a": 1}}]',
    "name twice by escape": b'{"a": 1, "\\u0061": 2}',
    "NaN": b"NaN",
    "Infinity": b'{"a": Infinity}',
    "-Infinity": b"[-Infinity]",
    "single quotes": b"{'a': 1}",
    "comma at the end": b"[1,]",
    "comment": b"[1] // no",
    "leading zero": b"[01]",
    "plus": b"[+1]",
    "no fraction": b"[1.]",
    "control character": b'"a\nb"',
    "bad UTF-8": b'{"a": "\xff\xfe"}',
    "UTF-16": f'{{"a": "{SECRET}"}}'.encode("utf-16"),
    "UTF-16 without mark": f'{{"a": "{SECRET}"}}'.encode("utf-16-le"),
    "UTF-32": f'{{"a": "{SECRET}"}}'.encode("utf-32"),
    "latin-1": '{"a": "ü"}'.encode("latin-1"),
    "overlong UTF-8": b'"\xc0\x80"',
    "surrogate in UTF-8": b'"\xed\xa0\x80"',
    "half a character": b'{"a": "\\ud83d"}',
    "half a character in a name": b'{"\\uD83D": 1}',
    "halves in the wrong order": b'"\\ude00\\ud83d"',
    "integer of 5,000 digits": b"9" * 5000,
    "negative integer of 5,000 digits": b"[-" + b"9" * 5000 + b"]",
    "exponent beyond Decimal": b"1e" + b"9" * 30,
    "65 lists deep": b"[" * 65 + b"]" * 65,
    "65 objects deep": b'{"a":' * 65 + b"1" + b"}" * 65,
    "100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "100,000 open": b'{"a":[' * 100_000,
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_what_is_not_strict_json_is_malformed_and_not_quoted(body: bytes) -> None:
    """One kind of error, whose text holds nothing of the body."""
    with pytest.raises(MalformedResponse) as told:
        read_json(body, 201)
    assert told.value.status_code == 201
    assert told.value.outcome == "unknown"
    assert SECRET not in f"{told.value!r}{told.value}{told.value.__cause__}"
    with pytest.raises(MalformedResponse):
        Response(200, body=body).json()


@pytest.mark.parametrize(
    "body", [b"[" * 64 + b"]" * 64, b"[" * 64 + b"1" + b"]" * 64, b'{"a":' * 64 + b"1" + b"}" * 64]
)
def test_nesting_of_64_is_read_with_and_without_something_inside(body: bytes) -> None:
    """The limit counts lists and objects; what lies in the innermost is no further level."""
    assert MAX_JSON_DEPTH == 64
    read_json(body)


def test_fractions_are_exact() -> None:
    """Money never passes through a float on its way in."""
    value = read_json(b'{"amount": 0.1, "exponent": 1E-7, "long": 1.234567890123456789012345678901234567890}')
    assert isinstance(value, dict)
    assert all(isinstance(number, Decimal) for number in value.values())
    assert str(value["amount"]) == "0.1"
    assert str(value["long"]) == "1.234567890123456789012345678901234567890"


def test_a_number_with_a_huge_exponent_is_a_decimal_and_costs_nothing() -> None:
    """It is legal JSON; whoever wants an amount refuses it."""
    assert read_json(b"1e999999999") == Decimal("1e999999999")


def test_integers_stay_integers() -> None:
    """An id or an epoch in milliseconds is no Decimal."""
    value = read_json(b"[1780315200000, true, 0]")
    assert isinstance(value, list)
    assert [type(item) for item in value] == [int, bool, int]


def test_a_byte_order_mark_is_passed_over() -> None:
    """RFC 8259, 8.1 allows a reader to ignore it, and an answer must not be lost for it."""
    assert read_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_escapes_that_make_a_whole_character_are_read() -> None:
    """An emoji written as two escapes is one character; an escaped backslash is no escape."""
    assert read_json(b'"\\ud83d\\ude00"') == "\U0001f600"
    assert read_json(b'"\\\\ud83d"') == "\\ud83d"


@given(strategies.json_values, st.booleans())
def test_every_json_value_is_read_as_it_was_written(value: object, ascii_only: object) -> None:
    """Strictness costs no value that is JSON."""
    assert read_json(json.dumps(value, ensure_ascii=bool(ascii_only)).encode()) == value


@given(strategies.amounts)
def test_every_fraction_is_read_digit_by_digit(number: Decimal) -> None:
    """Trailing zeros included."""
    value = read_json(f'[{number:f}, "x"]'.encode())
    assert isinstance(value, list)
    assert f"{Decimal(str(value[0])):f}" == f"{number:f}"


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_json_or_malformed(body: bytes) -> None:
    """No input brings another error out of the reader."""
    with contextlib.suppress(MalformedResponse):
        read_json(body)


@given(strategies.json_values.map(json.dumps), st.data())
def test_a_flipped_bit_gives_json_or_malformed(written: str, data: st.DataObject) -> None:
    """Damage on the way is never worse than a malformed answer."""
    body = bytearray(written.encode())
    position = data.draw(st.integers(0, len(body) * 8 - 1))
    body[position // 8] ^= 1 << position % 8
    with contextlib.suppress(MalformedResponse):
        read_json(bytes(body))


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"[1]", "a list"), (b'"x"', "a string"), (b"null", "null"), (b"1.5", "a number"), (b"true", "true or false")],
)
def test_another_kind_of_json_is_no_object(body: bytes, kind: str) -> None:
    """The message names the kind and shows no value."""
    with pytest.raises(MalformedResponse, match=kind) as told:
        Response(200, body=body).json_object()
    assert told.value.status_code == 200
    assert describe({}) == "an object"


def test_an_object_is_read_as_one() -> None:
    """With its names and values, an empty one included."""
    assert Response(200, body=b'{"a": {"b": null}}').json_object() == {"a": {"b": None}}
    assert Response(200, body=b"{}").json_object() == {}


def test_a_body_is_read_once() -> None:
    """Classifying and reading an answer parse it once, ``null`` included."""
    response = Response(200, body=b'{"a": [1]}')
    assert response.json() is response.json()
    empty = Response(200, body=b"null")
    assert empty.json() is None
    assert empty.json() is None


def test_headers_are_found_in_any_letter_case() -> None:
    """HTTP header names have no case."""
    response = Response(429, {"retry-after": "3"})
    assert response.header("Retry-After") == response.header("RETRY-AFTER") == "3"
    assert response.header("x-request-id") is None


@pytest.mark.parametrize(
    ("status", "ok"), [(199, False), (200, True), (204, True), (299, True), (300, False), (404, False)]
)
def test_success_is_2xx(status: int, ok: object) -> None:
    """Nothing else is a success."""
    assert Response(status).ok is ok


def test_nothing_secret_is_printed() -> None:
    """Headers, bodies, nonces and credentials stay out of logs."""
    request = Request("POST", ("wallets",), json={"k": SECRET}, headers={"h": SECRET})
    outgoing = OutgoingRequest("POST", "https://x", {"h": SECRET}, SECRET.encode(), datetime.now(UTC), SECRET)
    response = Response(200, {"h": SECRET}, json.dumps(SECRET).encode())
    response.json()
    credential = Credential(SecretStr(SECRET))
    assert SECRET not in f"{request!r}{outgoing!r}{response!r}{credential!r}{credential}"


def test_an_attempt_is_changed_by_copying() -> None:
    """Signing returns another attempt; the one before stays as it was."""
    first = OutgoingRequest("POST", "https://x", {"a": "1"}, b"one", datetime.now(UTC), "n")
    second = first.with_headers({"b": "2", "a": "3"}).with_body(b"two")
    assert (second.headers, second.body) == ({"a": "3", "b": "2"}, b"two")
    assert (first.headers, first.body) == ({"a": "1"}, b"one")
    assert (second.nonce, second.attempted_at) == (first.nonce, first.attempted_at)
