"""Granary as a state machine, written from the package's page alone and not from the adapter."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import ClassVar, Final
from urllib.parse import quote

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
from walletport.provider.signatures import hmac_hex, sign_timestamped

CLIENT_ID: Final = "test_client_0001"
CLIENT_SECRET: Final = "granary-secret-" + "0" * 24
HOLDER: Final = "hld_00000001"
NETWORKS: Final = ("POLYGON", "BASE", "ETHEREUM", "ARBITRUM", "OPTIMISM", "AVALANCHE", "INK", "TRON", "SOLANA")
DECIMALS: Final = 6


@dataclass
class OpenedAccount:
    """An account inside the emulator.

    Attributes:
        frozen: change it as the vendor would.
        units: what it holds of each asset, in millionths.
    """

    vault_id: str
    index: int
    holder_id: str
    network: str
    label: str
    address: str
    opened_at: datetime
    frozen: bool = False
    units: dict[str, int] = field(default_factory=dict)

    @property
    def wallet_id(self) -> str:
        """What names it."""
        return f"{self.vault_id}:{self.index}"

    def booked(self) -> EmulatedWallet:
        """Return it as the vendor's books have it."""
        chain = Chain(self.network)
        address = Address(chain=chain, value=self.address)
        return EmulatedWallet(self.holder_id, self.wallet_id, chain, None, self.label or None, (address,))


class _Refused(Exception):
    def __init__(self, status: int, code: str, **more: Json) -> None:
        super().__init__(code)
        self.status, self.code, self.more = status, code, more


