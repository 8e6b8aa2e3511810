"""The ASGI application: vendors below their mounts, faults in between, the sandbox's own pages beside them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from walletport.provider import Response
from walletport.sandbox.control import control_pages
from walletport.sandbox.state import SeenRequest, State
from walletport.sandbox.wire import (
    break_connection,
    find_mount,
    half,
    html_page,
    raw_path,
    read_request,
    send_half,
    send_response,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from walletport.provider.emulation import IncomingRequest
    from walletport.sandbox.faults import Fault

_log = logging.getLogger("walletport.sandbox")
_BROKEN_EMULATOR: Final = Response(500, {"content-type": "text/plain"}, b"the emulator failed; see the sandbox's log")


class SandboxApp:
    """Serves the emulators.

    Args:
        state: emulators, clock, faults and log.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._mounts = {emulator.mount: name for name, emulator in state.emulators.items()}
        self._pages = control_pages(state)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let go of everybody who waits for a late answer; called in the server's event loop."""
        self._stopping.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        mount = find_mount(raw_path(scope), self._mounts)
        if mount is None:
            await self._pages(scope, receive, send)
            return
        request = await read_request(scope, receive, mount)
        if request is None:
            return
        name, path = self._mounts[mount], raw_path(scope)
        fault = self._state.faults.pick(request.method, path, name)
        seen = SeenRequest(name, request.method, path, fault=str(fault) if fault else None)
        self._state.requests.append(seen)
        response = await self._exchange(name, request, fault)
        seen.status = response.status if response is not None else None
        if response is None or (fault is not None and fault.kind == "cut"):
            if response is not None and response.body:
                await send_half(send, response, self._state.clock())
            await break_connection(scope, receive)
        else:
            await send_response(send, response, self._state.clock())

    async def _exchange(self, name: str, request: IncomingRequest, fault: Fault | None) -> Response | None:
        """Return the answer to send, or ``None`` for none at all."""
        if fault is None:
            return self._work(name, request)
        if fault.kind == "late-before" and not await self._sleep(fault.delay):
            return None
        worked = self._work(name, request) if fault.works else None
        if fault.kind == "late" and not await self._sleep(fault.delay):
            return None
        return self._spoil(name, fault, worked)

    def _spoil(self, name: str, fault: Fault, worked: Response | None) -> Response | None:
        """Return what a fault makes of an answer; ``None`` where there is none, or none is let through."""
        if fault.kind in ("drop-before", "drop-after"):
            return None
        if fault.status is not None:
            return self._state.failure(name, fault.status, fault.retry_after)
        if fault.kind == "html-502":
            return html_page()
        return half(worked) if fault.kind == "truncated" and worked is not None else worked

    def _work(self, name: str, request: IncomingRequest) -> Response:
        try:
            return self._state.handle(name, request)
        except Exception:  # noqa: BLE001 - a stranger's emulator may fail in any way, and the server goes on
            _log.exception("the emulator of %s failed", name)
            return _BROKEN_EMULATOR

    async def _sleep(self, seconds: float) -> bool:
        """Wait; return whether the sandbox is still to go on."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return True
        return False
