"""Ledger.so as a state machine, written from its documentation: customers and their KYC, wallets, balances, addresses.

Left out, because nothing here uses them: registering webhooks, transactions, virtual accounts, counterparties, and
the endpoints of the API's second generation.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import ClassVar, Final, Literal

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
from walletport_ledger_so.emulated import (
    CHAINS,
    JSON_HEADERS,
    AddressForm,
    CapabilityForm,
    EmulatedCustomer,
    ErrorForm,
    MadeWallet,
    Refused,
    Times,
    encoded,
    page,
    read_customer,
    read_order,
    signed,
    time_of,
)

API_KEY: Final = "ld_test_demo_0000000000000000000000000000"
CUSTOMER: Final = "cus_demo0000000001"
_ID_LENGTH: Final = 12
_SOMEBODY: Final[JsonObject] = {
    "email": "customer@example.com",
    "firstName": "Ada",
    "lastName": "Example",
    "type": "individual",
}


class LedgerSoEmulator(Emulator):
    """Ledger.so's sandbox: a customer made through the API needs its KYC approved before it may have a wallet.

    Much is on no page: what a customer without KYC is answered, how long a key is remembered and whether a failure
    is, what a second create for a customer does, whether a further field in a body is refused, the form of deposit
    addresses. The defaults are the readings that ask most of a client, and the attributes switch to the others.

    Attributes:
        times: date-time text, or epoch milliseconds.
        list_envelope: items and cursor inside ``data``, or ``data`` as the list.
        page_sizes: how many items a page holds by default and at most; (20, 100) is the first generation's.
        wallet_form: the wallet of today, or that of the second generation, which is on one chain, in reads.
        older_chain: that chain.
        capability_form: booleans under one of two names, or a list of names that does not speak of wallets.
        address_form: see `MadeWallet.deposit_addresses`.
        chain_names: spellings of chains in deposit addresses that differ from the usual ones.
        error_form: the errors of today, or one of the first generation's two forms.
        no_kyc: what a create for a customer without KYC answers: 400, 403, or the wallet.
        second_create: what a create under a new key answers to a customer that has a wallet: another one, the one it
            has, or 409.
        replay_failures: whether a failure is remembered under its key.
        new_status: the status of a customer at its creation.
        activation_delay: how long a new wallet is ``pending``, a status that no page has.
        address_delay: how long a new wallet has no addresses.
        event_data: whether an event's data has the envelope of an answer.
        signature: which of the two documented signatures events carry.
    """

    mount: ClassVar[str] = "/ledger-so"
    default_customer: ClassVar[str] = CUSTOMER

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        super().__init__(clock, seed)
        self.times: Times = "iso"
        self.list_envelope: Literal["items", "flat"] = "items"
        self.page_sizes = (50, 200)
        self.page_size = 200
        self.wallet_form: Literal["current", "older"] = "current"
        self.older_chain = Chain("base")
        self.capability_form: CapabilityForm = "wallets"
        self.address_form: AddressForm = "list"
        self.chain_names: Mapping[str, str] = {}
        self.error_form: ErrorForm = "current"
        self.no_kyc: Literal["invalid", "denied", "ignored"] = "invalid"
        self.second_create: Literal["another", "existing", "conflict"] = "another"
        self.replay_failures = False
        self.new_status: Literal["active", "pending"] = "active"
        self.activation_delay = timedelta(0)
        self.address_delay = timedelta(0)
        self.event_data: Literal["bare", "envelope"] = "bare"
        self.signature: Literal["ledger", "svix"] = "ledger"
        self._keys = IdempotencyMemory(timedelta(minutes=5), clock)
        self._customers: dict[str, EmulatedCustomer] = {}
        self._wallets: dict[str, MadeWallet] = {}
        self.add_customer(CUSTOMER)

    @property
    def key_window(self) -> timedelta:
        """How long an idempotency key is remembered; no page says."""
        return self._keys.window

    @key_window.setter
    def key_window(self, window: timedelta) -> None:
        self._keys.window = window

    @property
    def settings(self) -> Mapping[str, str]:
        """The key it accepts, in either documented header."""
        return {"api_key": API_KEY}

    def wallets(self) -> list[EmulatedWallet]:
        """List every wallet it has ever made."""
        return [made.counted() for made in self._wallets.values()]

    def customers(self) -> list[str]:
        """List every customer."""
        return list(self._customers)

    def add_wallet(self, customer_id: str) -> str:
        """Make one more wallet."""
        return self._new(customer_id).id

    def wallet(self, wallet_id: str) -> MadeWallet:
        """Return a wallet, for changing its status or its balance."""
        return self._wallets[wallet_id]

    def add_customer(self, customer_id: str | None = None, *, eligible: bool = True) -> str:
        """Add a customer whose KYC is approved or, as after its creation, not started."""
        made = customer_id or make_id(self.random, "cus_", _ID_LENGTH)
        kyc = "approved" if eligible else "not_started"
        self._customers[made] = EmulatedCustomer(made, self.clock(), dict(_SOMEBODY), kyc)
        return made

    def review(self, customer_id: str, kyc_status: str = "approved") -> None:
        """Set the state of a customer's KYC, as the vendor's review would."""
        self._customers[customer_id].kyc_status = kyc_status

    def set_balance(self, wallet_id: str, asset: str, amount: Decimal) -> None:
        """Set what a wallet holds; the answer does not say of what."""
        self._wallets[wallet_id].balance = amount

    def webhook(self, wallet_id: str, secret: str) -> tuple[Mapping[str, str], bytes]:
        """Return the signed ``wallet.created``."""
        return self.event("wallet.created", self._shown(self._wallets[wallet_id]), secret)

    def customer_webhook(self, customer_id: str, secret: str) -> tuple[Mapping[str, str], bytes]:
        """Return the signed ``customer.updated``."""
        return self.event("customer.updated", self._customer_json(self._customers[customer_id]), secret)

    def event(self, name: str, data: JsonObject, secret: str) -> tuple[Mapping[str, str], bytes]:
        """Return headers and body of any event, signed; its time is in milliseconds on every page."""
        event: JsonObject = {
            "id": make_id(self.random, "evt_", _ID_LENGTH),
            "type": name,
            "createdAt": time_of(self.clock(), "epoch_ms"),
            "data": data if self.event_data == "bare" else {"ok": True, "data": data},
        }
        return signed(event, secret, self.clock(), self.signature)

    def failure(self, status: int, retry_after: int | None = None) -> Response:
        """Return a 429, a 500 or a 503; whether today's API sends ``Retry-After`` is not documented."""
        answer = self._refusal(Refused(status, "the service is not available"))
        wait = {} if retry_after is None else {"retry-after": str(retry_after)}
        return Response(answer.status, {**answer.headers, **wait}, answer.body)

    # --- the API --------------------------------------------------------------------------------------------

    def handle(self, request: IncomingRequest) -> Response:
        """Answer one request."""
        try:
            return self._route(request)
        except Refused as refused:
            return self._refusal(refused)

    def _route(self, request: IncomingRequest) -> Response:
        if (request.method, request.path) == ("GET", ("v1", "health")):
            return _success({"status": "ok"})
        self._authorize(request)
        if request.method == "POST":
            return self._post(request)
        if request.method == "GET":
            return self._get(request)
        raise Refused(404, "no such resource")

    def _post(self, request: IncomingRequest) -> Response:
        match request.path:
            case ("v1", "crypto-wallets"):
                return self._once(request, self._create_wallet)
            case ("v1", "customers"):
                return self._once(request, self._create_customer)
        raise Refused(404, "no such resource")

    def _get(self, request: IncomingRequest) -> Response:
        match request.path:
            case ("v1", "crypto-wallets"):
                return self._page(request, [self._shown_in_reads(made) for made in self._wallets.values()])
            case ("v1", "crypto-wallets", wallet_id):
                return _success(self._shown_in_reads(self._wallet(wallet_id)))
            case ("v1", "crypto-wallets", wallet_id, "balance"):
                made = self._wallet(wallet_id)
                return _success({"walletId": made.id, "balance": f"{made.balance:f}"})
            case ("v1", "crypto-wallets", wallet_id, "crypto-deposit-addresses"):
                return _success(self._addresses(self._wallet(wallet_id)))
            case ("v1", "customers"):
                return self._page(request, [self._customer_json(customer) for customer in self._customers.values()])
            case ("v1", "customers", customer_id):
                return _success(self._customer_json(self._customer(customer_id)))
        raise Refused(404, "no such resource")

    def _authorize(self, request: IncomingRequest) -> None:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        given = (bearer if scheme.lower() == "bearer" else "", request.headers.get("x-api-key", ""))
        if not any(hmac.compare_digest(key.encode(), API_KEY.encode()) for key in given):
            raise Refused(401, "the API key is missing or not valid")

    def _once(self, request: IncomingRequest, make: Callable[[IncomingRequest], Response]) -> Response:
        """Carry out a POST once for each key.

        A key that comes with another route answers 409 (/get-started/idempotency); with another body too, here.
        """
        key = request.headers.get("idempotency-key")
        if not key:
            return make(request)
        scope = (key,)
        verdict, remembered = self._keys.look(scope, repr((request.method, request.path, request.body)).encode())
        if remembered is not None:
            return remembered
        if verdict != "new":
            raise Refused(409, "the idempotency key is in use, or was used for another request")
        try:
            answer = make(request)
        except Refused as refused:
            answer = self._refusal(refused)
            if not self.replay_failures:
                self._keys.forget(scope)
                return answer
        self._keys.record(scope, answer)
        return answer

    # --- customers ------------------------------------------------------------------------------------------

    def _create_customer(self, request: IncomingRequest) -> Response:
        said = read_customer(request)
        made = EmulatedCustomer(make_id(self.random, "cus_", _ID_LENGTH), self.clock(), said, status=self.new_status)
        self._customers[made.id] = made
        return _success(self._customer_json(made))

    def _customer(self, customer_id: str) -> EmulatedCustomer:
        customer = self._customers.get(customer_id)
        if customer is None:
            raise Refused(404, "no such customer")
        return customer

    def _customer_json(self, customer: EmulatedCustomer) -> JsonObject:
        return customer.shown(self.times, self.capability_form)

    # --- wallets --------------------------------------------------------------------------------------------

    def _create_wallet(self, request: IncomingRequest) -> Response:
        """Make a wallet. An unknown customer is a 400: the operation declares no 404."""
        customer = self._customers.get(read_order(request))
        if customer is None:
            raise Refused(400, "no such customer")
        if not customer.approved and self.no_kyc != "ignored":
            raise Refused(403 if self.no_kyc == "denied" else 400, "the customer may not have a wallet yet")
        held = next((made for made in self._wallets.values() if made.customer_id == customer.id), None)
        if held is not None and self.second_create == "conflict":
            raise Refused(409, "the resource exists already")
        if held is not None and self.second_create == "existing":
            return _success(self._shown(held))
        return _success(self._shown(self._new(customer.id)))

    def _new(self, customer_id: str) -> MadeWallet:
        addresses = {chain: make_address(self.random, chain) for chain in CHAINS}
        made = MadeWallet(make_id(self.random, "wal_", _ID_LENGTH), customer_id, self.clock(), addresses)
        self._wallets[made.id] = made
        return made

    def _wallet(self, wallet_id: str) -> MadeWallet:
        made = self._wallets.get(wallet_id)
        if made is None:
            raise Refused(404, "no such wallet")
        return made

    def _shown(self, made: MadeWallet) -> JsonObject:
        return made.shown(self._status(made), self.times)

    def _shown_in_reads(self, made: MadeWallet) -> JsonObject:
        if self.wallet_form == "older":
            return made.older(self._status(made), self.times, self.older_chain)
        return self._shown(made)

    def _status(self, made: MadeWallet) -> str:
        return "pending" if self._is_younger(made.made_at, self.activation_delay) else made.status

    def _addresses(self, made: MadeWallet) -> Json:
        if self._is_younger(made.made_at, self.address_delay):
            return [] if self.address_form in ("list", "one_evm") else {"items": []}
        return made.deposit_addresses(self.address_form, self.chain_names)

    def _is_younger(self, made_at: datetime, span: timedelta) -> bool:
        return self.clock() - made_at < span

    # --- answers --------------------------------------------------------------------------------------------

    def _page(self, request: IncomingRequest, items: list[JsonObject]) -> Response:
        return _answer(HTTPStatus.OK, page(items, request.query, self.page_sizes, self.page_size, self.list_envelope))

    def _refusal(self, refused: Refused) -> Response:
        return _answer(refused.status, refused.shown(self.error_form, make_id(self.random, "req_", _ID_LENGTH)))


def _success(data: Json) -> Response:
    return _answer(HTTPStatus.OK, {"ok": True, "data": data})


def _answer(status: int, body: JsonObject) -> Response:
    return Response(int(status), JSON_HEADERS, encoded(body))
