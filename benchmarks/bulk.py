"""``python -m benchmarks.bulk [--write FILE]``: what many orders cost, journaled and exactly once."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from benchmarks import bulkrows
from benchmarks.limits import limits
from benchmarks.measure import Row
from benchmarks.page import Figure, facts, line_of_figure, line_of_row, table_of_figures, table_of_rows
from benchmarks.site import Site, postgresql

_LIBRARIES = ("httpx", "aiohttp", "sqlalchemy", "psycopg", "procrastinate")
_PAGE = """# Benchmarks of bulk work

`python -m benchmarks.bulk` measures these tables on your machine{how}. Both sides of each ratio were measured in turns,
in one run, on one machine. Vendor, database, and all workers share its cores, so a figure in seconds is that machine's,
and an upper bound for one with more.

{facts}

| what | ours | the other | ratio (smallest to largest) | aim |
|---|---|---|---|---|
{rows}

| what | median | smallest to largest | aim |
|---|---|---|---|
{figures}
"""


def main() -> None:
    """Measure everything, show it, and keep it; what fails is told at the end and spoils nothing else."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("--write", type=Path, help="also write the tables to this Markdown file")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--only", metavar="NAME", help="only measurements whose name holds this")
    parser.add_argument("--whole", action="store_true", help="grow to 100,000 orders and check 1,000,000 lines, too")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended early"))  # with all the processes that were started
    console = Console()
    results: list[Row | Figure] = []
    failed: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="walletport-bench-")))
        os.chmod(folder, 0o755)  # noqa: S103, PTH101 - PostgreSQL runs as somebody else, if this runs as root
        url = stack.enter_context(postgresql(folder))
        status = stack.enter_context(console.status("measuring"))
        for name, take in _measurements(Site(folder), url, arguments.rounds, whole=arguments.whole):
            if arguments.only and arguments.only not in name:
                continue
            status.update(f"measuring {name}")
            try:
                results += take()
            except Exception:  # noqa: BLE001 - the others are worth having
                failed.append(f"{name} failed:\n{traceback.format_exc()}")
    rows = [one for one in results if isinstance(one, Row)]
    figures = [one for one in results if isinstance(one, Figure)]
    console.print(table_of_rows(rows), table_of_figures(figures))
    if arguments.write:
        page = _PAGE.format(
            how=", with `--whole`" if arguments.whole else "",
            facts=facts(*_LIBRARIES),
            rows="\n".join(map(line_of_row, rows)),
            figures="\n".join(map(line_of_figure, figures)),
        )
        arguments.write.write_text(page, encoding="utf-8")
    if failed:
        sys.exit("\n".join(failed))


def _measurements(
    site: Site, url: str, rounds: int, *, whole: bool
) -> list[tuple[str, Callable[[], list[Row | Figure]]]]:
    """Return every measurement with its name."""
    wanted: list[tuple[str, Callable[[], list[Row | Figure]]]] = [
        ("workers below a full core", lambda: bulkrows.workers(site, url, rounds, in_flight=4, orders=800)),
        ("workers as they are", lambda: bulkrows.workers(site, url, rounds, in_flight=32, orders=2_000)),
        ("the naive script", lambda: bulkrows.against_the_naive_script(site, rounds)),
        ("growth", lambda: bulkrows.growth(site, rounds)),
        ("bytes", lambda: bulkrows.bytes_of_orders(site, url)),
        ("resuming", lambda: bulkrows.resuming(site, rounds)),
        ("taking over", lambda: bulkrows.taking_over(site, url, min(rounds, 2))),
        ("the limit", lambda: list(limits(url))),
    ]
    if whole:
        wanted.append(("100,000 orders", lambda: bulkrows.growth(site, 1, 100_000)))
        wanted.append(("a million lines", lambda: bulkrows.a_million_lines(site)))
    return wanted


if __name__ == "__main__":
    main()
