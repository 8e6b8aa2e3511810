"""Many tasks, few connections, and tasks that are cancelled half-way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.unit.transport.hand import FakeClock
from tests.unit.transport.raw_server import Connection, raw_server
from tests.unit.transport.vendor import BASE, READ, Vendor, create, flow
from tests.unit.transport.wire import DRIVERS, async_driver, engine_for
from walletport.errors import ConnectFailed, RequestTimedOut, WalletportError
from walletport.provider import Effect, Request
from walletport.transport.drivers import AsyncDriver, SyncDriver
from walletport.transport.engine import Engine
from walletport.transport.limits import Limits

POOL = 100
ASYNC = pytest.mark.parametrize("kind", [kind for kind in DRIVERS if kind.startswith("async")])


def numbered(number: int) -> Request:
    return Request("POST", ("orders", str(number)), json={}, effect=Effect.APPLIES)


def answers(connection: Connection) -> None:
    while connection.read_request():
        connection.answer()


@pytest.mark.parametrize("kind", ["async", "async, httpx-aiohttp"])
def test_a_thousand_tasks_share_a_hundred_connections_and_all_arrive(kind):
    async def scenario(url: str) -> list[object]:
        engine = engine_for(url, timeout=30.0)
        async with async_driver(kind) as driver:
            return await asyncio.gather(*[driver.drive(engine.run("x", flow(numbered(n)))) for n in range(1000)])

    with raw_server(answers) as server:
        assert asyncio.run(scenario(server.url)) == ["done"] * 1000
    assert sorted(server.targets) == sorted(f"/v1/orders/{number}" for number in range(1000))
    assert server.connections <= POOL


@ASYNC
def test_who_only_waited_for_a_connection_is_told_that_nothing_left(kind):
    """The server reads and never answers, so a hundred have sent, and the rest has not."""

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.server.stop.wait(20)

    async def scenario(url: str) -> list[object]:
        engine = engine_for(url, timeout=1.0)
        async with async_driver(kind) as driver:
            programs = [engine.run("x", flow(numbered(number))) for number in range(POOL + 50)]
            return await asyncio.gather(*map(driver.drive, programs), return_exceptions=True)

    with raw_server(handler) as server:
        errors = asyncio.run(scenario(server.url))
    seen = set(server.targets)
    for number, error in enumerate(errors):
        assert isinstance(error, ConnectFailed | RequestTimedOut)
        sent = f"/v1/orders/{number}" in seen
        assert not sent or error.outcome == "unknown"
        assert type(error) is (RequestTimedOut if error.outcome == "unknown" else ConnectFailed)
    assert sum(error.outcome == "not_applied" for error in errors if isinstance(error, WalletportError)) >= 50


def test_threads_that_only_waited_for_a_connection_are_told_that_nothing_left():
    held, release = threading.Event(), threading.Event()

    def handler(connection: Connection) -> None:
        connection.read_request()
        held.set()
        release.wait(20)
        connection.answer()

    with raw_server(handler) as server, ThreadPoolExecutor(1) as pool:
        transport = httpx.HTTPTransport(limits=httpx.Limits(max_connections=1))
        with SyncDriver(transport, Limits.max_body) as driver:
            patient = engine_for(server.url, timeout=20.0).run("x", flow(numbered(1)))
            first = pool.submit(driver.drive, patient)
            assert held.wait(20)
            with pytest.raises(ConnectFailed) as caught:
                driver.drive(engine_for(server.url, timeout=0.2).run("x", flow(numbered(2))))
            release.set()
            assert first.result(20) == "done"
    assert caught.value.outcome == "not_applied"
    assert server.targets == ["/v1/orders/1"]


@ASYNC
@pytest.mark.parametrize("when", ["before the answer", "within the headers", "within the body"])
def test_tasks_that_are_cancelled_half_way_leave_the_client_usable(kind, when):
    """More tasks than connections, so that a connection lost with each would show."""
    parts = {
        "before the answer": b"",
        "within the headers": b"HTTP/1.1 200 OK\r\nContent-",
        "within the body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
    }

    def handler(connection: Connection) -> None:
        while request := connection.read_request():
            if b"/orders/" in request:
                connection.send(parts[when])
                connection.sock.recv(1)
                return
            connection.answer()

    async def scenario(server) -> object:
        engine = engine_for(server.url, timeout=10.0)
        async with async_driver(kind) as driver:
            for _ in range(3):
                before = len(server.requests)
                tasks = [
                    asyncio.create_task(driver.drive(engine.run("x", flow(numbered(n))))) for n in range(POOL // 2)
                ]
                while len(server.requests) < before + len(tasks):  # noqa: ASYNC110 - the server is another thread
                    await asyncio.sleep(0.01)
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
                assert {type(error) for error in ended} == {asyncio.CancelledError}
            return await asyncio.gather(*[driver.drive(engine.run("x", flow(READ))) for _ in range(POOL)])

    with raw_server(handler) as server:
        assert asyncio.run(scenario(server)) == ["done"] * POOL


def test_a_task_that_is_cancelled_while_it_waits_to_try_again_closes_its_flow():
    closed = []

    def start():
        try:
            yield create()
        finally:
            closed.append(True)

    async def scenario() -> None:
        vendor = Vendor()
        engine = Engine(vendor, vendor.settings, {"api": BASE}, Limits(), FakeClock())
        transport = httpx.MockTransport(lambda _: httpx.Response(503, headers={"retry-after": "30"}))
        driver = AsyncDriver(transport, Limits.max_body)
        task = asyncio.create_task(driver.drive(engine.run("x", start)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert closed == [True]


class Interrupted(httpx.SyncByteStream):
    """A body in the middle of which somebody presses Ctrl-C."""

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"{"
        raise KeyboardInterrupt

    def close(self) -> None:
        self.closed = True


def test_an_interrupt_within_an_answer_closes_the_answer_and_leaves_the_client_usable():
    body = Interrupted()
    replies = iter([httpx.Response(200, stream=body), httpx.Response(200, json={})])
    vendor = Vendor()
    engine = Engine(vendor, vendor.settings, {"api": BASE}, Limits(), FakeClock())
    with SyncDriver(httpx.MockTransport(lambda _: next(replies)), Limits.max_body) as driver:
        with pytest.raises(KeyboardInterrupt):
            driver.drive(engine.run("x", flow(create())))
        assert body.closed
        assert driver.drive(engine.run("x", flow(create()))) == "done"
