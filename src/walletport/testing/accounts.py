"""One set of methods to await, whichever of the two clients is behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import TYPE_CHECKING, Final, TypedDict, cast

from walletport.client import AsyncClient, Client
from walletport.models import Address, Balance, Customer, CustomerProfile, Wallet
from walletport.transport.drivers import AsyncDriver, SyncDriver
from walletport.transport.in_process import InProcessTransport
from walletport.transport.limits import Limits

if TYPE_CHECKING:
    from walletport.provider import WalletProvider
    from walletport.testing.scenario import Mode
    from walletport.testing.vendor import KitClock, Vendor

_PATIENCE: Final = 24 * 3600.0
_TIMEOUT: Final = 30.0


class _Given(TypedDict):
    environment: None
    base_url: str
    timeout: float
    max_attempts: int
    max_elapsed: float
    clock: KitClock


class _Blocking(Client):
    """A client whose waits move the clock."""

    def __init__(
        self, kind: type[WalletProvider], transport: InProcessTransport, given: _Given, settings: Mapping[str, str]
    ) -> None:
        super().__init__(kind, transport=transport, **given, **settings)
        self._driver = SyncDriver(transport, Limits.max_body, sleep=given["clock"].sleep)


class _Awaiting(AsyncClient):
    """A client whose waits move the clock."""

    def __init__(
        self, kind: type[WalletProvider], transport: InProcessTransport, given: _Given, settings: Mapping[str, str]
    ) -> None:
        super().__init__(kind, transport=transport, **given, **settings)
        self._driver = AsyncDriver(transport, Limits.max_body, sleep=given["clock"].asleep)


class Account:
    """A client, blocking or not.

    Args:
        mode: which of the two.
        kind: the provider's class.
        vendor: whom it talks to.
        clock: tells the time.
        attempts: how often one request is sent at most.
        settings: the provider's settings.
    """

    def __init__(
        self,
        mode: Mode,
        kind: type[WalletProvider],
        vendor: Vendor,
        clock: KitClock,
        *,
        attempts: int,
        settings: Mapping[str, str],
    ) -> None:
        made = _Blocking if mode == "sync" else _Awaiting
        given = _Given(
            environment=None,
            base_url="https://emulator.example" + vendor.emulator.mount,
            timeout=_TIMEOUT,
            max_attempts=attempts,
            max_elapsed=Limits.max_elapsed,
            clock=clock,
        )
        self._client = made(kind, InProcessTransport(vendor.answer), given, settings)

    async def create_wallet(self, **order: str | None) -> Wallet:
        """Make a wallet."""
        return cast("Wallet", await self._call("create_wallet", **order))

    async def find_wallet(self, **order: str | None) -> Wallet | None:
        """Find the wallet of an order."""
        return cast("Wallet | None", await self._call("find_wallet", **order))

    async def get_wallet(self, wallet_id: str, *, customer_id: str | None = None) -> Wallet:
        """Read one wallet."""
        return cast("Wallet", await self._call("get_wallet", wallet_id, customer_id=customer_id))

    async def list_wallets(self, *, customer_id: str | None = None) -> list[Wallet]:
        """Walk through a list to its end."""
        found = self._client.list_wallets(customer_id=customer_id)
        return [wallet async for wallet in found] if isinstance(found, AsyncIterator) else list(found)

    async def get_balances(self, wallet: Wallet) -> tuple[Balance, ...]:
        """Read what a wallet holds."""
        return cast("tuple[Balance, ...]", await self._call("get_balances", wallet))

    async def get_addresses(self, wallet: Wallet) -> tuple[Address, ...]:
        """Read a wallet's addresses."""
        return cast("tuple[Address, ...]", await self._call("get_addresses", wallet))

    async def rotate_wallet(self, wallet: Wallet, *, idempotency_key: str | None = None) -> Wallet:
        """Replace a wallet."""
        return cast("Wallet", await self._call("rotate_wallet", wallet, idempotency_key=idempotency_key))

    async def create_customer(self, profile: CustomerProfile, *, idempotency_key: str | None = None) -> Customer:
        """Make a customer."""
        return cast("Customer", await self._call("create_customer", profile, idempotency_key=idempotency_key))

    async def get_customer(self, customer_id: str) -> Customer:
        """Read a customer."""
        return cast("Customer", await self._call("get_customer", customer_id))

    async def wait_until_ready(self, wallet: Wallet) -> Wallet:
        """Wait until a wallet is active and has an address, which takes no time."""
        return cast("Wallet", await self._call("wait_until_ready", wallet, timeout=_PATIENCE))

    async def close(self) -> None:
        """Close the client."""
        await self._call("close")

    async def _call(self, method: str, *args: object, **named: object) -> object:
        result: object = getattr(self._client, method)(*args, **named)
        return await result if isinstance(result, Awaitable) else result
