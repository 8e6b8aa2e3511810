"""The neutral operations as programs: checks before anything is sent, the provider's flow, checks on the result.

Written once; `Client` and `AsyncClient` only drive them.
"""

from __future__ import annotations

import re
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
_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")


class Operations:
    """What a client can do at one provider account.

    Args:
        engine: carries out the provider's flows.

    Attributes:
        capabilities: what the provider declares.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._provider: WalletProvider = engine.provider
        self.capabilities: Capabilities = engine.provider.capabilities
        self._closed = False

    def close(self) -> None:
        """Refuse every operation from now on."""
        self._closed = True

    def create_wallet(
        self,
        customer_id: str,
        chain: str | None,
        asset: str | None,
        reference: str | None,
        idempotency_key: str | None,
    ) -> Program[Wallet]:
        """Make a wallet; see `Client.create_wallet`."""

        def start() -> Flow[Wallet]:
            order = self.order(customer_id, chain, asset, reference, idempotency_key)
            return _checked(self._provider.create_wallet(order), order)

        return self._run("create_wallet", start)

    def find_wallet(
        self,
        customer_id: str,
        chain: str | None,
        asset: str | None,
        reference: str | None,
        approval_id: str | None = None,
    ) -> Program[Wallet | None]:
        """Find the wallet of an order; see `Client.find_wallet`."""

        def start() -> Flow[Wallet | None]:
            order = self.order(customer_id, chain, asset, reference, None)
            order = order.model_copy(update={"approval_id": _text_or_none("approval_id", approval_id)})
            return _checked_if_found(self._provider.find_wallet(order), order)

        return self._run("find_wallet", start)

    def get_wallet(self, wallet_id: str, customer_id: str | None) -> Program[Wallet]:
        """Read one wallet; see `Client.get_wallet`."""

        def start() -> Flow[Wallet]:
            _text("wallet_id", wallet_id)
            _text_or_none("customer_id", customer_id)
            return _same_wallet(self._provider.get_wallet(wallet_id, customer_id), wallet_id, customer_id)

        return self._run("get_wallet", start)

    def list_wallets(self, customer_id: str | None, cursor: str | None) -> Program[Page[Wallet]]:
        """Read one page; see `Client.list_wallets`."""

        def start() -> Flow[Page[Wallet]]:
            _text_or_none("customer_id", customer_id)
            return _checked_page(self._provider.list_wallets(customer_id, cursor), customer_id)

        return self._run("list_wallets", start)

    def get_balances(self, wallet: Wallet) -> Program[tuple[Balance, ...]]:
        """Read balances; see `Client.get_balances`."""

        def start() -> Flow[tuple[Balance, ...]]:
            self._own(wallet)
            return self._provider.get_balances(wallet)

        return self._run("get_balances", start)

    def get_addresses(self, wallet: Wallet) -> Program[tuple[Address, ...]]:
        """Read deposit addresses; see `Client.get_addresses`."""

        def start() -> Flow[tuple[Address, ...]]:
            self._own(wallet)
            return _checked_addresses(self._provider.get_addresses(wallet), wallet.chain)

        return self._run("get_addresses", start)

    def rotate_wallet(self, wallet: Wallet, idempotency_key: str | None) -> Program[Wallet]:
        """Replace a wallet; see `Client.rotate_wallet`."""

        def start() -> Flow[Wallet]:
            self._own(wallet)
            return _checked(self._provider.rotate_wallet(wallet, self._key(idempotency_key)), wallet)

        return self._run("rotate_wallet", start)

    def create_customer(self, profile: CustomerProfile, idempotency_key: str | None) -> Program[Customer]:
        """Make a customer; see `Client.create_customer`."""

        def start() -> Flow[Customer]:
            _instance("profile", profile, CustomerProfile)
            return self._provider.create_customer(profile, self._key(idempotency_key))

        return self._run("create_customer", start)

    def get_customer(self, customer_id: str) -> Program[Customer]:
        """Read a customer; see `Client.get_customer`."""

        def start() -> Flow[Customer]:
            _text("customer_id", customer_id)
            return _same_customer(self._provider.get_customer(customer_id), customer_id)

        return self._run("get_customer", start)

    def wait_until_ready(
        self,
        wallet: Wallet,
        timeout: float,
        chain: Chain | None = None,
        noticed: Callable[[Wallet], Program[None]] | None = None,
    ) -> Program[Wallet]:
        """Wait for address and activity; see `Client.wait_until_ready`.

        Args:
            wallet: as it was last seen.
            timeout: in seconds.
            chain: the chain that the address must be on; any by default.
            noticed: is told of the wallet each time it was read and had changed.
        """
        try:
            return (yield from self._wait(wallet, timeout, chain, noticed))
        except WalletportError as error:
            error.provider = error.provider or self._provider.name
            error.operation = error.operation or "wait_until_ready"
            raise

    def _wait(
        self, wallet: Wallet, timeout: float, chain: Chain | None, noticed: Callable[[Wallet], Program[None]] | None
    ) -> Program[Wallet]:
        self._refuse_closed()
        self._own(wallet)
        clock = self._engine.clock
        ends, pause = clock.monotonic() + check_number("timeout", timeout, 0), _FIRST_POLL
        while True:
            _refuse_dead(wallet)
            if wallet.status is WalletStatus.ACTIVE and self._is_addressed(wallet, chain):
                return wallet
            self._refuse_blind(wallet, chain)
            left = ends - clock.monotonic()
            if left <= 0:
                lacking = f"is still {wallet.status}" if self._is_addressed(wallet, chain) else "has no address yet"
                msg = f"the wallet {lacking} after {timeout:g} s: ask again later"
                raise RequestTimedOut(msg, outcome="applied")
            yield Sleep(min(pause, left))
            pause = min(pause * _POLL_GROWTH, _LONGEST_POLL)
            before, wallet = wallet, (yield from self._look_again(wallet, chain))
            if noticed is not None and wallet != before:
                yield from noticed(wallet)

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
            asset=_text_or_none("asset", asset),
            reference=_text_or_none("reference", reference),
            idempotency_key=self._key(idempotency_key),
        )
        problem = self.capabilities.why_not(order)
        if problem:
            raise UnsupportedOperation(problem)
        return order

    def _run(self, operation: str, start: Callable[[], Flow[T]]) -> Program[T]:
        """Carry out an operation; what speaks against it is raised as the engine starts the flow, and named there."""

        def begin() -> Flow[T]:
            self._refuse_closed()
            ability = self.capabilities.ability(operation)
            if not ability.usable:
                raise UnsupportedOperation(ability.reason or _NOT_OFFERED)
            return start()

        return self._engine.run(operation, begin)

    def _refuse_closed(self) -> None:
        if self._closed:
            msg = "this client is closed: make a new one"
            raise ConfigurationError(msg)

    def _refuse_blind(self, wallet: Wallet, chain: Chain | None) -> None:
        """Refuse to wait for what nobody can see happen."""
        able = self.capabilities
        if not able.get_wallet.usable and (_has_address(wallet, chain) or not able.get_addresses.usable):
            raise UnsupportedOperation(able.get_wallet.reason or _NOT_OFFERED)

    def _is_addressed(self, wallet: Wallet, chain: Chain | None) -> bool:
        return _has_address(wallet, chain) or not self.capabilities.deposit_addresses.usable

    def _key(self, given: str | None) -> str:
        policy = self.capabilities.idempotency
        if given is None:
            return new_idempotency_key(policy)
        check_idempotency_key(_text("idempotency_key", given), policy)
        return given

    def _own(self, wallet: Wallet) -> None:
        _instance("wallet", wallet, Wallet)
        if wallet.provider != self._provider.name:
            msg = f"this wallet is {wallet.provider}'s: use a client for {wallet.provider!r}"
            raise ConfigurationError(msg)

    def _look_again(self, wallet: Wallet, chain: Chain | None) -> Program[Wallet]:
        """Read a wallet afresh; trouble that may pass leaves it as it was."""
        try:
            if self.capabilities.get_wallet.usable:
                wallet = yield from self.get_wallet(wallet.id, wallet.customer_id)
            if not _has_address(wallet, chain) and self.capabilities.get_addresses.usable:
                addresses = yield from self.get_addresses(wallet)
                wallet = wallet.model_copy(update={"addresses": addresses})
        except WalletportError as error:
            if not error.retryable:
                raise
        return wallet


_NOT_OFFERED: Final = "this provider does not offer it"


def check_number(name: str, value: object, least: float) -> float:
    """Return the argument, if it is a finite number of at least this.

    Raises:
        ConfigurationError: it is not.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value < float("inf"):
        return value
    msg = f"{name} must be a number of at least {least:g}"
    raise ConfigurationError(msg)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        msg = f"{name} must be a text that is not empty"
        raise ConfigurationError(msg)
    if _HALF_CHARACTER.search(value):
        msg = f"{name} holds characters that are no text (lone surrogates)"
        raise ConfigurationError(msg)
    return value


