"""Between ASGI and the emulators' own values, and what happens to an answer on its way out."""

from __future__ import annotations

from asyncio import Transport
from collections.abc import Iterable
from dataclasses import replace
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

from walletport.provider import Response
from walletport.provider.emulation import IncomingRequest

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.types import Receive, Scope, Send

TRANSPORT: Final = "walletport.transport"
"""Where the server leaves a connection's asyncio transport in ``scope["state"]``."""

_WITHOUT_BODY: Final = (204, 304)
_PAGE: Final = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


async def read_request(scope: Scope, receive: Receive, mount: str) -> IncomingRequest | None:
    """Read a request as the emulator below this mount sees it; ``None`` if the caller left before it was whole."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        known = name.decode("latin-1")
        headers[known] = f"{headers[known]}, {text}" if known in headers else text
    target = f"{raw_path(scope)}?{scope['query_string'].decode('latin-1')}"
    return IncomingRequest.from_wire(scope["method"], target, headers, bytes(body), mount)


def raw_path(scope: Scope) -> str:
    """Return the path as it stood on the wire."""
    raw: bytes = scope["raw_path"]
    return raw.decode("latin-1")


def find_mount(path: str, mounts: Iterable[str]) -> str | None:
    """Return the mount that a path is at or below; the longest, where several are."""
    return max((mount for mount in mounts if path == mount or path.startswith(f"{mount}/")), key=len, default=None)


def html_page() -> Response:
    """Return the page of a gateway that could not reach the vendor."""
    return Response(502, {"content-type": "text/html"}, _PAGE)


def half(response: Response) -> Response:
    """Return the answer with the first half of its body only, and nothing that says so."""
    return replace(response, body=response.body[: len(response.body) // 2])


async def send_response(send: Send, response: Response, now: datetime) -> None:
    """Send an answer whole."""
    await _send_head(send, response, now)
    await send({"type": "http.response.body", "body": response.body})


async def send_half(send: Send, response: Response, now: datetime) -> None:
    """Send the head, which promises the whole body, and half of the body."""
    await _send_head(send, response, now)
    await send({"type": "http.response.body", "body": half(response).body, "more_body": True})


async def _send_head(send: Send, response: Response, now: datetime) -> None:
    headers = {"date": format_datetime(now, usegmt=True), **response.headers}
    if response.status not in _WITHOUT_BODY:
        headers["content-length"] = str(len(response.body))
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": raw})


async def break_connection(scope: Scope, receive: Receive) -> None:
    """Close the connection without another byte, after what was written has left.

    It returns when the server has noticed, because a server complains about an application that returns without
    an answer while the caller is still there.
    """
    transport: Transport = scope["state"][TRANSPORT]
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
