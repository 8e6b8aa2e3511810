"""A user who has a wallet that satisfies an order gets that wallet: no weight, pin or second order makes another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.provisioning.world import SandboxTime, configured, link, told
from walletport import Config, Port, Route, WalletStatus, errors
from walletport.journal import Journal, rows
from walletport.provisioning.recording import wallet_row
from walletport.sandbox import Sandbox

SPANNING = "ledger-so"  # whose wallets serve eight chains
CHAINS = ["polygon", "base", "ethereum", "arbitrum"]


def port_at(sandbox: Sandbox, journal: str, **weights: int) -> Port:
    """Open a port whose users are shared like this; an underscore stands for a hyphen."""
    split = {name.replace("_", "-"): weight for name, weight in weights.items()}
    config = configured(sandbox, journal)
    made = Config(accounts=config.accounts, routes=(Route(split=split),), journal=journal)
    port = Port(made, clock=SandboxTime(sandbox), recovers=False)
    link(port, sandbox)
    return port


def count(sandbox: Sandbox) -> dict[str, int]:
    return {name: len(made) for name, made in sandbox.wallets().items()}


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'journal.db'}"


def test_a_wallet_that_spans_chains_serves_orders_for_all_of_them(sandbox: Sandbox, journal: str) -> None:
    """Each order has its record, with the same wallet; nothing is sent for the others."""
    with port_at(sandbox, journal, ledger_so=1) as port:
        made = [port.provision(user="user-1", chain=chain) for chain in CHAINS]
        assert len({one.id for one in made}) == len(CHAINS)
        assert {one.wallet.id for one in made} == {made[0].wallet.id}
        assert told(port, made[1]) == ["intended", "had already"]
        assert port.story(made[1].id).events[-1].detail == {"id": made[0].wallet.id, "order": made[0].id}
        assert made[1].decision.by == "wallet"
        assert made[1].decision.reasons == (f"the user has wallet {made[0].wallet.id} at ledger-so already",)
        assert made[1].customer_id == made[0].customer_id
        assert port.provision(user="user-1", chain=CHAINS[1]) == made[1]
        assert port.route(user="user-1", chain="optimism").reasons == made[1].decision.reasons
        assert port.wallets(user="user-1") == [made[0].wallet]
    assert count(sandbox)[SPANNING] == 1


def test_weights_and_pins_move_no_wallet(sandbox: Sandbox, journal: str) -> None:
    """Where everybody else is sent elsewhere by now, and the account is paused, too."""
    with port_at(sandbox, journal, conduit=1) as port:
        first = port.provision(user="user-1", chain="polygon")
    with port_at(sandbox, journal, polygon_oms=1) as port:
        port.pin(user="user-1", account="polygon-oms")
        port.pause("conduit", reason="drill")
        kept = port.provision(user="user-1", chain="polygon", asset="usdc")
        assert kept.id != first.id
        assert kept.wallet == first.wallet
        assert port.route(user="user-2", chain="polygon", asset="usdc").account == "polygon-oms"
    assert count(sandbox) == {"conduit": 1, "ledger-so": 0, "polygon-oms": 0}


@pytest.mark.parametrize(
    "wanted", [{"chain": "base"}, {"chain": "polygon", "asset": "usdt"}, {"asset": "usdt"}], ids=str
)
def test_a_wallet_on_another_chain_or_for_another_asset_does_not_do(
    wanted: dict[str, str], sandbox: Sandbox, journal: str
) -> None:
    with port_at(sandbox, journal, polygon_oms=1) as port:
        port.provision(user="user-1", chain="polygon", asset="usdc")
        decision = port.route(user="user-1", **{"chain": "polygon", "asset": "usdc", **wanted})
        assert decision.by == "draw"


def test_a_reference_or_an_account_asks_for_a_wallet_of_its_own(sandbox: Sandbox, journal: str) -> None:
    """And a wallet that was made for a reference is nobody else's."""
    with port_at(sandbox, journal, ledger_so=1) as port:
        savings = port.provision(user="user-1", chain="polygon", reference="savings")
        plain = port.provision(user="user-1", chain="base")
        named = port.provision(user="user-1", chain="ethereum", account=SPANNING)
        assert len({savings.wallet.id, plain.wallet.id, named.wallet.id}) == 3
        assert port.provision(user="user-1", chain="arbitrum").wallet == plain.wallet, "the oldest that does"
        assert port.provision(user="user-1", chain="optimism", reference="other").wallet != plain.wallet
    assert count(sandbox)[SPANNING] == 4


