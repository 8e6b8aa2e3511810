"""From a flow's request to bytes: percent-encoded segments, checked header values, one spelling of JSON."""

from __future__ import annotations

import ipaddress
import json
import re
import secrets
import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

from walletport.errors import ConfigurationError
from walletport.provider import Idempotency, OutgoingRequest, Request

if TYPE_CHECKING:
    from datetime import datetime

_URL = re.compile(r"[!-~]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"([!-~]([ -~]*[!-~])?)?")
_LONGEST_KEY: Final = 255
_KEY = re.compile(rf"[!-~]{{1,{_LONGEST_KEY}}}")
_SHORTEST_KEY: Final = 20  # characters of hexadecimal: two orders must never draw the same


def check_base_url(url: str) -> str:
    """Return the URL without a slash at its end.

    Raises:
        ConfigurationError: it is not ``https``, or plain ``http`` to this machine; or it holds a password, a
            query, a fragment, or what one library reads in one way and the next in another: spaces, backslashes,
            letters outside ASCII, segments of dots.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigurationError(_NO_URL) from None
    if parts.scheme not in ("http", "https") or not host or not _URL.fullmatch(url) or "\\" in url:
        raise ConfigurationError(_NO_URL)
    if parts.scheme == "http" and not _is_loopback(host):
        msg = f"base_url must start with https:// (plain http is for this machine only), not http://{host}"
        raise ConfigurationError(msg)
    if "@" in parts.netloc or "?" in url or "#" in url:
        msg = "base_url must hold no user name, query or fragment: write it like https://api.example.com/v1"
        raise ConfigurationError(msg)
    if not {".", ".."}.isdisjoint(unquote(parts.path).split("/")):
        msg = "base_url must not hold the segments . and .., which lead elsewhere"
        raise ConfigurationError(msg)
    return url.rstrip("/")


_NO_URL = "base_url is not a URL: write it like https://api.example.com/v1"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def encode_path(segments: tuple[str, ...]) -> str:
    """Return the segments as a path; each is data, so a slash inside one is encoded.

    Raises:
        ConfigurationError: a segment is empty, or consists of one or two dots, which every client and server would
            fold into another path; or it is no text that UTF-8 can hold.
    """
    return "".join(f"/{_encode_segment(segment)}" for segment in segments)


def _encode_segment(segment: str) -> str:
    if segment in ("", ".", ".."):
        msg = f"an id must not be {segment!r}: it would change the address that is called"
        raise ConfigurationError(msg)
    return _quote(segment)


def _quote(text: str) -> str:
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        msg = "an id or value holds characters that are no text (lone surrogates)"
        raise ConfigurationError(msg) from None


def new_idempotency_key(policy: Idempotency) -> str:
    """Make a key that the provider takes: a UUID, or as much of its digits as fits and still is one of its kind.

    Raises:
        ConfigurationError: the provider's declared pattern or length fits none of the forms tried.
    """
    longest = policy.max_length or _LONGEST_KEY
    for key in _keys(uuid.uuid4(), longest):
        if len(key) <= longest and (policy.pattern is None or re.fullmatch(policy.pattern, key)):
            return key
    msg = "no idempotency key of the declared pattern can be made: pass idempotency_key="
    raise ConfigurationError(msg)


def _keys(made: uuid.UUID, longest: int) -> Iterator[str]:
    yield str(made)
    yield made.hex
    yield made.hex.upper()
    yield str(made.int)
    yield made.hex[: max(longest, _SHORTEST_KEY)]


def check_idempotency_key(key: str, policy: Idempotency) -> None:
    """Refuse a caller's key that the provider would not take.

    Raises:
        ConfigurationError: it is too long, of another pattern, or holds spaces or control characters.
    """
    wanted = policy.pattern or _KEY.pattern
    if policy.max_length is not None and len(key) > policy.max_length:
        msg = f"idempotency_key has {len(key)} characters, the provider takes {policy.max_length}"
        raise ConfigurationError(msg)
    if not _KEY.fullmatch(key) or not re.fullmatch(wanted, key):
        msg = f"idempotency_key must match {wanted}, for example {uuid.UUID(int=1)}"
        raise ConfigurationError(msg)


class Encoder:
    """Turns the requests of one provider into attempts.

    Args:
        base_urls: by host name, checked.
        idempotency: where the key goes.
    """

    def __init__(self, base_urls: Mapping[str, str], idempotency: Idempotency) -> None:
        self._base_urls = base_urls
        self._key_header = idempotency.name if idempotency.place == "header" else None

    def encode(self, request: Request, now: datetime) -> OutgoingRequest:
        """Return the request as bytes, without credentials.

        Raises:
            ConfigurationError: an id or value cannot be sent as data.
        """
        url = self._base_urls[request.host] + encode_path(request.path)
        if request.query:
            url += "?" + "&".join(f"{_quote(name)}={_quote(value)}" for name, value in request.query)
        headers = {**_HEADERS, **request.headers}
        body = b""
        if request.json is not None:
            body = encode_json(request.json)
            headers["Content-Type"] = "application/json"
        if request.idempotency_key is not None and self._key_header is not None:
            headers[self._key_header] = request.idempotency_key
        return OutgoingRequest(
            method=request.method, url=url, headers=headers, body=body, attempted_at=now, nonce=secrets.token_hex(16)
        )


_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "walletport"}


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that could end early, and begin another header or request.

    Raises:
        ConfigurationError: a name is no word, or a value holds something other than printable ASCII or has a space
            at either end, which some servers cut off and others refuse.
    """
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            msg = "a header's name holds characters that a header cannot carry"
            raise ConfigurationError(msg)
        if not _HEADER_VALUE.fullmatch(value):
            msg = f"the value for {name} holds characters that a header cannot carry, or spaces around it"
            raise ConfigurationError(msg)


def encode_json(value: object) -> bytes:
    """Return one fixed spelling of a JSON value, so that a repeat is the same to the byte.

    Fractions are `Decimal` and travel as strings.

    Raises:
        ConfigurationError: it holds text that UTF-8 cannot.
    """
    try:
        return _JSON.encode(value).encode()
    except UnicodeEncodeError:
        msg = "a value holds characters that are no text (lone surrogates)"
        raise ConfigurationError(msg) from None


def _fraction(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    msg = f"a {type(value).__name__} is no JSON value"
    raise TypeError(msg)


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_fraction, allow_nan=False)
