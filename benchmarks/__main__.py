"""``python -m benchmarks [--write FILE]``: measure, print a table, and keep it."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from benchmarks import measure, provisioning, routing
from benchmarks.page import facts, line_of_row, table_of_rows
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
    console.print(table_of_rows(rows))
    if arguments.write:
        page = _PAGE.format(facts=facts(*_LIBRARIES), rows="\n".join(map(line_of_row, rows)))
        arguments.write.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
