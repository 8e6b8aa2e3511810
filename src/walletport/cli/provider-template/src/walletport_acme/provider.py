"""`Acme`: what it can do, and its operations as flows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from walletport.errors import ConfigurationError, WalletportError
from walletport.models import Address, Balance, Chain, Customer, CustomerProfile, Event, Page, Wallet, WalletOrder
from walletport.provider import (
    YES,
    Capabilities,
    Credential,
    Environment,
    Flow,
    Idempotency,
    Need,
    OrderFields,
    OutgoingRequest,
    ProviderSettings,
    Request,
    Response,
    WalletProvider,
)
from walletport.provider.emulation import Emulator
from walletport_acme import auth, errors, wire
from walletport_acme.unwritten import unwritten


class Acme(WalletProvider):
    """Acme."""

    name: ClassVar[str] = wire.NAME
    title: ClassVar[str] = "Acme"
    environments: ClassVar[Mapping[str, Environment]] = auth.ENVIRONMENTS
    settings_type: ClassVar[type[ProviderSettings]] = auth.AcmeSettings
    # Each answer is YES, no("they cannot, because ..."), depends("..."), not_documented("...") or
    # not_implemented("..."). What is denied here is refused with that reason, and has no method below.
    capabilities: ClassVar[Capabilities] = Capabilities(
        create_wallet=YES,
        get_wallet=YES,
        list_wallets=YES,
        find_wallet=YES,
        get_balances=YES,
        get_addresses=YES,
        rotate_wallet=YES,
        create_customer=YES,
        get_customer=YES,
        several_addresses=YES,
        webhooks=YES,
        approval=YES,
        # What must be in an order, may be, or cannot be said to this vendor.
        order=OrderFields(
            chain=Need.REQUIRED, asset=Need.OPTIONAL, reference=Need.OPTIONAL, chains=(Chain("polygon"),)
        ),
        # The shortest time that any page states for a key; where none does, a cautious one, and documented=False.
        idempotency=Idempotency(
            place="header", name="Idempotency-Key", window=timedelta(minutes=5), window_documented=False
        ),
        # How long a request may still be running at the vendor after its caller has left.
        settle_time=timedelta(seconds=60),
    )

    def __init__(self, settings: ProviderSettings) -> None:
        if not isinstance(settings, auth.AcmeSettings):
            msg = "settings must be AcmeSettings"
            raise ConfigurationError(msg)
        self._settings = settings

    def authenticate(self) -> Flow[Credential]:
        """Return the credential."""
        return auth.authenticate(self._settings)

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        """Return this attempt with its credential."""
        return auth.sign(request, credential)

    def classify(self, request: Request, response: Response) -> WalletportError | None:
        """Return what is wrong with an answer."""
        return errors.error_of(request, response)

    def create_wallet(self, order: WalletOrder) -> Flow[Wallet]:
        """Make a wallet."""
        unwritten(
            "provider.py create_wallet",
            'yield Request("POST", ..., idempotency_key=order.idempotency_key, effect=Effect.APPLIES) and return '
            "wire.wallet_of(response.json()); catch AlreadyExists, or let the request accept its status, to adopt "
            "what exists",
        )

    def get_wallet(self, wallet_id: str, customer_id: str | None) -> Flow[Wallet]:
        """Read one wallet."""
        unwritten(
            "provider.py get_wallet",
            'yield Request("GET", (..., wallet_id)) with each id as a segment of its own, and return the wallet; or '
            "deny get_wallet in the capabilities and delete this method",
        )

    def list_wallets(self, customer_id: str | None, cursor: str | None) -> Flow[Page[Wallet]]:
        """Read one page."""
        unwritten(
            "provider.py list_wallets",
            "ask for the page that cursor names (None is the first), and return Page(items=..., next_cursor=...), with "
            "None at the end; or deny list_wallets in the capabilities and delete this method",
        )

    def find_wallet(self, order: WalletOrder) -> Flow[Wallet | None]:
        """Find the wallet of an order whose answer was lost."""
        unwritten(
            "provider.py find_wallet",
            "look the order up by whatever tells it from every other, and return the wallet, or None as proof that "
            "there is none; raise OutcomeUnknown where nobody can tell; or deny find_wallet in the capabilities and "
            "delete this method",
        )

    def get_balances(self, wallet: Wallet) -> Flow[tuple[Balance, ...]]:
        """Read what a wallet holds."""
        unwritten(
            "provider.py get_balances",
            "return a Balance for each asset, with amounts read by wire.Amount or wire.from_base_units, never by "
            "float; or deny get_balances in the capabilities and delete this method",
        )

    def get_addresses(self, wallet: Wallet) -> Flow[tuple[Address, ...]]:
        """Read a wallet's deposit addresses."""
        unwritten(
            "provider.py get_addresses",
            "return an Address for each, with its chain and its memo; or deny get_addresses in the capabilities, where "
            "the wallet itself tells them, and delete this method",
        )

    def rotate_wallet(self, wallet: Wallet, idempotency_key: str) -> Flow[Wallet]:
        """Replace a wallet by one with another address."""
        unwritten(
            "provider.py rotate_wallet",
            "yield the request with Effect.APPLIES and the key, and return the new wallet; or deny rotate_wallet in "
            "the capabilities and delete this method",
        )

    def create_customer(self, profile: CustomerProfile, idempotency_key: str) -> Flow[Customer]:
        """Make a customer."""
        unwritten(
            "provider.py create_customer",
            "yield the request with Effect.APPLIES and the key, and return the Customer; or deny create_customer in "
            "the capabilities, where people are admitted elsewhere, and delete this method",
        )

    def get_customer(self, customer_id: str) -> Flow[Customer]:
        """Read a customer."""
        unwritten(
            "provider.py get_customer",
            "return the Customer, with whether it is eligible for a wallet and what is missing; or deny get_customer "
            "in the capabilities and delete this method",
        )

    @classmethod
    def parse_webhook(
        cls, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime, *, unverified: bool
    ) -> Event:
        """Prove who sent a webhook, then read it."""
        unwritten(
            "provider.py parse_webhook",
            "unless unverified, call the function of walletport.provider.signatures that fits; then return the Event; "
            "or deny webhooks in the capabilities and delete this method",
        )

    @classmethod
    def emulator(cls) -> type[Emulator]:
        """Return Acme's emulator."""
        from walletport_acme.emulator import AcmeEmulator  # noqa: PLC0415 - only the sandbox needs it

        return AcmeEmulator
