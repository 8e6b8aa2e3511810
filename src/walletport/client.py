"""`Client` and `AsyncClient`: one provider, directly. Thin: everything is decided in `Operations` and below."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Self

from walletport.errors import ConfigurationError
from walletport.models import Address, Balance, Customer, CustomerProfile, Wallet
from walletport.operations import Operations, Pages, check_number
from walletport.plugins import check_provider, load_provider
from walletport.settings import read_settings
from walletport.transport.account import engine_for
from walletport.transport.drivers import AsyncDriver, SyncDriver
from walletport.transport.engine import SystemClock
from walletport.transport.limits import Limits

if TYPE_CHECKING:
    from types import TracebackType

    from walletport.capabilities import Capabilities
    from walletport.provider import WalletProvider
    from walletport.transport.drivers import AsyncTransport, SyncTransport
    from walletport.transport.engine import Clock, Engine


class Client:
    """One account at one provider, for programs that block.

    Any number of threads may share one client.

    Args:
        provider: the provider's installed name, such as ``"acme"``, or its class.
        environment: ``"sandbox"``, ``"production"`` or whatever the provider declares; its first one by default.
        base_url: overrides the environment's address; a mapping where the provider has several hosts.
        timeout: for connecting and for each wait within one attempt, in seconds.
        transport: any `httpx.BaseTransport`; httpx's own by default, without proxies from the environment.
        max_attempts: how often one request is sent at most.
        max_elapsed: no attempt starts later than this many seconds after the call began.
        clock: tells the time; for tests.
        settings: the provider's settings, such as ``api_key="..."``.

    Raises:
        ConfigurationError: the provider is unknown, a setting is missing or wrong; the message says what to type.
    """

    def __init__(
        self,
        provider: str | type[WalletProvider],
        *,
        environment: str | None = None,
        base_url: str | Mapping[str, str] | None = None,
        timeout: float = Limits.timeout,
        transport: SyncTransport | None = None,
        max_attempts: int = Limits.max_attempts,
        max_elapsed: float = Limits.max_elapsed,
        clock: Clock | None = None,
        **settings: object,
    ) -> None:
        limits = _limits(timeout, max_attempts, max_elapsed)
        engine = _engine(provider, limits, clock, settings, environment=environment, base_url=base_url)
        self._operations = Operations(engine)
        self._driver = SyncDriver(transport, limits.max_body)
        self.provider = engine.provider.name
        self.capabilities: Capabilities = engine.provider.capabilities

    def create_wallet(
        self,
        *,
        customer_id: str,
        chain: str | None = None,
        asset: str | None = None,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Wallet:
        """Make a wallet, or adopt the one the provider says exists already.

        ``chain`` and ``asset`` are requirements on the result: a wallet that spans several chains satisfies an order
        for any of them, and ``wallet.address_on(chain)`` is the deposit address.

        Args:
            customer_id: the provider's id of the customer.
            chain: a chain's usual name, such as ``"polygon"``, or its CAIP-2 id.
            asset: an asset's code, such as ``"usdc"``.
            reference: the application's own reference, where the provider keeps one.
            idempotency_key: makes a repeat harmless; made for you when absent.

        Raises:
            UnsupportedOperation: the provider cannot express this order; nothing was sent.
            CustomerNotEligible: something is missing before this customer may have a wallet.
            ApprovalPending: the provider took the order, and a person must approve it.
            WalletportError: anything else; ``outcome`` says whether a wallet was made all the same.
        """
        return self._driver.drive(self._operations.create_wallet(customer_id, chain, asset, reference, idempotency_key))

    def find_wallet(
        self,
        *,
        customer_id: str,
        chain: str | None = None,
        asset: str | None = None,
        reference: str | None = None,
        approval_id: str | None = None,
    ) -> Wallet | None:
        """Find the wallet of an order whose answer was lost; ``None`` means the provider has none.

        Ask only after the lost request can no longer be running at the provider
        (``capabilities.settle_time``).

        Args:
            customer_id: as in the order.
            chain: as in the order.
            asset: as in the order.
            reference: as in the order.
            approval_id: what `ApprovalPending` named, for a wallet that a person had to approve.
        """
        return self._driver.drive(self._operations.find_wallet(customer_id, chain, asset, reference, approval_id))

    def get_wallet(self, wallet_id: str, *, customer_id: str | None = None) -> Wallet:
        """Read one wallet; some providers need to know whose it is."""
        return self._driver.drive(self._operations.get_wallet(wallet_id, customer_id))

    def list_wallets(self, *, customer_id: str | None = None) -> Iterator[Wallet]:
        """Walk through the wallets of a customer, or of everybody where the provider allows it, page by page."""
        pages, more = Pages(self.provider), True
        while more:
            page = self._driver.drive(self._operations.list_wallets(customer_id, pages.cursor))
            yield from page.items
            more = pages.advance(page)

    def get_balances(self, wallet: Wallet) -> tuple[Balance, ...]:
        """Read what a wallet holds now, by asset."""
        return self._driver.drive(self._operations.get_balances(wallet))

    def get_addresses(self, wallet: Wallet) -> tuple[Address, ...]:
        """Read a wallet's deposit addresses, by chain."""
        return self._driver.drive(self._operations.get_addresses(wallet))

    def rotate_wallet(self, wallet: Wallet, *, idempotency_key: str | None = None) -> Wallet:
        """Replace a wallet by one with another address."""
        return self._driver.drive(self._operations.rotate_wallet(wallet, idempotency_key))

    def create_customer(self, profile: CustomerProfile, *, idempotency_key: str | None = None) -> Customer:
        """Make a customer, where the provider lets an application do that."""
        return self._driver.drive(self._operations.create_customer(profile, idempotency_key))

    def get_customer(self, customer_id: str) -> Customer:
        """Read a customer, whether it may have a wallet, and what is missing."""
        return self._driver.drive(self._operations.get_customer(customer_id))

    def wait_until_ready(self, wallet: Wallet, *, timeout: float = 60.0) -> Wallet:
        """Read a wallet again and again until it is active and has an address.

        Args:
            wallet: as it was last seen.
            timeout: no further look starts later than this many seconds after the call began.

        Raises:
            RequestTimedOut: it is not ready yet.
            Conflict: it is closed or was replaced, so it never will be.
            UnsupportedOperation: this provider has no way to look.
        """
        return self._driver.drive(self._operations.wait_until_ready(wallet, timeout))

    def close(self) -> None:
        """Close the connections; whatever is called afterwards raises `ConfigurationError`."""
        self._operations.close()
        self._driver.close()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the connections."""
        self.close()

    def __repr__(self) -> str:
        """Name the provider, and nothing that is secret."""
        return f"{type(self).__name__}({self.provider!r})"


class AsyncClient:
    """One account at one provider, for programs that await: the same methods as `Client`.

    Any number of tasks of one event loop may share one client.

    Args:
        provider: the provider's installed name, such as ``"acme"``, or its class.
        environment: ``"sandbox"``, ``"production"`` or whatever the provider declares; its first one by default.
        base_url: overrides the environment's address; a mapping where the provider has several hosts.
        timeout: for connecting and for each wait within one attempt, in seconds.
        transport: any `httpx.AsyncBaseTransport`; aiohttp by default, without proxies from the environment.
        max_attempts: how often one request is sent at most.
        max_elapsed: no attempt starts later than this many seconds after the call began.
        clock: tells the time; for tests.
        settings: the provider's settings, such as ``api_key="..."``.

    Raises:
        ConfigurationError: the provider is unknown, a setting is missing or wrong; the message says what to type.
    """

    def __init__(
        self,
        provider: str | type[WalletProvider],
        *,
        environment: str | None = None,
        base_url: str | Mapping[str, str] | None = None,
        timeout: float = Limits.timeout,
        transport: AsyncTransport | None = None,
        max_attempts: int = Limits.max_attempts,
        max_elapsed: float = Limits.max_elapsed,
        clock: Clock | None = None,
        **settings: object,
    ) -> None:
        limits = _limits(timeout, max_attempts, max_elapsed)
        engine = _engine(provider, limits, clock, settings, environment=environment, base_url=base_url)
        self._operations = Operations(engine)
        self._driver = AsyncDriver(transport, limits.max_body)
        self.provider = engine.provider.name
        self.capabilities: Capabilities = engine.provider.capabilities

    async def create_wallet(
        self,
        *,
        customer_id: str,
        chain: str | None = None,
        asset: str | None = None,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Wallet:
        """Same as `Client.create_wallet`, awaited."""
        return await self._driver.drive(
            self._operations.create_wallet(customer_id, chain, asset, reference, idempotency_key)
        )

    async def find_wallet(
        self,
        *,
        customer_id: str,
        chain: str | None = None,
        asset: str | None = None,
        reference: str | None = None,
        approval_id: str | None = None,
    ) -> Wallet | None:
        """Same as `Client.find_wallet`, awaited."""
        return await self._driver.drive(self._operations.find_wallet(customer_id, chain, asset, reference, approval_id))

    async def get_wallet(self, wallet_id: str, *, customer_id: str | None = None) -> Wallet:
        """Same as `Client.get_wallet`, awaited."""
        return await self._driver.drive(self._operations.get_wallet(wallet_id, customer_id))

    async def list_wallets(self, *, customer_id: str | None = None) -> AsyncIterator[Wallet]:
        """Same as `Client.list_wallets`, awaited."""
        pages, more = Pages(self.provider), True
        while more:
            page = await self._driver.drive(self._operations.list_wallets(customer_id, pages.cursor))
            for wallet in page.items:
                yield wallet
            more = pages.advance(page)

    async def get_balances(self, wallet: Wallet) -> tuple[Balance, ...]:
        """Same as `Client.get_balances`, awaited."""
        return await self._driver.drive(self._operations.get_balances(wallet))

    async def get_addresses(self, wallet: Wallet) -> tuple[Address, ...]:
        """Same as `Client.get_addresses`, awaited."""
        return await self._driver.drive(self._operations.get_addresses(wallet))

    async def rotate_wallet(self, wallet: Wallet, *, idempotency_key: str | None = None) -> Wallet:
        """Same as `Client.rotate_wallet`, awaited."""
        return await self._driver.drive(self._operations.rotate_wallet(wallet, idempotency_key))

    async def create_customer(self, profile: CustomerProfile, *, idempotency_key: str | None = None) -> Customer:
        """Same as `Client.create_customer`, awaited."""
        return await self._driver.drive(self._operations.create_customer(profile, idempotency_key))

    async def get_customer(self, customer_id: str) -> Customer:
        """Same as `Client.get_customer`, awaited."""
        return await self._driver.drive(self._operations.get_customer(customer_id))

    async def wait_until_ready(self, wallet: Wallet, *, timeout: float = 60.0) -> Wallet:  # noqa: ASYNC109 - as in Client
        """Same as `Client.wait_until_ready`, awaited."""
        return await self._driver.drive(self._operations.wait_until_ready(wallet, timeout))

    async def close(self) -> None:
        """Same as `Client.close`, awaited."""
        self._operations.close()
        await self._driver.close()

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.close()

    def __repr__(self) -> str:
        """Name the provider, and nothing that is secret."""
        return f"{type(self).__name__}({self.provider!r})"


def _limits(timeout: float, max_attempts: int, max_elapsed: float) -> Limits:
    attempts = check_number("max_attempts", max_attempts, 1)
    if attempts != int(attempts):
        msg = "max_attempts must be a whole number"
        raise ConfigurationError(msg)
    return Limits(
        timeout=check_number("timeout", timeout, 0.001),
        max_attempts=int(attempts),
        max_elapsed=check_number("max_elapsed", max_elapsed, 0),
    )


def _engine(
    provider: str | type[WalletProvider],
    limits: Limits,
    clock: Clock | None,
    settings: Mapping[str, object],
    *,
    environment: str | None,
    base_url: str | Mapping[str, str] | None,
) -> Engine:
    kind = load_provider(provider) if isinstance(provider, str) else check_provider(provider)
    checked = read_settings(kind, settings)
    return engine_for(kind, checked, environment, base_url, limits, clock or SystemClock())
