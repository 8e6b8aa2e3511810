"""Whatever goes wrong on the wire, and however often: one order, one wallet, by the emulators' own count."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.provisioning.world import (
    CREATES,
    PROVIDERS,
    SandboxTime,
    Vendors,
    ask,
    ask_until_it_ends,
    configured,
    opened,
    told,
)
from walletport import Config, CustomerLink, errors
from walletport.provisioning.machine import State
from walletport.provisioning.port import Port
from walletport.sandbox import KINDS, Sandbox

FAULTS = [
    *(kind for kind in KINDS if kind != "limit" and not kind.startswith("late")),
    "late:seconds=0.6",
    "late-before:seconds=0.6",
    *(f"{kind}:after" for kind in ("500", "503", "html-502")),
    "503:seconds=7:after",
]
TIMEOUT = 0.4  # shorter than what is late


@pytest.fixture
def hasty(sandbox: Sandbox, tmp_path: Path) -> Config:
    """Give up on an answer soon."""
    return configured(sandbox, f"sqlite:///{tmp_path / 'journal.db'}", timeout=TIMEOUT)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_fault_that_passes_costs_no_wallet_and_makes_no_second_one(
    provider: str, fault: str, hasty: Config, vendors: Vendors
) -> None:
    """Three in a row, of each kind, at the create of each vendor."""
    vendors.sandbox.faults.add(f"{fault}:times=3{CREATES}")
    with opened(hasty, vendors.sandbox) as port:
        record = ask_until_it_ends(port, vendors.sandbox, provider)
    assert record.state is State.DONE
    assert vendors.wallets(provider) == [record.wallet.id]
    assert len(vendors.keys(provider)) == 1


@pytest.mark.parametrize("fault", ["drop-before", "drop-after", "429", "500", "503:after", "truncated"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_fault_that_lasts_ends_and_never_makes_a_second_wallet(
    provider: str, fault: str, hasty: Config, vendors: Vendors
) -> None:
    """Half an hour of it. What was refused at the door is refused; where nothing can tell, a person must look."""
    vendors.sandbox.faults.add(f"{fault}{CREATES}")
    with opened(hasty, vendors.sandbox) as port:
        for _ in range(36):
            error = ask(port, provider)
            vendors.sandbox.clock.advance(50.0)
            assert len(vendors.wallets(provider)) <= 1
        (record,) = port.provisions(account=provider)
        made = vendors.wallets(provider)
        if fault == "429":
            assert isinstance(error, errors.RateLimited)
            assert not made
        elif provider == "ledger-so":
            assert record.state is State.NEEDS_REVIEW
        elif made:
            assert (record.state, record.wallet.id) == (State.DONE, made[0])
        vendors.sandbox.faults.clear()
        if record.state is not State.NEEDS_REVIEW:
            record = ask_until_it_ends(port, vendors.sandbox, provider)
            assert (record.state, vendors.wallets(provider)) == (State.DONE, [record.wallet.id])
        ask(port, provider)
        assert told(port, record).count("made") == (record.state is State.DONE)
    assert len(vendors.wallets(provider)) == max(len(made), record.state is State.DONE)


@pytest.mark.parametrize("seed", range(6))
def test_faults_everywhere_make_neither_two_wallets_nor_none(seed: int, tmp_path: Path) -> None:
    """Half of all requests fails in one way or another: creates, look-ups, token calls, reads."""
    rates = [f"{fault}:rate=0.05" for fault in FAULTS if not fault.startswith("late")]
    with Sandbox(seed=seed, faults=rates) as sandbox:
        config, vendors = configured(sandbox, f"sqlite:///{tmp_path / 'journal.db'}"), Vendors(sandbox)
        customers = {f"{name}-{n}": (name, e.add_customer()) for name, e in sandbox.emulators.items() for n in range(4)}
        with Port(config, clock=SandboxTime(sandbox), recovers=False) as port:
            port.link_customers(
                CustomerLink(user=user, account=name, customer_id=customer_id)
                for user, (name, customer_id) in customers.items()
            )
            for _ in range(200):
                for user, (name, _) in customers.items():
                    ask(port, name, user=user)
                records = port.provisions()
                if all(record.state in (State.DONE, State.NEEDS_REVIEW) for record in records):
                    break
                port.recover(wait=0.0)
                sandbox.clock.advance(7.0)
        assert sorted(record.user for record in records) == sorted(customers)
        done = {record.user: record.wallet.id for record in records if record.state is State.DONE}
        made = [wallet_id for name in PROVIDERS for wallet_id in vendors.wallets(name)]
        assert set(done.values()) <= set(made)
        assert len(made) <= len(customers)
        in_review = {record.account for record in records if record.state is State.NEEDS_REVIEW}
        assert in_review <= {"ledger-so"}
        assert len(done) + sum(record.state is State.NEEDS_REVIEW for record in records) == len(customers)
        for name in ("conduit", "polygon-oms"):
            assert len(vendors.wallets(name)) == 4
        assert len({made.customer_id for made in sandbox.wallets()["ledger-so"]}) == len(vendors.wallets("ledger-so"))
