"""From the HTTP libraries' exceptions to ours; the question is always whether a byte of the request left."""

from __future__ import annotations

import sys
from traceback import walk_tb
from typing import Final

import httpx

from walletport.errors import ConnectFailed, ConnectionLost, MalformedResponse, RequestTimedOut, WalletportError

CAUGHT: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict, OSError, TimeoutError)
"""What a transport may raise; whatever else comes out of one is a bug and passes through."""

_NEVER_LEFT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


def caught() -> tuple[type[Exception], ...]:
    """Return what a transport may raise, aiohttp's own errors included where it is in use."""
    aiohttp = sys.modules.get("aiohttp")
    return CAUGHT if aiohttp is None else (*CAUGHT, aiohttp.ClientError)


def as_walletport_error(error: Exception) -> WalletportError:
    """Return our error for a transport's exception.

    The message names the exception's type only: its text can hold an address, and the exception itself holds the
    request with its headers, so it is not chained either.
    """
    source = error.__cause__ if isinstance(error.__cause__, Exception) else None
    by_aiohttp = _of_aiohttp(source) or _of_aiohttp(error)
    if by_aiohttp is not None:
        kind = by_aiohttp
    elif isinstance(error, _NEVER_LEFT):
        kind = ConnectFailed
    elif isinstance(error, httpx.TimeoutException | TimeoutError):
        kind = RequestTimedOut
    elif isinstance(error, httpx.DecodingError | httpx.TooManyRedirects):
        kind = MalformedResponse
    else:
        kind = ConnectionLost
    return kind(f"{_WORDS[kind]} ({type(source or error).__name__})")


_WORDS: Final[dict[type[WalletportError], str]] = {
    ConnectFailed: "the provider could not be reached",
    ConnectionLost: "the connection broke before a whole answer came back",
    RequestTimedOut: "no whole answer came back in time",
    MalformedResponse: "the answer could not be decoded",
}


def _of_aiohttp(error: Exception | None) -> type[WalletportError] | None:
    """Judge aiohttp's own exception, where there is one.

    httpx-aiohttp 0.2, which an application may bring as its own transport, turns every
    `aiohttp.ClientConnectionError`, a server that hung up half-way included, into `httpx.ConnectTimeout`. Taken at
    its word that would say "never reached" of a request that was carried out.
    """
    aiohttp = sys.modules.get("aiohttp")
    if aiohttp is None or not isinstance(error, aiohttp.ClientError):
        return None
    if isinstance(error, aiohttp.RedirectClientError | aiohttp.TooManyRedirects):
        return MalformedResponse
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL):
        return ConnectFailed
    if isinstance(error, TimeoutError):
        return RequestTimedOut
    return ConnectionLost


def place_of(error: Exception) -> str:
    """Tell what went wrong in foreign code and where, without its words, which can quote a secret."""
    trail = [f"{frame.f_globals.get('__name__')}:{line}" for frame, line in walk_tb(error.__traceback__)]
    return f"{type(error).__name__} at {' > '.join(trail[-3:])}"
