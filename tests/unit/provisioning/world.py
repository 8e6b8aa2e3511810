"""A port at the sandbox's time, what its vendors were asked, and an order that is carried on without sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from walletport import Account, Config, Provision, errors
from walletport.provider import Response
from walletport.provider.emulation import IncomingRequest
from walletport.provisioning.machine import ENDS
from walletport.provisioning.port import Port
from walletport.sandbox import Sandbox

PROVIDERS = ["conduit", "ledger-so", "polygon-oms"]
USER = "user-1"
CREATES = ":method=POST:path=wallets"
TIMEOUT = 2.0  # of the configured accounts, in seconds
WINDOW = 300 * 0.8 - 5 * TIMEOUT  # five minutes, less a margin and the longest attempt
SETTLE = 60 + 5 * TIMEOUT


def configured(sandbox: Sandbox, journal: str, timeout: float = TIMEOUT) -> Config:
    """Return a configuration with an account for each emulator, named after its provider."""
    accounts = {
        name: Account.of(name, name, base_url=sandbox.base_url(name), timeout=timeout, **emulator.settings)
        for name, emulator in sandbox.emulators.items()
    }
    return Config(accounts=accounts, journal=journal)


class SandboxTime:
    """The sandbox's clock as a port's."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._clock = sandbox.clock

    def now(self) -> datetime:
        return self._clock()

    def monotonic(self) -> float:
        return time.monotonic() + self._clock.offset.total_seconds()


class StandingTime(SandboxTime):
    """The same, and it stands still where it was made until it is told to go on: as for a process that is stopped."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._stands_at: datetime | None = super().now()

    def now(self) -> datetime:
        return self._stands_at or super().now()

    def go_on(self) -> None:
        self._stands_at = None


@dataclass(frozen=True)
class Asked:
    """A request that a vendor got to see, and when."""

    provider: str
    request: IncomingRequest
    at: datetime

    @property
    def key(self) -> str:
        return self.request.headers["idempotency-key"]

    @property
    def is_create(self) -> bool:
        return self.request.method == "POST" and self.request.path[-1] in ("wallets", "crypto-wallets")


class Vendors:
    """The sandbox's vendors, and everything they were asked."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.asked: list[Asked] = []
        self.before: Callable[[Asked], None] = lambda asked: None
        self.after: Callable[[Asked], None] = lambda asked: None
        for name in sandbox.emulators:
            self._listen(name)

    def _listen(self, name: str) -> None:
        emulator = self.sandbox.emulators[name]
        handle = emulator.handle

        def listening(request: IncomingRequest) -> Response:
            asked = Asked(name, request, self.sandbox.clock())
            self.before(asked)
            self.asked.append(asked)
            response = handle(request)
            self.after(asked)
            return response

        emulator.handle = listening  # type: ignore[method-assign]

    def creates(self, provider: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.provider == provider and asked.is_create]

    def keys(self, provider: str) -> list[str]:
        """Every key that a create was asked under, in the order in which it came first."""
        return list(dict.fromkeys(asked.key for asked in self.creates(provider)))

    def wallets(self, provider: str) -> list[str]:
        return [made.wallet_id for made in self.sandbox.wallets()[provider]]


@contextmanager
def opened(config: Config, sandbox: Sandbox, *, recovers: bool = False) -> Iterator[Port]:
    """Open a port that follows the sandbox's clock, and tell it who the user is everywhere."""
    with Port(config, clock=SandboxTime(sandbox), recovers=recovers) as port:
        link(port, sandbox)
        yield port


def link(port: Port, sandbox: Sandbox, user: str = USER) -> None:
    for name, emulator in sandbox.emulators.items():
        if name in port.accounts:
            port.link_customer(user=user, account=name, customer_id=emulator.default_customer)


def order(account: str, user: str = USER) -> dict[str, str]:
    return {"user": user, "chain": "polygon", "asset": "usdc", "account": account}


def ask(port: Port, account: str, wait: float = 0.0, user: str = USER) -> Provision | errors.WalletportError:
    """Ask for the order; return its record, or what stands in its way."""
    try:
        return port.provision(**order(account, user), wait=wait)
    except errors.WalletportError as error:
        return error


def ask_until_it_ends(port: Port, sandbox: Sandbox, account: str, step: float = 5.0) -> Provision:
    """Ask again and again, and let time pass in between; return how the order stands in the end."""
    for _ in range(400):
        ask(port, account)
        (record,) = port.provisions(account=account, user=USER)
        if record.state in ENDS:
            return record
        sandbox.clock.advance(step)
    raise AssertionError(f"still {record.state}")


def told(port: Port, record: Provision) -> list[str]:
    """What happened to an order, in a word or two each."""
    return [event.what for event in port.story(record.id).events]


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until it is so; the test run's own limit ends what never is."""
    while not condition():
        time.sleep(0.01)
