"""What is mended of httpx's sync transport, seen from its socket."""

from __future__ import annotations

import httpcore
import httpx
import pytest

from tests.unit.transport.hand import FakeClock
from tests.unit.transport.vendor import BASE, Vendor, create, flow
from walletport.errors import ConnectionLost, InvalidRequest
from walletport.transport.drivers import SyncDriver
from walletport.transport.engine import Engine
from walletport.transport.httpx_transport import HttpxTransport
from walletport.transport.limits import Limits

ANSWER = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}"


class Socket(httpcore.NetworkStream):
    """A connection whose other end is a list of answers."""

    def __init__(self, answers: list[bytes], broken: type[Exception] | None = None) -> None:
        self.written: list[bytes] = []
        self._answers = answers
        self._broken = broken

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.written.append(buffer)
        if self._broken is not None:
            raise self._broken

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._answers.pop(0) if self._answers else b""

    def close(self) -> None:
        pass

    def start_tls(self, ssl_context: object, server_hostname: str | None = None, timeout: float | None = None):
        return self

    def get_extra_info(self, info: str) -> object:
        return None


class Network(httpcore.NetworkBackend):
    """Connects to one socket, whatever the address."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket

    def connect_tcp(self, *_: object, **__: object) -> httpcore.NetworkStream:
        return self.socket


def send_over(socket: Socket) -> object:
    transport = HttpxTransport()
    transport._pool._network_backend._backend = Network(socket)
    vendor = Vendor()
    engine = Engine(vendor, vendor.settings, {"api": BASE}, Limits(max_attempts=1), FakeClock())
    with SyncDriver(transport, Limits.max_body) as driver:
        return driver.drive(engine.run("create_wallet", flow(create())))


def test_headers_and_body_leave_in_one_piece():
    """Two pieces cost a system call, a TLS record and often a packet more."""
    socket = Socket([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"])
    assert send_over(socket) == "done"
    [whole] = socket.written
    assert whole.startswith(b"POST /v1/customers/c1/wallets HTTP/1.1\r\n")
    assert whole.endswith(b'\r\n\r\n{"chain":"polygon"}')


def test_an_answer_that_comes_before_the_request_was_read_is_read():
    with pytest.raises(InvalidRequest) as caught:
        send_over(Socket([ANSWER], broken=httpcore.WriteError))
    assert caught.value.status_code == 413


def test_a_request_that_could_not_be_written_and_was_not_answered_is_in_doubt():
    with pytest.raises(ConnectionLost) as caught:
        send_over(Socket([], broken=httpcore.WriteError))
    assert caught.value.outcome == "unknown"


def test_the_transport_is_one_of_httpx():
    """So that what records and replays httpx finds it."""
    assert isinstance(HttpxTransport(), httpx.HTTPTransport)
