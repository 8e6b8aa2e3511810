"""The values a flow speaks in: our own request and response, so that no HTTP library is part of the protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar, Union, cast

from pydantic import SecretStr

from walletport.errors import MalformedResponse

Json: TypeAlias = Union[bool, int, Decimal, str, "list[Json]", "dict[str, Json]", None]
"""A JSON value; fractions are `Decimal`, never float."""
JsonObject: TypeAlias = "dict[str, Json]"
Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

T = TypeVar("T")
MAX_JSON_DEPTH: Final = 64


class Effect(Enum):
    """What a request does at the provider.

    The order's outcome is read from it: only an ``APPLIES`` request can leave doubt whether a wallet was made.
    """

    READS = "reads"
    PREPARES = "prepares"
    APPLIES = "applies"


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to say to a provider, before credentials and encoding.

    Args:
        method: the HTTP method.
        path: the segments below the base URL, as plain data: the core percent-encodes each one.
        query: names and values, as plain data.
        json: the body.
        headers: further headers; never a credential, which ``sign`` adds.
        idempotency_key: sent in the header that the provider declares; where the provider wants it in the body,
            the flow puts it there and names it here as well.
        effect: what it does at the provider; where an adapter forgets to say it, a GET reads, and everything else is
            taken for a request that can make a wallet.
        repeatable: whether sending the same bytes again is harmless; ``None`` lets the core decide: reads always,
            others only under an idempotency key that the provider honours.
        host: which of the environment's base URLs it goes to.
        authenticated: whether credentials are needed.
        expects_json: whether a success must carry JSON.
        accepts: refusals' statuses that may be an answer as well, such as the 409 that carries the wallet which
            exists already. Where ``classify`` finds no error in such an answer, the flow is sent it like a success.
    """

    method: Method
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    json: JsonObject | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    idempotency_key: str | None = None
    effect: Effect = field(default=cast("Effect", None))
    repeatable: bool | None = None
    host: str = "api"
    authenticated: bool = True
    expects_json: bool = True
    accepts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Give a request that does not say what it does the most cautious reading."""
        if self.effect is None:
            object.__setattr__(self, "effect", Effect.READS if self.method == "GET" else Effect.APPLIES)


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """One attempt, as it will travel: what ``sign`` receives and returns.

    Args:
        method: the HTTP method.
        url: the whole URL, percent-encoded.
        headers: all headers so far.
        body: the final bytes.
        attempted_at: the time of this attempt, aware UTC, for signatures over a time.
        nonce: a value no other attempt has, for signatures over a nonce.
    """

    method: Method
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    attempted_at: datetime
    nonce: str = field(repr=False)

    def with_headers(self, headers: Mapping[str, str]) -> OutgoingRequest:
        """Return the attempt with these headers added."""
        return replace(self, headers={**self.headers, **headers})

    def with_body(self, body: bytes) -> OutgoingRequest:
        """Return the attempt with another body, for vendors that want it encrypted."""
        return replace(self, body=body)


@dataclass(slots=True, eq=False)
class Response:
    """One answer of a provider.

    Args:
        status: the HTTP status.
        headers: names in lower case; a repeated header is joined with a comma.
        body: the whole body, decompressed.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    _read: bool = field(default=False, repr=False, init=False)
    _value: Json = field(default=None, repr=False, init=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the meaning of the digits is HTTP's

    def header(self, name: str) -> str | None:
        """Return a header's value, whatever the letter case of its name."""
        return self.headers.get(name.lower())

    def json(self) -> Json:
        """Return the body as JSON, with fractions as `Decimal`.

        Raises:
            MalformedResponse: the body is not one strict JSON value in UTF-8: not JSON at all, cut short, a name
                given twice in one object, ``NaN``, nested deeper than 64, a number of thousands of digits, text
                that UTF-8 cannot hold.
        """
        if not self._read:
            self._value = read_json(self.body, self.status)
            self._read = True
        return self._value

    def json_object(self) -> JsonObject:
        """Return the body as a JSON object.

        Raises:
            MalformedResponse: it is something else.
        """
        value = self.json()
        if not isinstance(value, dict):
            msg = f"the answer is not a JSON object but {describe(value)}"
            raise MalformedResponse(msg, status_code=self.status)
        return value


def describe(value: Json) -> str:
    """Name the kind of a JSON value, without showing it."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def read_json(body: bytes, status: int | None = None) -> Json:
    """Read one strict JSON value; see `Response.json`.

    Raises:
        MalformedResponse: it is not that.
    """
    if not body:
        msg = "the answer is empty where JSON was promised"
        raise MalformedResponse(msg, status_code=status)
    try:
        value: Json = _DECODER.decode(body.decode("utf-8-sig"))
    except (ValueError, RecursionError, ArithmeticError) as error:
        # The decoder's own message can quote the body, so only its kind is told.
        kind = "text in UTF-8" if isinstance(error, UnicodeDecodeError) else "JSON"
        msg = f"the answer is not {kind} ({len(body)} bytes)"
        raise MalformedResponse(msg, status_code=status) from None
    if _too_deep(value):
        msg = f"the answer is nested deeper than {MAX_JSON_DEPTH} levels"
        raise MalformedResponse(msg, status_code=status)
    if not _is_text(body, value):
        msg = "the answer holds half a character (a lone surrogate)"
        raise MalformedResponse(msg, status_code=status)
    return value


def _unique(pairs: list[tuple[str, Json]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "a name stands twice in one object"
        raise ValueError(msg)
    return found


def _no_constant(name: str) -> Json:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=Decimal)
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")


def _too_deep(value: Json) -> bool:
    level: list[list[Json] | JsonObject] = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_JSON_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _is_text(body: bytes, value: Json) -> bool:
    """Tell whether every string can be written down again: an escape can name half a character."""
    if not _HALF_CHARACTER.search(body):
        return True
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Credential:
    """What proves who is calling; it never prints.

    Args:
        token: the secret itself: an API key, or a token that was exchanged for one.
        expires_in: how long it is good for, from the moment it was asked for; ``None`` for one that does not end.
    """

    token: SecretStr
    expires_in: timedelta | None = None


Flow: TypeAlias = Generator[Request, Response, T]
"""An operation: yields requests, is sent responses, returns a neutral value.

A refusal is thrown in at the ``yield`` as the error that the provider's ``classify`` made of it, so a flow that
wants to go on (adopting what exists already, say) catches it there.
"""
