"""What a failing journal means for the loop over chunks: it is told as what it is, not as a group of errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.unit.provisioning.world import configured
from walletport.jobs import loop as loop_room
from walletport.jobs.bulk import bulk_run
from walletport.jobs.chunk import ChunkBody, Left
from walletport.jobs.source import opened
from walletport.journal import ChunkRow, JournalError
from walletport.models import CustomerProfile
from walletport.sandbox import Sandbox


async def _fails(
    self: ChunkBody,
    chunk: ChunkRow,
    go_on: Callable[[], bool],
    profiles: Mapping[int, CustomerProfile] | None = None,
) -> Left:
    raise JournalError("the database is gone", outcome="not_applied", retryable=True)


def test_a_journal_that_fails_again_and_again_ends_it_with_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_room, "_MOST_FAILURES", 1)
    monkeypatch.setattr(ChunkBody, "carry_out", _fails)
    with Sandbox(["conduit"]) as box:
        config = configured(box, f"sqlite:///{tmp_path / 'journal.db'}")
        customers = [box.emulators["conduit"].add_customer() for _ in range(60)]
        orders = [{"user": f"u{n}", "chain": "polygon", "customer_id": c} for n, c in enumerate(customers)]

        async def run() -> None:
            with opened(orders) as file:
                async with bulk_run(file, config) as at_work:
                    await at_work.carry_out()

        with pytest.raises(JournalError, match="the database is gone"):
            asyncio.run(run())
