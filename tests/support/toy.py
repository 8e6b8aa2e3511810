"""Toy: a small vendor that exists nowhere, so that tests of the core depend on no real one.

Its API, all below ``/toy/v1``::

    POST /token                        {"key"} -> {"token", "expiresIn"}; all else takes that bearer token
    POST /customers                    {"email"} -> customer
    GET  /customers/{id}               -> {"id", "verified"}
    POST /customers/{id}/wallets       {"chain", "asset"?, "reference"?}, Idempotency-Key -> 201 wallet
    GET  /customers/{id}/wallets       ?reference= &cursor= &limit= -> {"items", "next"}
    GET  /customers/{id}/wallets/{id}  -> wallet; pending without address first, then active with one
    GET  /customers/{id}/wallets/{id}/balances  -> {"balances": [{"asset", "amount"}]}

An error is ``{"error": {"code", "message"}}`` with the header ``x-request-id``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, cast

from pydantic import Field, SecretStr

from tests.support.toy_emulator import CHAINS, CUSTOMER, KEY, KEY_WINDOW, ToyEmulator
from walletport.errors import (
    CustomerNotEligible,
    ErrorFacts,
    IdempotencyConflict,
    OutcomeUnknown,
    RequestInProgress,
    WalletportError,
)
from walletport.models import (
    Address,
    Balance,
    Chain,
    CustodyModel,
    Customer,
    CustomerProfile,
    CustomerStatus,
    Event,
    EventType,
    Page,
    Wallet,
    WalletOrder,
    WalletStatus,
)
from walletport.provider import (
    YES,
    Capabilities,
    Credential,
    Effect,
    Environment,
    Flow,
    Idempotency,
    Json,
    JsonObject,
    Need,
    OrderFields,
    OutgoingRequest,
    ProviderSettings,
    Request,
    Response,
    WalletProvider,
    code_of,
    depends,
    error_for_status,
    no,
    read_json,
    request_id_of,
    wire,
)
from walletport.provider.emulation import Emulator
from walletport.provider.signatures import verify_timestamped

__all__ = ["CUSTOMER", "KEY", "Toy", "ToyEmulator"]


class ToySettings(ProviderSettings):
    """What a client of Toy needs."""

    key: SecretStr = Field(description="Toy's dashboard, API keys")


class ToyWallet(wire.WireModel):
    """Toy's wallet."""

    id: str
    customer_id: str
    chain: str
    asset: str | None = None
    status: str
    address: str | None = None
    reference: str | None = None
    created_at: wire.Timestamp = None

    def neutral(self, raw: Mapping[str, object]) -> Wallet:
        """Return the neutral wallet."""
        states = {"pending": WalletStatus.PENDING, "active": WalletStatus.ACTIVE}
        return Wallet(
            provider=Toy.name,
            id=self.id,
            customer_id=self.customer_id,
            chain=Chain(self.chain),
            asset=self.asset,
            status=states.get(self.status, WalletStatus.UNKNOWN),
            provider_status=self.status,
            addresses=(Address(chain=Chain(self.chain), value=self.address),) if self.address else (),
            custody=CustodyModel.CUSTODIAL,
            reference=self.reference,
            created_at=self.created_at,
            raw=raw,
            drift=wire.drift_of(self),
        )


class ToyAmount(wire.WireModel):
    """How much of one asset a Toy wallet holds."""

    asset: str
    amount: wire.Amount


def _wallet(value: Json) -> Wallet:
    return wire.read(ToyWallet, value).neutral(wire.mapping(value))