def test_a_wallet_that_can_be_used_no_more_does_not_do(sandbox: Sandbox, journal: str) -> None:
    with port_at(sandbox, journal, ledger_so=1) as port:
        first = port.provision(user="user-1", chain="polygon")
        closed = first.wallet.model_copy(
            update={"status": WalletStatus.CLOSED, "updated_at": sandbox.clock() + timedelta(hours=1)}
        )
        with Journal.open(journal) as opened:
            row = opened.read(lambda connection: rows.get_provision(connection, first.id))
            changed = wallet_row(row, closed, sandbox.clock())
            opened.write(lambda connection: rows.save_wallet(connection, changed)).result(20)
        assert port.provision(user="user-1", chain="base").wallet.id != first.wallet.id
    assert count(sandbox)[SPANNING] == 2


def test_an_order_waits_for_one_in_doubt_that_may_satisfy_it(sandbox: Sandbox, journal: str) -> None:
    """It is committed meanwhile, so it is not lost; and it is not sent."""
    with port_at(sandbox, journal, conduit=1) as port:
        sandbox.faults.add("drop-after:method=POST:path=wallets")
        for asset in (None, "usdc"):
            with pytest.raises(errors.WalletportError) as caught:
                port.provision(user="user-1", chain="polygon", asset=asset, wait=0.2)
            assert caught.value.outcome == "unknown"
        waits = port.story(caught.value.provision_id).provision
        assert (waits.state, told(port, waits)) == ("planned", ["intended"])
        sandbox.faults.clear()
        sandbox.clock.advance(40)
        assert port.recover() == 2
        first, second = (port.provision(user="user-1", chain="polygon", asset=asset) for asset in (None, "usdc"))
        assert first.wallet == second.wallet
    assert count(sandbox)["conduit"] == 1


def test_an_order_does_not_wait_for_one_that_only_a_person_can_settle(sandbox: Sandbox, journal: str) -> None:
    """Nor for one that has to wait itself."""
    with port_at(sandbox, journal, ledger_so=1) as port:
        sandbox.faults.add("429:seconds=600:times=1:method=POST:path=wallets")
        with pytest.raises(errors.RateLimited):
            port.provision(user="user-1", chain="polygon", wait=0)
        port.resume(SPANNING)
        made = port.provision(user="user-1", chain="base")
        sandbox.clock.advance(601)
        assert port.provision(user="user-1", chain="polygon").wallet == made.wallet
    assert count(sandbox)[SPANNING] == 1


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_orders_at_once_from_two_processes_make_one_wallet(
    database: str, sandbox: Sandbox, journal: str, request: pytest.FixtureRequest
) -> None:
    """Eight for four chains, each from two openings of the journal, and the vendor takes its time."""
    url = journal if database == "sqlite" else request.getfixturevalue("postgresql_url")
    sandbox.faults.add("late:seconds=0.3:method=POST:path=wallets")
    with ExitStack() as stack:
        ports = [stack.enter_context(port_at(sandbox, url, ledger_so=1)) for _ in range(2)]
        threads = stack.enter_context(ThreadPoolExecutor(8))
        asked = [
            threads.submit(port.provision, user=user, chain=chain)
            for chain in CHAINS
            for port in ports
            for user in ("user-1",)
        ]
        made = [future.result(60) for future in asked]
    assert len({one.wallet.id for one in made}) == 1
    assert len({one.id for one in made}) == len(CHAINS)
    assert count(sandbox)[SPANNING] == 1
