"""Every exception a transport may raise is mapped, and only those that prove it say that nothing left."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import aiohttp
import httpx
import pytest

from walletport.errors import ConnectFailed, ConnectionLost, MalformedResponse, RequestTimedOut, TransportError
from walletport.transport.failures import as_walletport_error, caught

HTTPX_ROOTS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)
HTTPX_NEVER_LEFT = {
    "ConnectError",
    "ConnectTimeout",
    "InvalidURL",
    "PoolTimeout",
    "ProxyError",
    "UnsupportedProtocol",
}
AIOHTTP_NEVER_LEFT = {
    "ClientConnectorCertificateError",
    "ClientConnectorDNSError",
    "ClientConnectorError",
    "ClientConnectorSSLError",
    "ClientProxyConnectionError",
    "ClientSSLError",
    "ConnectionTimeoutError",
    "InvalidURL",
    "InvalidUrlClientError",
    "UnixClientConnectorError",
}
TIMEOUTS = {"TimeoutException", "ReadTimeout", "WriteTimeout", "ServerTimeoutError", "SocketTimeoutError"}
UNREADABLE = {
    "DecodingError",
    "TooManyRedirects",
    "RedirectClientError",
    "InvalidUrlRedirectClientError",
    "NonHttpUrlRedirectClientError",
}


def family(root: type[Exception], library: str) -> Iterator[type[Exception]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__.split(".")[0] == library:
            yield from family(child, library)


HTTPX = sorted({kind for root in HTTPX_ROOTS for kind in family(root, "httpx")}, key=lambda kind: kind.__name__)
AIOHTTP = sorted(set(family(aiohttp.ClientError, "aiohttp")), key=lambda kind: kind.__name__)


def made(kind: type[Exception]) -> Exception:
    """Return an exception without calling its constructor: each takes something else."""
    return kind.__new__(kind)


def test_the_families_are_whole():
    """A new exception of either library shows up here and in the two tests below."""
    assert len(HTTPX) >= 27
    assert len(AIOHTTP) >= 26
    assert {"RemoteProtocolError", "CookieConflict", "StreamClosed"} <= {kind.__name__ for kind in HTTPX}
    assert {"ServerDisconnectedError", "ClientPayloadError"} <= {kind.__name__ for kind in AIOHTTP}


@pytest.mark.parametrize("kind", HTTPX, ids=lambda kind: kind.__name__)
def test_every_exception_of_httpx_is_mapped(kind):
    error = as_walletport_error(made(kind))
    assert isinstance(made(kind), caught())
    assert type(error) is expected(kind, HTTPX_NEVER_LEFT)
    assert error.outcome == ("not_applied" if kind.__name__ in HTTPX_NEVER_LEFT else "unknown")


@pytest.mark.parametrize("kind", AIOHTTP, ids=lambda kind: kind.__name__)
def test_every_exception_of_aiohttp_is_mapped(kind):
    error = as_walletport_error(made(kind))
    assert isinstance(made(kind), caught())
    assert type(error) is expected(kind, AIOHTTP_NEVER_LEFT)
    assert error.outcome == ("not_applied" if kind.__name__ in AIOHTTP_NEVER_LEFT else "unknown")


def expected(kind: type[Exception], never_left: set[str]) -> type[Exception]:
    name = kind.__name__
    if name in never_left:
        return ConnectFailed
    if name in TIMEOUTS:
        return RequestTimedOut
    return MalformedResponse if name in UNREADABLE else ConnectionLost


@pytest.mark.parametrize("kind", AIOHTTP, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("claim", [httpx.ConnectTimeout, httpx.ConnectError, httpx.ReadError])
def test_what_aiohttp_itself_said_counts_more_than_what_an_adapter_made_of_it(claim, kind):
    """httpx-aiohttp 0.2 calls a server that hung up half-way a `ConnectTimeout`."""
    error = claim("x")
    error.__cause__ = made(kind)
    assert type(as_walletport_error(error)) is expected(kind, AIOHTTP_NEVER_LEFT)


def test_an_exception_that_the_application_was_handling_is_no_evidence():
    error = httpx.ReadTimeout("x")
    error.__context__ = made(aiohttp.ClientConnectorError)
    assert type(as_walletport_error(error)) is RequestTimedOut


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), RequestTimedOut),
        (ConnectionResetError(), ConnectionLost),
        (ConnectionRefusedError(), ConnectionLost),
        (ssl.SSLError(), ConnectionLost),
        (OSError("x"), ConnectionLost),
    ],
    ids=repr,
)
def test_a_bare_error_of_the_system_proves_nothing(error, kind):
    assert isinstance(error, caught())
    assert type(as_walletport_error(error)) is kind


def test_the_message_names_the_exception_and_quotes_nothing():
    error = as_walletport_error(httpx.ReadError("from 10.0.0.7 with key vk_live_3f9c1d7a5b"))
    assert isinstance(error, TransportError)
    assert "ReadError" in error.message
    assert "10.0.0.7" not in error.message
    assert (error.__cause__, error.__context__) == (None, None)
