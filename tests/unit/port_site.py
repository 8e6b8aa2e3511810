"""A sandbox whose emulators are the accounts of a port, and orders that get stuck on demand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from walletport import Account, Config, CustomerProfile, Port, Provision, Route, errors
from walletport.provider import WalletProvider
from walletport.sandbox import Sandbox

PROFILE = CustomerProfile(email="ada@example.test", first_name="Ada", last_name="Lovelace")


@dataclass
class BoxClock:
    """The sandbox's clock as a port reads it: both move together."""

    box: Sandbox

    def now(self) -> datetime:
        return self.box.clock()

    def monotonic(self) -> float:
        return time.monotonic() + self.box.clock.offset.total_seconds()


@dataclass
class Site:
    """A sandbox, and a journal for its accounts; an account is called as its provider.

    Args:
        box: the sandbox.
        folder: where the journal is.
        kinds: classes of providers that are not installed.
    """

    box: Sandbox
    folder: Path
    kinds: Mapping[str, type[WalletProvider]]

    def config(self, *names: str, routes: tuple[Route, ...] = ()) -> Config:
        make: Callable[..., Account] = Account.of
        accounts = {
            name: make(
                name,
                self.kinds.get(name, name),
                base_url=self.box.base_url(name),
                timeout=1.0,
                max_attempts=1,
                **self.box.emulators[name].settings,
            )
            for name in names or self.box.emulators
        }
        return Config(accounts=accounts, routes=routes, journal=f"sqlite:///{self.folder / 'journal.db'}")

    def port(self, *names: str, routes: tuple[Route, ...] = ()) -> Port:
        return Port(self.config(*names, routes=routes), clock=BoxClock(self.box), recovers=False)

    def customer(self, account: str) -> str:
        return self.box.emulators[account].default_customer

    def made(self, account: str) -> list[str]:
        return [wallet.wallet_id for wallet in self.box.wallets()[account]]

    def sends(self) -> int:
        """Return how often a wallet was asked for."""
        return sum(seen.method == "POST" and seen.path.endswith("wallets") for seen in self.box.requests)


def keys_of(port: Port, provision_id: str) -> list[str]:
    """Return the keys under which an order was sent."""
    return [str(event.detail["key"]) for event in port.story(provision_id).events if event.what == "sending"]


def happened(port: Port, provision_id: str) -> list[str]:
    return [event.what for event in port.story(provision_id).events]


def order(account: str, user: str = "user-1") -> dict[str, str]:
    return {"user": user, "chain": "polygon", "asset": "usdc", "account": account}


def stuck(port: Port, box: Sandbox, account: str, user: str = "user-1", fault: str = "drop-after") -> Provision:
    """Return an order of which nobody can know what became: its answer is lost, and so is every look-up's."""
    box.faults.add(f"{fault}:method=POST:path=wallets")
    box.faults.add("503:method=GET:path=wallets")
    for _ in range(20):
        with pytest.raises(errors.WalletportError) as caught:
            port.provision(**order(account, user), wait=0)
        assert caught.value.outcome == "unknown"
        assert caught.value.provision_id is not None
        found = port.story(caught.value.provision_id).provision
        if found.state == "needs_review":
            box.faults.clear()
            assert isinstance(caught.value, errors.OutcomeUnknown)
            return found
        box.clock.advance(3600)
    raise AssertionError(found)
