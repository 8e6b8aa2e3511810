"""Depot: a second vendor that exists nowhere, unlike Toy wherever a vendor can be.

Its API, all below ``/depot``; every request is signed over its final bytes with a nonce that is good once::

    PUT  /vaults/{person}                          -> {"vault"}; a person's boxes need it, and it may be repeated
    POST /vaults/{person}/boxes                    {"requestId", "boxes": [{"label"}]} -> 201 {"boxes"}, 202
                                                   {"approval"}, or 409 {"code", "box"} where the label is taken
    GET  /vaults/{person}/boxes                    ?page= -> {"boxes", "page", "pages"}
    GET  /vaults/{person}/boxes/{number}           -> box; its id is person and number together
    GET  /vaults/{person}/boxes/{number}/addresses -> {"addresses": [{"network", "address", "tag"}]}
    GET  /vaults/{person}/boxes/{number}/holdings  -> {"holdings": [{"coin", "units", "decimals"}]}
    POST /vaults/{person}/boxes/{number}/swap      {"requestId"} -> 201 {"boxes"}

An error is ``{"code", "text"}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from tests.support.depot_emulator import KEY_WINDOW, DepotEmulator
from walletport.errors import (
    AlreadyExists,
    ApprovalPending,
    ErrorFacts,
    InvalidRequest,
    MalformedResponse,
    RequestInProgress,
    WalletportError,
)
from walletport.models import Address, Balance, Chain, Event, EventType, Page, Wallet, WalletOrder, WalletStatus
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
    wire,
)
from walletport.provider.emulation import Emulator
from walletport.provider.signatures import hmac_hex, verify_body_only

__all__ = ["Depot", "DepotEmulator"]

STATES = {"OPEN": WalletStatus.ACTIVE, "RETIRED": WalletStatus.CLOSED}


class DepotSettings(ProviderSettings):
    """What a client of Depot needs."""

    key_id: str
    secret: SecretStr


class Box(wire.WireModel):
    """Depot's wallet."""

    vault: str
    number: int
    label: str | None = None
    state: str
    made_at: wire.Timestamp = None


class Holding(wire.WireModel):
    """How much of one coin a box holds, in the coin's smallest units."""

    coin: str
    units: int
    decimals: int


class Place(wire.WireModel):
    """Where a deposit goes."""

    network: str
    address: str
    tag: str | None = None


