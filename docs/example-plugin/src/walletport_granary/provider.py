"""`Granary`: what it can do, and its operations as flows. What the vendor documents stands in the package's page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

from walletport.errors import ConfigurationError, OutcomeUnknown, WalletportError
from walletport.models import Balance, Chain, Customer, Event, Page, Wallet, WalletOrder
from walletport.provider import (
    YES,
    Capabilities,
    Credential,
    Effect,
    Environment,
    Flow,
    Idempotency,
    Need,
    OrderFields,
    OutgoingRequest,
    ProviderSettings,
    RateLimit,
    Request,
    Response,
    WalletProvider,
    no,
)
from walletport.provider.emulation import Emulator
from walletport.provider.signatures import verify_timestamped
from walletport_granary import auth, errors, webhooks, wire

_MOST_PAGES: Final = 1000


class Granary(WalletProvider):
    """Granary v3: a vault for each holder, and in it an account for each network and label."""

    name: ClassVar[str] = wire.NAME
    title: ClassVar[str] = "Granary"
    environments: ClassVar[Mapping[str, Environment]] = auth.ENVIRONMENTS
    settings_type: ClassVar[type[ProviderSettings]] = auth.GranarySettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        create_wallet=YES,
        get_wallet=YES,
        list_wallets=YES,
        find_wallet=YES,
        get_balances=YES,
        get_addresses=no("the one address stands on the account itself"),
        rotate_wallet=no("an account keeps its address for life"),
        create_customer=no("holders are admitted in Granary's console, once their documents were checked"),
        get_customer=YES,
        several_addresses=no("an account has one address on one network"),
        webhooks=YES,
        approval=no("an account is opened at once"),
        order=OrderFields(
            chain=Need.REQUIRED,
            # An account holds every asset of its network, so there is nothing to send and nothing to refuse.
            asset=Need.OPTIONAL,
            reference=Need.OPTIONAL,
            # The page gives one network as an example and no list: what else there is, Granary decides.
            chains=(Chain("polygon"),),
        ),
        idempotency=Idempotency(
            place="body",
            name="requestId",
            required=True,
            max_length=36,
            pattern="[A-Za-z0-9-]{1,36}",
            window=timedelta(hours=24),
            window_documented=True,
            replay="the first answer again",
        ),
        rate_limit=RateLimit(requests_per_second=10, note="Retry-After says how long to wait"),
        settle_time=timedelta(seconds=20),
        custody="Granary holds the keys",
    )

    def __init__(self, settings: ProviderSettings) -> None:
        if not isinstance(settings, auth.GranarySettings):
            msg = "settings must be GranarySettings"
            raise ConfigurationError(msg)
        self._settings = settings

    def check_settings(self, environment: str) -> None:
        """Refuse a live client in the sandbox and the other way round."""
        auth.check_settings(self._settings, environment)

    def authenticate(self) -> Flow[Credential]:
        """Open a session at the login's own host."""
        return auth.authenticate(self._settings)

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        """Sign this attempt over its final bytes."""
        return auth.sign(self._settings, request, credential)

    def classify(self, request: Request, response: Response) -> WalletportError | None:
        """Read the code of a refusal."""
        return errors.error_of(request, response)

    def create_wallet(self, order: WalletOrder) -> Flow[Wallet]:
        """Have the holder's vault, then an account in it; what exists already is adopted from the refusal itself.

        The flow can begin anew at any point: making the vault again gives the same vault, so the second request is
        the same to the byte under the same key.
        """
        response = yield Request(
            "POST",
            ("vaults",),
            json={"holderId": order.customer_id},
            effect=Effect.PREPARES,
            repeatable=True,
            accepts=(409,),
        )
        vault = wire.vault_of(response, order.customer_id)
        response = yield Request(
            "POST",
            ("vaults", vault.id, "accounts"),
            json={
                "requestId": order.idempotency_key,
                "accounts": [{"network": wire.network_of(order.chain), "label": order.reference or ""}],
            },
            idempotency_key=order.idempotency_key,
            effect=Effect.APPLIES,
            accepts=(409,),
        )
        return wire.opened(response, order)

    def get_wallet(self, wallet_id: str, customer_id: str | None) -> Flow[Wallet]:
        """Read one account."""
        response = yield Request("GET", wire.path_of(wallet_id))
        return wire.wallet_of(response.json())

    def list_wallets(self, customer_id: str | None, cursor: str | None) -> Flow[Page[Wallet]]:
        """Read one page of a holder's accounts, or of everybody's; the cursor is the page's number."""
        number = int(cursor or 1)
        query = (("page", str(number)), *((("holderId", customer_id),) if customer_id is not None else ()))
        response = yield Request("GET", ("accounts",), query=query)
        return wire.page_of(response.json(), number)

    def find_wallet(self, order: WalletOrder) -> Flow[Wallet | None]:
        """Go through the holder's accounts for the network and the label, of which there is at most one.

        ``None`` is proof: the list is complete, and because the oldest come first and none is ever removed, nothing
        slips from one page to the next while it is read.
        """
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = yield from self.list_wallets(order.customer_id, cursor)
            for wallet in page.items:
                if (wallet.chain, wallet.reference) == (order.chain, order.reference):
                    return wallet
            cursor = page.next_cursor
            if cursor is None:
                return None
        msg = "the holder's list of accounts does not come to an end"
        raise OutcomeUnknown(msg)

    def get_balances(self, wallet: Wallet) -> Flow[tuple[Balance, ...]]:
        """Read what an account holds."""
        response = yield Request("GET", (*wire.path_of(wallet.id), "holdings"))
        return wire.balances_of(response.json(), wallet.chain)

    def get_customer(self, customer_id: str) -> Flow[Customer]:
        """Read a holder."""
        response = yield Request("GET", ("holders", customer_id))
        return wire.customer_of(response.json())

    @classmethod
    def parse_webhook(
        cls, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime, *, unverified: bool
    ) -> Event:
        """Verify ``Granary-Webhook``, then read the event."""
        if not unverified:
            verify_timestamped(headers.get("granary-webhook"), body, secrets, now)
        return webhooks.event_of(body, verified=not unverified)

    @classmethod
    def emulator(cls) -> type[Emulator]:
        """Return Granary's emulator."""
        from walletport_granary.emulator import GranaryEmulator  # noqa: PLC0415 - only the sandbox needs it

        return GranaryEmulator
