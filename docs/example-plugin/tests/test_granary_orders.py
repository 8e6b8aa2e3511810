"""Granary behind the journal: one order makes one wallet, whatever fails at whichever of its two steps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

import walletport
from walletport import Account, Config
from walletport.errors import OutcomeUnknown, WalletportError
from walletport.provider import Response
from walletport.provider.emulation import IncomingRequest
from walletport.sandbox import Sandbox
from walletport_granary import Granary
from walletport_granary.emulator import CLIENT_ID, CLIENT_SECRET, HOLDER, GranaryEmulator

FAULTS = ("drop-before", "drop-after", "429:seconds=0", "500:after", "truncated", "cut", "html-502:after")
FAULTS_AT = [("sessions", "drop-after"), *((step, fault) for step in ("vaults", "accounts") for fault in FAULTS)]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run the emulator."""
    with Sandbox([Granary]) as running:
        yield running


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path) -> Config:
    """Name an account at the emulator; the journal is in a file of its own."""
    account = Account.of(
        "granary",
        Granary,
        base_url=sandbox.base_url("granary"),
        timeout=2.0,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    return Config(accounts={"granary": account}, journal=f"sqlite:///{tmp_path / 'journal.db'}")


def provision(config: Config, *, wait: float = 30.0, reference: str | None = None) -> walletport.Provision:
    """Order the wallet, from a process of its own as it were."""
    with walletport.open(config) as port:
        port.link_customer(user="user-1", account="granary", customer_id=HOLDER)
        return port.provision(user="user-1", chain="polygon", reference=reference, wait=wait)


def made(sandbox: Sandbox) -> list[str]:
    """Return the id of every account that was opened."""
    return [one.wallet_id for one in sandbox.wallets()["granary"]]


@pytest.mark.parametrize(("step", "fault"), FAULTS_AT)
def test_whatever_fails_once_one_order_makes_one_wallet(
    step: str, fault: str, config: Config, sandbox: Sandbox
) -> None:
    """At the login, at the vault or at the account; and one vault is made."""
    sandbox.faults.add(f"{fault}:times=1:method=POST:path={step}")
    wallet = provision(config).wallet
    assert wallet is not None
    assert made(sandbox) == [wallet.id]
    assert list(cast("GranaryEmulator", sandbox.emulators["granary"]).vaults) == [HOLDER]


PROCESS = """
import sys, walletport
from walletport import Account, Config
from walletport_granary import Granary
url, journal, client_id, client_secret, holder = sys.argv[1:]
account = Account.of("granary", Granary, base_url=url, timeout=2.0, client_id=client_id, client_secret=client_secret)
with walletport.open(Config(accounts={"granary": account}, journal=journal)) as port:
    port.link_customer(user="user-1", account="granary", customer_id=holder)
    port.provision(user="user-1", chain="polygon")
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["vaults", "accounts"])
def test_a_process_that_is_killed_at_a_step_leaves_an_order_that_ends_with_one_wallet(
    step: str, when: str, config: Config, sandbox: Sandbox
) -> None:
    """With -9, while Granary holds the request, before or after it did the work: the next process goes on."""
    emulator = cast("GranaryEmulator", sandbox.emulators["granary"])
    handle = emulator.handle
    running: list[subprocess.Popen[bytes]] = []
    keys: set[bytes] = set()

    def killing(request: IncomingRequest) -> Response:
        if request.path[-1] == "accounts" and request.method == "POST":
            keys.add(request.body)
        if request.path[-1] != step or not running:
            return handle(request)
        answer = handle(request) if when == "after" else None
        process = running.pop()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return answer or Response(500)

    emulator.handle = killing  # type: ignore[method-assign]
    given = (sandbox.base_url("granary"), str(config.journal), CLIENT_ID, CLIENT_SECRET, HOLDER)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with sandbox.lock:  # so that the process is known before it asks for anything
        process = subprocess.Popen([sys.executable, "-c", PROCESS, *given], env=environment)
        running.append(process)
    assert process.wait() == -signal.SIGKILL
    wallet = provision(config).wallet
    assert wallet is not None
    assert made(sandbox) == [wallet.id]
    assert (list(emulator.vaults), len(keys)) == ([HOLDER], 1)


def test_a_vendor_that_forgot_the_key_gives_the_same_wallet(config: Config, sandbox: Sandbox) -> None:
    """The answer was lost, and so was the vendor's memory: the repeat is refused with the account in the refusal."""
    sandbox.faults.add("drop-after:path=accounts")
    with pytest.raises(WalletportError) as told:
        provision(config, wait=0.0)
    assert told.value.outcome == "unknown"
    assert not isinstance(told.value, OutcomeUnknown)
    sandbox.faults.clear()
    cast("GranaryEmulator", sandbox.emulators["granary"]).keys.forget_all()
    wallet = provision(config).wallet
    assert wallet is not None
    assert made(sandbox) == [wallet.id]


def test_two_orders_of_a_user_are_two_accounts_in_one_vault(config: Config, sandbox: Sandbox) -> None:
    """The journal holds both parts of their ids, and gives the same order the same one."""
    first, second = (provision(config, reference=reference) for reference in ("a", "b"))
    assert provision(config, reference="a").id == first.id
    assert first.wallet is not None
    assert second.wallet is not None
    assert made(sandbox) == [first.wallet.id, second.wallet.id]
    with walletport.open(config) as port:
        assert [wallet.id for wallet in port.wallets(user="user-1")] == made(sandbox)
