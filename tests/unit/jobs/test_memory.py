"""Files of any length take the same memory: what was read is kept on disk."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.box import write_orders
from tests.unit.cli.running import Shell

MEGABYTES = 12  # what 15,000 lines more may take; an order that is kept in memory takes a KB or two
PROGRAM = """
import asyncio, json, resource
from walletport.jobs.bulk import bulk_run
from walletport.jobs.source import opened

async def plan():
    stopping = asyncio.Event()
    stopping.set()  # plans everything, and begins nothing
    with opened("orders.csv") as file:
        async with bulk_run(file, "walletport.toml", stopping=stopping) as run:
            await run.check()
            return await run.carry_out()

job = asyncio.run(plan())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"total": job.total, "left": job.left, "peak": peak / 1024}))
"""
CONFIG = """
journal = "sqlite:///journal.db"
[accounts.main]
provider = "conduit"
api_key = { env = "NOBODY_ASKS" }
"""


def peak(folder: Path, lines: int) -> float:
    """Return how many megabytes a process has at most that checks and plans so many lines."""
    folder.mkdir()
    (folder / "walletport.toml").write_text(CONFIG, "utf-8")
    write_orders(folder / "orders.csv", range(lines))
    done = Shell(folder).python(PROGRAM, folder, NOBODY_ASKS="ck_sandbox_" + "0" * 64)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["total"], told["left"]) == (lines, lines)
    found: float = told["peak"]
    return found


def test_four_times_the_lines_take_no_more_memory(tmp_path: Path) -> None:
    assert peak(tmp_path / "many", 20_000) < peak(tmp_path / "few", 5_000) + MEGABYTES
