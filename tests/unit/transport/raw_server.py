"""Servers on loopback that speak TCP and whatever a test tells them to, and count what reaches them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

Handler: TypeAlias = "Callable[[Connection], None]"


class Connection:
    """One connection, as the handler sees it."""

    def __init__(self, sock: socket.socket, server: RawServer, number: int) -> None:
        self.sock = sock
        self.server = server
        self.number = number  # the first is 1

    def read_request(self) -> bytes | None:
        """Read one whole request and note it down; ``None`` where the client hung up."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.sock.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            body += self.sock.recv(65536)
        whole = head + b"\r\n\r\n" + body
        self.server.requests.append(whole)
        return whole

    def send(self, *parts: bytes) -> None:
        """Send bytes as they are."""
        for part in parts:
            self.sock.sendall(part)

    def answer(self, body: bytes = b"{}", *headers: str, status: int = 200) -> None:
        """Send a well-formed answer."""
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def reset(self) -> None:
        """Hang up the hard way."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.sock.close()


@dataclass
class RawServer:
    """A server on loopback.

    Attributes:
        requests: every whole request that arrived.
        connections: how many connections were accepted.
        stop: set when the test is over; a handler that waits waits for it.
    """

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def targets(self) -> list[str]:
        """The request targets, byte for byte."""
        return [request.split(b" ", 2)[1].decode("ascii") for request in self.requests]

    def headers(self, number: int) -> dict[str, str]:
        """Return one request's headers, names in lower case."""
        lines = self.requests[number].partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


@contextlib.contextmanager
def raw_server(handler: Handler, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Serve each connection with the handler in a thread of its own, until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    server = RawServer(listener.getsockname()[1])
    open_sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(sock: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            wrapped = tls.wrap_socket(sock, server_side=True) if tls else sock
            with wrapped:
                handler(Connection(wrapped, server, number))

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            open_sockets.append(sock)
            thread = threading.Thread(target=serve, args=(sock, server.connections), daemon=True)
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        server.stop.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)
        for sock in open_sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)
        for sock in open_sockets:
            sock.close()


def refused_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
