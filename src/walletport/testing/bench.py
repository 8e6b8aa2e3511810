"""What a scenario works with: a client, the vendor it talks to, and words for what is expected."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn, TypeVar

from walletport.errors import WalletportError
from walletport.models import Wallet
from walletport.provider import Need, WalletProvider
from walletport.provider.emulation import EmulatedWallet
from walletport.settings import read_settings
from walletport.testing.accounts import Account
from walletport.testing.vendor import KitClock, Vendor
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
        self.account = self.open()
        self._references = 0

    def open(self, settings: Mapping[str, str] | None = None, *, max_attempts: int = 4) -> Account:
        """Return a further client of the same vendor, some of whose settings may be others."""
        given = {**self.emulator.settings, **(settings or {})}
        return Account(self.mode, self.provider, self.vendor, self.clock, attempts=max_attempts, settings=given)

    async def close(self) -> None:
        """Close every client."""
        await self.account.close()

    @cached_property
    def adapter(self) -> WalletProvider:
        """The adapter by itself, with no client around it."""
        return self.provider(read_settings(self.provider, self.emulator.settings))

    @property
    def requests(self) -> int:
        """How many requests reached the vendor so far."""
        return len(self.vendor.exchanges)

    def key(self) -> str:
        """Return a new idempotency key of the declared form."""
        return new_idempotency_key(self.able.idempotency)

    def order(self, customer_id: str | None = None, *, reference: bool = True) -> Order:
        """Return an order that carries all that this provider takes, under a key of its own.

        Args:
            customer_id: whose; the emulator's default customer where absent.
            reference: whether it carries a reference, where the provider may do without.
        """
        fields = self.able.order
        self._references += 1
        named = fields.reference is Need.REQUIRED or (reference and fields.reference is Need.OPTIONAL)
        return Order(
            customer_id=customer_id or self.emulator.default_customer,
            chain=_first(fields.chain, fields.chains, "polygon"),
            asset=_first(fields.asset, fields.assets, "usdc"),
            reference=f"kit-{self._references}" if named else None,
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

    async def creating_step(self, order: Order) -> int:
        """Return which request of an order makes the wallet, counted from 0, as a rehearsal on a fresh vendor shows."""
        rehearsal = Bench(self.subject, self.mode)
        try:
            await rehearsal.create(order)
            steps = [number for number, seen in enumerate(rehearsal.vendor.exchanges) if seen.made]
        finally:
            await rehearsal.close()
        if not steps:
            fail("a create succeeded and the vendor made no wallet")
        return steps[0]


def _first(need: Need, known: tuple[str, ...], otherwise: str) -> str | None:
    if need is Need.REFUSED:
        return None
    return known[0] if known else otherwise if need is Need.REQUIRED else None


def fail(message: str) -> NoReturn:
    """Say what is wrong with the adapter."""
    raise AssertionError(message)


def expect(condition: object, message: str) -> None:
    """Say what is wrong with the adapter unless the condition holds."""
    if not condition:
        fail(message)


async def refusal(called: Awaitable[object], what: str) -> WalletportError:
    """Return the error that a call ends in; a call that succeeds fails the scenario."""
    try:
        value = await called
    except WalletportError as error:
        return error
    fail(f"{what} must be an error, and was {value!r}")


async def outcome_of(called: Awaitable[T]) -> T | WalletportError:
    """Return what a call ends in, whichever it is."""
    try:
        return await called
    except WalletportError as error:
        return error
