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
from walletport.transport.effects import Program, Release, Send, Step, TakeCredentialLock
from walletport.transport.failures import as_walletport_error, caught

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
        self._transport = transport or httpx.HTTPTransport()
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

    def _perform(self, step: Step) -> Response | Release | None:
        if isinstance(step, Send):
            return self._send(step)
        if isinstance(step, TakeCredentialLock):
            self._credential_lock.acquire()
            return self._credential_lock.release
        time.sleep(step.seconds)
        return None

    def _send(self, step: Send) -> Response:
        try:
            answer = self._transport.handle_request(_to_httpx(step))
            try:
                body = body_for(answer.headers.get("content-encoding"), self._max_body)
                if isinstance(answer.stream, Iterable):
                    deadline = Deadline(step.timeout, time.monotonic)
                    for chunk in answer.stream:
                        body.feed(chunk)
                        deadline.check()
            finally:
                answer.close()
            return _from_httpx(answer, body)
        except caught() as error:
            failure = as_walletport_error(error)
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
        transport: how requests travel; aiohttp through httpx-aiohttp by default.
        max_body: largest answer that is read, in bytes.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None, max_body: int) -> None:
        self._transport = transport or _aiohttp_transport()
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

    async def _perform(self, step: Step) -> Response | Release | None:
        if isinstance(step, Send):
            return await self._send(step)
        if isinstance(step, TakeCredentialLock):
            await self._credential_lock.acquire()
            return self._credential_lock.release
        await asyncio.sleep(step.seconds)
        return None

    async def _send(self, step: Send) -> Response:
        try:
            answer = await self._transport.handle_async_request(_to_httpx(step))
            try:
                body = body_for(answer.headers.get("content-encoding"), self._max_body)
                if isinstance(answer.stream, AsyncIterable):
                    deadline = Deadline(step.timeout, time.monotonic)
                    async for chunk in answer.stream:
                        body.feed(chunk)
                        deadline.check()
            finally:
                await answer.aclose()
            return _from_httpx(answer, body)
        except caught() as error:
            failure = as_walletport_error(error)
        raise failure

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


def _aiohttp_transport() -> httpx.AsyncBaseTransport:
    """Return httpx over aiohttp, which carries several times the load of httpx's own async transport."""
    import aiohttp  # noqa: PLC0415 - costs more to import than the rest of the library; only async users pay
    from httpx_aiohttp import AiohttpTransport  # noqa: PLC0415

    verify = httpx.create_ssl_context()

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=verify, limit=100),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent",),
        )

    return AiohttpTransport(verify=verify, client=session)


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
