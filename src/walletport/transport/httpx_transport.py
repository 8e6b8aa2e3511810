"""httpx's own sync transport, with three things mended that httpx and httpcore offer no public switch for."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import httpcore
import httpx

HEADERS_WITHIN: Final = 4  # times the timeout: waiting for the pool, TCP, TLS and a first byte may each take one


class HttpxTransport(httpx.HTTPTransport):
    """Ends every attempt in good time, and sends each request in one piece.

    httpx bounds each single wait, so a server that sends a byte now and then keeps a thread for ever. Here the
    headers must be there within four times the timeout, and the whole body within one more.

    httpx sends headers and body one after the other; in one piece they are one system call and one TLS record less.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pool._network_backend = _Backend(self._pool._network_backend)  # noqa: SLF001

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the answer as soon as its headers are there."""
        timeout: float = request.extensions["timeout"]["read"]
        _attempt.ends = time.monotonic() + timeout * HEADERS_WITHIN
        answer = super().handle_request(request)
        _attempt.ends = time.monotonic() + timeout
        return answer


def drop_surplus(answer: httpx.Response) -> None:
    """Hang up on a server that sent more than its answer.

    httpcore keeps the surplus with the connection and would take it for the answer to the next request, which may be
    another customer's. aiohttp hangs up by itself.
    """
    part: object = answer.stream
    for name in ("_httpcore_stream", "_stream", "_connection", "_h11_state"):
        part = getattr(part, name, None)
    surplus, _ = getattr(part, "trailing_data", (b"", False))
    if surplus:
        answer.extensions["network_stream"].close()


class _Attempt(threading.local):
    """When the attempt that this thread is at must end, in monotonic seconds."""

    ends: float = float("inf")


_attempt: Final = _Attempt()


def _left(timeout: float | None, too_late: type[httpcore.TimeoutException]) -> float:
    left = _attempt.ends - time.monotonic()
    if left <= 0:
        raise too_late
    return left if timeout is None else min(timeout, left)


class _Backend(httpcore.NetworkBackend):
    """Opens connections whose waits end with the attempt."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        wait = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._backend.connect_tcp(host, port, wait, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    """A connection whose waits end with the attempt, and which sends headers and body in one go."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._unsent = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unsent:
            unsent, self._unsent = self._unsent, b""
            # httpcore ignores it as well: a server may refuse, and say why, before it has read everything.
            with suppress(httpcore.WriteError):
                self._stream.write(unsent, _left(timeout, httpcore.WriteTimeout))
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - nothing is waited for
        self._unsent += buffer

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
