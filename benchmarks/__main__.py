"""``python -m benchmarks [--write FILE]``: measure, print a table, and keep it."""

from __future__ import annotations

import argparse
import os
import platform
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import measure, provisioning, routing
from benchmarks.server import vendor

_LIBRARIES = ("httpx", "httpx-aiohttp", "aiohttp", "pydantic", "sqlalchemy")
_PAGE = """# Benchmarks

`make bench` measures this table on your machine. Only the ratios mean something: both sides of each were measured in
turns, in one run, on one machine. The server is a bare asyncio protocol in a process of its own.

{facts}

| what | ours | the other | ratio (smallest to largest) | aim |
|---|---|---|---|---|
{rows}
"""


def main() -> None:
    """Measure everything and show it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--write", type=Path, help="also write the table to this Markdown file")
    arguments = parser.parse_args()
    console = Console()
    rows: list[measure.Row] = []
    with vendor() as base_url, console.status("measuring") as status:
        for name, take in (
            ("imports", measure.imports),
            ("sync creates", lambda: measure.sync_create(base_url)),
            ("async creates", lambda: measure.async_create(base_url)),
            ("journaled creates", lambda: provisioning.provisioning(base_url)),
            ("decisions", routing.decisions),
        ):
            status.update(f"measuring {name}")
            rows += take()
    console.print(_table(rows))
    if arguments.write:
        arguments.write.write_text(_PAGE.format(facts=_facts(), rows="\n".join(map(_line, rows))), encoding="utf-8")


def _table(rows: list[measure.Row]) -> Table:
    table = Table("what", "ours", "the other", "ratio", "smallest to largest", "aim")
    for row in rows:
        table.add_row(
            row.what.replace("`", ""),
            f"{row.seconds * 1000:.2f} ms/{row.unit}",
            f"{row.against * 1000:.2f} ms/{row.unit}",
            f"{row.ratio:.2f}",
            f"{row.spread[0]:.2f} to {row.spread[1]:.2f}",
            row.aim,
        )
    return table


def _line(row: measure.Row) -> str:
    return (
        f"| {row.what} | {row.seconds * 1000:.2f} ms/{row.unit} | {row.against * 1000:.2f} ms/{row.unit} "
        f"| **{row.ratio:.2f}** ({row.spread[0]:.2f} to {row.spread[1]:.2f}) | {row.aim} |"
    )


def _facts() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}; {libraries}."


if __name__ == "__main__":
    main()
