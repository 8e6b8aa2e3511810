"""Several switches at once, each in a run of its own: whoever carries an order out, a user gets one wallet for all."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.unit.port_site import BoxClock, happened
from tests.unit.switching.world import NEW, OLD, SPANNING, Town
from walletport import Config, Route, errors
from walletport.jobs.record import Job
from walletport.journal import rows
from walletport.provider import Response
from walletport.provider.emulation import IncomingRequest
from walletport.switching.run import switch_run
from walletport.switching.scope import Scope

USERS = ("ada", "bob", "cyd")


def settled(town: Town) -> None:
    """Give each user one wallet for two orders, and make them customers of the custodian whose wallets span chains."""
    with town.port() as port:
        for user in USERS:
            town.link(port, user, OLD)
            town.link(port, user, SPANNING)
            for asset in (None, "usdc"):
                port.provision(user=user, chain="polygon", asset=asset, account=OLD if asset is None else None)
    assert len(town.made(OLD)) == len(USERS)


async def at_once(town: Town, *scopes: Scope) -> list[Job]:
    """Carry switches out side by side; each has its own port and its own way to the journal."""

    async def one(scope: Scope) -> Job:
        async with switch_run(scope, town.config, clock=BoxClock(town.box)) as run:
            await opened.wait()
            return await run.carry_out()

    opened = asyncio.Barrier(len(scopes))
    return await asyncio.gather(*map(one, scopes))


def slow(town: Town, seconds: float) -> None:
    """Let the new custodian take its time over each wallet."""

    def handled(request: IncomingRequest) -> Response:
        if request.method == "POST" and request.path[-1] == "wallets":
            time.sleep(seconds)
        return handle(request)

    emulator = town.box.emulators[SPANNING]
    handle, emulator.handle = emulator.handle, handled


def test_two_switches_at_once_make_one_wallet_for_the_orders_that_share_one(town: Town, url: str) -> None:
    """One begins with the first order of each user, the other with the second."""
    town.journal = url
    settled(town)
    slow(town, 0.3)
    with town.port() as port:
        known = [f"{user},{port.customer_id(user=user, account=OLD)},polygon,usdc\n" for user in USERS]
    with town.customers("user,customer_id,chain,asset\n" + "".join(known)) as second, town.named(*USERS) as both:
        jobs = asyncio.run(
            at_once(town, town.scope(OLD, SPANNING, users=both), town.scope(OLD, SPANNING, customers=second))
        )
    first, other = (job.counts for job in jobs)
    assert first.keys() == {"done"}  # six of them, or fewer where the other one was done before it looked
    assert other == {"done": 3}
    assert len(town.made(SPANNING)) == len(USERS)
    for user in USERS:
        currents = [town.current(user, asset=asset) for asset in (None, "usdc")]
        assert len({current.wallet.id for current in currents}) == 1
        assert len({current.provision_id for current in currents}) == 2
        with town.port() as port:
            told = [happened(port, current.provision_id) for current in currents]
        assert sum("sending" in one for one in told) == 1
        assert sum("had already" in one for one in told) == 1


def test_what_a_switch_that_is_gone_left_in_doubt_is_carried_on_by_the_next(town: Town) -> None:
    """Else the other orders of the user would wait for it until that one is given again."""
    settled(town)
    town.box.faults.add(f"drop-after:method=POST:path=wallets:provider={SPANNING}")
    with town.port() as port:
        known = f"ada,{port.customer_id(user='ada', account=OLD)},polygon,usdc\n"

    async def begun() -> None:
        stopping = asyncio.Event()
        with town.customers("user,customer_id,chain,asset\n" + known) as second:
            scope = town.scope(OLD, SPANNING, customers=second)
            async with switch_run(scope, town.config, clock=BoxClock(town.box), stopping=stopping) as run:
                asyncio.get_running_loop().call_later(0.5, stopping.set)
                assert (await run.carry_out()).left == 1

    asyncio.run(begun())
    with town.reading() as journal:
        (row,) = [
            one
            for one in journal.read(lambda connection: rows.plain_orders_of(connection, "ada"))
            if one.account == SPANNING
        ]
    assert row.state == "in_doubt"
    town.box.faults.clear()
    with town.customers("user,customer_id,chain\n" + known.replace(",usdc", ""), "first.csv") as first:
        assert town.switch(town.scope(OLD, SPANNING, customers=first)).counts == {"done": 1}
    assert len(town.made(SPANNING)) == 1


def test_an_order_that_fails_over_while_its_user_is_switched_is_not_taken_for_the_wallet_at_the_target(
    town: Town,
) -> None:
    """An application's own order was under way at the target; the switch makes another there, and records that one."""
    routes = (Route(split={NEW: 1}, failover=(SPANNING,)),)
    town.config = Config(accounts=town.config.accounts, routes=routes, journal=town.config.journal)
    town.box.faults.add(f"429:seconds=1:method=POST:path=wallets:provider={NEW}:times=2")
    with town.port() as port:
        for account in (NEW, SPANNING):
            town.link(port, "ada", account)
        with pytest.raises(errors.WalletportError) as caught:
            port.provision(user="ada", chain="polygon", asset="usdc", wait=0)
        assert port.story(caught.value.provision_id).provision.state == "planned"
    with town.customers("user,customer_id,chain,asset\nada,c-1,polygon,usdc\n") as file:
        assert town.switch(town.scope(OLD, NEW, customers=file)).counts == {"done": 1}
    assert (len(town.made(NEW)), len(town.made(SPANNING))) == (1, 1)
    assert town.current("ada").wallet.id == town.made(NEW)[0]
    with town.port() as port:
        assert port.story(caught.value.provision_id).provision.account == SPANNING
