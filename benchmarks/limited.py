"""A vendor with a rate limit, in a process of its own, which keeps the books on what it let through and refused."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from benchmarks.server import VendorProtocol
from tests.support.limiters import LIMITERS, Limiter

_SAYS: Final = b'{"code": "RATE_LIMITED", "message": "too many requests"}'
_REFUSED: Final = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_SAYS), _SAYS)
)
_BOOKS: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"

Books = list[tuple[float, bool]]
"""When each request came, on the machine's monotonic clock, and whether it was let through."""


class _Limited(VendorProtocol):
    """Answers with a wallet, or with "too many requests"; and anybody who asks, with its books."""

    def __init__(self, delay: float, lets_through: Limiter, books: Books) -> None:
        super().__init__(delay)
        self._lets_through = lets_through
        self._books = books

    def answer(self, head: bytes) -> bytes:
        if head.startswith(b"get /books"):
            said = json.dumps(self._books).encode()
            return _BOOKS % (len(said), said)
        now = time.monotonic()
        is_good = self._lets_through(now)
        self._books.append((now, is_good))
        return super().answer(head) if is_good else _REFUSED


def _serve(port: multiprocessing.Queue[int], kind: str, limit: int, delay: float) -> None:
    async def run() -> None:
        lets_through, books = LIMITERS[kind](limit), Books()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Limited(delay, lets_through, books), "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@dataclass(frozen=True)
class LimitedVendor:
    """The running vendor.

    Args:
        url: its base URL.
        limit: how many requests a second it lets through.
    """

    url: str
    limit: int

    def books(self) -> Books:
        """Return its books."""
        return [(at, is_good) for at, is_good in httpx.get(f"{self.url}/books", timeout=60).json()]


@contextmanager
def limited_vendor(kind: str, limit: int, delay: float = 0.05) -> Iterator[LimitedVendor]:
    """Run the vendor.

    Args:
        kind: how it counts, a key of `LIMITERS`.
        limit: how many requests it lets through in a second.
        delay: how late it answers, in seconds.
    """
    context = multiprocessing.get_context("spawn")
    port: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=_serve, args=(port, kind, limit, delay), daemon=True)
    process.start()
    try:
        yield LimitedVendor(f"http://127.0.0.1:{port.get(timeout=30)}", limit)
    finally:
        process.terminate()
        process.join()
