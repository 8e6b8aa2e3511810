"""Processes of their own that work on the journal of the tests, at the sandbox of the tests."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import random
import resource
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import httpx

from tests.unit.provisioning.world import order
from walletport import Account, AsyncPort, Config, CustomerLink, Port, errors
from walletport.provisioning import wiring
from walletport.sandbox import Sandbox

# Forks a process that has imported everything, so a start takes milliseconds.
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload([__name__, "walletport_conduit", "walletport_ledger_so", "walletport_polygon_oms"])
IN_FLIGHT = 12


@dataclass(frozen=True)
class Site:
    """What a process has to know: where the vendors are, where the journal is, and how late it is there.

    Args:
        vendors: base URL and credentials by provider.
        journal: the journal's URL.
        timeout: of the accounts, in seconds.
        ahead: how far the sandbox's clock is ahead, in seconds.
        lease: how long claims hold, in seconds.
    """

    vendors: Mapping[str, tuple[str, dict[str, str]]]
    journal: str
    timeout: float = 2.0
    ahead: float = 0.0
    lease: float = wiring.LEASE.total_seconds()

    @classmethod
    def of(cls, sandbox: Sandbox, journal: str, **facts: float) -> Site:
        vendors = {name: (sandbox.base_url(name), dict(made.settings)) for name, made in sandbox.emulators.items()}
        return cls(vendors, journal, ahead=sandbox.clock.offset.total_seconds(), **facts)

    def config(self) -> Config:
        accounts = {
            name: Account.of(name, name, base_url=url, timeout=self.timeout, **settings)
            for name, (url, settings) in self.vendors.items()
        }
        return Config(accounts=accounts, journal=self.journal)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def port(self, *, recovers: bool = True) -> Port:
        wiring.LEASE = timedelta(seconds=self.lease)
        return Port(self.config(), clock=self, recovers=recovers)


def started(work: Callable[..., object], *arguments: object) -> BaseProcess:
    """Start a process that does this work."""
    process = FORKING.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def provisions_until_it_is_killed(site: Site, links: list[CustomerLink], asked: list[CustomerLink], seed: int) -> None:
    """Carry out many orders at once, in an order of its own, and then wait for the end."""
    random.Random(seed).shuffle(asked)
    with site.port() as port, ThreadPoolExecutor(IN_FLIGHT) as threads:
        port.link_customers(links)

        def ask(link: CustomerLink) -> None:
            with contextlib.suppress(errors.WalletportError):
                port.provision(**order(link.account, link.user), wait=20)

        list(threads.map(ask, asked))
        threading.Event().wait()


def fifty_calls(site: Site, account: str, together: Barrier, answers: Queue[object]) -> None:
    """Ask for one order in 25 threads and in 25 tasks at once; give what each was told."""
    try:
        answers.put(_fifty_calls(site, account, together))
    except BaseException as error:
        answers.put(repr(error))
        raise


def _fifty_calls(site: Site, account: str, together: Barrier) -> list[dict[str, object]]:
    async def tasks() -> list[dict[str, object]]:
        async with AsyncPort(site.config()) as port:
            await asyncio.to_thread(together.wait, 60)
            made = await asyncio.gather(*(port.provision(**order(account)) for _ in range(25)))
            return [one.model_dump(mode="json") for one in made]

    with site.port() as port, ThreadPoolExecutor(26) as threads:
        awaited = threads.submit(asyncio.run, tasks())
        together.wait(60)
        blocked = [threads.submit(port.provision, **order(account)) for _ in range(25)]
        return [each.result().model_dump(mode="json") for each in blocked] + awaited.result()


def asks_once(site: Site, account: str, answers: Queue[object]) -> None:
    """Ask for one order without recovery, and give the wallet's id or what stands in its way."""
    with site.port(recovers=False) as port:
        try:
            answers.put(port.provision(**order(account)).wallet.id)
        except errors.WalletportError as error:
            answers.put(f"{type(error).__name__}: {error}")


def stop(process: BaseProcess) -> None:
    """Stop a process until it is told to go on, and wait until it stands."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)


def go_on(process: BaseProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGCONT)


def full_disk_after_the_answer(site: Site, account: str, answers: Queue[object]) -> None:
    """Ask for an order; forbid the journal's files to grow once it is answered; then allow it and ask again.

    Gives the error, how the order stood then, and the wallet's id.
    """
    file = Path(site.journal.removeprefix("sqlite:///") + "-wal")
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Filling(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = super().handle_request(request)
            if not failed:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, most))
            return answer

    failed: list[tuple[str, str, str]] = []
    with Port(site.config(), transport=Filling(), recovers=False) as port:
        try:
            port.provision(**order(account), wait=0)
        except errors.WalletportError as error:
            failed.append((type(error).__name__, error.message, error.outcome))
        found = port.provisions()
        half = [one.state.value for one in found], [event.what for event in port.story(found[0].id).events]
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        answers.put((*failed, half, port.provision(**order(account)).wallet.id))
