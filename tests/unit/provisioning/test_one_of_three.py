"""One account of three misbehaves in every way there is: each order ends with one wallet, by the emulators' count."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.provisioning.test_faults import FAULTS
from tests.unit.provisioning.world import CREATES, PROVIDERS, SandboxTime, configured
from walletport import Config, CustomerLink, Port, Route, errors
from walletport.provisioning.machine import State
from walletport.sandbox import Sandbox

SHARE = 0.3  # of the requests to the one account
NO_ROOM = "429:seconds=5"
AT_ONCE = 4
ROUTES = (
    Route(
        split={"conduit": 40, "polygon-oms": 40, "ledger-so": 20},
        failover=("ledger-so", "polygon-oms", "conduit"),
    ),
)


def run(bad: str, orders: int, folder: Path, seed: int = 0) -> Counter[str]:
    """Carry out so many orders of as many users; return how often each thing happened to them."""
    kinds = [*FAULTS, NO_ROOM]
    rate = 1 - (1 - SHARE) ** (1 / len(kinds))
    faults = [f"{NO_ROOM}:times=1{CREATES}:provider={bad}"]  # so that some fail over, whatever the seed brings
    faults += [f"{fault}:rate={rate:.4f}:provider={bad}" for fault in kinds]
    users = [f"user-{number}" for number in range(orders)]
    with Sandbox(seed=seed) as sandbox:
        config = configured(sandbox, f"sqlite:///{folder / 'journal.db'}", timeout=0.4)
        made = Config(accounts=config.accounts, routes=ROUTES, journal=config.journal)
        customers = {
            name: {emulator.add_customer(): user for user in users} for name, emulator in sandbox.emulators.items()
        }
        with Port(made, clock=SandboxTime(sandbox), recovers=False) as port, ThreadPoolExecutor(AT_ONCE) as threads:
            port.link_customers(
                CustomerLink(user=user, account=name, customer_id=customer)
                for name in PROVIDERS
                for customer, user in customers[name].items()
            )
            for fault in faults:
                sandbox.faults.add(fault)

            def ask(user: str) -> bool:
                try:
                    port.provision(user=user, chain="polygon", asset="usdc", wait=0)
                except errors.WalletportError:
                    return False
                return True

            coming, open_orders = users[::-1], list[str]()
            while coming or open_orders:
                open_orders += [coming.pop() for _ in range(min(len(coming), 2 * AT_ONCE))]
                done = list(threads.map(ask, open_orders))
                open_orders = [user for user, is_done in zip(open_orders, done, strict=True) if not is_done]
                sandbox.clock.advance(7.0)
            records = port.provisions(limit=2 * orders)
            told = Counter(event.what for record in records for event in port.story(record.id).events)
        holders = Counter(
            customers[name][wallet.customer_id] for name, wallets in sandbox.wallets().items() for wallet in wallets
        )
    assert {record.state for record in records} == {State.DONE}
    assert len(records) == orders
    assert holders == Counter(users), "one wallet each, by the emulators' own count"
    assert {record.user: record.wallet.customer_id for record in records} == {
        user: customer
        for record in records
        for customer, user in customers[record.account].items()
        if user == record.user
    }
    assert sum(record.decision.by == "failover" for record in records) > 0
    return told


@pytest.mark.parametrize("bad", ["conduit", "polygon-oms"])
def test_each_of_many_orders_makes_one_wallet(bad: str, tmp_path: Path) -> None:
    """Some fail over, some stay in doubt until they are settled, and none is lost or made twice."""
    told = run(bad, 75, tmp_path)
    assert told["made"] == 75
    assert told["in doubt"] > 0
    assert told["failed over"] > 0


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("bad", ["conduit", "polygon-oms"])
def test_each_of_five_thousand_orders_makes_one_wallet(bad: str, tmp_path: Path) -> None:
    """The same, with 5,000."""
    told = run(bad, 5000, tmp_path, seed=7)
    assert told["made"] == 5000
    assert told["failed over"] > 10
