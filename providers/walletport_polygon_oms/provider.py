"""`PolygonOms`: what to say to Polygon OMS, and what its answers mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from walletport.capabilities import (
    YES,
    Capabilities,
    Idempotency,
    Need,
    OrderFields,
    RateLimit,
    depends,
    no,
)
from walletport.errors import (
    ConfigurationError,
    Conflict,
    MalformedResponse,
    NotFound,
    OutcomeUnknown,
    ProviderError,
    WalletportError,
)
from walletport.models import (
    Address,
    Balance,
    Chain,
    Customer,
    CustomerProfile,
    Event,
    Page,
    Wallet,
    WalletOrder,
    WalletStatus,
)
from walletport.provider import (
    Credential,
    Effect,
    Environment,
    Flow,
    OutgoingRequest,
    ProviderSettings,
    Request,
    Response,
    WalletProvider,
)
from walletport_polygon_oms import auth, wire
from walletport_polygon_oms.errors import MAY_BE_NOT_ELIGIBLE, error_of, not_eligible
from walletport_polygon_oms.webhooks import UNPROVABLE, parse_webhook

if TYPE_CHECKING:
    from walletport.provider.emulation import Emulator

_BY_CUSTOMER: Final = "wallets are read through their customer only: pass customer_id="
_MOST_PAGES: Final = 1000
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

_CAPABILITIES: Final = Capabilities(
    create_wallet=YES,
    get_wallet=depends(
        "no page documents reading a wallet by its id, so it is looked for in its customer's list: pass customer_id="
    ),
    list_wallets=depends(
        "a list is of one customer: pass customer_id=; no page names the paging parameter, "
        "so the name of the field, cursor, is assumed"
    ),
    find_wallet=depends(
        "Polygon OMS keeps no reference of the caller's, so a wallet is found by customer, asset and chain, "
        "of which the vendor says there is one"
    ),
    get_balances=depends(
        "no page shows the fields of a balance: the usual names are read, and anything else is refused"
    ),
    get_addresses=depends("a wallet's one address is read from its customer's list: the wallet must name its customer"),
    rotate_wallet=no("Polygon OMS documents no way to rotate a wallet"),
    create_customer=YES,
    get_customer=YES,
    several_addresses=no("a Polygon OMS wallet holds one asset on one chain, so it has one address"),
    webhooks=depends(UNPROVABLE),
    approval=no("Polygon OMS documents no approval by a person; endorsements of the customer gate a wallet instead"),
    order=OrderFields(
        chain=Need.REQUIRED,
        asset=Need.REQUIRED,
        reference=Need.REFUSED,
        chains=(Chain("polygon"),),
        assets=("usdc",),
    ),
    idempotency=Idempotency(
        place="header",
        name="Idempotency-Key",
        required=True,
        window=timedelta(minutes=5),
        window_documented=False,
        replay="no second wallet is made; status and body of the replay are not documented",
    ),
    rate_limit=RateLimit(note="no page documents a limit; Retry-After is honoured where it comes"),
    settle_time=timedelta(seconds=60),
    custody="Polygon OMS holds the keys of internal wallets; external ones are held outside of it",
)


class PolygonOms(WalletProvider):
    """Polygon OMS, the Open Money Stack; see https://docs.polygon.technology/payments/wallets."""

    name: ClassVar[str] = wire.NAME
    title: ClassVar[str] = "Polygon OMS"
    capabilities: ClassVar[Capabilities] = _CAPABILITIES
    environments: ClassVar[Mapping[str, Environment]] = auth.ENVIRONMENTS
    settings_type: ClassVar[type[ProviderSettings]] = auth.PolygonOmsSettings

    def __init__(self, settings: auth.PolygonOmsSettings) -> None:
        self._settings = settings

    def check_settings(self, environment: str) -> None:
        """Refuse a key whose prefix names the other environment."""
        auth.check_settings(self._settings, environment)

    def authenticate(self) -> Flow[Credential]:
        """Exchange key and secret for a token of 60 minutes."""
        return auth.authenticate(self._settings)

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        """Add the bearer token."""
        return auth.sign(request, credential)

    def classify(self, request: Request, response: Response) -> WalletportError | None:
        """Judge an answer by its status."""
        return error_of(request, response)

    def create_wallet(self, order: WalletOrder) -> Flow[Wallet]:
        """Make a wallet; after a 409 adopt the customer's wallet for this asset and chain.

        Source: createCustomerWallet in the OpenAPI document v26.05.28-0001.
        """
        try:
            response = yield Request(
                "POST",
                ("customers", order.customer_id, "wallets"),
                json={"asset": order.asset, "chain": order.chain},
                idempotency_key=order.idempotency_key,
                effect=Effect.APPLIES,
            )
        except Conflict as conflict:
            return (yield from self._adopt(order, conflict))
        except ProviderError as refusal:
            yield from self._explain(order, refusal)
            raise
        return wire.wallet_of(response.json(), order.customer_id)

    def get_wallet(self, wallet_id: str, customer_id: str | None) -> Flow[Wallet]:
        """Read one wallet through its customer's list."""
        for wallet in (yield from self._all_wallets(_named(customer_id))):
            if wallet.id == wallet_id:
                return wallet
        msg = "this customer has no such wallet"
        raise NotFound(msg)

    def list_wallets(self, customer_id: str | None, cursor: str | None) -> Flow[Page[Wallet]]:
        """Read one page of a customer's wallets.

        Source: docs.polygon.technology/api-reference/wallet/list-customer-wallets
        """
        holder = _named(customer_id)
        response = yield Request(
            "GET", ("customers", holder, "wallets"), query=() if cursor is None else (("cursor", cursor),)
        )
        return wire.wallets_of(response.json(), holder)

    def find_wallet(self, order: WalletOrder) -> Flow[Wallet | None]:
        """Find the customer's wallet for this asset and chain; ``None`` is proof that there is none.

        Raises:
            OutcomeUnknown: a closed wallet fits, which the order or an earlier one may have made, or one fits that
                does not say its asset or chain.
        """
        wallets = yield from self._all_wallets(order.customer_id)
        found = _wallet_for(order, wallets)
        if found is None and any(_may_be_for(order, wallet) for wallet in wallets):
            msg = "the customer has a wallet that may be this order's: it is closed, or does not say what it holds"
            raise OutcomeUnknown(msg)
        return found

    def get_balances(self, wallet: Wallet) -> Flow[tuple[Balance, ...]]:
        """Read what a wallet holds.

        Source: docs.polygon.technology/api-reference/wallet/get-current-balance-of-a-specific-wallet
        """
        response = yield Request("GET", ("wallets", wallet.id, "balance"))
        return wire.balances_of(response.json(), wallet)

    def get_addresses(self, wallet: Wallet) -> Flow[tuple[Address, ...]]:
        """Read a wallet's one address through its customer's list."""
        return (yield from self.get_wallet(wallet.id, wallet.customer_id)).addresses

    # Polygon OMS documents no way to rotate a wallet.

    def create_customer(self, profile: CustomerProfile, idempotency_key: str) -> Flow[Customer]:
        """Make a customer; after a 409 adopt the one that carries the same reference.

        Source: docs.polygon.technology/api-reference/customers/create-a-customer
        """
        try:
            response = yield Request(
                "POST",
                ("customers",),
                json=wire.body_of(profile),
                idempotency_key=idempotency_key,
                effect=Effect.APPLIES,
            )
        except Conflict as conflict:
            return (yield from self._adopt_customer(profile.reference, conflict))
        return wire.customer_of(response.json())

    def get_customer(self, customer_id: str) -> Flow[Customer]:
        """Read a customer and its endorsements."""
        response = yield Request("GET", ("customers", customer_id))
        return wire.customer_of(response.json())

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
        """Read a webhook without proof, and only where that was asked for by name."""
        return parse_webhook(body, unverified=unverified)

    @classmethod
    def emulator(cls) -> type[Emulator]:
        """Return the emulator."""
        from walletport_polygon_oms.emulator import PolygonOmsEmulator  # noqa: PLC0415 - the sandbox alone needs it

        return PolygonOmsEmulator

    def _adopt(self, order: WalletOrder, conflict: Conflict) -> Flow[Wallet]:
        """Return the wallet that a 409 spoke of, if the customer has one for exactly this asset and chain."""
        try:
            wallets = yield from self._all_wallets(order.customer_id)
        except WalletportError:
            raise conflict from None
        found = _wallet_for(order, wallets)
        if found is None:
            raise conflict
        return found

    def _adopt_customer(self, reference: str | None, conflict: Conflict) -> Flow[Customer]:
        """Return the customer that a 409 spoke of, if exactly one carries the application's own reference."""
        if reference is None:
            raise conflict
        try:
            response = yield Request("GET", ("customers",), query=(("externalId", reference),))
            items, cursor = wire.items_of(response.json())
            found = [customer for item in items if (customer := wire.customer_of(item)).reference == reference]
        except WalletportError:
            raise conflict from None
        if len(found) != 1 or cursor is not None:
            raise conflict
        return found[0]

    def _explain(self, order: WalletOrder, refusal: ProviderError) -> Flow[None]:
        """Raise `CustomerNotEligible` if the customer's endorsements explain a refusal.

        No page says what the vendor answers where an endorsement is missing, so it is looked up.
        """
        if refusal.status_code not in MAY_BE_NOT_ELIGIBLE:
            return
        try:
            customer = yield from self.get_customer(order.customer_id)
        except WalletportError:
            return
        if customer.eligible is False:
            raise not_eligible(refusal, customer.missing) from refusal

    def _all_wallets(self, customer_id: str) -> Flow[list[Wallet]]:
        """Read every page of a customer's wallets."""
        wallets: list[Wallet] = []
        seen: set[str | None] = {None}
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = yield from self.list_wallets(customer_id, cursor)
            wallets += page.items
            cursor = page.next_cursor
            if cursor is None:
                return wallets
            if cursor in seen:
                break
            seen.add(cursor)
        # The name of the paging parameter is assumed: a vendor that ignores it sends the first page for ever.
        msg = "the customer's list of wallets goes in circles or does not end"
        raise MalformedResponse(msg, retryable=False)


def _named(customer_id: str | None) -> str:
    if customer_id is None:
        raise ConfigurationError(_BY_CUSTOMER)
    return customer_id


def _wallet_for(order: WalletOrder, wallets: Iterable[Wallet]) -> Wallet | None:
    """Return the wallet for exactly this asset and chain that can still be used.

    The vendor's pages say there is one. Should there be more, it is an active one rather than a suspended one, and
    then the latest: earlier orders made the earlier ones.
    """
    fitting = (
        wallet
        for wallet in wallets
        if (wallet.asset, wallet.chain) == (order.asset, order.chain) and wallet.status is not WalletStatus.CLOSED
    )
    return max(fitting, key=_usefulness, default=None)


def _usefulness(wallet: Wallet) -> tuple[bool, datetime]:
    return wallet.status is WalletStatus.ACTIVE, wallet.created_at or _LONG_AGO


def _may_be_for(order: WalletOrder, wallet: Wallet) -> bool:
    return wallet.asset in (None, order.asset) and wallet.chain in (None, order.chain)