def _text_or_none(name: str, value: object) -> str | None:
    return None if value is None else _text(name, value)


def _instance(name: str, value: object, kind: type[object]) -> None:
    if not isinstance(value, kind):
        msg = f"{name} must be a {kind.__name__}, not {type(value).__name__}"
        raise ConfigurationError(msg)


def is_ready(wallet: Wallet, chain: Chain | None) -> bool:
    """Return whether a wallet can take deposits on a chain, or on any for ``None``: it is active and has an address."""
    return wallet.status is WalletStatus.ACTIVE and _has_address(wallet, chain)


def _has_address(wallet: Wallet, chain: Chain | None) -> bool:
    # An address that names no chain, of a wallet that names none, is on the chain that was ordered.
    return any(chain is None or (address.chain or wallet.chain or chain) == chain for address in wallet.addresses)


def _refuse_dead(wallet: Wallet) -> None:
    if wallet.status is WalletStatus.CLOSED or wallet.replaced_by:
        fate = f"was replaced by {wallet.replaced_by}" if wallet.replaced_by else "is closed"
        msg = f"the wallet {fate} and will not become ready"
        raise Conflict(msg, outcome="applied")


def _checked(flow: Flow[Wallet], wanted: WalletOrder | Wallet) -> Flow[Wallet]:
    return _held_against((yield from flow), wanted)


