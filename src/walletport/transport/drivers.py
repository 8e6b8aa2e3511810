"""The two pumps: they do what a program asks, one by blocking, one by awaiting. Nothing is decided here."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterable, Iterable, Mapping
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

import httpx

from walletport.provider import Response
from walletport.transport.bodies import Deadline, PlainBody, body_for
from walletport.transport.effects import Program, Send, Step, TakeCredentialLock, WaitFor
from walletport.transport.failures import as_walletport_error, caught
from walletport.transport.httpx_transport import HEADERS_WITHIN, HttpxTransport, drop_surplus
from walletport.transport.redaction import sending

T = TypeVar("T")
SyncTransport: TypeAlias = httpx.BaseTransport
AsyncTransport: TypeAlias = httpx.AsyncBaseTransport


class SyncDriver:
    """Carries out programs by blocking the calling thread; any number of threads may share one.

    Args:
        transport: how requests travel; httpx's own by default.
        max_body: largest answer that is read, in bytes.
    """

    def __init__(self, transport: httpx.BaseTransport | None, max_body: int) -> None:
        self._transport = HttpxTransport() if transport is None else transport
        self._max_body = max_body
        self._credential_lock = threading.Lock()

    def drive(self, program: Program[T]) -> T:
        """Carry out a program and return its result."""
        try:
            step = next(program)
            while True:
                try:
                    result = self._perform(step)
                except BaseException as error:  # noqa: BLE001 - an interrupt must unwind the program as well
                    step = program.throw(error)
                else:
                    step = program.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value
        finally:
            program.close()

    def _perform(self, step: Step) -> object:
        if isinstance(step, Send):
            return self._send(step)
        if isinstance(step, WaitFor):
            return step.future.result()
        if isinstance(step, TakeCredentialLock):
            self._credential_lock.acquire()
            return self._credential_lock.release
        time.sleep(step.seconds)
        return None

    def _send(self, step: Send) -> Response:
        sending.set(True)
        try:
            answer = self._transport.handle_request(_to_httpx(step))
            try:
                body = body_for(answer.headers.get("content-encoding"), self._max_body)
                if isinstance(answer.stream, Iterable):
                    deadline = Deadline(step.timeout, time.monotonic)
                    for chunk in answer.stream:
                        body.feed(chunk)
                        deadline.check()
                drop_surplus(answer)
            finally:
                answer.close()
            return _from_httpx(answer, body)
        except caught() as error:
            failure = as_walletport_error(error)
        finally:
            sending.set(False)
        raise failure

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the connections."""
        self.close()


class AsyncDriver:
    """Carries out programs by awaiting; any number of tasks of one event loop may share one.

    Args:
        transport: how requests travel; aiohttp by default.
        max_body: largest answer that is read, in bytes.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None, max_body: int) -> None:
        self._transport = _aiohttp_transport() if transport is None else transport
        self._max_body = max_body
        self._credential_lock = asyncio.Lock()

    async def drive(self, program: Program[T]) -> T:
        """Carry out a program and return its result."""
        try:
            step = next(program)
            while True:
                try:
                    result = await self._perform(step)
                except BaseException as error:  # noqa: BLE001 - a cancelled task must unwind the program as well
                    step = program.throw(error)
                else:
                    step = program.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value
        finally:
            program.close()

    async def _perform(self, step: Step) -> object:
        if isinstance(step, Send):
            return await self._send(step)
        if isinstance(step, WaitFor):
            return await asyncio.shield(asyncio.wrap_future(step.future))
        if isinstance(step, TakeCredentialLock):
            await self._credential_lock.acquire()
            return self._credential_lock.release
        await asyncio.sleep(step.seconds)
        return None

    async def _send(self, step: Send) -> Response:
        sending.set(True)
        try:
            async with asyncio.timeout(step.timeout * HEADERS_WITHIN) as limit:
                answer = await self._transport.handle_async_request(_to_httpx(step))
                try:
                    limit.reschedule(asyncio.get_running_loop().time() + step.timeout)
                    body = body_for(answer.headers.get("content-encoding"), self._max_body)
                    if isinstance(answer.stream, AsyncIterable):
                        async for chunk in answer.stream:
                            body.feed(chunk)
                finally:
                    await answer.aclose()
            return _from_httpx(answer, body)
        except caught() as error:
            failure = as_walletport_error(error)
        finally:
            sending.set(False)
        raise failure

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


def _aiohttp_transport() -> httpx.AsyncBaseTransport:
    # Costs more to import than the rest of the library, so only async users pay for it.
    from walletport.transport.aiohttp_transport import AiohttpTransport  # noqa: PLC0415

    return AiohttpTransport()


def _to_httpx(step: Send) -> httpx.Request:
    request = step.request
    timeout = step.timeout
    return httpx.Request(
        request.method,
        request.url,
        headers=dict(request.headers),
        content=request.body,
        extensions={"timeout": {"connect": timeout, "read": timeout, "write": timeout, "pool": timeout}},
    )


def _from_httpx(answer: httpx.Response, body: PlainBody) -> Response:
    headers: Mapping[str, str] = {name.lower(): value for name, value in answer.headers.items()}
    return Response(status=answer.status_code, headers=headers, body=body.whole())
