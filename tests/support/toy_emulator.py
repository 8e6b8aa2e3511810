"""Toy, the vendor that exists nowhere, as a state machine; `tests.support.toy` says what its API is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final

from walletport.errors import WalletportError
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
from walletport.provider.signatures import sign_timestamped

KEY: Final = "toy_key_" + "0" * 24
CUSTOMER: Final = "toy-customer-1"
CHAINS: Final = ("polygon", "base", "tron", "solana")
KEY_WINDOW: Final = timedelta(minutes=10)


@dataclass
class _Made:
    """A wallet inside the emulator."""

    id: str
    customer_id: str
    body: JsonObject
    address: str
    created_at: datetime
    balances: dict[str, str] = field(default_factory=dict)

    def counted(self) -> EmulatedWallet:
        """Return the wallet for counting."""
        chain, asset, reference = (_text(self.body, name) for name in ("chain", "asset", "reference"))
        address = Address(chain=Chain(chain or ""), value=self.address)
        return EmulatedWallet(self.customer_id, self.id, chain, asset, reference, (address,))


class ToyEmulator(Emulator):
    """Toy as a state machine.

    Attributes:
        activation_delay: how long a new wallet is pending.
        token_life: how long a token is good for.
        page_size: how many wallets a page holds unless ``limit`` says otherwise.
        balance: how much USDC every wallet shows, as the vendor writes it.
    """

    mount: ClassVar[str] = "/toy/v1"
    default_customer: ClassVar[str] = CUSTOMER
    uncreatable_chain: ClassVar[str | None] = "dogecoin"

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        super().__init__(clock, seed)
        self.activation_delay = timedelta(milliseconds=300)
        self.token_life = timedelta(minutes=10)
        self.page_size = 2
        self.balance = "0.000001"
        self._customers: dict[str, bool] = {CUSTOMER: True}
        self._wallets: list[_Made] = []
        self._tokens: dict[str, datetime] = {}
        self._keys = IdempotencyMemory(KEY_WINDOW, clock)
        self._requests = itertools.count(1)

    @property
    def settings(self) -> Mapping[str, str]:
        """The key it accepts."""
        return {"key": KEY}

    def wallets(self) -> list[EmulatedWallet]:
        """List every wallet."""
        return [made.counted() for made in self._wallets]

    def customers(self) -> list[str]:
        """List every customer."""
        return list(self._customers)

    def add_wallet(self, customer_id: str) -> str:
        """Make one more wallet."""
        return self._make(customer_id, {"chain": CHAINS[len(self._wallets) % len(CHAINS)]}).id

    def add_customer(self, customer_id: str | None = None, *, eligible: bool = True) -> str:
        """Add a customer."""
        made = customer_id or make_id(self.random, "toy-customer-", 8)
        self._customers[made] = eligible
        return made

    def set_balance(self, wallet_id: str, asset: str, amount: Decimal) -> None:
        """Set what a wallet holds of one asset."""
        next(made for made in self._wallets if made.id == wallet_id).balances[asset] = str(amount)

    def end_tokens(self) -> None:
        """Let every token end now."""
        self._tokens.clear()

    def webhook(self, wallet_id: str, secret: str) -> tuple[Mapping[str, str], bytes]:
        """Return the signed event."""
        made = next(made for made in self._wallets if made.id == wallet_id)
        body = _body({"id": f"evt-{made.id}", "type": "wallet.created", "wallet": self._shown(made)})
        return {"toy-signature": sign_timestamped(body, secret, self.clock())}, body

    def failure(self, status: int, retry_after: int | None = None) -> Response:
        """Return an error in Toy's shape."""
        response = self._error(status, "rate_limited" if status == 429 else "server_error")
        extra = {} if retry_after is None else {"retry-after": str(retry_after)}
        return Response(status, {**response.headers, **extra}, response.body)

    def handle(self, request: IncomingRequest) -> Response:  # noqa: PLR0911 - a return for each route
        """Answer one request."""
        try:
            value = request.json() if request.body else {}
        except WalletportError:
            return self._error(400, "bad_json")
        body = value if isinstance(value, dict) else {}
        if (request.method, request.path) == ("POST", ("token",)):
            return self._token(body)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self._tokens or self.clock() >= self._tokens[token]:
            return self._error(401, "bad_token")
        match request.method, *request.path:
            case "POST", "customers":
                return self._once(request, "", lambda: self._json(201, self._customer(self.add_customer())))
            case _, "customers", customer, *_ if customer not in self._customers:
                return self._error(404, "customer_not_found")
            case "GET", "customers", customer:
                return self._json(200, self._customer(customer))
            case "POST", "customers", customer, "wallets":
                return self._once(request, customer, lambda: self._create(customer, body))
            case "GET", "customers", customer, "wallets":
                return self._list(request, customer)
            case "GET", "customers", customer, "wallets", wallet_id, *rest:
                return self._one(customer, wallet_id, rest)
        return self._error(404, "no_such_path")

    def _token(self, body: JsonObject) -> Response:
        if body.get("key") != KEY:
            return self._error(401, "bad_key")
        token = make_id(self.random, "toy_token_", 24)
        self._tokens[token] = self.clock() + self.token_life
        return self._json(200, {"token": token, "expiresIn": int(self.token_life.total_seconds())})

    def _once(self, request: IncomingRequest, customer: str, work: Callable[[], Response]) -> Response:
        key = request.headers.get("idempotency-key")
        if key is None:
            return work()
        verdict, known = self._keys.look((customer, key), request.body)
        if known is not None:
            return known
        if verdict != "new":
            return self._error(409, "key_reused" if verdict == "conflict" else "key_in_use")
        response = work()
        self._keys.record((customer, key), response)
        return response

    def _create(self, customer: str, body: JsonObject) -> Response:
        chain = body.get("chain")
        if not isinstance(chain, str) or chain not in CHAINS:
            return self._error(400, "bad_chain")
        if not self._customers[customer]:
            return self._error(403, "customer_not_verified")
        kept: JsonObject = {name: str(body[name]) for name in ("chain", "asset", "reference") if name in body}
        return self._json(201, self._shown(self._make(customer, kept)))

    def _make(self, customer: str, body: JsonObject) -> _Made:
        address = make_address(self.random, Chain(str(body["chain"])))
        made = _Made(make_id(self.random, "toy-wallet-", 12), customer, body, address, self.clock())
        self._wallets.append(made)
        return made

    def _list(self, request: IncomingRequest, customer: str) -> Response:
        wanted = request.query.get("reference")
        mine = [
            made for made in self._wallets
            if made.customer_id == customer and wanted in (None, made.body.get("reference"))
        ]  # fmt: skip
        cursor = request.query.get("cursor")
        start = next((n + 1 for n, made in enumerate(mine) if made.id == cursor), 0)
        end = start + min(self.page_size, int(request.query.get("limit", self.page_size)))
        shown: list[Json] = [self._shown(made) for made in mine[start:end]]
        return self._json(200, {"items": shown, "next": mine[end - 1].id if end < len(mine) else None})

    def _one(self, customer: str, wallet_id: str, rest: list[str]) -> Response:
        here = (customer, wallet_id)
        made = next((made for made in self._wallets if (made.customer_id, made.id) == here), None)
        if made is None or rest not in ([], ["balances"]):
            return self._error(404, "wallet_not_found")
        if rest:
            shown: list[Json] = [{"asset": asset, "amount": held} for asset, held in made.balances.items()]
            return self._json(200, {"balances": shown or [{"asset": "usdc", "amount": self.balance}]})
        return self._json(200, self._shown(made))

    def _shown(self, made: _Made) -> JsonObject:
        active = self.clock() - made.created_at >= self.activation_delay
        return {
            "id": made.id,
            "customerId": made.customer_id,
            **made.body,
            "status": "active" if active else "pending",
            "address": made.address if active else None,
            "createdAt": made.created_at.astimezone(UTC).isoformat(),
        }

    def _customer(self, customer: str) -> JsonObject:
        return {"id": customer, "verified": self._customers[customer]}

    def _error(self, status: int, code: str) -> Response:
        return self._json(status, {"error": {"code": code, "message": f"toy says {code}"}})

    def _json(self, status: int, value: JsonObject) -> Response:
        headers = {"content-type": "application/json", "x-request-id": f"toy-{next(self._requests)}"}
        return Response(status, headers, _body(value))


def _body(value: JsonObject) -> bytes:
    return json.dumps(value).encode()


def _text(body: JsonObject, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) else None
