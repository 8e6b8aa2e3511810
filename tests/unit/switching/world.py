"""A sandbox with two custodians, customers at the first, and switches between them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.unit.port_site import BoxClock
from walletport import Account, Config, CustomerLink, Job, Port
from walletport.jobs.source import OrderFile, opened
from walletport.journal import Journal, MoveRow, moves
from walletport.provisioning.current import CurrentWallet, current_wallet
from walletport.sandbox import Sandbox
from walletport.switching.line import COLUMNS, REQUIRED, USERS
from walletport.switching.planning import SwitchPlan
from walletport.switching.report import SwitchReport
from walletport.switching.rollback import Rollback
from walletport.switching.run import switch_run
from walletport.switching.scope import Scope

OLD, NEW, SPANNING = "conduit", "polygon-oms", "ledger-so"


@dataclass
class Town:
    """Two custodians and a journal.

    Args:
        box: the sandbox.
        folder: where the journal is.
        journal: its URL; a file in the folder by default.
    """

    box: Sandbox
    folder: Path
    journal: str = ""

    @cached_property
    def config(self) -> Config:
        accounts = {
            name: Account.of(name, name, base_url=self.box.base_url(name), timeout=2.0, max_attempts=1, **one.settings)
            for name, one in self.box.emulators.items()
        }
        return Config(accounts=accounts, journal=self.journal or f"sqlite:///{self.folder / 'journal.db'}")

    @contextmanager
    def port(self) -> Iterator[Port]:
        with Port(self.config, clock=BoxClock(self.box), recovers=False) as port:
            yield port

    def settle(self, *users: str, linked: bool = True, **order: str | None) -> None:
        """Give users a wallet at the old custodian, and make them customers of the new one, as an application would."""
        wanted = {"chain": "polygon", "asset": "usdc", "account": OLD, **order}
        with self.port() as port:
            for user in users:
                self.link(port, user, str(wanted["account"]))
                if linked:
                    self.link(port, user, NEW)
                port.provision(user=user, **wanted)

    def link(self, port: Port, user: str, account: str, *, eligible: bool = True) -> str:
        known = port.customer_id(user=user, account=account)
        if known is not None:
            return known
        with self.box.lock:
            made = self.box.emulators[account].add_customer(eligible=eligible)
        port.link_customers([CustomerLink(user=user, account=account, customer_id=made)])
        return made

    def scope(self, source: str = OLD, target: str = NEW, **more: object) -> Scope:
        return Scope(source, target, **more)

    def switch(self, scope: Scope | None = None, **how: object) -> Job:
        return asyncio.run(self._switch(scope or self.scope(), how))

    async def _switch(self, scope: Scope, how: Mapping[str, object]) -> Job:
        async with switch_run(scope, self.config, clock=BoxClock(self.box)) as run:
            return await run.carry_out(**how)

    def plan(self, scope: Scope | None = None) -> SwitchPlan:
        async def plan() -> SwitchPlan:
            async with switch_run(scope or self.scope(), self.config, clock=BoxClock(self.box)) as run:
                return await run.plan()

        return asyncio.run(plan())

    def roll_back(self, scope: Scope | None = None, *, dry: bool = False) -> Rollback:
        async def back() -> Rollback:
            async with switch_run(scope or self.scope(), self.config, clock=BoxClock(self.box)) as run:
                return await run.roll_back(dry=dry)

        return asyncio.run(back())

    @contextmanager
    def reading(self) -> Iterator[Journal]:
        """Open the journal alone, which is quicker."""
        with Journal.open(self.config.journal) as journal:
            yield journal

    def report(self, scope: Scope) -> SwitchReport:
        async def report() -> SwitchReport:
            async with switch_run(scope, self.config, clock=BoxClock(self.box)) as run:
                return await run.report(self.folder / "report")

        return asyncio.run(report())

    def current(self, user: str, chain: str | None = "polygon", asset: str | None = "usdc") -> CurrentWallet | None:
        with self.reading() as journal:
            return journal.read(lambda connection: current_wallet(connection, user, chain, asset))

    def move(self, user: str, source: str = OLD, target: str = NEW, asset: str | None = "usdc") -> MoveRow | None:
        with self.reading() as journal:
            return journal.read(lambda connection: moves.get(connection, source, target, (user, "polygon", asset)))

    def made(self, account: str) -> list[str]:
        return [wallet.wallet_id for wallet in self.box.wallets()[account]]

    @contextmanager
    def customers(self, text: str, name: str = "customers.csv") -> Iterator[OrderFile]:
        path = self.folder / name
        path.write_text(text, "utf-8")
        with opened(path, COLUMNS, REQUIRED) as file:
            yield file

    @contextmanager
    def named(self, *users: str) -> Iterator[OrderFile]:
        path = self.folder / "users.csv"
        path.write_text("\n".join(["user", *users, ""]), "utf-8")
        with opened(path, USERS, USERS) as file:
            yield file