class GranaryEmulator(Emulator):
    """Granary, for tests and the sandbox.

    Attributes:
        opening_time: how long an account is ``opening`` and has no address.
        session_life: how long a session is good for.
        keys: the memory of request ids; drop them to be a vendor that forgot.
    """

    mount: ClassVar[str] = "/granary/v3"
    default_customer: ClassVar[str] = HOLDER
    uncreatable_chain: ClassVar[str | None] = "dogecoin"

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        super().__init__(clock, seed)
        self.opening_time = timedelta(milliseconds=300)
        self.session_life = timedelta(minutes=15)
        self.keys = IdempotencyMemory(timedelta(hours=24), clock)
        self._holders: dict[str, str] = {HOLDER: "cleared"}
        self._vaults: dict[str, str] = {}
        self._accounts: list[OpenedAccount] = []
        self._sessions: dict[str, datetime] = {}
        self._nonces: set[str] = set()
        self._traces = itertools.count(1)

    @property
    def settings(self) -> Mapping[str, str]:
        """The client it accepts."""
        return {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}

    @property
    def vaults(self) -> Mapping[str, str]:
        """Every vault's id, by holder."""
        return self._vaults

    def wallets(self) -> list[EmulatedWallet]:
        """List every account."""
        return [one.booked() for one in self._accounts]

    def account(self, wallet_id: str) -> OpenedAccount:
        """Return an account, for changing it."""
        return next(one for one in self._accounts if one.wallet_id == wallet_id)

    def customers(self) -> list[str]:
        """List every holder."""
        return list(self._holders)

    def add_wallet(self, customer_id: str) -> str:
        """Open an account without a label in the console, on a network where the holder has none."""
        vault_id = self._vault_of(customer_id)
        taken = {one.network for one in self._accounts if one.vault_id == vault_id}
        network = next(network for network in reversed(NETWORKS) if network not in taken)
        return self._make(vault_id, customer_id, network, "").wallet_id

    def set_balance(self, wallet_id: str, asset: str, amount: Decimal) -> None:
        """Set what an account holds of one asset."""
        self.account(wallet_id).units[asset.upper()] = int(amount * 10**DECIMALS)

    def add_customer(self, customer_id: str | None = None, *, eligible: bool = True) -> str:
        """Admit a holder, cleared or still in review."""
        made = customer_id or make_id(self.random, "hld_", 8)
        self._holders[made] = "cleared" if eligible else "in_review"
        return made

    def end_tokens(self) -> None:
        """Let every session end now."""
        self._sessions.clear()

    def webhook(self, wallet_id: str, secret: str) -> tuple[Mapping[str, str], bytes]:
        """Return the signed notice that an account was opened."""
        account = self.account(wallet_id)
        at = int(account.opened_at.timestamp())
        notice = {"id": f"ntc_{wallet_id}", "type": "account.opened", "at": at, "account": self._shown(account)}
        body = json.dumps(notice).encode()
        return {"Granary-Webhook": sign_timestamped(body, secret, self.clock())}, body

    def failure(self, status: int, retry_after: int | None = None) -> Response:
        """Return a failure in Granary's shape."""
        answer = self._answer(status, {"code": "slow_down" if status == HTTPStatus.TOO_MANY_REQUESTS else "failed"})
        more = {} if retry_after is None else {"retry-after": str(retry_after)}
        return Response(status, {**answer.headers, **more}, answer.body)

    # --- the API --------------------------------------------------------------------------------------------

    def handle(self, request: IncomingRequest) -> Response:
        """Answer one request."""
        try:
            body = _object(request)
            if (request.method, request.path) == ("POST", ("sessions",)):
                return self._login(body)
            self._check_signature(request)
            return self._route(request, body)
        except _Refused as refused:
            return self._answer(refused.status, {"code": refused.code, **refused.more})

    def _route(self, request: IncomingRequest, body: JsonObject) -> Response:
        match request.method, *request.path:
            case "GET", "holders", holder_id:
                return self._answer(200, self._holder(holder_id))
            case "POST", "vaults":
                return self._make_vault(_text(body, "holderId"))
            case "POST", "vaults", vault_id, "accounts":
                return self._once(request, body, lambda: self._open(vault_id, body))
            case "GET", "vaults", vault_id, "accounts", index, *rest if rest in ([], ["holdings"]):
                account = self._find(vault_id, index)
                return self._answer(200, _holdings(account) if rest else self._shown(account))
            case "GET", "accounts":
                return self._list(request)
        raise _Refused(404, "no_such_path")

    def _login(self, body: JsonObject) -> Response:
        if (body.get("clientId"), body.get("clientSecret")) != (CLIENT_ID, CLIENT_SECRET):
            raise _Refused(401, "client_unknown")
        session = make_id(self.random, "ses_", 32)
        self._sessions[session] = self.clock() + self.session_life
        return self._answer(200, {"session": session, "validFor": int(self.session_life.total_seconds())})

    def _check_signature(self, request: IncomingRequest) -> None:
        ends = self._sessions.get(request.headers.get("granary-session", ""))
        if ends is None or self.clock() >= ends:
            raise _Refused(401, "session_unknown")
        nonce, query = request.headers.get("granary-nonce", ""), request.query.items()
        target = "/v3" + "".join(f"/{quote(part, safe='')}" for part in request.path)
        if query:
            target += "?" + "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
        signed = f"{request.method}\n{target}\n{nonce}\n".encode() + request.body
        if request.headers.get("granary-signature") != hmac_hex(signed, CLIENT_SECRET):
            raise _Refused(401, "signature_wrong")
        if not nonce or nonce in self._nonces:
            raise _Refused(401, "nonce_used")
        self._nonces.add(nonce)

    def _once(self, request: IncomingRequest, body: JsonObject, work: Callable[[], Response]) -> Response:
        """Do it once for each request id; a refusal is not remembered."""
        scope = (_text(body, "requestId"), *request.path)
        verdict, remembered = self.keys.look(scope, request.body)
        if remembered is not None:
            return remembered
        if verdict != "new":
            raise _Refused(409, "request_id_reused" if verdict == "conflict" else "request_running")
        try:
            answer = work()
        except _Refused:
            self.keys.forget(scope)
            raise
        self.keys.record(scope, answer)
        return answer

    def _holder(self, holder_id: str) -> JsonObject:
        state = self._holders.get(holder_id)
        if state is None:
            raise _Refused(404, "holder_unknown")
        missing: list[Json] = [] if state == "cleared" else ["passport"]
        return {"id": holder_id, "state": state, "missing": missing}

    def _make_vault(self, holder_id: str) -> Response:
        self._holder(holder_id)
        is_new = holder_id not in self._vaults
        vault: JsonObject = {"id": self._vault_of(holder_id), "holderId": holder_id}
        if not is_new:
            raise _Refused(409, "vault_exists", vault=vault)
        return self._answer(201, vault)

    def _vault_of(self, holder_id: str) -> str:
        if holder_id not in self._vaults:
            self._vaults[holder_id] = make_id(self.random, "vlt_", 8)
        return self._vaults[holder_id]

    def _open(self, vault_id: str, body: JsonObject) -> Response:
        holder_id = next((holder for holder, vault in self._vaults.items() if vault == vault_id), None)
        if holder_id is None:
            raise _Refused(404, "vault_unknown")
        holder, wanted = self._holder(holder_id), body.get("accounts")
        if holder["state"] != "cleared":
            raise _Refused(403, "holder_not_cleared", missing=holder["missing"])
        if not isinstance(wanted, list) or not wanted:
            raise _Refused(422, "accounts_missing")
        pairs = [_network_and_label(one) for one in wanted]
        for one in self._accounts:
            if one.vault_id == vault_id and (one.network, one.label) in pairs:
                raise _Refused(409, "account_exists", account=self._shown(one))
        opened: list[Json] = [self._shown(self._make(vault_id, holder_id, *pair)) for pair in pairs]
        return self._answer(201, {"accounts": opened})

    def _make(self, vault_id: str, holder_id: str, network: str, label: str) -> OpenedAccount:
        index = sum(one.vault_id == vault_id for one in self._accounts)
        address = make_address(self.random, Chain(network))
        made = OpenedAccount(vault_id, index, holder_id, network, label, address, self.clock())
        self._accounts.append(made)
        return made

    def _find(self, vault_id: str, index: str) -> OpenedAccount:
        found = (one for one in self._accounts if (one.vault_id, str(one.index)) == (vault_id, index))
        account = next(found, None)
        if account is None:
            raise _Refused(404, "account_unknown")
        return account

    def _list(self, request: IncomingRequest) -> Response:
        holder_id, page = request.query.get("holderId"), request.query.get("page", "1")
        if holder_id is not None:
            self._holder(holder_id)
        if not page.isdecimal() or page == "0":
            raise _Refused(422, "page_wrong")
        mine = [one for one in self._accounts if holder_id in (None, one.holder_id)]
        start = (int(page) - 1) * self.page_size
        shown: list[Json] = [self._shown(one) for one in mine[start : start + self.page_size]]
        pages = max(1, -(-len(mine) // self.page_size))
        return self._answer(200, {"accounts": shown, "page": int(page), "pages": pages})

    def _shown(self, account: OpenedAccount) -> JsonObject:
        opening = self.clock() - account.opened_at < self.opening_time
        return {
            "vaultId": account.vault_id,
            "index": account.index,
            "holderId": account.holder_id,
            "network": account.network,
            "label": account.label,
            "address": None if opening else account.address,
            "state": "opening" if opening else "frozen" if account.frozen else "open",
            "openedAt": int(account.opened_at.timestamp()),
        }

    def _answer(self, status: int, body: JsonObject) -> Response:
        trace = {} if status < HTTPStatus.BAD_REQUEST else {"traceId": f"trc-{next(self._traces)}"}
        return Response(status, {"content-type": "application/json"}, json.dumps({**body, **trace}).encode())


def _object(request: IncomingRequest) -> JsonObject:
    if not request.body:
        return {}
    try:
        body = request.json()
    except MalformedResponse:
        raise _Refused(400, "body_wrong") from None
    if not isinstance(body, dict):
        raise _Refused(400, "body_wrong")
    return body


def _text(body: JsonObject, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise _Refused(422, f"{name}_missing")
    return value


def _network_and_label(wanted: Json) -> tuple[str, str]:
    if not isinstance(wanted, dict):
        raise _Refused(422, "accounts_wrong")
    network, label = _text(wanted, "network"), wanted.get("label", "")
    if network not in NETWORKS:
        raise _Refused(422, "network_unknown")
    if not isinstance(label, str) or len(label) > 64:  # noqa: PLR2004 - as documented
        raise _Refused(422, "label_wrong")
    return network, label


def _holdings(account: OpenedAccount) -> JsonObject:
    held: list[Json] = [
        {"asset": asset, "units": units, "decimals": DECIMALS, "reserved": 0}
        for asset, units in (account.units or {"USDC": 0}).items()
    ]
    return {"holdings": held}
