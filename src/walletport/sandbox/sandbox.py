"""`Sandbox`: the emulators, their server, clock and faults, started and stopped like a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Self

from walletport.client import Client
from walletport.config import Account
from walletport.errors import ConfigurationError
from walletport.sandbox.app import SandboxApp
from walletport.sandbox.clock import MovableClock
from walletport.sandbox.control import Overview, overview
from walletport.sandbox.faults import Fault, Faults
from walletport.sandbox.finding import find_emulators
from walletport.sandbox.server import ServerThread
from walletport.sandbox.state import SeenRequest, State
from walletport.transport.limits import Limits

if TYPE_CHECKING:
    from types import TracebackType

    from walletport.provider import WalletProvider
    from walletport.provider.emulation import EmulatedWallet, Emulator


class Sandbox:
    """Vendors' emulators on this machine, over real HTTP, with a clock that can be moved and faults on demand.

    It runs in a thread, as a context manager::

        with Sandbox(faults=["drop-after:times=1:method=POST"]) as sandbox:
            with sandbox.client("acme") as acme: ...

    Args:
        providers: names or classes of providers; by default every installed one that has an emulator.
        host: the address to listen on.
        port: the port to listen on; 0 for any free one.
        seed: makes ids, addresses and the choice of faulty requests reproducible.
        faults: the faults to begin with, as they are or as they are spelt.

    Raises:
        ConfigurationError: a provider is not there or has no emulator, or a fault is misspelt.
    """

    def __init__(
        self,
        providers: Iterable[str | type[WalletProvider]] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        faults: Iterable[Fault | str] = (),
    ) -> None:
        clock = MovableClock()
        found = find_emulators(providers, clock, seed)
        self._kinds = found.kinds
        self._state = State(found.emulators, found.failed, clock, Faults(seed, found.emulators, faults))
        self._host, self._port = host, port
        self._server: ServerThread | None = None

    @property
    def emulators(self) -> Mapping[str, Emulator]:
        """The emulators by provider name; hold ``lock`` to change one while requests are running."""
        return self._state.emulators

    @property
    def failed(self) -> Mapping[str, str]:
        """Why other installed providers could not be emulated, by name."""
        return self._state.failed

    @property
    def lock(self) -> Lock:
        """What is held while an emulator answers."""
        return self._state.lock

    @property
    def clock(self) -> MovableClock:
        """The emulators' time; ``clock.advance(300)`` moves it five minutes ahead."""
        return self._state.clock

    @property
    def faults(self) -> Faults:
        """The faults in force; ``faults.add("500:times=2")``, ``faults.clear()``."""
        return self._state.faults

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        """What was asked of the emulators, latest last; the last ten thousand are kept."""
        return tuple(self._state.requests)

    @property
    def url(self) -> str:
        """The sandbox's address, such as ``http://127.0.0.1:8700``.

        Raises:
            ConfigurationError: the sandbox is not running.
        """
        if self._server is None:
            msg = "the sandbox is not running: use it as `with Sandbox() as sandbox:`"
            raise ConfigurationError(msg)
        return self._server.url

    def base_url(self, provider: str) -> str:
        """Return the address below which a provider's API is, for a client's ``base_url=``."""
        return self.url + self._emulator(provider).mount

    def client(
        self,
        provider: str,
        *,
        timeout: float = Limits.timeout,
        max_attempts: int = Limits.max_attempts,
        max_elapsed: float = Limits.max_elapsed,
    ) -> Client:
        """Return a client of a provider's emulator, with credentials that it accepts; close it after use.

        Args:
            provider: the provider's name.
            timeout: as in `Client`.
            max_attempts: as in `Client`.
            max_elapsed: as in `Client`.

        Raises:
            ConfigurationError: there is no such emulator here, or the sandbox is not running.
        """
        settings = self._emulator(provider).settings
        return Client(
            self._kinds[provider],
            environment=None,
            base_url=self.base_url(provider),
            timeout=timeout,
            transport=None,
            max_attempts=max_attempts,
            max_elapsed=max_elapsed,
            clock=None,
            **settings,
        )

    def account(self, provider: str) -> Account:
        """Return an account at a provider's emulator, named like the provider, for whatever works with accounts.

        Args:
            provider: the provider's name.

        Raises:
            ConfigurationError: there is no such emulator here, or the sandbox is not running.
        """
        settings = self._emulator(provider).settings
        return Account.of(
            provider,
            self._kinds[provider],
            environment=None,
            base_url=self.base_url(provider),
            timeout=Limits.timeout,
            max_attempts=Limits.max_attempts,
            rate_limit=None,
            **settings,
        )

    def wallets(self) -> dict[str, list[EmulatedWallet]]:
        """List every wallet the emulators ever made, by provider."""
        return self._state.wallets()

    def overview(self) -> Overview:
        """Return where each vendor is and what it accepts, as ``GET /`` does."""
        return overview(self._state, self.url)

    def serve(self, ready: Callable[[], None]) -> None:
        """Run in the foreground until Ctrl-C.

        Args:
            ready: called once requests are taken.

        Raises:
            ConfigurationError: the port is in use; the message says what to pass instead.
        """
        with self:
            ready()
            if self._server is not None:
                self._server.wait()

    def _emulator(self, provider: str) -> Emulator:
        if provider not in self.emulators:
            msg = f"no emulator of {provider!r} is here: there are {', '.join(self.emulators) or 'none'}"
            raise ConfigurationError(msg)
        return self.emulators[provider]

    def __enter__(self) -> Self:
        """Start the server.

        Raises:
            ConfigurationError: the port is in use, or the sandbox is running already.
        """
        if self._server is not None:
            msg = "the sandbox is running already: make another one"
            raise ConfigurationError(msg)
        self._server = ServerThread(SandboxApp(self._state), self._host, self._port)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the server, breaking off whatever is still going on."""
        if self._server is not None:
            self._server.stop()
            self._server = None
