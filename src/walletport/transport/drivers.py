"""The two pumps: they do what a program asks, one by blocking, one by awaiting. Nothing is decided here."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import httpx

from walletport.provider import OutgoingRequest, Response
from walletport.transport.bodies import Deadline, body_for
from walletport.transport.effects import Program, Send, Step, TakeCredentialLock, Together, WaitFor
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
        sleep: waits so many seconds; the thread's own sleep by default.
    """

    def __init__(
        self,
        transport: httpx.BaseTransport | None,
        max_body: int,
        *,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._transport = HttpxTransport() if transport is None else transport
        self._max_body = max_body
        self._sleep = sleep or time.sleep
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
        if isinstance(step, Together):
            self._carry_out_together(step.programs)
            return None
        self._sleep(step.seconds)
        return None

    def _carry_out_together(self, programs: Sequence[Program[None]]) -> None:
        failures: list[BaseException] = []

        def carry_out(program: Program[None]) -> None:
            try:
                self.drive(program)
            except BaseException as error:  # noqa: BLE001 - it is thrown where all of them are waited for
                failures.append(error)

        # Not a pool of the standard library's: Python waits for its threads before it ends.
        threads = [threading.Thread(target=carry_out, args=(program,), daemon=True) for program in programs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def _send(self, step: Send) -> Response:
        sending.set(True)
        try:
            answer = self._transport.handle_request(_to_httpx(step.request, step.timeout))
            try:
                headers = _headers(answer.headers.raw)
                body = body_for(headers.get("content-encoding"), self._max_body)
                if isinstance(answer.stream, Iterable):
                    deadline = Deadline(step.timeout, time.monotonic)
                    for chunk in answer.stream:
                        body.feed(chunk)
                        deadline.check()
                drop_surplus(answer)
            finally:
                answer.close()
            return Response(answer.status_code, headers, body.whole())
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
        sleep: waits so many seconds; the event loop's own sleep by default.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None,
        max_body: int,
        *,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._carrier: _Carrier = _aiohttp_transport() if transport is None else _HttpxCarrier(transport)
        self._max_body = max_body
        self._sleep = sleep or asyncio.sleep
        self._credential_lock = asyncio.Lock()
        self._threads = _OtherThreads()

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
            return await self._threads.wait_for(step.future)
        if isinstance(step, TakeCredentialLock):
            await self._credential_lock.acquire()
            return self._credential_lock.release
        if isinstance(step, Together):
            ended = await asyncio.gather(*map(self.drive, step.programs), return_exceptions=True)
            failures = [error for error in ended if error is not None]
            if failures:
                raise failures[0]
            return None
        await self._sleep(step.seconds)
        return None

    async def _send(self, step: Send) -> Response:
        sending.set(True)
        try:
            async with asyncio.timeout(step.timeout * HEADERS_WITHIN) as limit:
                answer = await self._carrier.send(step.request, step.timeout)
                try:
                    limit.reschedule(asyncio.get_running_loop().time() + step.timeout)
                    headers = _headers(answer.headers)
                    body = body_for(headers.get("content-encoding"), self._max_body)
                    async for chunk in answer.chunks():
                        body.feed(chunk)
                finally:
                    await answer.close()
            return Response(answer.status, headers, body.whole())
        except caught() as error:
            failure = as_walletport_error(error)
        finally:
            sending.set(False)
        raise failure

    async def close(self) -> None:
        """Close the connections."""
        await self._carrier.close()


class _OtherThreads:
    """Waits for what other threads do, and is woken once for all that they have done meanwhile.

    Waking an event loop from another thread takes a system call, and often both threads wait for each other on the way:
    of thirty orders that one commit records, only the first needs it.
    """

    def __init__(self) -> None:
        self._done: deque[asyncio.Future[None]] = deque()
        self._is_woken = False

    async def wait_for(self, future: Future[Any]) -> object:
        """Return what a future of another thread resolves to; whoever stops waiting does not stop the work."""
        if not future.done():
            loop = asyncio.get_running_loop()
            waiter = loop.create_future()
            future.add_done_callback(lambda _: self._tell(loop, waiter))
            await waiter
        return future.result()

    def _tell(self, loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None]) -> None:
        self._done.append(waiter)
        if not self._is_woken:
            self._is_woken = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._is_woken = False  # before looking, so that what comes while looking is not overlooked
        while self._done:
            waiter = self._done.popleft()
            if not waiter.done():
                waiter.set_result(None)


class _Answer(Protocol):
    """An answer whose headers are there."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]

    def chunks(self) -> AsyncIterator[bytes]: ...

    async def close(self) -> None: ...


class _Carrier(Protocol):
    """What an async driver sends with."""

    async def send(self, request: OutgoingRequest, timeout: float) -> _Answer: ...  # noqa: ASYNC109 - of each wait

    async def close(self) -> None: ...


class _HttpxCarrier:
    """Any httpx transport an application brings."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def send(self, request: OutgoingRequest, timeout: float) -> _Answer:  # noqa: ASYNC109 - of each wait
        return _HttpxAnswer(await self._transport.handle_async_request(_to_httpx(request, timeout)))

    async def close(self) -> None:
        await self._transport.aclose()


class _HttpxAnswer:
    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer
        self.status = answer.status_code
        self.headers: Sequence[tuple[bytes, bytes]] = answer.headers.raw

    async def chunks(self) -> AsyncIterator[bytes]:
        if isinstance(self._answer.stream, AsyncIterable):
            async for chunk in self._answer.stream:
                yield chunk

    async def close(self) -> None:
        await self._answer.aclose()


def _aiohttp_transport() -> _Carrier:
    # Costs more to import than the rest of the library, so only async users pay for it.
    from walletport.transport.aiohttp_transport import AiohttpTransport  # noqa: PLC0415

    return AiohttpTransport()


def _to_httpx(request: OutgoingRequest, timeout: float) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url,
        headers=dict(request.headers),
        content=request.body,
        extensions={"timeout": {"connect": timeout, "read": timeout, "write": timeout, "pool": timeout}},
    )


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return headers by name in lower case; what stands there several times is joined (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
