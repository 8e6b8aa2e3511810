"""Conduit v2 as a state machine, written from the vendor's pages and OpenAPI document."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import ClassVar, Final, Literal
from urllib.parse import quote

from walletport.errors import MalformedResponse
from walletport.models import Chain
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
from walletport.provider.signatures import hmac_hex, sign_timestamped
from walletport_conduit.emulated import (
    JSON_HEADERS,
    Customer,
    Made,
    Refused,
    depth,
    encoded,
    iso,
    numbered_page,
    page,
    read_order,
)

API_KEY: Final = "ck_sandbox_" + "0" * 64
OTHER_API_KEY: Final = "ck_sandbox_" + "1" * 64
"""A second read-write key of the same organisation."""
READ_ONLY_API_KEY: Final = "ck_sandbox_" + "2" * 64
CUSTOMER: Final = "cus_" + "0" * 21 + "1"

_KEY: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_CUSTOMER_ID: Final = re.compile(r"cus_[0-9A-Za-z]{22}")
_WALLET_ID: Final = re.compile(r"wlt_[0-9A-Za-z]{22}")
_DEEPEST_BODY: Final = 16
_FAILURES: Final = {429: "RATE_LIMITED", 500: "INTERNAL_ERROR"}


class ConduitEmulator(Emulator):
    """Conduit v2.

    Where no page tells, it does what is hardest on a client: a failure is not remembered under its key, a second
    create without a reference makes a second wallet, a rotation leaves the reference on the old wallet and disables
    it, every positive balance is above dust. The data of an event, which no page shows, is the wallet object. A 503
    that is planted from outside has a code of its own, because the one documented code says that a wallet was
    recorded.

    Attributes:
        activation_delay: how long a wallet is pending, without an address.
        keys: the remembered idempotency keys; ``keys.window`` is 5 minutes as on the pages, not the 30 days of the
            OpenAPI document.
        key_required: whether a create needs a key.
        key_scope: who shares a key.
        replay_failures: whether a failure is remembered under its key too.
        unrecorded: how many successes stop before their result is recorded: a 500, and the key stays in progress.
        refusals: status and code that the next creates and rotations are answered with, instead of working.
        activation_failures: how many creates record a wallet and fail to open it on the chain: the 503.
        approval_required: whether an admin must approve a create: the 202; `approve` does it.
        chains: what a wallet may be asked for on.
        feature_enabled: whether the organisation has crypto wallets.
        feature_refuses_create: whether a create asks for that as well, as one page says.
        custodial: whether the organisation may have custodial wallets, without a claim.
        unclaimed_status: whether a customer without a claim gets the 409 of one page or the 422 of the other.
        bad_key_code: what a wrong API key is answered with.
        duplicate_code: what a reference that another wallet has is answered with.
        second_create: what a create without a reference does where there is a wallet already.
        rotation: what a rotation answers: the new wallet, the old one, or the same one with another address.
        error_form: whether an error is a problem or the body of the older overview.
        nulls: whether an absent value is left out or null.
        upper_case: whether statuses and features are written in capitals.
        pagination: whether lists go by cursor or, as in the older overview, by page number and without filters.
        event_data: whether a wallet event carries the wallet, the wallet under its name, or ids only.
        event_time_field: the newer name of an event's time or the older one.
        signature: the newer form of a webhook's signature or the older one, over the body alone.
    """

    mount: ClassVar[str] = "/conduit/v2"
    default_customer: ClassVar[str] = CUSTOMER
    uncreatable_chain: ClassVar[str | None] = "arbitrum"

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        super().__init__(clock, seed)
        self.activation_delay = timedelta(seconds=1)
        self.keys = IdempotencyMemory(timedelta(minutes=5), clock)
        self.key_required = True
        self.key_scope: Literal["principal", "organisation"] = "principal"
        self.replay_failures = False
        self.unrecorded = 0
        self.refusals: list[tuple[int, str]] = []
        self.activation_failures = 0
        self.approval_required = False
        self.chains: tuple[str, ...] = ("ethereum", "base", "polygon", "solana", "tron", "stellar")
        self.feature_enabled = True
        self.feature_refuses_create = True
        self.custodial = False
        self.unclaimed_status: Literal[409, 422] = 409
        self.bad_key_code = "API_KEY_INVALID"
        self.duplicate_code = "CONFLICT"
        self.second_create: Literal["another", "existing"] = "another"
        self.rotation: Literal["new", "old", "same"] = "new"
        self.error_form: Literal["problem", "older"] = "problem"
        self.nulls: Literal["omitted", "null"] = "omitted"
        self.upper_case = False
        self.pagination: Literal["cursor", "number"] = "cursor"
        self.event_data: Literal["wallet", "nested", "ids"] = "wallet"
        self.event_time_field: Literal["createdAt", "created_at"] = "createdAt"
        self.signature: Literal["timestamped", "body"] = "timestamped"
        self._customers: dict[str, Customer] = {}
        self._wallets: dict[str, Made] = {}
        self._ceremonies: dict[str, Made] = {}
        self.add_customer(CUSTOMER)

    @property
    def settings(self) -> Mapping[str, str]:
        """The key it accepts."""
        return {"api_key": API_KEY}

    def wallets(self) -> list[EmulatedWallet]:
        """List every wallet, those that were replaced included."""
        return [w.counted() for w in self._wallets.values()]

    def customers(self) -> list[str]:
        """List every customer."""
        return list(self._customers)

    def add_wallet(self, customer_id: str) -> str:
        """Make a wallet on a chain on which the customer has none yet, as far as there is one."""
        chains = (
            chain for chain in self.chains if not any(w.holds(customer_id, chain) for w in self._wallets.values())
        )
        made = self._new(customer_id, next(chains, self.chains[0]), None)
        self._keep(made)
        made.opened = True
        return made.id

    def add_customer(self, customer_id: str | None = None, *, eligible: bool = True) -> str:
        """Add a customer; one that is not eligible has neither the feature nor the claim."""
        made = customer_id or make_id(self.random, "cus_", 22)
        application = make_id(self.random, "app_", 22)
        self._customers[made] = Customer(made, application, self.clock(), feature=eligible, claimed=eligible)
        return made

    def claim(self, customer_id: str) -> None:
        """Approve a customer's feature and complete its non-custodial claim."""
        customer = self._customers[customer_id]
        customer.feature = customer.claimed = True

    def require_approval(self) -> None:
        """Let creates wait for an admin."""
        self.approval_required = True

    def approve(self, approval_id: str) -> str:
        """Approve a pending create as the admin would, and return the wallet's id."""
        made = self._ceremonies.pop(approval_id)
        self._keep(made)
        made.opened = True
        return made.id

    def refuse(self, approval_id: str) -> None:
        """Refuse a pending create as the admin would; no wallet is made."""
        del self._ceremonies[approval_id]

    def set_balance(self, wallet_id: str, asset: str, amount: Decimal) -> None:
        """Set what a wallet holds of one asset, in whole units."""
        self._wallets[wallet_id].balances[asset.upper()] = f"{amount:f}"

    def webhook(self, wallet_id: str, secret: str) -> tuple[Mapping[str, str], bytes]:
        """Return the signed ``wallet.created``."""
        made = self._wallets[wallet_id]
        forms: dict[str, JsonObject] = {
            "wallet": {**self._shown(made), "customerId": made.customer_id},
            "nested": {"wallet": self._shown(made), "customerId": made.customer_id},
            "ids": {"walletId": made.id, "customerId": made.customer_id},
        }
        return self.event("wallet.created", forms[self.event_data], secret)

    def event(self, name: str, data: JsonObject, secret: str) -> tuple[Mapping[str, str], bytes]:
        """Return headers and body of any event, signed."""
        body = encoded(
            {
                "id": make_id(self.random, "evt_", 22),
                "type": name,
                self.event_time_field: iso(self.clock()),
                "apiVersion": "2",
                "mode": "sandbox",
                "data": data,
            }
        )
        older = self.signature == "body"
        signature = f"sha256={hmac_hex(body, secret)}" if older else sign_timestamped(body, secret, self.clock())
        return {**JSON_HEADERS, "x-conduit-signature": signature}, body

    def failure(self, status: int, retry_after: int | None = None) -> Response:
        """Return a 429, a 500 or a 503; none of them says anything about a wallet."""
        wait = 1 if status == HTTPStatus.TOO_MANY_REQUESTS and retry_after is None else retry_after
        code = _FAILURES.get(status, "SERVICE_UNAVAILABLE")
        return self._traced(self._refusal(Refused(status, code, retry_after=wait)))

    def handle(self, request: IncomingRequest) -> Response:
        """Answer one request."""
        try:
            answer = self._route(request, self._principal(request))
        except Refused as refused:
            answer = self._refusal(refused, request.path)
        return self._traced(answer, request.headers.get("x-client-correlation-id"))

    def _route(self, request: IncomingRequest, principal: str) -> Response:
        match (request.method, *request.path):
            case ("POST", "customers", customer_id, "wallets"):
                body = _json_of(request)
                return self._once(request, principal, lambda: self._create(customer_id, body))
            case ("POST", "customers", customer_id, "wallets", wallet_id, "rotate"):
                return self._once(request, principal, lambda: self._rotate(customer_id, wallet_id))
            case ("GET", "customers", customer_id, "wallets"):
                return self._list(customer_id, request.query)
            case ("GET", "customers", customer_id, "wallets", wallet_id):
                self._need_feature()
                return _answer(200, self._shown(self._wallet(customer_id, wallet_id)))
            case ("GET", "customers"):
                return _answer(
                    200, self._paged([self._customer_json(c) for c in self._customers.values()], request.query)
                )
            case ("GET", "customers", customer_id):
                return _answer(200, self._customer_json(self._customer(customer_id)))
        raise Refused(404, "NOT_FOUND")

    def _principal(self, request: IncomingRequest) -> str:
        key = request.headers.get("x-api-key")
        if not key:
            raise Refused(401, "API_KEY_MISSING")
        if key not in (API_KEY, OTHER_API_KEY, READ_ONLY_API_KEY):
            raise Refused(401, self.bad_key_code)
        if key == READ_ONLY_API_KEY and request.method != "GET":
            raise Refused(403, "API_KEY_READ_ONLY")
        return key

    def _once(self, request: IncomingRequest, principal: str, work: Callable[[], Response]) -> Response:
        """Do the work under the request's idempotency key, or give its first answer again."""
        key = request.headers.get("idempotency-key")
        if not key:
            if self.key_required:
                raise Refused(400, "IDEMPOTENCY_KEY_REQUIRED")
            return self._work(work)
        if not _KEY.fullmatch(key):
            raise Refused(400, "IDEMPOTENCY_KEY_INVALID")
        scope = (principal if self.key_scope == "principal" else "", key)
        fingerprint = repr((request.method, request.path, request.body)).encode()
        verdict, earlier = self.keys.look(scope, fingerprint)
        if earlier is not None:
            return earlier
        if verdict != "new":
            clash = verdict == "conflict"
            raise Refused(409, "IDEMPOTENCY_KEY_CONFLICT" if clash else "IDEMPOTENCY_KEY_REQUEST_IN_PROGRESS")
        try:
            answer = self._work(work)
        except Refused as refused:
            answer = self._refusal(refused, request.path)
            # "The same request again" is the vendor's advice after this one, so it cannot be remembered.
            if not self.replay_failures or refused.code == "CHAIN_ACTIVATION_UNAVAILABLE":
                self.keys.forget(scope)
                return answer
        if self.unrecorded:
            self.unrecorded -= 1
            raise Refused(500, "INTERNAL_ERROR")
        self.keys.record(scope, answer)
        return answer

    def _work(self, work: Callable[[], Response]) -> Response:
        if self.refusals:
            raise Refused(*self.refusals.pop(0))
        return work()

    def _create(self, customer_id: str, body: Json) -> Response:
        customer = self._customer(customer_id)
        chain, reference = read_order(body, self.chains)
        self._gate(customer)
        held = next((made for made in self._wallets.values() if made.holds(customer_id, chain)), None)
        if held is not None and not held.opened and held.reference == reference:
            return self._open(held)
        if held is not None and reference is not None:
            raise Refused(409, "WALLET_CLIENT_REFERENCE_IMMUTABLE")
        if held is not None and self.second_create == "existing":
            return _answer(201, self._shown(held))
        if reference is not None and any(made.reference == reference for made in self._wallets.values()):
            raise Refused(409, self.duplicate_code)
        made = self._new(customer_id, chain, reference)
        if self.approval_required:
            ceremony = make_id(self.random, "wcm_", 22)
            self._ceremonies[ceremony] = made
            link = f"https://approve.sandbox.conduit.example/{ceremony}"
            return _answer(202, {"ceremonyId": ceremony, "verificationUrl": link})
        self._keep(made)
        return self._open(made)

    def _gate(self, customer: Customer) -> None:
        if self.feature_refuses_create:
            self._need_feature()
        if not customer.claimed and not self.custodial:
            codes = {409: "WALLET_CUSTODY_NOT_CLAIMED", 422: "WALLET_NO_PROVIDER_ACCOUNT"}
            raise Refused(self.unclaimed_status, codes[self.unclaimed_status])
        if any(waiting.customer_id == customer.id for waiting in self._ceremonies.values()):
            raise Refused(409, "WALLET_AWAITING_ADMIN_APPROVAL")

    def _need_feature(self) -> None:
        if not self.feature_enabled:
            raise Refused(403, "FEATURE_NOT_ENABLED")

    def _new(self, customer_id: str, chain: str, reference: str | None) -> Made:
        now, address = self.clock(), make_address(self.random, Chain(chain))
        return Made(make_id(self.random, "wlt_", 22), customer_id, chain, reference, address, now, now)

    def _keep(self, made: Made) -> None:
        made.active_at = self.clock() + self.activation_delay
        self._wallets[made.id] = made

    def _open(self, made: Made) -> Response:
        """Open the wallet's account on its chain; the record stays where that fails."""
        if self.activation_failures:
            self.activation_failures -= 1
            raise Refused(503, "CHAIN_ACTIVATION_UNAVAILABLE")
        made.opened = True
        return _answer(201, self._shown(made))

    def _rotate(self, customer_id: str, wallet_id: str) -> Response:
        old = self._wallet(customer_id, wallet_id)
        if old.status(self.clock()) != "active":
            raise Refused(409, "WALLET_NOT_ROTATABLE")
        if not old.empty():
            raise Refused(422, "WALLET_ROTATION_BLOCKED_BALANCE")
        new = self._new(customer_id, old.chain, None)
        old.rotated_at = self.clock()
        if self.rotation == "same":
            old.address = new.address
            return _answer(200, self._shown(old))
        self._keep(new)
        new.opened = True
        old.replaced_by = new.id
        return _answer(200, self._shown(old if self.rotation == "old" else new))

    def _list(self, customer_id: str, query: Mapping[str, str]) -> Response:
        self._need_feature()
        owner = self._customer(customer_id).id
        held = [made for made in self._wallets.values() if made.customer_id == owner]
        if self.pagination == "number":
            return _answer(200, numbered_page([self._shown(made) for made in held], query))
        wanted = query.get("clientReferenceId")
        shown: list[Json] = [self._shown(made) for made in held if wanted is None or made.reference == wanted]
        return _answer(200, self._paged(shown, query))

    def _paged(self, items: Sequence[Json], query: Mapping[str, str]) -> JsonObject:
        return page(items, query, self.page_size)

    def _customer(self, customer_id: str) -> Customer:
        known = self._customers.get(customer_id)
        if known is None:
            _need_id(_CUSTOMER_ID, customer_id)
            raise Refused(404, "CUSTOMER_NOT_FOUND")
        return known

    def _wallet(self, customer_id: str, wallet_id: str) -> Made:
        owner, made = self._customer(customer_id), self._wallets.get(wallet_id)
        if made is None or made.customer_id != owner.id:
            _need_id(_WALLET_ID, wallet_id)
            raise Refused(404, "WALLET_NOT_FOUND")
        return made

    def _shown(self, made: Made) -> JsonObject:
        custody = "custodial" if self.custodial else "non_custodial"
        return made.shown(self.clock(), nulls=self.nulls, upper_case=self.upper_case, custody=custody)

    def _customer_json(self, customer: Customer) -> JsonObject:
        return customer.shown(upper_case=self.upper_case)

    def _refusal(self, refused: Refused, path: tuple[str, ...] = ()) -> Response:
        wait = refused.retry_after
        headers = {} if wait is None else {"retry-after": str(wait)}
        instance = "/v2" + "".join(f"/{quote(part, safe='')}" for part in path)
        form = refused.older() if self.error_form == "older" else refused.problem(instance, self.clock(), self._trace())
        return _answer(refused.status, form, headers)

    def _traced(self, answer: Response, client: str | None = None) -> Response:
        echo = {} if client is None else {"x-client-correlation-id": client}
        headers = {**answer.headers, "x-correlation-id": self._trace(), **echo}
        return Response(answer.status, headers, answer.body)

    def _trace(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))


def _need_id(pattern: re.Pattern[str], given: str) -> None:
    if not pattern.fullmatch(given):
        raise Refused(400, "INVALID_OID_FORMAT")


def _json_of(request: IncomingRequest) -> Json:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE")
    try:
        body = request.json()
    except MalformedResponse:
        raise Refused(400, "MALFORMED_JSON") from None
    if depth(body) > _DEEPEST_BODY:
        raise Refused(400, "IDEMPOTENCY_BODY_TOO_NESTED")
    return body


def _answer(status: int, body: JsonObject, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, {**JSON_HEADERS, **(headers or {})}, encoded(body))
