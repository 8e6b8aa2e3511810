"""``python -m benchmarks.sender URL JOURNAL LIMIT``: send as fast as an account's pace allows, and do nothing else."""

from __future__ import annotations

import asyncio
import sys
from typing import Final
from urllib.parse import urlsplit

from walletport.errors import RateLimited
from walletport.journal import Journal
from walletport.provisioning.owner import new_owner
from walletport.provisioning.pacing import Pace
from walletport.transport.drivers import AsyncDriver
from walletport.transport.engine import SystemClock

_IN_FLIGHT: Final = 32
_REQUEST: Final = b"POST /wallets HTTP/1.1\r\nHost: vendor\r\nContent-Length: 0\r\n\r\n"


async def _send(url: str, driver: AsyncDriver, pace: Pace) -> None:
    """Send one request after the other over one connection."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    while True:
        try:
            await driver.drive(pace.turn())
        except RateLimited as error:
            await asyncio.sleep(error.retry_after or 1.0)
            continue
        writer.write(_REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        is_refused = head.startswith(b"HTTP/1.1 429")
        pace.answered(limited=is_refused, retry_after=1.0 if is_refused else None)
        if is_refused:
            await asyncio.sleep(1.0)  # as an order does


async def _run(url: str, journal_url: str, limit: float | None) -> None:
    with Journal.open(journal_url) as journal:
        pace = Pace("main", limit, journal, new_owner(), SystemClock())
        driver = AsyncDriver(None, max_body=1000)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_IN_FLIGHT):
                tasks.create_task(_send(url, driver, pace))
            while True:
                await driver.drive(pace.beat())
                await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], sys.argv[2], float(sys.argv[3]) or None))
