"""`AsyncPort`: the same as `Port`, for programs that await; a test holds the two to the same methods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Self

from walletport.config import Config
from walletport.models import CustomerProfile, Wallet
from walletport.provisioning.current import CurrentWallet, WatchedAddress, find_current, watched_pages
from walletport.provisioning.port import DEFAULT_LIMIT, DEFAULT_WAIT
from walletport.provisioning.record import CustomerLink, Provision, Story
from walletport.provisioning.shadowing import Shadow
from walletport.provisioning.standing import AccountEvent, AccountState, Pin
from walletport.provisioning.wiring import desk_of
from walletport.routing import Decision
from walletport.transport.drivers import AsyncDriver
from walletport.transport.engine import Clock, SystemClock
from walletport.transport.limits import Limits

if TYPE_CHECKING:
    from types import TracebackType

    from walletport.transport.drivers import AsyncTransport


class AsyncPort:
    """Several accounts behind one journal, for programs that await: the same methods as `Port`.

    Use it as an async context manager; `walletport.aopen` makes one.

    Args:
        config: accounts, routes and journal.
        transport: how requests travel; aiohttp by default.
        clock: tells the time; for tests.
        recovers: whether to carry on by itself what other processes left behind.
    """

    def __init__(
        self,
        config: Config,
        *,
        transport: AsyncTransport | None = None,
        clock: Clock | None = None,
        recovers: bool = True,
    ) -> None:
        self._desk, self._journal = desk_of(config, clock or SystemClock())
        self._driver = AsyncDriver(transport, Limits.max_body)
        self._recovers = recovers
        self._keeper: asyncio.Task[None] | None = None
        self._recovery: asyncio.Task[None] | None = None

    async def provision(
        self,
        *,
        user: str,
        chain: str | None = None,
        asset: str | None = None,
        reference: str | None = None,
        account: str | None = None,
        profile: CustomerProfile | None = None,
        attributes: Mapping[str, str] | None = None,
        wait: float = DEFAULT_WAIT,
    ) -> Provision:
        """Same as `Port.provision`, awaited."""
        return await self._driver.drive(
            self._desk.provision(
                user, chain, asset, reference, account=account, profile=profile, attributes=attributes, wait=wait
            )
        )

    async def wait_until_ready(
        self,
        provision_id: str,
        *,
        timeout: float = DEFAULT_WAIT,  # noqa: ASYNC109 - as in Port
    ) -> Provision:
        """Same as `Port.wait_until_ready`, awaited."""
        return await self._driver.drive(self._desk.wait_until_ready(provision_id, timeout))

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of the configured accounts."""
        return self._desk.accounts

    def route(
        self,
        *,
        user: str,
        chain: str | None = None,
        asset: str | None = None,
        account: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> Decision:
        """Same as `Port.route`."""
        return self._desk.route(user, chain, asset, account, attributes)

    async def pause(self, account: str, *, reason: str) -> None:
        """Same as `Port.pause`, awaited."""
        await self._driver.drive(self._desk.pause(account, reason))

    async def resume(self, account: str) -> bool:
        """Same as `Port.resume`, awaited."""
        return await self._driver.drive(self._desk.resume(account))

    async def account_states(self) -> list[AccountState]:
        """Same as `Port.account_states`, awaited."""
        return await asyncio.to_thread(self._desk.account_states)

    async def account_events(self, account: str, *, limit: int = DEFAULT_LIMIT) -> list[AccountEvent]:
        """Same as `Port.account_events`, awaited."""
        return await asyncio.to_thread(self._desk.account_events, account, limit)

    async def pin(self, *, user: str, account: str) -> None:
        """Same as `Port.pin`, awaited."""
        await self._driver.drive(self._desk.pin(user, account))

    async def unpin(self, *, user: str) -> bool:
        """Same as `Port.unpin`, awaited."""
        return await self._driver.drive(self._desk.unpin(user))

    async def pins(self, *, limit: int = DEFAULT_LIMIT) -> list[Pin]:
        """Same as `Port.pins`, awaited."""
        return await asyncio.to_thread(self._desk.pins, limit)

    async def link_customer(self, *, user: str, account: str, customer_id: str) -> None:
        """Same as `Port.link_customer`, awaited."""
        await self.link_customers([CustomerLink(user=user, account=account, customer_id=customer_id)])

    async def link_customers(self, links: Iterable[CustomerLink]) -> None:
        """Same as `Port.link_customers`, awaited."""
        await self._driver.drive(self._desk.link_customers(links))

    async def customer_id(self, *, user: str, account: str) -> str | None:
        """Same as `Port.customer_id`, awaited."""
        return await asyncio.to_thread(self._desk.customer_id, user, account)

    async def wallets(self, *, user: str, account: str | None = None) -> list[Wallet]:
        """Same as `Port.wallets`, awaited."""
        return await asyncio.to_thread(self._desk.wallets, user, account)

    async def current_wallet(
        self, *, user: str, chain: str | None = None, asset: str | None = None
    ) -> CurrentWallet | None:
        """Same as `Port.current_wallet`, awaited."""
        return await asyncio.to_thread(find_current, self._journal, user, chain, asset)

    async def watched_addresses(
        self, *, account: str | None = None, user: str | None = None
    ) -> AsyncIterator[WatchedAddress]:
        """Same as `Port.watched_addresses`, with ``async for``."""
        pages = watched_pages(self._journal, account, user)
        while (some := await asyncio.to_thread(next, pages, None)) is not None:
            for address in some:
                yield address

    async def provisions(
        self,
        *,
        state: str | None = None,
        account: str | None = None,
        user: str | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> list[Provision]:
        """Same as `Port.provisions`, awaited."""
        return await asyncio.to_thread(self._desk.provisions, state, account, user, limit)

    async def story(self, provision_id: str) -> Story:
        """Same as `Port.story`, awaited."""
        return await asyncio.to_thread(self._desk.story, provision_id)

    async def shadows(self, *, order: str | None = None, limit: int = DEFAULT_LIMIT) -> list[Shadow]:
        """Same as `Port.shadows`, awaited."""
        return await asyncio.to_thread(self._desk.shadows, order, limit)

    async def resolve(self, provision_id: str, *, wallet_id: str | None = None, absent: bool = False) -> Provision:
        """Same as `Port.resolve`, awaited."""
        return await self._driver.drive(self._desk.resolve(provision_id, wallet_id, absent=absent))

    async def recover(self, *, wait: float = DEFAULT_WAIT) -> int:
        """Same as `Port.recover`, awaited."""
        return await self._driver.drive(self._desk.recover(wait))

    async def close(self) -> None:
        """Stop keeping claims, write what is to be written, and close the connections."""
        self._desk.stop_recovering()
        if self._recovery is not None:
            await self._recovery
        self._desk.stop()
        if self._keeper is not None:
            await self._keeper
        await asyncio.to_thread(self._journal.close)
        await self._driver.close()

    async def __aenter__(self) -> Self:
        """Start keeping claims, and return the port."""
        self._keeper = asyncio.create_task(self._driver.drive(self._desk.keep()))
        if self._recovers:
            self._recovery = asyncio.create_task(self._driver.drive(self._desk.keep_recovering()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Close it."""
        await self.close()
