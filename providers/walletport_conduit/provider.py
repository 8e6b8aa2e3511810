"""`Conduit`: what it can do, and its operations as flows in the protocol's order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

from walletport.errors import (
    ApprovalPending,
    ConfigurationError,
    MalformedResponse,
    OutcomeUnknown,
    ProviderError,
    UnsupportedOperation,
    WalletportError,
)
from walletport.models import Address, Balance, Chain, Customer, Event, Page, Wallet, WalletOrder, WalletStatus
from walletport.provider import (
    YES,
    Capabilities,
    Credential,
    Effect,
    Environment,
    Flow,
    Idempotency,
    JsonObject,
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
    not_implemented,
    request_id_of,
)
from walletport.provider.emulation import Emulator
from walletport.provider.wire import read
from walletport_conduit import auth, errors, webhooks, wire

_MOST_PAGES: Final = 100


class Conduit(WalletProvider):
    """Conduit v2: one wallet per customer and chain; its lists can be searched by the caller's own reference."""

    name: ClassVar[str] = wire.NAME
    title: ClassVar[str] = "Conduit"
    environments: ClassVar[Mapping[str, Environment]] = auth.ENVIRONMENTS
    settings_type: ClassVar[type[ProviderSettings]] = auth.ConduitSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        create_wallet=YES,
        get_wallet=YES,
        list_wallets=YES,
        find_wallet=YES,
        get_balances=YES,
        get_addresses=YES,
        rotate_wallet=depends(
            "only an active wallet that holds no more than dust can be rotated; whether the answer is the old or "
            "the new wallet is not documented, so both are read"
        ),
        create_customer=not_implemented(
            "Conduit makes a customer by approving an onboarding application with business documents: onboard "
            "there (POST /onboarding, or the dashboard), then use the customer id that the approval gives"
        ),
        get_customer=YES,
        several_addresses=no("a Conduit wallet has one address on one chain"),
        webhooks=depends("events are signed, but what wallet events carry is not documented: some may name ids only"),
        approval=depends(
            "where the organisation asks for it, an admin approves a new wallet: the create then ends in "
            "ApprovalPending with the link"
        ),
        order=OrderFields(
            chain=Need.REQUIRED,
            # One wallet holds every asset of its chain, so there is nothing to send and nothing to refuse.
            asset=Need.OPTIONAL,
            reference=Need.OPTIONAL,
            chains=tuple(Chain(chain) for chain in wire.CHAINS),
        ),
        idempotency=Idempotency(
            place="header",
            name="Idempotency-Key",
            required=True,
            max_length=128,
            pattern="[A-Za-z0-9_.:-]{1,128}",
            # The OpenAPI document says 30 days, the pages 5 minutes; the shorter one counts.
            window=timedelta(minutes=5),
            window_documented=True,
            replay="the first answer again; whether a failure is repeated too is not documented",
        ),
        rate_limit=RateLimit(
            headers=("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
            note="per organisation, and per IP address before a key is checked; the numbers are not documented",
        ),
        custody="the customer's own signers after a claim (non-custodial), or Conduit where the organisation is "
        "enabled for custodial wallets; the wallet says which",
    )

    def __init__(self, settings: ProviderSettings) -> None:
        if not isinstance(settings, auth.ConduitSettings):
            msg = "settings must be ConduitSettings"
            raise ConfigurationError(msg)
        self._settings = settings

    def check_settings(self, environment: str) -> None:
        """Refuse a live key in the sandbox and the other way round."""
        auth.check_settings(self._settings, environment)

    def authenticate(self) -> Flow[Credential]:
        """Return the API key."""
        return auth.authenticate(self._settings)

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        """Add the API key."""
        return auth.sign(request, credential)

    def classify(self, request: Request, response: Response) -> WalletportError | None:
        """Read the problem that a refusal carries."""
        return errors.error_of(response)

    def create_wallet(self, order: WalletOrder) -> Flow[Wallet]:
        """Make a wallet, or adopt the one that the refusal says is there.

        Raises:
            ApprovalPending: an admin must approve it first; the answer names no wallet.
        """
        body: JsonObject = {"chain": str(order.chain)}
        if order.reference is not None:
            body["clientReferenceId"] = order.reference
        try:
            response = yield Request(
                "POST",
                ("customers", order.customer_id, "wallets"),
                json=body,
                idempotency_key=order.idempotency_key,
                effect=Effect.APPLIES,
            )
        except ProviderError as error:
            refusal = error
        else:
            return _made(response, order.customer_id)
        adopted = yield from self._adopt(order, refusal)
        if adopted is None:
            raise refusal
        return adopted

    def get_wallet(self, wallet_id: str, customer_id: str | None) -> Flow[Wallet]:
        """Read one wallet; there is no path to it but below its customer."""
        owner = _owner(customer_id)
        response = yield Request("GET", ("customers", owner, "wallets", wallet_id))
        return _same(wire.wallet_of(response.json(), owner), wallet_id)

    def list_wallets(self, customer_id: str | None, cursor: str | None) -> Flow[Page[Wallet]]:
        """Read one page of a customer's wallets; there is no list of everybody's."""
        owner = _owner(customer_id)
        response = yield Request("GET", ("customers", owner, "wallets"), query=wire.page_query(cursor))
        return wire.page_of(response.json(), owner, cursor)

    def find_wallet(self, order: WalletOrder) -> Flow[Wallet | None]:
        """Look the reference up, then go through the list for the chain; ``None`` is proof.

        A wallet on the chain that carries another reference is another order's.

        Raises:
            OutcomeUnknown: several wallets on the chain could be the one.
        """
        found = yield from self._by_reference(order)
        if found is None:
            found = yield from self._on_chain(order, any_reference=order.reference is None)
        return found

    def get_balances(self, wallet: Wallet) -> Flow[tuple[Balance, ...]]:
        """Read the wallet, which holds its balances; an unreadable balance is an error here."""
        owner = _owner(wallet.customer_id)
        response = yield Request("GET", ("customers", owner, "wallets", wallet.id))
        _same(wire.wallet_of(response.json(), owner), wallet.id)
        return wire.balances_of(read(wire.WireWallet, response.json()))

    def get_addresses(self, wallet: Wallet) -> Flow[tuple[Address, ...]]:
        """Read the wallet; it has no address while it is pending."""
        found = yield from self.get_wallet(wallet.id, wallet.customer_id)
        return found.addresses

    def rotate_wallet(self, wallet: Wallet, idempotency_key: str) -> Flow[Wallet]:
        """Replace a wallet.

        Whether the 200 is the old or the new wallet is not documented (rotateWallet_v2): the old one names its
        successor, which is then read; anything else is the result.
        """
        owner = _owner(wallet.customer_id)
        response = yield Request(
            "POST",
            ("customers", owner, "wallets", wallet.id, "rotate"),
            idempotency_key=idempotency_key,
            effect=Effect.APPLIES,
        )
        rotated = wire.wallet_of(response.json(), owner)
        if rotated.id == wallet.id and rotated.replaced_by is not None:
            try:
                rotated = yield from self.get_wallet(rotated.replaced_by, owner)
            except WalletportError as error:
                error.outcome = "applied"
                raise
        return rotated

    # No create_customer: an onboarding application is answered by an application, not by a customer.

    def get_customer(self, customer_id: str) -> Flow[Customer]:
        """Read a customer and its features."""
        response = yield Request("GET", ("customers", customer_id))
        return wire.customer_of(response.json())

    @classmethod
    def parse_webhook(
        cls, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime, *, unverified: bool
    ) -> Event:
        """Verify ``X-Conduit-Signature``, then read the event."""
        if not unverified:
            webhooks.verify(headers, body, secrets, now)
        return webhooks.event_of(body, verified=not unverified)

    @classmethod
    def emulator(cls) -> type[Emulator]:
        """Return Conduit's emulator."""
        from walletport_conduit.emulator import ConduitEmulator  # noqa: PLC0415 - only the sandbox needs it

        return ConduitEmulator

    def _adopt(self, order: WalletOrder, refusal: ProviderError) -> Flow[Wallet | None]:
        """Look for the wallet behind a refusal; trouble on the way leaves the refusal as it is."""
        try:
            match (refusal.provider_code or "").upper():
                case errors.HOLDS_ONE_ALREADY:
                    # One wallet per chain, says this refusal, so whatever reference it carries it is the one.
                    found = yield from self._by_reference(order)
                    return found or (yield from self._on_chain(order, any_reference=True))
                case errors.REFERENCE_IN_USE | errors.REQUEST_IN_PROGRESS:
                    return (yield from self._by_reference(order))
        except WalletportError:
            return None
        return None

    def _by_reference(self, order: WalletOrder) -> Flow[Wallet | None]:
        """Use the list's filter, and hold every answer against the order: an older list knows no filters."""
        if order.reference is None:
            return None
        response = yield Request(
            "GET",
            ("customers", order.customer_id, "wallets"),
            query=(("clientReferenceId", order.reference),),
        )
        page = wire.page_of(response.json(), order.customer_id, None)
        return _the_one([wallet for wallet in page.items if wallet.reference == order.reference], order)

    def _on_chain(self, order: WalletOrder, *, any_reference: bool) -> Flow[Wallet | None]:
        """Go through the whole list for the order's chain, past wallets that carry another order's reference."""
        found: list[Wallet] = []
        cursors: list[str | None] = [None]
        for cursor in cursors:
            page = yield from self.list_wallets(order.customer_id, cursor)
            found += page.items
            if page.next_cursor is None:
                break
            if page.next_cursor in cursors or len(cursors) == _MOST_PAGES:
                msg = "the customer's list of wallets does not come to an end"
                raise OutcomeUnknown(msg)
            cursors.append(page.next_cursor)
        own = (None, order.reference)
        return _the_one([wallet for wallet in found if any_reference or wallet.reference in own], order)


