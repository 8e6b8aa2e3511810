"""The measurements of bulk work."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable

import httpx

import walletport
from benchmarks.measure import CUSTOMER, KEY, Row, compare
from benchmarks.page import Figure
from benchmarks.server import vendor
from benchmarks.site import SQLITE, Place, Site, schema

LATE = 0.05  # seconds
_COUNTS = (1, 2, 4)


def workers(site: Site, url: str, rounds: int, in_flight: int, orders: int) -> list[Row | Figure]:
    """Compare 1, 2 and 4 workers on PostgreSQL, with answers after 50 ms."""
    taken: dict[int, list[float]] = {count: [] for count in _COUNTS}
    for _ in range(rounds):
        for count in _COUNTS:
            taken[count].append(_with_workers(site, url, orders, count, in_flight) / orders)
    how = f"{in_flight} orders in flight for each, answers after 50 ms"
    aim = "at least 1.8 until a core is full"
    rows: list[Row | Figure] = [
        compare(
            f"{more} workers on PostgreSQL, {how}: times as fast as {less}",
            aim,
            "order",
            list(zip(taken[more], taken[less], strict=True)),
            inverse=True,
        )
        for less, more in ((1, 2), (2, 4))
    ]
    rows += [
        Figure(f"orders of {_workers(count)} on PostgreSQL, {how}", [1 / cost for cost in taken[count]], "orders/s")
        for count in _COUNTS
    ]
    return rows


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def _with_workers(site: Site, url: str, orders: int, count: int, in_flight: int) -> float:
    """Return how long workers took from the first order to the last, for all orders."""
    with vendor(LATE) as base_url, schema(url) as (journal, _):
        place = site.place(base_url, orders, journal)
        with place.workers(count, in_flight), place.counter() as done:
            run = place.start("bulk", str(place.orders), "--workers")
            place.wait_until(lambda: done() > 0)
            began, before = time.perf_counter(), done()
            place.wait_until(lambda: done() == orders)
            seconds = time.perf_counter() - began
            place.ended(run)
    return seconds * orders / (orders - before)


def against_the_naive_script(site: Site, rounds: int, orders: int = 2_000) -> list[Row | Figure]:
    """Compare one process, journaled in SQLite, with sequential loops over bare httpx and no journal."""
    rows: list[Row | Figure] = []
    for delay, some in ((0.0, orders), (LATE, orders // 10)):
        client, bare = [], []
        with vendor(delay) as base_url:
            for _ in range(rounds):
                ours = _bulk(site.place(base_url, orders), orders) / orders
                client.append((ours, _timed(lambda n=some, at=base_url: _with_client(at, n)) / some))
                few = some // 5
                bare.append((ours, _timed(lambda n=few, at=base_url: _without_client(at, n)) / few))
        when = f"answers after {delay * 1000:.0f} ms" if delay else "instant answers"
        what = f"one process, journaled in SQLite, {when}: times as fast as a loop over"
        aim = "none stated" if delay else "at least 3"
        rows.append(compare(f"{what} `httpx.post`, no journal", aim, "order", bare, inverse=True))
        rows.append(compare(f"{what} one `httpx.Client`, no journal", aim, "order", client, inverse=True))
    return rows


def growth(site: Site, rounds: int, most: int = 10_000) -> list[Row | Figure]:
    """Compare what an order costs in a large job and in one of 1,000 orders."""
    pairs = []
    with vendor() as base_url:
        for _ in range(rounds):
            few = _bulk(site.place(base_url, 1_000), 1_000) / 1_000
            pairs.append((_bulk(site.place(base_url, most), most) / most, few))
    what = f"an order in a job of {most:,} / in one of 1,000"
    return [compare(what, "at most 1.2", "order", pairs)]


def bytes_of_orders(site: Site, url: str, orders: int = 5_000) -> list[Row | Figure]:
    """Count the bytes that an order takes in a journal, its part in the job included."""
    figures: list[Row | Figure] = []
    with vendor() as base_url, schema(url) as (journal, size):
        empty = site.place(base_url, 1, journal)
        _bulk(empty, 1)
        before = size()
        _bulk(site.place(base_url, orders, journal), orders)
        postgresql = (size() - before) / orders
        place = site.place(base_url, orders, SQLITE)
        _bulk(place, orders)
        sqlite = (place.folder / "journal.db").stat().st_size / orders
    figures.append(Figure("an order in SQLite, everything included", [sqlite], "bytes"))
    figures.append(Figure("an order in PostgreSQL, everything included", [postgresql], "bytes"))
    return figures


def resuming(site: Site, rounds: int, orders: int = 2_000) -> list[Row | Figure]:
    """Measure from starting a process again after kill -9 to the first order that ends."""
    taken = []
    with vendor(LATE) as base_url:
        for _ in range(rounds):
            place = site.place(base_url, orders)
            with place.counter() as done:
                run = place.start("bulk", str(place.orders))
                place.wait_until(lambda d=done: d() > orders // 3)
                _kill(run)
                before, began = done(), time.perf_counter()
                run = place.start("bulk", str(place.orders))
                place.wait_until(lambda d=done, n=before: d() > n)
                taken.append(time.perf_counter() - began)
                place.ended(run)
    what = f"from starting again after `kill -9` to the first order that ends, a file of {orders:,} lines"
    return [Figure(what, taken, "s", digits=1)]


def taking_over(site: Site, url: str, rounds: int) -> list[Row | Figure]:
    """Measure from kill -9 of a worker to the first order that another ends of its chunks.

    The job has no chunk but those of the worker that is killed, so the other has nothing else to do.
    """
    taken = []
    for _ in range(rounds):
        with vendor(0.5) as base_url, schema(url) as (journal, _):
            place = site.place(base_url, 50, journal)
            with place.counter() as done, place.workers(1, in_flight=2) as (first,):
                run = place.start("bulk", str(place.orders), "--workers")
                place.wait_until(lambda d=done: d() > 0)
                with place.workers(1, in_flight=2):
                    _kill(first)
                    before, began = done(), time.perf_counter()
                    place.wait_until(lambda d=done, n=before: d() > n)
                    taken.append(time.perf_counter() - began)
                    place.ended(run)
    what = "from `kill -9` of a worker to the first order of its chunks that another ends"
    return [Figure(what, taken, "s", aim="at most 60 s", digits=1)]


def a_million_lines(site: Site, lines: int = 1_000_000, carried_out: int = 3_000) -> list[Row | Figure]:
    """Measure the memory of a process that checks and plans so many lines, and carries some of them out."""
    with vendor() as base_url:
        place = site.place(base_url, lines)
        began = time.perf_counter()
        dry = _peak(place.start("bulk", str(place.orders), "--dry-run"))
        checked = time.perf_counter() - began
        run = place.start("bulk", str(place.orders), "--results", str(place.folder / "results.csv"))
        with place.counter() as done:
            place.wait_until(lambda: done() > carried_out, longest=1_800)
        run.send_signal(signal.SIGTERM)
        whole = _peak(run)
    what = f"memory of a process at its peak, {lines:,} lines"
    return [
        Figure(f"{what}: checked", [dry], "MB", aim="under 300 MB"),
        Figure(f"{what}: checked, planned, {carried_out:,} carried out", [whole], "MB", aim="under 300 MB"),
        Figure(f"checking {lines:,} lines", [checked], "s"),
    ]


def _peak(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process, and return how many megabytes of memory it had at most."""
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0  # it is waited for
    return usage.ru_maxrss / 1024


def _bulk(place: Place, orders: int) -> float:
    """Carry all orders out in this process, and return how long it took."""
    began = time.perf_counter()
    job = walletport.bulk(place.orders, config=place.config)
    seconds = time.perf_counter() - began
    if job.counts != {"done": orders}:
        msg = f"not all is done: {job.counts}"
        raise RuntimeError(msg)
    return seconds


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _with_client(base_url: str, orders: int) -> None:
    """Order as a script would that knows of httpx.Client."""
    with httpx.Client() as client:
        for _ in range(orders):
            client.post(_where(base_url), json={"chain": "polygon"}, headers=_headers()).json()


def _without_client(base_url: str, orders: int) -> None:
    """Order as a script would that does not."""
    for _ in range(orders):
        httpx.post(_where(base_url), json={"chain": "polygon"}, headers=_headers()).json()


def _where(base_url: str) -> str:
    return f"{base_url}/customers/{CUSTOMER}/wallets"


def _headers() -> dict[str, str]:
    return {"x-api-key": KEY, "Idempotency-Key": str(uuid.uuid4())}
