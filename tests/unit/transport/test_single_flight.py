"""One login for everybody who waits: cached, renewed, shared, never held for ever."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.unit.transport.hand import FakeClock
from tests.unit.transport.raw_server import Connection, raw_server
from tests.unit.transport.vendor import BASE, READ, Vendor, flow
from tests.unit.transport.wire import async_driver, engine_for
from walletport.errors import AuthenticationError, MalformedResponse, ProviderUnavailable, WalletportError
from walletport.transport.drivers import AsyncDriver, SyncDriver
from walletport.transport.engine import Engine
from walletport.transport.limits import Limits

TASKS = 100
THREADS = 20
LIFE = 3600


class TokenServer:
    """Gives out numbered tokens and takes only the newest; one that revokes waits until everybody has asked.

    Args:
        everybody: how many requests arrive before any of them is told that its token is void.
    """

    def __init__(self, everybody: int) -> None:
        self.logins = 0
        self.reads = 0
        self.refusals: Iterable[httpx.Response] = iter(())
        self.revoked = False
        self.everybody_called = threading.Event()
        self._everybody = everybody
        self._refused = 0
        self._all_here = threading.Event()
        self._all_here_async = asyncio.Event()
        self._lock = threading.Lock()

    def login(self) -> httpx.Response:
        with self._lock:
            self.logins += 1
            refusal = next(iter(self.refusals), None)
            self.revoked = False
        return refusal or httpx.Response(200, json={"token": f"token-{self.logins}", "life": LIFE})

    def refuses(self, request: httpx.Request) -> bool:
        with self._lock:
            self.reads += 1
            token = request.headers["authorization"].removeprefix("Bearer ")
            refused = self.revoked or token != f"token-{self.logins}"
            self._refused += refused
            if self._refused >= self._everybody:
                self._all_here.set()
        return refused

    def handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            assert self.everybody_called.wait(20)
            threading.Event().wait(0.2)  # from the call to the lock it is a short way, but it is one
            return self.login()
        if not self.refuses(request):
            return httpx.Response(200, json={})
        assert self._all_here.wait(20)
        return httpx.Response(401, json={})

    async def handle_async(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            await asyncio.sleep(0.05)
            return self.login()
        refused = self.refuses(request)
        if self._all_here.is_set():
            self._all_here_async.set()
        if not refused:
            return httpx.Response(200, json={})
        await asyncio.wait_for(self._all_here_async.wait(), 20)
        return httpx.Response(401, json={})


class Office:
    """Many callers of one client, as tasks or as threads.

    Args:
        kind: "tasks" or "threads".
    """

    def __init__(self, kind: str, max_attempts: int = 1) -> None:
        self.kind = kind
        self.callers = TASKS if kind == "tasks" else THREADS
        self.server = TokenServer(self.callers)
        self.clock = FakeClock()
        vendor = Vendor(logs_in=True)
        limits = Limits(max_attempts=max_attempts)
        self.engine = Engine(vendor, vendor.settings, {"api": BASE}, limits, self.clock)

    def call(self, *befores: Callable[[], None]) -> list[list[object]]:
        """Let everybody call at once, several times over; return results or errors, time by time."""
        return asyncio.run(self._tasks(befores)) if self.kind == "tasks" else self._threads(befores)

    async def _tasks(self, befores: tuple[Callable[[], None], ...]) -> list[list[object]]:
        driver = AsyncDriver(httpx.MockTransport(self.server.handle_async), Limits.max_body)
        times = []
        for before in befores:
            before()
            programs = [self.engine.run("get_wallet", flow(READ)) for _ in range(self.callers)]
            times.append(await asyncio.gather(*map(driver.drive, programs), return_exceptions=True))
        await driver.close()
        return times

    def _threads(self, befores: tuple[Callable[[], None], ...]) -> list[list[object]]:
        driver = SyncDriver(httpx.MockTransport(self.server.handle), Limits.max_body)

        def one(number: int) -> object:
            if number == self.callers - 1:
                self.server.everybody_called.set()
            try:
                return driver.drive(self.engine.run("get_wallet", flow(READ)))
            except WalletportError as error:
                return error

        times = []
        with driver, ThreadPoolExecutor(self.callers) as pool:
            for before in befores:
                before()
                times.append(list(pool.map(one, range(self.callers))))
        return times


BOTH = pytest.mark.parametrize("kind", ["tasks", "threads"])


def nothing() -> None:
    """Change nothing before the call."""


@BOTH
def test_a_cold_start_takes_one_login(kind):
    office = Office(kind)
    assert office.call(nothing, nothing) == [["done"] * office.callers] * 2
    assert office.server.logins == 1


@BOTH
def test_an_expiry_takes_one_login(kind):
    office = Office(kind)

    def expire() -> None:
        office.clock.seconds += LIFE

    assert office.call(nothing, expire, expire) == [["done"] * office.callers] * 3
    assert office.server.logins == 3


@BOTH
def test_a_token_revoked_under_everybodys_hands_takes_one_login(kind):
    office = Office(kind)

    def revoke() -> None:
        office.server.revoked = True

    assert office.call(nothing, revoke) == [["done"] * office.callers] * 2
    assert office.server.logins == 2
    assert office.server.reads == 3 * office.callers


@BOTH
@pytest.mark.parametrize(
    ("refusal", "kind_of_error", "times"),
    [
        (httpx.Response(401, json={}), AuthenticationError, 1),
        (httpx.Response(503, json={}, headers={"retry-after": "0"}), ProviderUnavailable, 3),
        (httpx.Response(200, json={"token": "t"}), MalformedResponse, 1),
    ],
    ids=["refused", "down", "senseless"],
)
def test_a_login_that_fails_fails_once_for_everybody_and_the_next_call_tries_again(kind, refusal, kind_of_error, times):
    office = Office(kind, max_attempts=3)
    office.server.refusals = iter([refusal] * times)
    first, second = office.call(nothing, nothing)
    assert {type(error) for error in first} == {kind_of_error}
    assert {error.outcome for error in first} == {"not_applied"}
    assert len({id(error) for error in first}) == office.callers
    assert second == ["done"] * office.callers
    assert office.server.logins == times + 1


@BOTH
def test_a_constant_key_takes_no_login_ever(kind):
    office = Office(kind)
    vendor = Vendor()
    office.engine = Engine(vendor, vendor.settings, {"api": BASE}, Limits(max_attempts=1), office.clock)
    [errors] = office.call(nothing)
    assert {type(error) for error in errors} == {AuthenticationError}
    assert (office.server.logins, office.server.reads) == (0, office.callers)


def test_over_real_sockets_a_cold_start_takes_one_login():
    logins = []

    def handler(connection: Connection) -> None:
        while request := connection.read_request():
            if b" /v1/token " in request:
                logins.append(request)
                connection.server.stop.wait(0.1)
                connection.answer(json.dumps({"token": f"token-{len(logins)}", "life": LIFE}).encode())
            else:
                connection.answer(status=200 if b"Bearer token-1" in request else 401)

    async def scenario(url: str) -> list[object]:
        engine = engine_for(url, Vendor(logs_in=True))
        async with async_driver("async") as driver:
            return await asyncio.gather(*[driver.drive(engine.run("x", flow(READ))) for _ in range(TASKS)])

    with raw_server(handler) as server:
        assert asyncio.run(scenario(server.url)) == ["done"] * TASKS
    assert len(logins) == 1


# ------------------------------------------------------------------------------------------- whoever leads may fall


def test_a_leader_that_is_cancelled_hands_over_to_the_next():
    """The rest waits for a login that will never end; one of them makes its own."""
    logins = 0
    begun = asyncio.Event()

    async def handler(request: httpx.Request) -> httpx.Response:
        nonlocal logins
        if not request.url.path.endswith("/token"):
            return httpx.Response(200, json={})
        logins += 1
        begun.set()
        if logins == 1:
            await asyncio.Event().wait()
        return httpx.Response(200, json={"token": "token-1", "life": LIFE})

    async def scenario() -> list[object]:
        vendor = Vendor(logs_in=True)
        engine = Engine(vendor, vendor.settings, {"api": BASE}, Limits(), FakeClock())
        driver = AsyncDriver(httpx.MockTransport(handler), Limits.max_body)
        tasks = [asyncio.create_task(driver.drive(engine.run("x", flow(READ)))) for _ in range(20)]
        await begun.wait()
        tasks[0].cancel()
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)

    cancelled, *rest = asyncio.run(scenario())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert rest == ["done"] * 19
    assert logins == 2


def test_a_waiter_that_is_cancelled_leaves_the_others_alone():
    office = Office("tasks")

    async def scenario() -> list[object]:
        driver = AsyncDriver(httpx.MockTransport(office.server.handle_async), Limits.max_body)
        tasks = [asyncio.create_task(driver.drive(office.engine.run("x", flow(READ)))) for _ in range(10)]
        await asyncio.sleep(0.01)
        for task in tasks[1:9]:
            task.cancel()
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)

    ended = asyncio.run(scenario())
    assert (ended[0], ended[9], office.server.logins) == ("done", "done", 1)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_login_gives_the_lock_back(stop):
    interrupted = threading.Event()

    def handler(request: httpx.Request) -> httpx.Response:
        if not interrupted.is_set():
            interrupted.set()
            raise stop
        return httpx.Response(200, json={"token": "token-1", "life": LIFE})

    vendor = Vendor(logs_in=True)
    engine = Engine(vendor, vendor.settings, {"api": BASE}, Limits(), FakeClock())
    with SyncDriver(httpx.MockTransport(handler), Limits.max_body) as driver:
        with pytest.raises(stop):
            driver.drive(engine.run("x", flow(READ)))
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(driver.drive, engine.run("x", flow(READ))).result(10) == "done"


def test_an_adapter_that_asks_for_a_credential_within_its_login_does_not_wait_for_itself():
    """The toy login here leaves ``authenticated`` at its default; with the lock taken twice it would hang."""
    office = Office("threads")
    office.callers = 1  # who is last as well as first
    assert office.call(nothing) == [["done"]]