def _checked_if_found(flow: Flow[Wallet | None], wanted: WalletOrder) -> Flow[Wallet | None]:
    wallet = yield from flow
    return None if wallet is None else _held_against(wallet, wanted)


def _held_against(wallet: Wallet, wanted: WalletOrder | Wallet) -> Wallet:
    """Return the wallet, if it is for what was wanted: a deposit must never go to another chain or customer."""
    for what, got, asked in (
        ("customer", wallet.customer_id, wanted.customer_id),
        ("chain", wallet.chain, wanted.chain),
        ("asset", wallet.asset, wanted.asset),
    ):
        if got is not None and asked is not None and got != asked:
            msg = f"the answer's wallet is for another {what} than was asked for"
            raise MalformedResponse(msg, retryable=False)
    return _with_checked_addresses(wallet)


def _checked_page(flow: Flow[Page[Wallet]], customer_id: str | None) -> Flow[Page[Wallet]]:
    page = yield from flow
    if any(customer_id is not None and wallet.customer_id not in (None, customer_id) for wallet in page.items):
        msg = "the answer lists a wallet of another customer than was asked for"
        raise MalformedResponse(msg, retryable=False)
    return page.model_copy(update={"items": tuple(_with_checked_addresses(wallet) for wallet in page.items)})


def _checked_addresses(flow: Flow[tuple[Address, ...]], chain: Chain | None) -> Flow[tuple[Address, ...]]:
    addresses = yield from flow
    return tuple(check_address(address, chain) for address in addresses)


def _with_checked_addresses(wallet: Wallet) -> Wallet:
    if not wallet.addresses:
        return wallet
    checked = tuple(check_address(address, wallet.chain) for address in wallet.addresses)
    return wallet.model_copy(update={"addresses": checked})


def _same_wallet(flow: Flow[Wallet], wallet_id: str, customer_id: str | None) -> Flow[Wallet]:
    wallet = yield from flow
    if wallet.id != wallet_id or (customer_id is not None and wallet.customer_id not in (None, customer_id)):
        msg = "the answer is another wallet than was asked for"
        raise MalformedResponse(msg, retryable=False)
    return _with_checked_addresses(wallet)


def _same_customer(flow: Flow[Customer], customer_id: str) -> Flow[Customer]:
    customer = yield from flow
    if customer.id != customer_id:
        msg = "the answer is another customer than was asked for"
        raise MalformedResponse(msg, retryable=False)
    return customer


class Pages:
    """Walks a list page by page, and stops a provider that sends it in circles.

    Args:
        provider: its name.
    """

    def __init__(self, provider: str) -> None:
        self.cursor: str | None = None
        self._provider = provider
        self._seen: set[str] = set()

    def advance(self, page: Page[Wallet]) -> bool:
        """Take the page's cursor; return whether there is another page.

        Raises:
            MalformedResponse: the cursor was given before.
        """
        self.cursor = page.next_cursor or None
        if self.cursor is None:
            return False
        if self.cursor in self._seen:
            msg = "the provider's list goes in circles: it gave the same cursor twice"
            raise MalformedResponse(
                msg, outcome="not_applied", retryable=False, provider=self._provider, operation="list_wallets"
            )
        self._seen.add(self.cursor)
        return True
