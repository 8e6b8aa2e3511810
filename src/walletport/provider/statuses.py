"""What an HTTP status alone says, for vendors that document no error body."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Unpack

from walletport.errors import (
    AuthenticationError,
    Conflict,
    ErrorFacts,
    InvalidRequest,
    MalformedResponse,
    NotFound,
    PermissionDenied,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RequestInProgress,
)
from walletport.provider.messages import Json, Response

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_REQUEST_ID = re.compile(r"[!-~]{1,128}")

_BY_STATUS: dict[int, tuple[type[ProviderError], str]] = {
    400: (InvalidRequest, "the request was refused as invalid"),
    401: (AuthenticationError, "the credentials were not accepted"),
    403: (PermissionDenied, "this is not allowed to these credentials"),
    404: (NotFound, "nothing was found at this address"),
    405: (InvalidRequest, "the method was refused"),
    408: (ProviderUnavailable, "the provider gave up waiting"),
    409: (Conflict, "the request conflicts with something that exists"),
    410: (NotFound, "what was asked for is gone"),
    413: (InvalidRequest, "the request was refused as too large"),
    415: (InvalidRequest, "the request's type was refused"),
    422: (InvalidRequest, "the request was refused as invalid"),
    423: (RequestInProgress, "the resource is locked"),
    425: (RequestInProgress, "the provider asks to come back later"),
    429: (RateLimited, "too many requests"),
}


def error_for_status(response: Response, **facts: Unpack[ErrorFacts]) -> ProviderError:
    """Return the error that a refusal's status stands for, by RFC 9110 and nothing else.

    A 4xx says that the request was not applied, except for 408, 409, 423 and 425; a 5xx says nothing about that,
    and neither does an answer below 400, which is no refusal.

    Args:
        response: an answer that is no success.
        facts: keyword arguments of `WalletportError`, such as ``provider_code`` and ``request_id``.
    """
    status = response.status
    if status in _BY_STATUS:
        kind, message = _BY_STATUS[status]
    elif status < HTTPStatus.BAD_REQUEST:
        kind, message = MalformedResponse, "the answer's status is neither a success nor a refusal"
    elif status < HTTPStatus.INTERNAL_SERVER_ERROR:
        kind, message = InvalidRequest, "the request was refused"
    else:
        kind, message = ProviderUnavailable, "the provider failed"
    keywords: ErrorFacts = {"status_code": status, **facts}
    return kind(message, **keywords)


def code_of(value: Json) -> str | None:
    """Return a vendor's machine code if it has the shape of one, so that stray text never enters an error."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


def request_id_of(value: Json) -> str | None:
    """Return a vendor's request id if it is a short printable word, else ``None``."""
    return value if isinstance(value, str) and _REQUEST_ID.fullmatch(value) else None
