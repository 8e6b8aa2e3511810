"""Sends a vendor's requests over real transports, sync and async, through one door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import httpx
from httpx_aiohttp import AiohttpTransport as HttpxAiohttp

from tests.unit.transport.vendor import Vendor
from walletport.errors import WalletportError
from walletport.provider import Flow
from walletport.transport.drivers import AsyncDriver, SyncDriver
from walletport.transport.engine import Engine, SystemClock
from walletport.transport.limits import Limits

Start: TypeAlias = Callable[[], Flow[object]]
DRIVERS = ("sync", "sync, httpx's own", "async", "async, httpx's own", "async, httpx-aiohttp")


@dataclass
class Ended:
    """How one operation ended."""

    result: object = None
    error: WalletportError | None = None

    @property
    def failure(self) -> WalletportError:
        assert self.error is not None, f"it succeeded with {self.result!r}"
        return self.error


def engine_for(url: str, vendor: Vendor | None = None, **limits: float) -> Engine:
    """Return an engine that calls this address, with short limits."""
    made = vendor or Vendor()
    merged = {"timeout": 5.0, "max_attempts": 1, **limits}
    return Engine(made, made.settings, {"api": url}, Limits(**merged), SystemClock())


@asynccontextmanager
async def async_driver(kind: str, max_body: int = Limits.max_body) -> AsyncIterator[AsyncDriver]:
    """Open an async driver of one kind."""
    transports: dict[str, Callable[[], httpx.AsyncBaseTransport | None]] = {
        "async": lambda: None,
        "async, httpx's own": httpx.AsyncHTTPTransport,
        "async, httpx-aiohttp": HttpxAiohttp,
    }
    driver = AsyncDriver(transports[kind](), max_body)
    try:
        yield driver
    finally:
        await driver.close()


def run(kind: str, engine: Engine, *starts: Start, max_body: int = Limits.max_body) -> list[Ended]:
    """Carry out operations one after the other with one driver."""
    if kind.startswith("async"):
        return asyncio.run(_run(kind, engine, starts, max_body))
    with SyncDriver(None if kind == "sync" else httpx.HTTPTransport(), max_body) as driver:
        ended = []
        for start in starts:
            try:
                ended.append(Ended(driver.drive(engine.run("create_wallet", start))))
            except WalletportError as error:
                ended.append(Ended(error=error))
        return ended


async def _run(kind: str, engine: Engine, starts: tuple[Start, ...], max_body: int) -> list[Ended]:
    async with async_driver(kind, max_body) as driver:
        ended = []
        for start in starts:
            try:
                ended.append(Ended(await driver.drive(engine.run("create_wallet", start))))
            except WalletportError as error:
                ended.append(Ended(error=error))
        return ended


def run_one(kind: str, engine: Engine, start: Start, max_body: int = Limits.max_body) -> Ended:
    """Carry out one operation."""
    return run(kind, engine, start, max_body=max_body)[0]
