"""From a flow's request to bytes: percent-encoded segments, checked header values, one spelling of JSON."""

from __future__ import annotations

import ipaddress
import json
import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from walletport.errors import ConfigurationError
from walletport.provider import Idempotency, OutgoingRequest, Request

if TYPE_CHECKING:
    from datetime import datetime

_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def check_base_url(url: str) -> str:
    """Return the URL without a slash at its end.

    Raises:
        ConfigurationError: it is not ``https``, or plain ``http`` to this machine; or it holds a password, a
            query or a fragment.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        msg = "base_url is not a URL: write it like https://api.example.com/v1"
        raise ConfigurationError(msg) from None
    if parts.scheme not in ("http", "https") or not host:
        msg = "base_url is not a URL: write it like https://api.example.com/v1"
        raise ConfigurationError(msg)
    if parts.scheme == "http" and not _is_loopback(host):
        msg = f"base_url must start with https:// (plain http is for this machine only), not http://{host}"
        raise ConfigurationError(msg)
    if parts.username is not None or parts.query or parts.fragment:
        msg = "base_url must hold no user name, query or fragment: write it like https://api.example.com/v1"
        raise ConfigurationError(msg)
    return url.rstrip("/")


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
    """Make a key that the provider takes: a UUID, or as much of its digits as fits.

    Raises:
        ConfigurationError: the provider's declared pattern fits none of the forms tried.
    """
    made = uuid.uuid4()
    for candidate in (str(made), made.hex, made.hex.upper(), str(made.int)):
        key = candidate[: policy.max_length]
        if policy.pattern is None or re.fullmatch(policy.pattern, key):
            return key
    msg = "no idempotency key of the declared pattern can be made: pass idempotency_key="
    raise ConfigurationError(msg)


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
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": "walletport",
            **request.headers,
        }
        body = b""
        if request.json is not None:
            body = encode_json(request.json)
            headers["Content-Type"] = "application/json"
        if request.idempotency_key is not None and self._key_header is not None:
            headers[self._key_header] = request.idempotency_key
        check_headers(headers)
        return OutgoingRequest(
            method=request.method, url=url, headers=headers, body=body, attempted_at=now, nonce=uuid.uuid4().hex
        )


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse header values that could end a header.

    Raises:
        ConfigurationError: a value holds something other than printable ASCII.
    """
    for name, value in headers.items():
        if not _HEADER_VALUE.fullmatch(value):
            msg = f"the value for {name} holds characters that a header cannot carry"
            raise ConfigurationError(msg)


def encode_json(value: object) -> bytes:
    """Return one fixed spelling of a JSON value, so that a repeat is the same to the byte.

    Raises:
        ConfigurationError: it holds text that UTF-8 cannot.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str, allow_nan=False).encode()
    except UnicodeEncodeError:
        msg = "a value holds characters that are no text (lone surrogates)"
        raise ConfigurationError(msg) from None
