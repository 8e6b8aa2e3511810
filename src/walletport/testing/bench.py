"""What a scenario works with: a client, the vendor it talks to, and words for what is expected."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn, TypeVar

from walletport.errors import UnsupportedOperation, WalletportError
from walletport.models import Wallet
from walletport.provider import Need, WalletProvider
from walletport.provider.emulation import EmulatedWallet
from walletport.settings import read_settings
from walletport.testing.accounts import Account
from walletport.testing.vendor import Exchange, KitClock, Vendor
from walletport.transport.encoding import new_idempotency_key

if TYPE_CHECKING:
    from walletport.testing.scenario import Mode
    from walletport.testing.subject import Subject

T = TypeVar("T")


@dataclass(frozen=True)
class Order:
    """What a scenario orders: the arguments of ``create_wallet``."""

    customer_id: str
    chain: str | None = None
    asset: str | None = None
    reference: str | None = None
    idempotency_key: str | None = None

    def but(self, field: str, value: str | None) -> Order:
        """Return the order with one field changed."""
        return Order(**{**asdict(self), field: value})

    def arguments(self) -> dict[str, str | None]:
        """Return everything as keyword arguments."""
        return asdict(self)

    def description(self) -> dict[str, str | None]:
        """Return what a look-up is given: everything but the key."""
        return {name: value for name, value in asdict(self).items() if name != "idempotency_key"}


class Bench:
    """One scenario's world, made afresh for it.

    Args:
        subject: what is put to the test.
        mode: which of the two clients is used.

    Attributes:
        vendor: the emulator, behind a transport that can fail.
        account: a client of it with the credentials it accepts.
    """

    def __init__(self, subject: Subject, mode: Mode) -> None:
        self.subject, self.mode = subject, mode
        self.provider = subject.provider
        self.able = subject.provider.capabilities
        self.clock = KitClock()
        self.emulator = subject.emulator_type()(self.clock.now)
        self.vendor = Vendor(self.emulator, self.clock)
        self._open: list[Account] = []
        self._references = 0
        self.account = self.open()

    def open(self, settings: Mapping[str, str] | None = None, *, max_attempts: int = 4) -> Account:
        """Return a further client of the same vendor, some of whose settings may be others."""
        given = {**self.emulator.settings, **(settings or {})}
        made = Account(self.mode, self.provider, self.vendor, self.clock, attempts=max_attempts, settings=given)
        self._open.append(made)
        return made

    async def close(self) -> None:
        """Close every client."""
        for account in self._open:
            await account.close()

    @cached_property
    def adapter(self) -> WalletProvider:
        """The adapter by itself, with no client around it."""
        return self.provider(read_settings(self.provider, self.emulator.settings))

    @cached_property
    def login(self) -> tuple[str, ...] | None:
        """The path of the call that obtains a token; ``None`` where the credential takes no call."""
        with closing(self.adapter.authenticate()) as flow:
            try:
                return next(flow).path
            except StopIteration:
                return None

    @property
    def requests(self) -> int:
        """How many requests reached the vendor so far."""
        return len(self.vendor.exchanges)

    def key(self) -> str:
        """Return a new idempotency key of the declared form."""
        return new_idempotency_key(self.able.idempotency)

    def order(self, customer_id: str | None = None) -> Order:
        """Return an order that carries all that this provider takes, under a key and a reference of its own.

        Args:
            customer_id: whose; the emulator's default customer where absent.
        """
        fields = self.able.order
        self._references += 1
        chain, asset = next(iter(fields.pairs), (next(iter(fields.chains), None), next(iter(fields.assets), None)))
        return Order(
            customer_id=customer_id or self.emulator.default_customer,
            chain=_where(fields.chain, chain, "polygon"),
            asset=_where(fields.asset, asset, "usdc"),
            reference=None if fields.reference is Need.REFUSED else f"kit-{self._references}",
            idempotency_key=self.key(),
        )

    async def create(self, order: Order, account: Account | None = None) -> Wallet:
        """Make a wallet."""
        return await (account or self.account).create_wallet(**order.arguments())

    async def made(self, customer_id: str | None = None) -> tuple[EmulatedWallet, Wallet]:
        """Return a wallet that is there for certain: as the vendor has it, and as the adapter reads it."""
        if self.able.create_wallet.usable:
            wallet = await self.create(self.order(customer_id))
            return self.booked(wallet.id), wallet
        owner = customer_id or self.emulator.default_customer
        booked = self.booked(self.emulator.add_wallet(owner))
        return booked, await self.read(booked)

    async def read(self, booked: EmulatedWallet) -> Wallet:
        """Return a wallet of the vendor's as the adapter reads it, by whatever it can."""
        if self.able.get_wallet.usable:
            return await self.account.get_wallet(booked.wallet_id, customer_id=booked.customer_id)
        if self.able.list_wallets.usable:
            listed = await self.account.list_wallets(customer_id=booked.customer_id)
            return next(wallet for wallet in listed if wallet.id == booked.wallet_id)
        return Wallet(provider=self.provider.name, id=booked.wallet_id, customer_id=booked.customer_id)

    async def ready(self, wallet: Wallet) -> Wallet:
        """Wait until a wallet is active and has its addresses, where the adapter can see that."""
        if self.able.get_wallet.usable or (not wallet.addresses and self.able.get_addresses.usable):
            return await self.account.wait_until_ready(wallet)
        return wallet

    def booked(self, wallet_id: str) -> EmulatedWallet:
        """Return a wallet as the vendor has it."""
        found = next((made for made in self.emulator.wallets() if made.wallet_id == wallet_id), None)
        if found is None:
            fail(f"the adapter speaks of a wallet {wallet_id!r} that the vendor never made")
        return found

    def owned(self, customer_id: str) -> list[EmulatedWallet]:
        """Return the wallets of a customer as the vendor has them."""
        return [made for made in self.emulator.wallets() if made.customer_id == customer_id]

    def stranger(self) -> tuple[str, str]:
        """Return the ids of a customer and a wallet that have the vendor's form and are not known to it."""
        elsewhere = self.subject.emulator_type()(self.clock.now, 4711)
        customer = elsewhere.add_customer()
        return customer, elsewhere.add_wallet(customer)

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[Bench]:
        """Provide another world like this one was at its beginning."""
        bench = Bench(self.subject, self.mode)
        try:
            yield bench
        finally:
            await bench.close()

    async def rehearse(self, order: Order) -> list[Exchange]:
        """Return all that is said for an order on a fresh vendor, from the first token on."""
        async with self.fresh() as rehearsal:
            await rehearsal.create(order)
            return rehearsal.vendor.exchanges

    async def creating_step(self, order: Order) -> int:
        """Return which request of an order makes the wallet, counted from 0, as a rehearsal shows."""
        steps = [number for number, seen in enumerate(await self.rehearse(order)) if seen.made]
        if not steps:
            fail("a create succeeded and the vendor made no wallet")
        return steps[0]


def _where(need: Need, known: str | None, otherwise: str) -> str | None:
    if need is Need.REFUSED:
        return None
    return known or (otherwise if need is Need.REQUIRED else None)


def fail(message: str) -> NoReturn:
    """Say what is wrong with the adapter."""
    raise AssertionError(message)


def expect(condition: object, message: str) -> None:
    """Say what is wrong with the adapter unless the condition holds."""
    if not condition:
        fail(message)


async def refusal(called: Awaitable[object], what: str) -> WalletportError:
    """Return the error that a call ends in; a call that succeeds, or is said to be unsupported, fails the scenario."""
    try:
        value = await called
    except UnsupportedOperation as error:
        fail(f"{what}: this is declared, and raised {error!r}")
    except WalletportError as error:
        return error
    fail(f"{what} must be an error, and was {value!r}")


async def outcome_of(called: Awaitable[T]) -> T | WalletportError:
    """Return what a call ends in, whichever it is."""
    try:
        return await called
    except WalletportError as error:
        return error
