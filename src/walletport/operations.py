"""The neutral operations as programs: checks before anything is sent, the provider's flow, checks on the result.

Written once; `Client` and `AsyncClient` only drive them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from walletport.addresses import check_address
from walletport.capabilities import Capabilities
from walletport.errors import (
    ConfigurationError,
    Conflict,
    MalformedResponse,
    RequestTimedOut,
    UnsupportedOperation,
    WalletportError,
)
from walletport.models import (
    Address,
    Balance,
    Chain,
    Customer,
    CustomerProfile,
    Page,
    Wallet,
    WalletOrder,
    WalletStatus,
)
from walletport.provider import Flow, WalletProvider
from walletport.transport.effects import Program, Sleep
from walletport.transport.encoding import check_idempotency_key, new_idempotency_key
from walletport.transport.engine import Engine

T = TypeVar("T")
_FIRST_POLL: Final = 0.5
_LONGEST_POLL: Final = 10.0
_POLL_GROWTH: Final = 1.5


class Operations:
    """What a client can do at one provider account.

    Args:
        engine: carries out the provider's flows.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._provider: WalletProvider = engine.provider
        self._capabilities: Capabilities = engine.provider.capabilities

    def create_wallet(
        self,
        customer_id: str,
        chain: str | None,
        asset: str | None,
        reference: str | None,
        idempotency_key: str | None,
    ) -> Program[Wallet]:
        """Make a wallet; see `Client.create_wallet`."""
        order = self.order(customer_id, chain, asset, reference, idempotency_key)
        return self._run("create_wallet", lambda: _checked(self._provider.create_wallet(order), order))

    def find_wallet(
        self, customer_id: str, chain: str | None, asset: str | None, reference: str | None
    ) -> Program[Wallet | None]:
        """Find the wallet of an order; see `Client.find_wallet`."""
        order = self.order(customer_id, chain, asset, reference, None)
        return self._run("find_wallet", lambda: _checked_if_found(self._provider.find_wallet(order), order))

    def get_wallet(self, wallet_id: str, customer_id: str | None) -> Program[Wallet]:
        """Read one wallet; see `Client.get_wallet`."""
        return self._run(
            "get_wallet", lambda: _same_wallet(self._provider.get_wallet(wallet_id, customer_id), wallet_id)
        )

    def list_wallets(self, customer_id: str | None, cursor: str | None) -> Program[Page[Wallet]]:
        """Read one page; see `Client.list_wallets`."""
        return self._run(
            "list_wallets", lambda: _checked_page(self._provider.list_wallets(customer_id, cursor), customer_id)
        )

    def get_balances(self, wallet: Wallet) -> Program[tuple[Balance, ...]]:
        """Read balances; see `Client.get_balances`."""
        self._own(wallet)
        return self._run("get_balances", lambda: self._provider.get_balances(wallet))

    def get_addresses(self, wallet: Wallet) -> Program[tuple[Address, ...]]:
        """Read deposit addresses; see `Client.get_addresses`."""
        self._own(wallet)
        return self._run(
            "get_addresses", lambda: _checked_addresses(self._provider.get_addresses(wallet), wallet.chain)
        )

    def rotate_wallet(self, wallet: Wallet, idempotency_key: str | None) -> Program[Wallet]:
        """Replace a wallet; see `Client.rotate_wallet`."""
        self._own(wallet)
        key = self._key(idempotency_key)
        return self._run("rotate_wallet", lambda: _with_checked_addresses(self._provider.rotate_wallet(wallet, key)))

    def create_customer(self, profile: CustomerProfile, idempotency_key: str | None) -> Program[Customer]:
        """Make a customer; see `Client.create_customer`."""
        key = self._key(idempotency_key)
        return self._run("create_customer", lambda: self._provider.create_customer(profile, key))

    def get_customer(self, customer_id: str) -> Program[Customer]:
        """Read a customer; see `Client.get_customer`."""
        return self._run("get_customer", lambda: _same_customer(self._provider.get_customer(customer_id), customer_id))

    def wait_until_ready(self, wallet: Wallet, timeout: float) -> Program[Wallet]:
        """Wait for address and activity; see `Client.wait_until_ready`."""
        self._own(wallet)
        clock = self._engine.clock
        ends, pause = clock.monotonic() + timeout, _FIRST_POLL
        while not _is_ready(wallet):
            _refuse_dead(wallet)
            left = ends - clock.monotonic()
            if left <= 0:
                lacking = f"is still {wallet.status}" if wallet.addresses else "has no address yet"
                msg = f"the wallet {lacking} after {timeout:g} s: ask again later"
                raise RequestTimedOut(msg, provider=wallet.provider, operation="wait_until_ready", outcome="applied")
            yield Sleep(min(pause, left))
            pause = min(pause * _POLL_GROWTH, _LONGEST_POLL)
            wallet = yield from self._look_again(wallet)
        return wallet

    def order(
        self,
        customer_id: str,
        chain: str | None,
        asset: str | None,
        reference: str | None,
        idempotency_key: str | None,
    ) -> WalletOrder:
        """Return the order, if this provider can express it.

        Raises:
            UnsupportedOperation: it lacks a field the provider needs, or carries one it cannot express.
            ConfigurationError: an argument is empty, no text, or of the wrong shape.
        """
        order = WalletOrder(
            customer_id=_text("customer_id", customer_id),
            chain=None if chain is None else Chain(_text("chain", chain)),
            asset=None if asset is None else _text("asset", asset).strip().lower(),
            reference=None if reference is None else _text("reference", reference),
            idempotency_key=self._key(idempotency_key),
        )
        problem = self._capabilities.why_not(order)
        if problem:
            raise UnsupportedOperation(problem, provider=self._provider.name, operation="create_wallet")
        return order

    def _run(self, operation: str, start: Callable[[], Flow[T]]) -> Program[T]:
        ability = self._capabilities.ability(operation)
        if not ability.usable:
            reason = ability.reason or "this provider does not offer it"
            raise UnsupportedOperation(reason, provider=self._provider.name, operation=operation)
        return self._engine.run(operation, start)

    def _key(self, given: str | None) -> str:
        policy = self._capabilities.idempotency
        if given is None:
            return new_idempotency_key(policy)
        check_idempotency_key(_text("idempotency_key", given), policy)
        return given

    def _own(self, wallet: Wallet) -> None:
        if wallet.provider != self._provider.name:
            msg = f"this wallet is {wallet.provider}'s: use a client for {wallet.provider!r}"
            raise ConfigurationError(msg, provider=self._provider.name)

    def _look_again(self, wallet: Wallet) -> Program[Wallet]:
        """Read a wallet afresh; trouble that may pass leaves it as it was."""
        try:
            if self._capabilities.get_wallet.usable:
                wallet = yield from self.get_wallet(wallet.id, wallet.customer_id)
            if not wallet.addresses and self._capabilities.several_addresses.usable:
                addresses = yield from self.get_addresses(wallet)
                wallet = wallet.model_copy(update={"addresses": addresses})
        except WalletportError as error:
            if not error.retryable:
                raise
        return wallet


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        msg = f"{name} must be a text that is not empty"
        raise ConfigurationError(msg)
    return value


