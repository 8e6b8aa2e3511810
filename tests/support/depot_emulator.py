"""Depot, another vendor that exists nowhere, as a state machine; `tests.support.depot` says what its API is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final, Literal

from walletport.models import Address, Chain
from walletport.provider import JsonObject, Response
from walletport.provider.emulation import (
    Clock,
    EmulatedWallet,
    Emulator,
    IdempotencyMemory,
    IncomingRequest,
    make_address,
)
from walletport.provider.signatures import hmac_hex

KEY_ID: Final = "depot-key-1"
SECRET: Final = "depot-secret-" + "0" * 27
CUSTOMER: Final = "depot-person-1"
KEY_WINDOW: Final = timedelta(hours=1)
DECIMALS: Final = 6


@dataclass
class _Box:
    """A wallet inside the emulator."""

    owner: str
    number: int
    label: str | None
    addresses: tuple[Address, ...]
    made_at: datetime
    state: str = "OPEN"
    units: dict[str, int] = field(default_factory=dict)

    def counted(self) -> EmulatedWallet:
        """Return the wallet for counting."""
        return EmulatedWallet(self.owner, f"{self.owner}:{self.number}", None, None, self.label, self.addresses)

    def shown(self) -> JsonObject:
        """Return the vendor's object."""
        return {
            "vault": self.owner,
            "number": self.number,
            "label": self.label,
            "state": self.state,
            "madeAt": int(self.made_at.timestamp() * 1000),
        }


class _Refused(Exception):
    def __init__(self, status: int, code: str, **more: object) -> None:
        super().__init__(code)
        self.answer = _json(status, {"code": code, "text": f"depot says no: {code}", **more})


