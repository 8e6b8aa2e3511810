"""Orders that are begun together: in few commits, with the same outcome and the same story as one at a time."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.journal.orders import busy
from tests.unit.provisioning.world import SandboxTime, Vendors, opened, told
from walletport import AsyncPort, Config, Port, Provision, errors
from walletport.journal import CurrentRow, currents
from walletport.models import Chain
from walletport.provisioning.machine import State
from walletport.sandbox import Sandbox

MANY = 40


def at_once(config: Config, sandbox: Sandbox, *orders: dict[str, str]) -> list[Provision | BaseException]:
    """Ask for orders, all at the same time."""

    async def ask() -> list[Provision | BaseException]:
        async with AsyncPort(config, clock=SandboxTime(sandbox), recovers=False) as port:
            asked = [port.provision(**order) for order in orders]
            return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(ask())


def linked(port: Port, sandbox: Sandbox, number: int) -> list[str]:
    """Return so many users, each a customer of their own everywhere."""
    users = [f"somebody-{one}" for one in range(number)]
    for user in users:
        for name, emulator in sandbox.emulators.items():
            port.link_customer(user=user, account=name, customer_id=emulator.add_customer())
    return users


def test_orders_that_wait_together_are_begun_together(sandbox: Sandbox, config: Config) -> None:
    """In a few transactions, whose time they have; and every one of them has a wallet of its own."""
    with opened(config, sandbox) as port:
        users = linked(port, sandbox, MANY)
    made = at_once(config, sandbox, *({"user": user, "chain": "polygon", "account": "conduit"} for user in users))
    assert len({one.created_at for one in made if isinstance(one, Provision)}) < MANY / 2
    assert len({one.wallet.id for one in made if isinstance(one, Provision) and one.wallet}) == MANY
    assert len(sandbox.wallets()["conduit"]) == MANY


def test_each_is_the_same_as_one_that_took_the_long_way(sandbox: Sandbox, config: Config) -> None:
    """An order of a user who has another one takes it: two rows that differ in nothing but what they are for."""
    with opened(config, sandbox) as port:
        short = port.provision(user="user-1", chain="polygon", account="conduit")
        port.provision(user="user-1", chain="base", account="conduit")
        port.pin(user="user-1", account="conduit")
        long = port.provision(user="user-1", chain="ethereum", asset="usdc")
        assert told(port, short) == told(port, long) == ["intended", "sending", "made"]
        stories = [[event.detail.keys() for event in port.story(one.id).events] for one in (short, long)]
        assert stories[0] == stories[1]
        assert (
            short == port.provision(user="user-1", chain="polygon", account="conduit") == port.story(short.id).provision
        )


def test_orders_of_one_user_that_one_wallet_satisfies_make_one(sandbox: Sandbox, config: Config) -> None:
    """All of them wait together; the first is begun, and the others wait for what it makes."""
    with opened(config, sandbox) as port:
        port.pin(user="user-1", account="ledger-so")
    chains = ["polygon", "base", "ethereum", "arbitrum"]
    made = at_once(config, sandbox, *({"user": "user-1", "chain": chain} for chain in chains))
    assert [one.state for one in made if isinstance(one, Provision)] == [State.DONE] * 4
    assert len(sandbox.wallets()["ledger-so"]) == 1


def test_the_same_order_asked_for_many_times_at_once_is_one(sandbox: Sandbox, config: Config, vendors: Vendors) -> None:
    """One create is sent, and everybody has the same answer."""
    with opened(config, sandbox):
        pass
    made = at_once(config, sandbox, *[{"user": "user-1", "chain": "polygon", "account": "conduit"}] * MANY)
    assert [one == made[0] for one in made] == [True] * MANY
    assert len(vendors.creates("conduit")) == 1


def test_one_that_cannot_be_begun_keeps_nobody_else_from_it(sandbox: Sandbox, config: Config) -> None:
    """A user who is nobody's customer, an account that there is not, and one that is all right."""
    with opened(config, sandbox):
        pass
    stranger, impossible, fine = at_once(
        config,
        sandbox,
        {"user": "nobody", "chain": "polygon", "account": "conduit"},
        {"user": "user-1", "chain": "polygon", "account": "conduct"},
        {"user": "user-1", "chain": "polygon", "account": "conduit"},
    )
    assert isinstance(stranger, errors.ConfigurationError)
    assert isinstance(impossible, errors.ConfigurationError)
    assert "no such account" in str(impossible)
    assert isinstance(fine, Provision)
    assert len(sandbox.wallets()["conduit"]) == 1


def test_a_call_that_is_over_before_its_order_is_written_sends_nothing(
    sandbox: Sandbox, config: Config, vendors: Vendors
) -> None:
    """The order stands in the journal all the same, and whoever comes next carries it out."""
    with opened(config, sandbox):
        pass
    order = {"user": "user-1", "chain": "polygon", "account": "conduit"}

    async def stop_at_once() -> None:
        async with AsyncPort(config, clock=SandboxTime(sandbox), recovers=False) as port:
            with busy(port._journal):
                task = asyncio.create_task(port.provision(**order))
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait({task})

    asyncio.run(stop_at_once())
    assert vendors.creates("conduit") == []
    with opened(config, sandbox) as port:
        assert [one.state for one in port.provisions()] == [State.PLANNED]
        assert port.recover() == 1
        assert port.provision(**order).state is State.DONE
    assert len(sandbox.wallets()["conduit"]) == 1


def test_users_who_are_pinned_go_where_they_are_pinned_and_paused_accounts_get_none(
    sandbox: Sandbox, config: Config
) -> None:
    """What is known of users and accounts counts for each order of those that wait together."""
    routed = Config(
        accounts=config.accounts,
        routes=({"split": {"conduit": 1, "polygon-oms": 1}},),
        journal=config.journal,
    )
    with opened(routed, sandbox) as port:
        users = linked(port, sandbox, 6)
        port.pin(user=users[0], account="ledger-so")
        port.pause("polygon-oms", reason="drill")
    made = at_once(routed, sandbox, *({"user": user, "chain": "polygon", "asset": "usdc"} for user in users))
    assert [one.account for one in made if isinstance(one, Provision)] == ["ledger-so", *["conduit"] * 5]


@pytest.mark.parametrize("is_likely_new", [True, False])
def test_a_user_whose_wallet_was_made_elsewhere_gets_no_other_by_the_short_way(
    sandbox: Sandbox, config: Config, is_likely_new: bool
) -> None:
    """Not even where nobody looks the order up before it is begun."""
    there = CurrentRow("user-1", Chain("polygon"), None, "polygon-oms", None, "0xabc", None, None, sandbox.clock())
    with opened(config, sandbox) as port:
        port._journal.write(lambda connection: currents.first(connection, [there])).result(20)
        program = port._desk.provision(
            "user-1",
            "polygon",
            None,
            None,
            account="conduit",
            profile=None,
            attributes=None,
            wait=0,
            is_likely_new=is_likely_new,
        )
        with pytest.raises(errors.ConfigurationError, match="made elsewhere"):
            port._driver.drive(program)
    assert sandbox.wallets()["conduit"] == []
