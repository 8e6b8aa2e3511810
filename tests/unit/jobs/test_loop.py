"""What a failing journal means for whoever carries a job out or watches it: patience, and then its own error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.unit.provisioning.world import configured
from walletport import Job
from walletport.jobs import bulk as bulk_room
from walletport.jobs import loop as loop_room
from walletport.jobs.bulk import bulk_run
from walletport.jobs.chunk import ChunkBody, Left
from walletport.jobs.record import find_job
from walletport.jobs.source import opened
from walletport.jobs.worker import Worker
from walletport.journal import ChunkRow, JournalError, Transaction
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


def test_whoever_watches_workers_outlasts_a_journal_that_is_away_for_a_moment(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the workers do; one that stays away is told in the end."""
    looks = 0

    def away(connection: Transaction, job_id: str) -> Job:
        nonlocal looks
        looks += 1
        if looks in (2, 3) or looks > 100:
            raise JournalError("the database is gone", outcome="not_applied", retryable=True)
        return find_job(connection, job_id)

    monkeypatch.setattr(bulk_room, "find_job", away)
    monkeypatch.setattr(bulk_room, "_WATCH", 0.05)
    with Sandbox(["conduit"]) as box:
        config = configured(box, postgresql_url)
        customers = [box.emulators["conduit"].add_customer() for _ in range(3)]
        orders = [{"user": f"u{n}", "chain": "polygon", "customer_id": c} for n, c in enumerate(customers)]

        async def watch(*, with_worker: bool) -> Job:
            stopping = asyncio.Event()
            working = asyncio.create_task(Worker(config, stopping).run(lambda: None)) if with_worker else None
            try:
                with opened(orders) as file:
                    async with bulk_run(file, config) as at_work:
                        return await at_work.carry_out(shared=True)
            finally:
                stopping.set()
                if working is not None:
                    await working

        assert asyncio.run(watch(with_worker=True)).counts == {"done": 3}
        assert looks > 3
        looks = 99  # from the second look on
        orders.append({"user": "u3", "chain": "polygon", "customer_id": box.emulators["conduit"].add_customer()})
        with pytest.raises(JournalError, match="the database is gone"):
            asyncio.run(watch(with_worker=False))