class Toy(WalletProvider):
    """The toy vendor."""

    name: ClassVar[str] = "toy"
    title: ClassVar[str] = "Toy Custody"
    environments: ClassVar[Mapping[str, Environment]] = {
        "sandbox": Environment({"api": "https://sandbox.toy.example/toy/v1"}),
        "production": Environment({"api": "https://api.toy.example/toy/v1"}, production=True),
    }
    settings_type: ClassVar[type[ProviderSettings]] = ToySettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        create_wallet=YES,
        get_wallet=YES,
        list_wallets=YES,
        find_wallet=depends("only an order with a reference can be looked up"),
        get_balances=YES,
        get_addresses=no("the one address is on the wallet itself"),
        rotate_wallet=no("Toy has no rotation"),
        create_customer=YES,
        get_customer=YES,
        several_addresses=no("a Toy wallet has one address"),
        webhooks=YES,
        approval=no("Toy asks nobody"),
        order=OrderFields(
            chain=Need.REQUIRED,
            asset=Need.OPTIONAL,
            reference=Need.OPTIONAL,
            chains=tuple(Chain(name) for name in CHAINS),
            assets=("usdc", "usdt"),
        ),
        idempotency=Idempotency(
            place="header",
            name="Idempotency-Key",
            max_length=64,
            window=KEY_WINDOW,
            window_documented=True,
            replay="the first answer again",
        ),
        settle_time=timedelta(seconds=5),
        custody="Toy holds the keys",
    )

    def __init__(self, settings: ProviderSettings) -> None:
        assert isinstance(settings, ToySettings)
        self._key = settings.key

    def authenticate(self) -> Flow[Credential]:
        """Exchange the key for a token."""
        response = yield Request(
            "POST",
            ("token",),
            json={"key": self._key.get_secret_value()},
            effect=Effect.PREPARES,
            repeatable=True,
            authenticated=False,
        )
        answer = response.json_object()
        life = answer["expiresIn"]
        assert isinstance(life, int)
        return Credential(SecretStr(str(answer["token"])), timedelta(seconds=life))

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        """Add the token."""
        return request.with_headers({"Authorization": f"Bearer {credential.token.get_secret_value()}"})

    def classify(self, request: Request, response: Response) -> WalletportError | None:
        """Read the error's code."""
        if response.ok:
            return None
        facts: ErrorFacts = {"request_id": request_id_of(response.header("x-request-id"))}
        try:
            facts["provider_code"] = code_of(_inner(response.json_object(), "error").get("code"))
        except WalletportError:
            facts["provider_code"] = None
        facts["status_code"] = response.status
        match facts["provider_code"]:
            case "customer_not_verified":
                return CustomerNotEligible("the customer is not verified", missing=("kyc",), **facts)
            case "key_reused":
                return IdempotencyConflict("the key was used with another body", **facts)
            case "key_in_use":
                return RequestInProgress("the first request with this key is still running", **facts)
        return error_for_status(response, **facts)

    def create_wallet(self, order: WalletOrder) -> Flow[Wallet]:
        """Make a wallet."""
        body: JsonObject = {"chain": str(order.chain)}
        body.update({name: value for name in ("asset", "reference") if (value := getattr(order, name))})
        response = yield Request(
            "POST",
            ("customers", order.customer_id, "wallets"),
            json=body,
            idempotency_key=order.idempotency_key,
            effect=Effect.APPLIES,
        )
        return _wallet(response.json())

    def get_wallet(self, wallet_id: str, customer_id: str | None) -> Flow[Wallet]:
        """Read one wallet."""
        response = yield Request("GET", ("customers", customer_id or "", "wallets", wallet_id))
        return _wallet(response.json())

    def list_wallets(self, customer_id: str | None, cursor: str | None) -> Flow[Page[Wallet]]:
        """Read one page."""
        query = (("cursor", cursor),) if cursor else ()
        response = yield Request("GET", ("customers", customer_id or "", "wallets"), query=query)
        return _page(response.json_object())

    def find_wallet(self, order: WalletOrder) -> Flow[Wallet | None]:
        """Look the reference up."""
        if order.reference is None:
            msg = "only an order with a reference can be looked up"
            raise OutcomeUnknown(msg)
        path = ("customers", order.customer_id, "wallets")
        response = yield Request("GET", path, query=(("reference", order.reference),))
        return next(iter(_page(response.json_object()).items), None)

    def get_balances(self, wallet: Wallet) -> Flow[tuple[Balance, ...]]:
        """Read what a wallet holds."""
        path = ("customers", wallet.customer_id or "", "wallets", wallet.id, "balances")
        response = yield Request("GET", path)
        items = response.json_object()["balances"]
        assert isinstance(items, list)
        amounts = [wire.read(ToyAmount, item) for item in items]
        return tuple(Balance(asset=item.asset, available=item.amount) for item in amounts)

    def create_customer(self, profile: CustomerProfile, idempotency_key: str) -> Flow[Customer]:
        """Make a customer."""
        response = yield Request(
            "POST",
            ("customers",),
            json={"email": profile.email},
            idempotency_key=idempotency_key,
            effect=Effect.APPLIES,
        )
        return _customer(response.json_object())

    def get_customer(self, customer_id: str) -> Flow[Customer]:
        """Read a customer."""
        response = yield Request("GET", ("customers", customer_id))
        return _customer(response.json_object())

    @classmethod
    def parse_webhook(
        cls, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime, *, unverified: bool
    ) -> Event:
        """Verify, then read."""
        if not unverified:
            verify_timestamped(headers.get("toy-signature"), body, secrets, now)
        event = cast("JsonObject", read_json(body))
        wallet = _wallet(event["wallet"])
        return Event(
            provider=cls.name,
            type=EventType.WALLET_CREATED if event["type"] == "wallet.created" else EventType.UNKNOWN,
            provider_type=str(event["type"]),
            id=str(event["id"]),
            wallet=wallet,
            wallet_id=wallet.id,
            customer_id=wallet.customer_id,
            verified=not unverified,
            raw=event,
        )

    @classmethod
    def emulator(cls) -> type[Emulator]:
        """Return Toy's emulator."""
        return ToyEmulator


def _inner(answer: JsonObject, name: str) -> JsonObject:
    value = answer.get(name)
    return value if isinstance(value, dict) else {}


def _page(answer: JsonObject) -> Page[Wallet]:
    items, cursor = answer["items"], answer["next"]
    assert isinstance(items, list)
    return Page(items=tuple(_wallet(item) for item in items), next_cursor=None if cursor is None else str(cursor))


def _customer(answer: JsonObject) -> Customer:
    verified = answer["verified"] is True
    status = CustomerStatus.ACTIVE if verified else CustomerStatus.PENDING
    missing = () if verified else ("kyc",)
    return Customer(
        provider=Toy.name, id=str(answer["id"]), status=status, eligible=verified, missing=missing, raw=answer
    )