def _owner(customer_id: str | None) -> str:
    if customer_id is None:
        msg = "Conduit reads wallets below their customer only: pass customer_id="
        raise UnsupportedOperation(msg)
    return customer_id


def _made(response: Response, customer_id: str) -> Wallet:
    """Read the answer to a create: the wallet (201), or the approval it waits for (202)."""
    answer = response.json()
    if not wire.is_approval(answer):
        return wire.wallet_of(answer, customer_id)
    approval = read(wire.WireApproval, answer)
    msg = "an admin must approve the wallet before it is made"
    raise ApprovalPending(
        msg,
        approval_id=approval.ceremony_id,
        approval_url=wire.link_of(approval.verification_url),
        status_code=response.status,
        request_id=request_id_of(response.header("x-correlation-id")),
    )


def _same(wallet: Wallet, wallet_id: str) -> Wallet:
    if wallet.id != wallet_id:
        msg = "the answer is another wallet than was asked for"
        raise MalformedResponse(msg, retryable=False)
    return wallet


def _the_one(wallets: list[Wallet], order: WalletOrder) -> Wallet | None:
    """Return the wallet on the order's chain that no rotation has replaced, or ``None`` if there is none.

    Of several, the one with the order's own reference comes first, then one that is not disabled.

    Raises:
        OutcomeUnknown: several are left.
    """
    left = list({w.id: w for w in wallets if w.chain == order.chain and w.replaced_by is None}.values())
    own = [wallet for wallet in left if wallet.reference == order.reference]
    left = own or left
    usable = [wallet for wallet in left if wallet.status is not WalletStatus.SUSPENDED]
    left = usable or left
    if len(left) > 1:
        msg = "the customer holds several wallets on this chain, and any of them could be this order's"
        raise OutcomeUnknown(msg)
    return left[0] if left else None