class Depot(WalletProvider):
    """The second toy vendor."""

    name: ClassVar[str] = "depot"
    title: ClassVar[str] = "Depot Custody"
    environments: ClassVar[Mapping[str, Environment]] = {
        "sandbox": Environment({"api": "https://sandbox.depot.example/depot"})
    }
    settings_type: ClassVar[type[ProviderSettings]] = DepotSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        create_wallet=YES,
        get_wallet=YES,
        list_wallets=YES,
        find_wallet=YES,
        get_balances=YES,
        get_addresses=YES,
        rotate_wallet=YES,
        create_customer=no("a person becomes known to Depot through its own app"),
        get_customer=no("Depot tells nothing about a person"),
        several_addresses=YES,
        webhooks=YES,
        approval=depends("an account can ask for it"),
        order=OrderFields(chain=Need.REFUSED, asset=Need.REFUSED, reference=Need.REQUIRED),
        idempotency=Idempotency(
            place="body",
            name="requestId",
            required=True,
            window=KEY_WINDOW,
            window_documented=True,
            replay="the first answer again",
        ),
        custody="Depot holds the keys",
    )

    def __init__(self, settings: ProviderSettings) -> None:
        assert isinstance(settings, DepotSettings)
        self._settings = settings

    def authenticate(self) -> Flow[Credential]:
        """Return the secret."""
        yield from ()
        return Credential(self._settings.secret)

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        """Sign the final bytes, with a nonce of this attempt's own."""
        return self._signed(request, credential, request.body)

    def _signed(self, request: OutgoingRequest, credential: Credential, body: bytes) -> OutgoingRequest:
        path = "/".join(unquote(part) for part in urlsplit(request.url).path.split("/depot/", 1)[1].split("/"))
        signed = f"{request.method}\n{path}\n{request.nonce}\n".encode() + body
        signature = hmac_hex(signed, credential.token.get_secret_value())
        return request.with_headers(
            {"Depot-Key": self._settings.key_id, "Depot-Nonce": request.nonce, "Depot-Signature": signature}
        )

    def classify(self, request: Request, response: Response) -> WalletportError | None:
        """Read the error's code."""
        if response.ok:
            return None
        facts: ErrorFacts = {"status_code": response.status, "provider_code": _code(response)}
        match facts["provider_code"]:
            case "LABEL_TAKEN" if response.status in request.accepts:
                return None
            case "LABEL_TAKEN":
                return AlreadyExists("the label is taken", **facts)
            case "REQUEST_ID_USED":
                return RequestInProgress("the request id is in use", **facts)
        return error_for_status(response, **facts)

    def create_wallet(self, order: WalletOrder) -> Flow[Wallet]:
        """Make the vault, then a box in it; where the label is taken, the refusal carries the box."""
        yield Request("PUT", ("vaults", order.customer_id), json={}, effect=Effect.PREPARES, repeatable=True)
        response = yield Request(
            "POST",
            ("vaults", order.customer_id, "boxes"),
            json={"requestId": order.idempotency_key, "boxes": [{"label": order.reference}]},
            idempotency_key=order.idempotency_key,
            effect=Effect.APPLIES,
            accepts=(409,),
        )
        answer = response.json_object()
        if "approval" in answer:
            msg = "somebody at the depot must approve the box"
            raise ApprovalPending(msg, approval_id=code_of(answer["approval"]))
        return self._adopted(order, answer["box"]) if "box" in answer else _first(answer)

    def _adopted(self, order: WalletOrder, box: Json) -> Wallet:
        return _wallet(box)

    def get_wallet(self, wallet_id: str, customer_id: str | None) -> Flow[Wallet]:
        """Read one box."""
        response = yield Request("GET", _path(wallet_id))
        return _wallet(response.json())

    def list_wallets(self, customer_id: str | None, cursor: str | None) -> Flow[Page[Wallet]]:
        """Read one page; its number is the cursor."""
        number = int(cursor or "1")
        response = yield Request("GET", ("vaults", customer_id or "", "boxes"), query=(("page", str(number)),))
        answer = response.json_object()
        boxes, pages = answer["boxes"], answer["pages"]
        assert isinstance(boxes, list)
        assert isinstance(pages, int)
        more = str(number + 1) if number < pages else None
        return Page(items=tuple(_wallet(box) for box in boxes), next_cursor=more)

    def find_wallet(self, order: WalletOrder) -> Flow[Wallet | None]:
        """Look through every page for the label."""
        cursor: str | None = None
        while True:
            page = yield from self.list_wallets(order.customer_id, cursor)
            found = next((wallet for wallet in page.items if wallet.reference == order.reference), None)
            cursor = page.next_cursor
            if found is not None or cursor is None:
                return found

    def get_balances(self, wallet: Wallet) -> Flow[tuple[Balance, ...]]:
        """Read what a box holds."""
        response = yield Request("GET", (*_path(wallet.id), "holdings"))
        return tuple(self._balance(wire.read(Holding, item)) for item in _items(response, "holdings"))

    def _balance(self, held: Holding) -> Balance:
        return Balance(asset=held.coin, available=wire.from_base_units(held.units, held.decimals))

    def get_addresses(self, wallet: Wallet) -> Flow[tuple[Address, ...]]:
        """Read where deposits go."""
        response = yield Request("GET", (*_path(wallet.id), "addresses"))
        return tuple(self._address(wire.read(Place, item)) for item in _items(response, "addresses"))

    def _address(self, place: Place) -> Address:
        return Address(chain=Chain(place.network), value=place.address, memo=place.tag)

    def rotate_wallet(self, wallet: Wallet, idempotency_key: str) -> Flow[Wallet]:
        """Swap a box for a new one."""
        response = yield Request(
            "POST",
            (*_path(wallet.id), "swap"),
            json={"requestId": idempotency_key},
            idempotency_key=idempotency_key,
            effect=Effect.APPLIES,
        )
        return _first(response.json_object())

    @classmethod
    def parse_webhook(
        cls, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime, *, unverified: bool
    ) -> Event:
        """Verify, then read."""
        if not unverified:
            verify_body_only(headers.get("depot-signature"), body, secrets)
        event = wire.mapping(read_json(body))
        wallet = _wallet(event["box"])
        opened = event["event"] == "BOX_OPENED"
        return Event(
            provider=cls.name,
            type=EventType.WALLET_CREATED if opened else EventType.UNKNOWN,
            provider_type=str(event["event"]),
            id=f"{wallet.id}/{event['event']}",
            wallet=wallet,
            wallet_id=wallet.id,
            customer_id=wallet.customer_id,
            verified=not unverified,
            raw=event,
        )

    @classmethod
    def emulator(cls) -> type[Emulator]:
        """Return Depot's emulator."""
        return DepotEmulator


def _code(response: Response) -> str | None:
    try:
        return code_of(response.json_object().get("code"))
    except WalletportError:
        return None


def _wallet(value: object) -> Wallet:
    box = wire.read(Box, value)
    return Wallet(
        provider=Depot.name,
        id=f"{box.vault}:{box.number}",
        customer_id=box.vault,
        status=STATES.get(box.state, WalletStatus.UNKNOWN),
        provider_status=box.state,
        reference=box.label,
        created_at=box.made_at,
        raw=wire.mapping(value),
        drift=wire.drift_of(box),
    )


def _first(answer: JsonObject) -> Wallet:
    boxes = answer["boxes"]
    if not isinstance(boxes, list) or len(boxes) != 1:
        msg = "the answer holds another number of boxes than was asked for"
        raise MalformedResponse(msg)
    return _wallet(boxes[0])


def _items(response: Response, name: str) -> list[Json]:
    items = response.json_object()[name]
    assert isinstance(items, list)
    return items


def _path(wallet_id: str) -> tuple[str, ...]:
    person, colon, number = wallet_id.rpartition(":")
    if not colon or not person or not number:
        msg = "a box's id is a person's and a number, with a colon between"
        raise InvalidRequest(msg)
    return ("vaults", person, "boxes", number)
