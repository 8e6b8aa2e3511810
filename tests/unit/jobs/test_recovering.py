"""Bulk work and workers carry on, beside their jobs, what any open port would: shadows, and what others left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import walletport
from tests.unit.provisioning.world import configured
from walletport import Config, Port, Route
from walletport.errors import ConfigurationError
from walletport.jobs.bulk import bulk_run
from walletport.jobs.source import opened
from walletport.jobs.worker import Worker
from walletport.sandbox import Sandbox

COUNTS = "polygon-oms"
SHADOW = "conduit"
ROUTES = (Route(split={COUNTS: 1}, mode="shadow", shadow=(SHADOW,)),)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox([COUNTS, SHADOW]) as running:
        yield running


def shadowed(box: Sandbox, journal: str) -> Config:
    return configured(box, journal).model_copy(update={"routes": ROUTES})


def order(box: Sandbox, config: Config, number: int) -> dict[str, str]:
    """Return an order whose user is known at both accounts."""
    user = f"user-{number}"
    with Port(config, recovers=False) as port:
        for account in (COUNTS, SHADOW):
            port.link_customer(user=user, account=account, customer_id=box.emulators[account].add_customer())
    return {"user": user, "chain": "polygon", "asset": "usdc"}


def leave_a_shadow(box: Sandbox, config: Config) -> None:
    """Make a wallet for an order, and leave its shadow to others."""
    told = order(box, config, 0)
    with Port(config, recovers=False) as port:
        port.provision(**told)
    assert made(box) == {COUNTS: 1, SHADOW: 0}


def made(box: Sandbox) -> dict[str, int]:
    return {name: len(wallets) for name, wallets in box.wallets().items()}


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it is so; the test's own limit ends what never is."""
    while not condition():  # noqa: ASYNC110 - what is waited for happens in a thread
        await asyncio.sleep(0.02)


def test_bulk_carries_on_what_others_left_and_sends_nothing_before_its_orders_are_good(box: Sandbox, tmp_path: Path):
    config = shadowed(box, f"sqlite:///{tmp_path / 'journal.db'}")
    leave_a_shadow(box, config)
    orders = [order(box, config, number) for number in (1, 2)]
    asked = len(box.requests)

    async def check_only() -> None:
        with opened(orders) as file:
            async with bulk_run(file, config) as run:
                await run.check()
                await asyncio.sleep(0.3)

    asyncio.run(check_only())
    with pytest.raises(ConfigurationError):
        walletport.bulk([{"user": "nobody", "chain": "polygon", "asset": "usdc"}], config=config)
    assert len(box.requests) == asked
    assert walletport.bulk(orders, config=config).counts == {"done": 2}
    assert made(box)[COUNTS] == 3
    assert made(box)[SHADOW] >= 1, "what was left is begun at once"


def test_a_worker_carries_on_what_others_left(box: Sandbox, postgresql_url: str):
    config = shadowed(box, postgresql_url)
    leave_a_shadow(box, config)

    async def work() -> None:
        stopping = asyncio.Event()
        working = asyncio.create_task(Worker(config, stopping).run(lambda: None))
        await until(lambda: made(box)[SHADOW] == 1 or working.done())
        stopping.set()
        await working

    asyncio.run(work())
    assert made(box) == {COUNTS: 1, SHADOW: 1}


def test_workers_carry_out_the_shadows_of_orders_in_bulk(box: Sandbox, postgresql_url: str):
    """Once each, whoever comes first."""
    config = shadowed(box, postgresql_url)
    orders = [order(box, config, number) for number in range(4)]

    async def work() -> None:
        stopping = asyncio.Event()
        working = [asyncio.create_task(Worker(config, stopping).run(lambda: None)) for _ in range(2)]
        with opened(orders) as file:
            async with bulk_run(file, config) as run:
                job = await run.carry_out(shared=True)
        assert job.counts == {"done": 4}
        await until(lambda: made(box)[SHADOW] == 4 or any(one.done() for one in working))
        stopping.set()
        await asyncio.gather(*working)

    asyncio.run(work())
    assert made(box) == {COUNTS: 4, SHADOW: 4}
    for account in (COUNTS, SHADOW):
        customers = [wallet.customer_id for wallet in box.wallets()[account]]
        assert len(set(customers)) == len(customers)