def _is_ready(wallet: Wallet) -> bool:
    return wallet.status is WalletStatus.ACTIVE and bool(wallet.addresses)


def _refuse_dead(wallet: Wallet) -> None:
    if wallet.status is WalletStatus.CLOSED or wallet.replaced_by:
        fate = f"was replaced by {wallet.replaced_by}" if wallet.replaced_by else "is closed"
        msg = f"the wallet {fate} and will not become ready"
        raise Conflict(msg, provider=wallet.provider, operation="wait_until_ready", outcome="applied")


def _checked(flow: Flow[Wallet], order: WalletOrder) -> Flow[Wallet]:
    """Hold a wallet against the order it answers: a deposit must never go to another chain or customer."""
    wallet = yield from _with_checked_addresses(flow)
    for what, got, wanted in (
        ("customer", wallet.customer_id, order.customer_id),
        ("chain", wallet.chain, order.chain),
        ("asset", wallet.asset, order.asset),
    ):
        if got is not None and wanted is not None and got != wanted:
            msg = f"the answer's wallet is for another {what} than was asked for"
            raise MalformedResponse(msg, retryable=False)
    return wallet


def _checked_if_found(flow: Flow[Wallet | None], order: WalletOrder) -> Flow[Wallet | None]:
    wallet = yield from flow
    if wallet is None:
        return None
    return (yield from _checked(_done(wallet), order))


def _checked_page(flow: Flow[Page[Wallet]], customer_id: str | None) -> Flow[Page[Wallet]]:
    page = yield from flow
    if any(customer_id is not None and wallet.customer_id not in (None, customer_id) for wallet in page.items):
        msg = "the answer lists a wallet of another customer than was asked for"
        raise MalformedResponse(msg, retryable=False)
    return page.model_copy(update={"items": tuple(_check_addresses(wallet) for wallet in page.items)})


def _checked_addresses(flow: Flow[tuple[Address, ...]], chain: Chain | None) -> Flow[tuple[Address, ...]]:
    addresses = yield from flow
    return tuple(check_address(address, chain) for address in addresses)


def _with_checked_addresses(flow: Flow[Wallet]) -> Flow[Wallet]:
    wallet = yield from flow
    return _check_addresses(wallet)


def _check_addresses(wallet: Wallet) -> Wallet:
    if not wallet.addresses:
        return wallet
    checked = tuple(check_address(address, wallet.chain) for address in wallet.addresses)
    return wallet.model_copy(update={"addresses": checked})


def _same_wallet(flow: Flow[Wallet], wallet_id: str) -> Flow[Wallet]:
    wallet = yield from _with_checked_addresses(flow)
    if wallet.id != wallet_id:
        msg = "the answer is another wallet than was asked for"
        raise MalformedResponse(msg, retryable=False)
    return wallet


def _same_customer(flow: Flow[Customer], customer_id: str) -> Flow[Customer]:
    customer = yield from flow
    if customer.id != customer_id:
        msg = "the answer is another customer than was asked for"
        raise MalformedResponse(msg, retryable=False)
    return customer


def _done(wallet: Wallet) -> Flow[Wallet]:
    """Make a flow that has nothing left to ask."""
    return wallet
    yield  # makes this a generator


class Pages:
    """Walks a list page by page, and stops a provider that sends it in circles."""

    def __init__(self) -> None:
        self.cursor: str | None = None
        self._seen: set[str] = set()

    def advance(self, page: Page[Wallet]) -> bool:
        """Take the page's cursor; return whether there is another page.

        Raises:
            MalformedResponse: the cursor was given before.
        """
        self.cursor = page.next_cursor
        if self.cursor is None:
            return False
        if self.cursor in self._seen:
            msg = "the provider's list goes in circles: it gave the same cursor twice"
            raise MalformedResponse(msg, outcome="not_applied", retryable=False, operation="list_wallets")
        self._seen.add(self.cursor)
        return True