class DepotEmulator(Emulator):
    """Depot as a state machine."""

    mount: ClassVar[str] = "/depot"
    default_customer: ClassVar[str] = CUSTOMER
    webhook_proof: ClassVar[Literal["time and body", "body", "none"]] = "body"

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        super().__init__(clock, seed)
        self._vaults: dict[str, bool] = {CUSTOMER: False}
        self._boxes: list[_Box] = []
        self._pending: dict[str, _Box] = {}
        self._approvals = False
        self._nonces: set[str] = set()
        self._numbers = itertools.count(self.random.randrange(100, 1000))
        self._keys = IdempotencyMemory(KEY_WINDOW, clock)

    @property
    def settings(self) -> Mapping[str, str]:
        """The key it accepts."""
        return {"key_id": KEY_ID, "secret": SECRET}

    def wallets(self) -> list[EmulatedWallet]:
        """List every wallet."""
        return [box.counted() for box in self._boxes]

    def customers(self) -> list[str]:
        """List every customer."""
        return list(self._vaults)

    def add_customer(self, customer_id: str | None = None, *, eligible: bool = True) -> str:
        """Add a customer; Depot asks nothing of one."""
        made = customer_id or f"depot-person-{next(self._numbers)}"
        self._vaults[made] = False
        return made

    def add_wallet(self, customer_id: str) -> str:
        """Make one more wallet."""
        return self._keep(self._box(customer_id, None)).counted().wallet_id

    def set_balance(self, wallet_id: str, asset: str, amount: Decimal) -> None:
        """Set what a wallet holds of one asset."""
        box = next(box for box in self._boxes if box.counted().wallet_id == wallet_id)
        box.units[asset.upper()] = int(amount.scaleb(DECIMALS))

    def require_approval(self) -> None:
        """Let every create wait."""
        self._approvals = True

    def approve(self, approval_id: str) -> str:
        """Let a create go on."""
        return self._keep(self._pending.pop(approval_id)).counted().wallet_id

    def webhook(self, wallet_id: str, secret: str) -> tuple[Mapping[str, str], bytes]:
        """Return the signed event."""
        box = next(box for box in self._boxes if box.counted().wallet_id == wallet_id)
        body = json.dumps({"event": "BOX_OPENED", "sequence": box.number, "box": box.shown()}).encode()
        return {"content-type": "application/json", "depot-signature": f"sha256={hmac_hex(body, secret)}"}, body

    def failure(self, status: int, retry_after: int | None = None) -> Response:
        """Return an error in Depot's shape."""
        wait = {} if retry_after is None else {"retry-after": str(retry_after)}
        answer = _json(status, {"code": "SLOW_DOWN" if status == 429 else "BROKEN", "text": "depot is not well"})
        return Response(status, {**answer.headers, **wait}, answer.body)

    def handle(self, request: IncomingRequest) -> Response:
        """Answer one request."""
        try:
            self._check_signature(request)
            return self._route(request)
        except _Refused as refused:
            return refused.answer

    def _check_signature(self, request: IncomingRequest) -> None:
        """Check the signature over method, path, nonce and the final bytes; a nonce is good once."""
        given = {name: request.headers.get(f"depot-{name}", "") for name in ("key", "nonce", "signature")}
        path = "/".join(request.path)
        signed = f"{request.method}\n{path}\n{given['nonce']}\n".encode() + request.body
        if given["key"] != KEY_ID or given["signature"] != hmac_hex(signed, SECRET) or given["nonce"] in self._nonces:
            raise _Refused(401, "NOT_SIGNED")
        self._nonces.add(given["nonce"])

    def _route(self, request: IncomingRequest) -> Response:
        value = request.json() if request.body else {}
        body = value if isinstance(value, dict) else {}
        match request.method, *request.path:
            case _, "vaults", owner, *_ if owner not in self._vaults:
                raise _Refused(404, "NO_SUCH_PERSON")
            case "PUT", "vaults", owner:
                self._vaults[owner] = True
                return _json(200, {"vault": owner})
            case "POST", "vaults", owner, "boxes" if self._vaults[owner]:
                return self._once(request, body, lambda: self._open(owner, body))
            case "GET", "vaults", owner, "boxes":
                return self._page(owner, int(request.query.get("page", "1")))
            case method, "vaults", owner, "boxes", number, *rest:
                return self._one(request, body, self._find(owner, number), (method, *rest))
        raise _Refused(404, "NO_SUCH_PATH")

    def _one(self, request: IncomingRequest, body: JsonObject, box: _Box, asked: tuple[str, ...]) -> Response:
        match asked:
            case ("GET",):
                return _json(200, box.shown())
            case ("GET", "addresses"):
                shown = [{"network": str(a.chain), "address": a.value, "tag": a.memo} for a in box.addresses]
                return _json(200, {"addresses": shown})
            case ("GET", "holdings"):
                held = [{"coin": coin, "units": units, "decimals": DECIMALS} for coin, units in box.units.items()]
                return _json(200, {"holdings": held})
            case ("POST", "swap"):
                return self._once(request, body, lambda: self._swap(box))
        raise _Refused(404, "NO_SUCH_PATH")

    def _once(self, request: IncomingRequest, body: JsonObject, work: Callable[[], Response]) -> Response:
        key = body.get("requestId")
        if not isinstance(key, str):
            raise _Refused(400, "NO_REQUEST_ID")
        verdict, known = self._keys.look((key, *request.path), request.body)
        if known is not None:
            return known
        if verdict != "new":
            raise _Refused(409, "REQUEST_ID_USED")
        try:
            answer = work()
        except _Refused:
            self._keys.forget((key, *request.path))
            raise
        self._keys.record((key, *request.path), answer)
        return answer

    def _open(self, owner: str, body: JsonObject) -> Response:
        wanted = body.get("boxes")
        first = wanted[0] if isinstance(wanted, list) and wanted else None
        label = first.get("label") if isinstance(first, dict) else None
        if not isinstance(label, str):
            raise _Refused(400, "NO_LABEL")
        for box in self._boxes:
            if (box.owner, box.label) == (owner, label):
                raise _Refused(409, "LABEL_TAKEN", box=box.shown())
        made = self._box(owner, label)
        if self._approvals:
            approval = f"approval-{made.number}"
            self._pending[approval] = made
            return _json(202, {"approval": approval})
        return _json(201, {"boxes": [self._keep(made).shown()]})

    def _swap(self, box: _Box) -> Response:
        made = self._keep(self._box(box.owner, None))
        box.state = "RETIRED"
        return _json(201, {"boxes": [made.shown()]})

    def _box(self, owner: str, label: str | None) -> _Box:
        plain = Address(chain=Chain("polygon"), value=make_address(self.random, Chain("polygon")))
        number = next(self._numbers)
        tagged = Address(chain=Chain("stellar"), value=make_address(self.random, Chain("stellar")), memo=str(number))
        return _Box(owner, number, label, (plain, tagged), self.clock())

    def _keep(self, box: _Box) -> _Box:
        self._boxes.append(box)
        return box

    def _find(self, owner: str, number: str) -> _Box:
        found = next((box for box in self._boxes if (box.owner, str(box.number)) == (owner, number)), None)
        if found is None:
            raise _Refused(404, "NO_SUCH_BOX")
        return found

    def _page(self, owner: str, number: int) -> Response:
        mine = [box.shown() for box in self._boxes if box.owner == owner]
        pages = max(1, -(-len(mine) // self.page_size))
        first = (min(number, pages) - 1) * self.page_size
        return _json(200, {"boxes": mine[first : first + self.page_size], "page": number, "pages": pages})


def _json(status: int, value: Mapping[str, object]) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(value).encode())
