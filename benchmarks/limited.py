"""A vendor with a rate limit, in a process of its own, which keeps the books on what it let through and refused.

Vendors count in three ways, and a client that suits one may break another: so all three are here.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, cast

import httpx

from benchmarks.server import VendorProtocol

_REFUSAL: Final = json.dumps({"code": "RATE_LIMITED", "message": "too many requests"}).encode()
_REFUSED: Final = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\nContent-Length: %d\r\n\r\n%b"
    % (len(_REFUSAL), _REFUSAL)
)
Limiter = Callable[[float], bool]
"""Takes the time in seconds, and returns whether a request at that time is let through."""


def sliding(limit: int) -> Limiter:
    """Let so many through in any one second, as the sandbox does."""
    let_through: deque[float] = deque()

    def lets_through(now: float) -> bool:
        while let_through and let_through[0] <= now - 1:
            let_through.popleft()
        if len(let_through) >= limit:
            return False
        let_through.append(now)
        return True

    return lets_through


def fixed(limit: int) -> Limiter:
    """Let so many through in each second of the clock."""
    second, count = 0, 0

    def lets_through(now: float) -> bool:
        nonlocal second, count
        if int(now) != second:
            second, count = int(now), 0
        count += 1
        return count <= limit

    return lets_through


def bucket(limit: int, depth: int | None = None) -> Limiter:
    """Let through while there are tokens; a bucket of a tenth of a second's holds them, unless ``depth`` says more."""
    most = float(depth or max(1, limit // 10))
    tokens, last = most, 0.0

    def lets_through(now: float) -> bool:
        nonlocal tokens, last
        tokens, last = min(most, tokens + (now - last) * limit), now
        if tokens < 1:
            return False
        tokens -= 1
        return True

    return lets_through


LIMITERS: Final = {"sliding": sliding, "fixed": fixed, "bucket": bucket}


@dataclass(frozen=True)
class Count:
    """What came within some time."""

    served: int
    refused: int


class _Limited(VendorProtocol):
    """Answers with a wallet, or with "too many requests"; and anybody who asks, what it has counted."""

    def __init__(self, delay: float, lets_through: Limiter, seen: list[tuple[float, bool]]) -> None:
        super().__init__(delay)
        self._lets_through = lets_through
        self._seen = seen

    def answer(self, head: bytes) -> bytes:
        if head.startswith(b"get /books"):
            books = json.dumps(self._seen).encode()
            return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
                len(books),
                books,
            )
        now = time.monotonic()
        good = self._lets_through(now)
        self._seen.append((now, good))
        return super().answer(head) if good else _REFUSED


@dataclass
class LimitedVendor:
    """The running vendor.

    Args:
        url: its base URL.
    """

    url: str

    def books(self) -> list[tuple[float, bool]]:
        """Return when each request came, on the machine's monotonic clock, and whether it was let through."""
        return [(at, good) for at, good in httpx.get(f"{self.url}/books", timeout=60).json()]


def _serve(port: multiprocessing.Queue[int], kind: str, limit: int, delay: float) -> None:
    async def run() -> None:
        lets_through, seen = LIMITERS[kind](limit), cast("list[tuple[float, bool]]", [])
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Limited(delay, lets_through, seen), "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def limited_vendor(kind: str, limit: int, delay: float = 0.05) -> Iterator[LimitedVendor]:
    """Run the vendor.

    Args:
        kind: how it counts, one of `LIMITERS`.
        limit: how many requests it lets through in a second.
        delay: how late it answers, in seconds.
    """
    context = multiprocessing.get_context("spawn")
    port: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=_serve, args=(port, kind, limit, delay), daemon=True)
    process.start()
    try:
        yield LimitedVendor(f"http://127.0.0.1:{port.get(timeout=30)}")
    finally:
        process.terminate()
        process.join()


def count(books: list[tuple[float, bool]], since: float, until: float) -> Count:
    """Count what came between two moments."""
    told = [good for at, good in books if since <= at < until]
    return Count(told.count(True), told.count(False))


def by_second(books: list[tuple[float, bool]], since: float, until: float) -> list[Count]:
    """Count second by second."""
    seconds = itertools.takewhile(lambda at: at + 1 <= until, itertools.count(since))
    return [count(books, at, at + 1) for at in seconds]
