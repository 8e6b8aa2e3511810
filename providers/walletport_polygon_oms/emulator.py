"""Polygon OMS as a state machine, written from its documentation: the token call, customers, wallets, balances.

Left out, because nothing here uses them: changing and deleting customers, registering webhooks, deposit addresses
and their simulation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final, Literal

from walletport.errors import MalformedResponse
from walletport.models import Address, Chain
from walletport.provider import Json, JsonObject, Response
from walletport.provider.emulation import (
    Clock,
    EmulatedWallet,
    Emulator,
    IdempotencyMemory,
    IncomingRequest,
    make_address,
    make_id,
)
from walletport.provider.signatures import hmac_hex

API_KEY: Final = "sk_sdbx_demo0000000000000000000000"
API_SECRET: Final = "demo-secret-0000000000000000000000"  # noqa: S105 - of the emulator, which guards nothing
CUSTOMER: Final = "cst_01J0DEMO0000000000000000001"
ENDORSEMENTS: Final = ("basic", "cryptoCustody", "usd")
_ID_LENGTH: Final = 26
_CURSOR: Final = "cur_"
_EMBEDDED: Final = ("id", "address", "asset", "status")
_WRITTEN: Final = ("firstName", "middleName", "lastName", "email", "phone", "nationality", "externalId")


@dataclass
class OmsWallet:
    """A wallet inside the emulator."""

    id: str
    customer_id: str
    asset: str
    chain: str
    address: str
    made_at: datetime
    status: str = "active"
    balance: Decimal = Decimal("0.00")

    def counted(self) -> EmulatedWallet:
        """Return the wallet for counting."""
        address = Address(chain=Chain(self.chain), value=self.address)
        return EmulatedWallet(self.customer_id, self.id, self.chain, self.asset, None, (address,))


@dataclass
class EmulatedCustomer:
    """A customer inside the emulator."""

    id: str
    made_at: datetime
    said: JsonObject = field(default_factory=dict)
    endorsements: tuple[str, ...] = ENDORSEMENTS
    wallets: list[OmsWallet] = field(default_factory=list)


class _Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status = status
        self.why = why


class PolygonOmsEmulator(Emulator):
    """Polygon OMS's sandbox: every customer made through the API has all endorsements at once.

    No page documents an error body, the length of a key's memory, what a second create for the same customer, asset
    and chain answers, or what a missing endorsement answers; the defaults are the readings that ask most of a
    client, and the attributes switch to the others.

    Attributes:
        token_life: how long a token is good for.
        key_is_bearer: whether the API key itself is taken as a bearer token, as an older page has it.
        key_window: how long an idempotency key is remembered.
        duplicate_pair: what a new key for an asset and chain that the customer has already answers: 409, the wallet
            that exists, or one more wallet.
        endorsement_form: names, or objects (whose field ``name`` is a guess: no page shows it).
        endorsements_on_create: whether the answer that makes a customer shows what it was granted, or ``[]`` as in
            the vendor's sample.
        wallet_form: with every documented field, or without ``type`` and ``updatedAt`` as in the guides' samples.
        address_delay: how long a new wallet has no address; the samples have it at once.
        page_size: how many entries a page holds.
        cursor_parameter: the query name under which a cursor is understood; no page names it.
        error_body: a JSON object with a text, nothing at all, or a page of HTML.
    """

    mount: ClassVar[str] = "/polygon-oms/v0.9"
    default_customer: ClassVar[str] = CUSTOMER
    uncreatable_chain: ClassVar[str | None] = "dogecoin"
    webhook_proof: ClassVar[Literal["time and body", "body", "none"]] = "none"

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        super().__init__(clock, seed)
        self.token_life = timedelta(seconds=3600)
        self.key_is_bearer = False
        self.duplicate_pair: Literal["conflict", "same", "new"] = "conflict"
        self.endorsement_form: Literal["names", "objects"] = "names"
        self.endorsements_on_create: Literal["granted", "empty"] = "granted"
        self.wallet_form: Literal["reference", "guide"] = "reference"
        self.address_delay = timedelta(0)
        self.page_size = 20
        self.cursor_parameter = "cursor"
        self.error_body: Literal["json", "none", "html"] = "json"
        self._keys = IdempotencyMemory(timedelta(minutes=5), clock)
        self._tokens: dict[str, datetime] = {}
        self._customers = {CUSTOMER: EmulatedCustomer(CUSTOMER, clock())}
        self._wallets: dict[str, OmsWallet] = {}

    @property
    def key_window(self) -> timedelta:
        """How long an idempotency key is remembered."""
        return self._keys.window

    @key_window.setter
    def key_window(self, window: timedelta) -> None:
        self._keys.window = window

    @property
    def settings(self) -> Mapping[str, str]:
        """The key and the secret it accepts."""
        return {"api_key": API_KEY, "api_secret": API_SECRET}

    def wallets(self) -> list[EmulatedWallet]:
        """List every wallet it has ever made."""
        return [made.counted() for made in self._wallets.values()]

    def customers(self) -> list[str]:
        """List every customer."""
        return list(self._customers)

    def add_wallet(self, customer_id: str) -> str:
        """Make a wallet of another asset than the customer has one of."""
        return self._new(self._customers[customer_id], f"asset{len(self._wallets)}", "polygon").id

    def add_customer(self, customer_id: str | None = None, *, eligible: bool = True) -> str:
        """Add a customer with all endorsements or, as outside the sandbox, with none yet."""
        made = customer_id or make_id(self.random, "cst_", _ID_LENGTH)
        self._customers[made] = EmulatedCustomer(made, self.clock(), endorsements=ENDORSEMENTS if eligible else ())
        return made

    def grant(self, customer_id: str, *endorsements: str) -> None:
        """Grant a customer these endorsements, as the vendor's review would."""
        self._customers[customer_id].endorsements = endorsements

    def wallet(self, wallet_id: str) -> OmsWallet:
        """Return a wallet, for changing its status or its balance."""
        return self._wallets[wallet_id]

    def set_balance(self, wallet_id: str, asset: str, amount: Decimal) -> None:
        """Set what a wallet holds of its asset."""
        self._wallets[wallet_id].balance = amount

    def end_tokens(self) -> None:
        """Let every token end now."""
        self._tokens.clear()

    def webhook(self, wallet_id: str, secret: str) -> tuple[Mapping[str, str], bytes]:
        """Return the webhook of a deposit to this wallet: no event is documented for one that was made.

        The signature is HMAC-SHA256 over the body in hex. That is this emulator's own: the vendor documents
        the header and no algorithm.
        """
        made = self._wallets[wallet_id]
        data: Json = {"walletId": made.id, "customerId": made.customer_id}
        body = json.dumps({"event": "wallet.depositDetected", "data": data}).encode()
        return {"content-type": "application/json", "webhook-signature": hmac_hex(body, secret)}, body

    def failure(self, status: int, retry_after: int | None = None) -> Response:
        """Return a failure; nothing is documented of its body."""
        answer = self._refusal(status, "the service is not available")
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        return Response(status, {**answer.headers, **headers}, answer.body)

    # --- the API --------------------------------------------------------------------------------------------

    def handle(self, request: IncomingRequest) -> Response:
        """Answer one request."""
        try:
            return self._route(request)
        except _Refused as refused:
            return self._refusal(refused.status, refused.why)

    def _route(self, request: IncomingRequest) -> Response:
        if (request.method, request.path) == ("POST", ("auth", "token")):
            return self._exchange(request)
        self._authorize(request)
        if request.method == "POST":
            return self._post(request)
        if request.method == "GET":
            return self._get(request)
        raise _Refused(404, "no such resource")

    def _post(self, request: IncomingRequest) -> Response:
        match request.path:
            case ("customers",):
                return self._once(request, self._create_customer)
            case ("customers", customer_id, "wallets"):
                return self._once(request, lambda body: self._create_wallet(customer_id, body))
        raise _Refused(404, "no such resource")

    def _get(self, request: IncomingRequest) -> Response:
        match request.path:
            case ("customers",):
                return self._list_customers(request)
            case ("customers", customer_id):
                return _answer(200, self._customer_json(self._customer(customer_id)))
            case ("customers", customer_id, "wallets"):
                return self._page(request, [self._wallet_json(made) for made in self._customer(customer_id).wallets])
            case ("wallets", wallet_id, "balance"):
                return self._balance(request, wallet_id)
        raise _Refused(404, "no such resource")

    # --- authentication -------------------------------------------------------------------------------------

    def _exchange(self, request: IncomingRequest) -> Response:
        """Exchange key and secret; an ``Authorization`` header is neither needed nor looked at."""
        body = _object(request)
        key, secret = _text(body, "apiKey"), _text(body, "apiSecret")
        if (key, secret) != (API_KEY, API_SECRET):
            raise _Refused(401, "unknown key or wrong secret")
        token = ".".join(make_id(self.random, start, 40) for start in ("eyJ", "eyJ", ""))
        ends = self._tokens[token] = self.clock() + self.token_life
        life = int(self.token_life.total_seconds())
        return _answer(200, {"accessToken": token, "tokenType": "bearer", "expiresIn": life, "expiresAt": _time(ends)})

    def _authorize(self, request: IncomingRequest) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        ends = self._tokens.get(token)
        good = ends is not None and self.clock() < ends
        if scheme.lower() != "bearer" or not (good or (self.key_is_bearer and token == API_KEY)):
            raise _Refused(401, "the token is missing, unknown or expired")

    # --- idempotency ----------------------------------------------------------------------------------------

    def _once(self, request: IncomingRequest, make: Callable[[JsonObject], Response]) -> Response:
        """Carry out a POST once for each key; nothing is documented of refusals, and they are not remembered."""
        key = request.headers.get("idempotency-key")
        if not key:
            raise _Refused(400, "Idempotency-Key is required")
        scope = (key, request.method, *request.path)
        verdict, remembered = self._keys.look(scope, request.body)
        if remembered is not None:
            return remembered
        if verdict != "new":
            raise _Refused(409, "the key is in use or was used for another body")
        try:
            answer = make(_object(request))
        except _Refused:
            self._keys.forget(scope)
            raise
        self._keys.record(scope, answer)
        return answer

    # --- customers ------------------------------------------------------------------------------------------

    def _create_customer(self, body: JsonObject) -> Response:
        """Make a customer; an empty body is taken too, as in the vendor's quickstart."""
        if body and body.get("type") != "individual":
            raise _Refused(400, "type must be individual")
        said = {name: value for name, value in body.items() if name in _WRITTEN}
        made = EmulatedCustomer(make_id(self.random, "cst_", _ID_LENGTH), self.clock(), said)
        self._customers[made.id] = made
        shown = self._customer_json(made)
        if self.endorsements_on_create == "empty":
            shown["endorsements"] = []
        return _answer(201, shown)

    def _list_customers(self, request: IncomingRequest) -> Response:
        wanted = {name: request.query[name] for name in ("status", "email", "externalId") if name in request.query}
        shown = [self._customer_json(customer) for customer in self._customers.values()]
        found = [item for item in shown if all(item.get(name) == value for name, value in wanted.items())]
        return self._page(request, found)

    def _customer(self, customer_id: str) -> EmulatedCustomer:
        customer = self._customers.get(customer_id)
        if customer is None:
            raise _Refused(404, "no such customer")
        return customer

    def _customer_json(self, customer: EmulatedCustomer) -> JsonObject:
        names: list[Json] = list(customer.endorsements)
        return {
            "id": customer.id,
            "object": "customer",
            "type": "individual",
            **{name: customer.said.get(name) for name in _WRITTEN},
            "status": "active",
            "signedAgreement": False,
            "signedAgreementAt": None,
            "wallets": [self._embedded(made) for made in customer.wallets],
            "endorsements": names if self.endorsement_form == "names" else _endorsement_objects(customer.endorsements),
            "metadata": {},
            "createdAt": _time(customer.made_at),
            "updatedAt": _time(customer.made_at),
        }

    # --- wallets --------------------------------------------------------------------------------------------

    def _create_wallet(self, customer_id: str, body: JsonObject) -> Response:
        customer = self._customer(customer_id)
        asset, chain = _text(body, "asset"), _text(body, "chain")
        # Which chains there are is documented nowhere; one that nobody knows has no address to give.
        if Chain(chain).caip2 is None:
            raise _Refused(422, "unknown chain")
        if "cryptoCustody" not in customer.endorsements:
            raise _Refused(403, "the endorsement cryptoCustody is missing")
        existing = next((w for w in customer.wallets if (w.asset, w.chain) == (asset, chain)), None)
        if existing is not None and self.duplicate_pair != "new":
            if self.duplicate_pair == "conflict":
                raise _Refused(409, "the customer has a wallet for this asset and chain")
            return _answer(201, self._wallet_json(existing))
        return _answer(201, self._wallet_json(self._new(customer, asset, chain)))

    def _new(self, customer: EmulatedCustomer, asset: str, chain: str) -> OmsWallet:
        address = make_address(self.random, Chain(chain))
        made = OmsWallet(make_id(self.random, "wlt_", _ID_LENGTH), customer.id, asset, chain, address, self.clock())
        self._wallets[made.id] = made
        customer.wallets.append(made)
        return made

    def _balance(self, request: IncomingRequest, wallet_id: str) -> Response:
        """Show a balance; no page shows its fields, only that it is a display balance with an estimated value."""
        made = self._wallets.get(wallet_id)
        if made is None:
            raise _Refused(404, "no such wallet")
        currency = request.query.get("estimatedBalanceCurrencyCode", "USD")
        estimate: Json = {"value": str(made.balance), "currency": currency}
        shown: Json = {"value": str(made.balance), "asset": made.asset}
        return _answer(200, {"displayBalance": shown, "estimatedBalance": estimate})

    def _wallet_json(self, made: OmsWallet) -> JsonObject:
        shown: JsonObject = {
            "id": made.id,
            "object": "wallet",
            "customerId": made.customer_id,
            "address": made.address,
            "asset": made.asset,
            "chain": made.chain,
            "status": made.status,
            "createdAt": _time(made.made_at),
        }
        if self.clock() - made.made_at < self.address_delay:
            del shown["address"]
        if self.wallet_form == "reference":
            shown |= {"type": "internal", "updatedAt": _time(made.made_at)}
        return shown

    def _embedded(self, made: OmsWallet) -> JsonObject:
        """Show a wallet as the customer pages do."""
        same = {name: value for name, value in self._wallet_json(made).items() if name in _EMBEDDED}
        money = str(made.balance)
        return {**same, "network": made.chain, "type": "custodial", "balance": money, "estimatedValueUsd": money}

    def _page(self, request: IncomingRequest, items: Sequence[JsonObject]) -> Response:
        start = _position(request.query.get(self.cursor_parameter, f"{_CURSOR}0"))
        end = start + self.page_size
        more = end < len(items)
        cursor = f"{_CURSOR}{end}" if more else None
        return _answer(200, {"data": list(items[start:end]), "hasMore": more, "cursor": cursor})

    def _refusal(self, status: int, why: str) -> Response:
        if self.error_body == "none":
            return Response(status)
        if self.error_body == "html":
            return Response(status, {"content-type": "text/html"}, f"<html><h1>{status}</h1></html>".encode())
        return _answer(status, {"message": why})


def _answer(status: int, body: JsonObject) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(body, default=str).encode())


def _object(request: IncomingRequest) -> JsonObject:
    try:
        body = request.json()
    except MalformedResponse:
        raise _Refused(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise _Refused(400, "the body is not an object")
    return body


def _text(body: JsonObject, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise _Refused(400, f"{name} is required")
    return value


def _endorsement_objects(granted: tuple[str, ...]) -> list[Json]:
    shown: list[Json] = []
    for name in ENDORSEMENTS:
        complete: list[Json] = ["identity"] if name in granted else []
        missing: list[Json] = [] if name in granted else ["identity"]
        requirements: Json = {"complete": complete, "pending": [], "missing": missing, "issues": None}
        shown.append({"name": name, "rejectionReasons": [], "requirements": requirements})
    return shown


def _position(cursor: str) -> int:
    position = cursor.removeprefix(_CURSOR)
    if position == cursor or not position.isdecimal():
        raise _Refused(400, "unknown cursor")
    return int(position)


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
