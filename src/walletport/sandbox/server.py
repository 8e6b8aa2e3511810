"""The server: uvicorn with an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
from threading import Thread
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from walletport.errors import ConfigurationError
from walletport.sandbox.wire import TRANSPORT

if TYPE_CHECKING:
    from walletport.sandbox.app import SandboxApp

_BACKLOG: Final = 2048
_LAST_PORT: Final = 65535
_IPV4: Final = 4
_MOMENT: Final = 0.001
_KEEP_ALIVE: Final = 3600  # an idle connection closed just as it is used again would be a fault nobody asked for


class _Protocol(H11Protocol):
    """Lets the application reach the connection itself, for faults that break it; ASGI has no word for that."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in H11Protocol
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}
        # Head and body leave in two writes; without this the second waits 40 ms for the caller's system to confirm the
        # first. asyncio sets it by itself only on sockets that were made with the protocol's number.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class ServerThread:
    """A running server.

    Args:
        app: what it serves.
        host: the address to listen on.
        port: the port to listen on; 0 for any free one.

    Raises:
        ConfigurationError: it cannot listen there; the message says what to pass instead.
    """

    def __init__(self, app: SandboxApp, host: str, port: int) -> None:
        self._app = app
        self._socket = _listen(host, port)
        self.url = _url(self._socket)
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = Thread(target=self._run, name="walletport-sandbox", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Block until the server ends, or until Ctrl-C."""
        while self._thread.is_alive():
            self._thread.join(1.0)  # with a limit, because on some systems an endless wait hears no Ctrl-C

    def stop(self) -> None:
        """End the server, breaking off whatever is still going on."""
        with contextlib.suppress(RuntimeError):  # the loop is closed if the server ended by itself
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        """Serve until told to stop.

        It makes uvicorn's protocol itself instead of using `uvicorn.Server`, which looks ten times a second whether it
        should end, installs signal handlers, and waits for connections that are kept alive.
        """
        config = uvicorn.Config(
            self._app,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
        )
        config.load()
        state = ServerState()
        server = await self._loop.create_server(lambda: _Protocol(config, state, {}), sock=self._socket)
        await self._stopping.wait()
        server.close()
        self._app.stop()
        while state.connections or state.tasks:
            for connection in state.connections:
                connection.transport.abort()
            await asyncio.sleep(_MOMENT)


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:
        msg = f"port must be a number from 0 to {_LAST_PORT}; 0 takes any free one"
        raise ConfigurationError(msg)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            msg = f"port {port} on {host} is in use: take another one, or 0 for any free one"
        else:
            why = "not allowed" if isinstance(error, PermissionError) else "not an address of this machine"
            msg = f"cannot listen on {host} port {port} ({why}): try 127.0.0.1 and a port above 1023"
        raise ConfigurationError(msg) from None


def _url(listening: socket.socket) -> str:
    """Return the address to call; a server on every interface is called on this machine's own."""
    host, port = listening.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == _IPV4 else "::1")
    return f"http://{address}:{port}" if address.version == _IPV4 else f"http://[{address}]:{port}"
