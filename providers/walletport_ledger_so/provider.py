"""`LedgerSo`: what it can do, and its operations as flows in the protocol's order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from walletport.errors import MalformedResponse, ProviderError, WalletportError
from walletport.models import Address, Balance, Customer, CustomerProfile, Event, Page, Wallet, WalletOrder
from walletport.provider import (
    YES,
    Capabilities,
    Credential,
    Effect,
    Environment,
    Flow,
    Idempotency,
    Json,
    Need,
    OrderFields,
    OutgoingRequest,
    ProviderSettings,
    RateLimit,
    Request,
    Response,
    WalletProvider,
    depends,
    no,
)
from walletport_ledger_so import auth, errors, webhooks, wire
from walletport_ledger_so.addresses import DEPOSIT_CHAINS, Found, read_addresses

if TYPE_CHECKING:
    from walletport.provider.emulation import Emulator

_WALLETS: Final = ("v1", "crypto-wallets")
_CUSTOMERS: Final = ("v1", "customers")

_CAPABILITIES: Final = Capabilities(
    create_wallet=YES,
    get_wallet=depends(
        "only an older page documents reading a wallet, under another path: GET /v1/crypto-wallets/{id} is assumed "
        "to answer alike; the deposit addresses are not in it, get_addresses reads them"
    ),
    list_wallets=depends(
        "only an older page documents a list of wallets, under another path: GET /v1/crypto-wallets is assumed to "
        "answer alike; no filter by customer is documented, so all wallets are read and other customers' left out"
    ),
    find_wallet=no(
        "Ledger.so documents no look-up by reference, customer or idempotency key, and its wallets carry nothing of "
        "the caller's: only a repeat with the same key tells what became of an order"
    ),
    get_balances=depends("the only sample is one number without an asset, so the balance names none"),
    get_addresses=depends(
        "no page shows the answer's shape: every form with one meaning is read, and anything else is left out"
    ),
    rotate_wallet=no("Ledger.so documents no way to rotate a wallet"),
    create_customer=YES,
    get_customer=YES,
    several_addresses=YES,
    webhooks=depends(
        "two pages describe two signatures, X-Ledger-Signature and Svix's headers: either is verified; whether the "
        "secret is shown when a webhook is made differs from page to page"
    ),
    approval=no("Ledger.so documents no approval by a person; a customer's KYC gates its wallets instead"),
    order=OrderFields(
        # A wallet spans all of these, and neither chain nor asset can be sent.
        chain=Need.OPTIONAL,
        asset=Need.OPTIONAL,
        reference=Need.REFUSED,
        chains=DEPOSIT_CHAINS,
        assets=("usdc", "usdt"),
        chains_fixed=True,
        assets_fixed=True,
    ),
    idempotency=Idempotency(
        place="header",
        name="Idempotency-Key",
        required=False,
        window=timedelta(minutes=5),
        window_documented=False,
        replay="the original answer again; whether a failure is repeated too is not documented",
    ),
    rate_limit=RateLimit(
        note="no number is documented for this generation of the API; the first had 100 reads and 30 writes a minute "
        "per organisation"
    ),
    custody="Ledger.so opens the wallet and its addresses; who holds the keys is not documented",
)


class LedgerSo(WalletProvider):
    """Ledger.so: one wallet with a deposit address on each of eight chains (https://docs.ledger.so)."""

    name: ClassVar[str] = wire.NAME
    title: ClassVar[str] = "Ledger.so"
    capabilities: ClassVar[Capabilities] = _CAPABILITIES
    environments: ClassVar[Mapping[str, Environment]] = auth.ENVIRONMENTS
    settings_type: ClassVar[type[ProviderSettings]] = auth.LedgerSoSettings

    def __init__(self, settings: auth.LedgerSoSettings) -> None:
        self._settings = settings

    def check_settings(self, environment: str) -> None:
        """Refuse a key of the other environment, or of the API's first generation."""
        auth.check_settings(self._settings, environment)

    def authenticate(self) -> Flow[Credential]:
        """Return the API key."""
        return auth.authenticate(self._settings)

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        """Add the API key."""
        return auth.sign(request, credential, self._settings)

    def classify(self, request: Request, response: Response) -> WalletportError | None:
        """Judge an answer by its code, its status, and whether it says ``ok``."""
        return errors.error_of(response)

    def create_wallet(self, order: WalletOrder) -> Flow[Wallet]:
        """Make a wallet, then read its deposit addresses, which the answer does not hold.

        The wallet is returned without addresses where those cannot be read: it exists, and must not be lost behind
        an error of the second call. A 409 is never adopted: nothing could look up which wallet it speaks of.
        Source: createWallet in the vendor's OpenAPI document; https://docs.ledger.so/guides/crypto-wallets
        """
        try:
            response = yield Request(
                "POST",
                _WALLETS,
                json={"customerId": order.customer_id},
                idempotency_key=order.idempotency_key,
                effect=Effect.APPLIES,
            )
        except ProviderError as refusal:
            yield from self._explain(order, refusal)
            raise
        wallet = wire.wallet_of(_data(response), order.customer_id)
        if wallet.addresses:
            return wallet
        try:
            found = yield from self._read_addresses(wallet)
        except WalletportError:
            return wallet
        return wire.with_addresses(wallet, found)

    def get_wallet(self, wallet_id: str, customer_id: str | None) -> Flow[Wallet]:
        """Read one wallet, without its deposit addresses."""
        response = yield Request("GET", (*_WALLETS, wallet_id))
        return wire.wallet_of(_data(response))

    def list_wallets(self, customer_id: str | None, cursor: str | None) -> Flow[Page[Wallet]]:
        """Read one page of all wallets, and leave out those that are not known to be the customer's."""
        query = (("limit", str(wire.PAGE_SIZE)),)
        response = yield Request("GET", _WALLETS, query=query if cursor is None else (*query, ("cursor", cursor)))
        return wire.wallets_of(response.json_object(), customer_id)

    # No find_wallet: nothing of the caller's can be looked up.

    def get_balances(self, wallet: Wallet) -> Flow[tuple[Balance, ...]]:
        """Read what a wallet holds: one number without an asset."""
        response = yield Request("GET", (*_WALLETS, wallet.id, "balance"))
        return wire.balances_of(_data(response), wallet)

    def get_addresses(self, wallet: Wallet) -> Flow[tuple[Address, ...]]:
        """Read a wallet's deposit addresses.

        Raises:
            MalformedResponse: the answer holds something, and none of it can be read without guessing.
        """
        found = yield from self._read_addresses(wallet)
        if not found.understood:
            msg = "the deposit addresses are not in a form that can be read without guessing"
            raise MalformedResponse(msg, retryable=False)
        return found.addresses

    # No rotate_wallet: Ledger.so documents no way to do it.

    def create_customer(self, profile: CustomerProfile, idempotency_key: str) -> Flow[Customer]:
        """Make a customer; it may have wallets once its KYC, behind ``customer.link``, is approved.

        ``profile.reference`` is not sent: Ledger.so keeps none.
        Source: https://docs.ledger.so/guides/customers-and-kyc

        Raises:
            ConfigurationError: the profile lacks the email address, the first name or the last name.
        """
        response = yield Request(
            "POST",
            _CUSTOMERS,
            json=wire.body_of(profile),
            idempotency_key=idempotency_key,
            effect=Effect.APPLIES,
        )
        return wire.customer_of(_data(response))

    def get_customer(self, customer_id: str) -> Flow[Customer]:
        """Read a customer and the state of its KYC."""
        response = yield Request("GET", (*_CUSTOMERS, customer_id))
        return wire.customer_of(_data(response))

    @classmethod
    def parse_webhook(
        cls,
        headers: Mapping[str, str],
        body: bytes,
        secrets: tuple[str, ...],
        now: datetime,
        *,
        unverified: bool,
    ) -> Event:
        """Verify the signature, then read the event."""
        if not unverified:
            webhooks.verify(headers, body, secrets, now)
        return webhooks.event_of(body, verified=not unverified)

    @classmethod
    def emulator(cls) -> type[Emulator]:
        """Return Ledger.so's emulator."""
        from walletport_ledger_so.emulator import LedgerSoEmulator  # noqa: PLC0415 - only the sandbox needs it

        return LedgerSoEmulator

    def _read_addresses(self, wallet: Wallet) -> Flow[Found]:
        response = yield Request("GET", (*_WALLETS, wallet.id, "crypto-deposit-addresses"))
        return read_addresses(response.json_object(), wallet.id)

    def _explain(self, order: WalletOrder, refusal: ProviderError) -> Flow[None]:
        """Raise `CustomerNotEligible` if the customer's KYC explains a refusal.

        Wallets can be created once the KYC is approved (https://docs.ledger.so/guides/customers-and-kyc), and no page
        says what the vendor answers before that, so it is looked up.
        """
        if not errors.may_be_not_eligible(refusal):
            return
        try:
            customer = yield from self.get_customer(order.customer_id)
        except WalletportError:
            return
        if customer.id == order.customer_id and (customer.missing or customer.eligible is False):
            raise errors.not_eligible(refusal, customer) from refusal


def _data(response: Response) -> Json:
    return response.json_object().get("data")
