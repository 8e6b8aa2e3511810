"""What Ledger.so's emulator is made of: customers, wallets and refusals, and the JSON the vendor shows of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

from walletport.errors import MalformedResponse
from walletport.models import Address, Chain
from walletport.provider import Json, JsonObject
from walletport.provider.emulation import EmulatedWallet, IncomingRequest
from walletport.provider.signatures import sign_timestamped

JSON_HEADERS: Final = {"content-type": "application/json"}
CHAINS: Final = tuple(
    Chain(name) for name in ("solana", "ethereum", "arbitrum", "base", "optimism", "polygon", "avalanche", "tron")
)

ErrorForm: TypeAlias = Literal["current", "typed", "text"]
Times: TypeAlias = Literal["iso", "epoch_ms"]
CapabilityForm: TypeAlias = Literal["wallets", "crypto_wallets", "names"]
AddressForm: TypeAlias = Literal["list", "items", "by_chain", "one_evm"]

_CODES: Final = {
    400: "INVALID_REQUEST",
    401: "UNAUTHORIZED",
    403: "INVALID_REQUEST",
    404: "NOT_FOUND",
    409: "CONFLICT",
    429: "RATE_LIMITED",
}
_OLDER_CODES: Final = {
    400: "validation_failed",
    401: "invalid_api_key",
    403: "access_denied",
    404: "not_found",
    409: "conflict",
    429: "rate_limited",
}
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_REQUIRED: Final = ("email", "firstName", "lastName")
_CURSOR: Final = re.compile(r"after:([0-9]{1,9})")


class Refused(Exception):
    """An answer that is no success.

    Args:
        status: the HTTP status.
        why: one sentence for the error's message.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status = status
        self.why = why

    def shown(self, form: ErrorForm, request_id: str) -> JsonObject:
        """Return the error body of one of the documented generations."""
        if form == "text":
            body: JsonObject = {"error": self.why}
            return {**body, "retryAfter": 5000} if self.status == 429 else body  # noqa: PLR2004 - rate limited
        if form == "typed":
            code = _OLDER_CODES.get(self.status, "internal_error")
            return {"error": {"type": "request_error", "code": code, "message": self.why}, "request_id": request_id}
        code = _CODES.get(self.status, "INTERNAL_ERROR")
        return {"ok": False, "error": {"code": code, "message": self.why}}


@dataclass(slots=True)
class EmulatedCustomer:
    """A customer; it may have wallets once its KYC is approved."""

    id: str
    made_at: datetime
    said: JsonObject
    kyc_status: str = "not_started"
    status: str = "active"

    @property
    def approved(self) -> bool:
        """Whether its KYC is approved."""
        return self.kyc_status == "approved"

    def shown(self, times: Times, capabilities: CapabilityForm) -> JsonObject:
        """Return the vendor's customer object."""
        page = f"https://kyc.ledger-so.example/{quote(self.id, safe='')}"
        on = self.approved
        forms: dict[CapabilityForm, Json] = {
            "wallets": {"wallets": on, "virtualAccounts": on, "transfers": on},
            "crypto_wallets": {"cryptoWallets": on, "virtualAccounts": on, "transfers": on},
            "names": ["cards"] if on else [],
        }
        return {
            "id": self.id,
            **self.said,
            "status": self.status,
            "kycStatus": self.kyc_status,
            "kycLink": page,
            "tosLink": f"{page}/terms",
            "capabilities": forms[capabilities],
            "createdAt": time_of(self.made_at, times),
            "updatedAt": time_of(self.made_at, times),
        }


@dataclass(slots=True)
class MadeWallet:
    """A wallet, with an address of its own on each chain."""

    id: str
    customer_id: str
    made_at: datetime
    addresses: Mapping[Chain, str] = field(repr=False)
    status: str = "active"
    balance: Decimal = Decimal("0.00")

    def counted(self) -> EmulatedWallet:
        """Return the wallet for counting."""
        addresses = tuple(Address(chain=chain, value=value) for chain, value in self.addresses.items())
        return EmulatedWallet(self.customer_id, self.id, None, None, None, addresses)

    def shown(self, status: str, times: Times) -> JsonObject:
        """Return the vendor's wallet object."""
        return {
            "id": self.id,
            "customerId": self.customer_id,
            "status": status,
            "createdAt": time_of(self.made_at, times),
            "updatedAt": time_of(self.made_at, times),
        }

    def older(self, status: str, times: Times, chain: Chain) -> JsonObject:
        """Return the wallet object of the second generation, which is on one chain."""
        return {
            "id": self.id,
            "customerId": self.customer_id,
            "chain": str(chain),
            "address": self.addresses[chain],
            "walletType": "custodial",
            "status": status,
            "createdAt": time_of(self.made_at, times),
        }

    def deposit_addresses(self, form: AddressForm, names: Mapping[str, str]) -> Json:
        """Return the deposit addresses in a form; no page shows one.

        Args:
            form: a list, a list in ``items``, an object by chain, or a list in which one address stands for all EVM
                chains.
            names: spellings of chains that differ from the usual ones.
        """
        shown = {names.get(chain, str(chain)): value for chain, value in self.addresses.items()}
        if form == "by_chain":
            return dict(shown)
        if form == "one_evm":
            other = {str(chain): value for chain, value in self.addresses.items() if chain.family != "evm"}
            shown = {"evm": self.addresses[Chain("ethereum")], **other}
        entries: list[Json] = [{"chain": chain, "address": value} for chain, value in shown.items()]
        return {"items": entries} if form == "items" else entries


def read_customer(request: IncomingRequest) -> JsonObject:
    """Return the body that makes a customer, with the default type."""
    body = _object(request, (*_REQUIRED, "type", "phone"))
    for name in _REQUIRED:
        _text(body, name)
    if not _EMAIL.fullmatch(_text(body, "email")):
        raise Refused(400, "email is not an email address")
    if body.get("type", "individual") not in ("individual", "business"):
        raise Refused(400, "type must be individual or business")
    if "phone" in body:
        _text(body, "phone")
    return {"type": "individual", **body}


def read_order(request: IncomingRequest) -> str:
    """Return the customer id of a body that makes a wallet; nothing else may stand in it."""
    return _text(_object(request, ("customerId",)), "customerId")


def _object(request: IncomingRequest, known: Sequence[str]) -> JsonObject:
    try:
        body = request.json()
    except MalformedResponse:
        raise Refused(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refused(400, "the body is not an object")
    unknown = next((name for name in body if name not in known), None)
    if unknown is not None:
        raise Refused(400, "the body holds a field that is not known here")
    return body


def _text(body: JsonObject, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refused(400, f"{name} is required")
    return value


def page(
    items: Sequence[Json],
    query: Mapping[str, str],
    sizes: tuple[int, int],
    fits: int,
    envelope: Literal["items", "flat"],
) -> JsonObject:
    """Return the page a query asks for, in its envelope.

    Args:
        items: everything.
        query: ``limit`` and ``cursor``.
        sizes: how many a page holds by default, and how many may be asked for.
        fits: how many a page holds at most, however many are asked for.
        envelope: items and cursor inside ``data``, or ``data`` as the list with the cursor beside it.
    """
    default, most = sizes
    limit = query.get("limit", str(default))
    if not re.fullmatch("[0-9]{1,4}", limit) or not 1 <= int(limit) <= most:
        raise Refused(400, f"limit must be from 1 to {most}")
    first = _place(query["cursor"], len(items)) if "cursor" in query else 0
    last = first + min(int(limit), fits)
    cursor = base64.urlsafe_b64encode(f"after:{last}".encode()).decode() if last < len(items) else None
    shown = list(items[first:last])
    if envelope == "items":
        return {"ok": True, "data": {"items": shown, "nextCursor": cursor}}
    return {"ok": True, "data": shown} if cursor is None else {"ok": True, "data": shown, "nextCursor": cursor}


def _place(cursor: str, count: int) -> int:
    try:
        found = _CURSOR.fullmatch(base64.urlsafe_b64decode(cursor.encode()).decode())
    except ValueError:
        found = None
    if found is None or int(found[1]) > count:
        raise Refused(400, "the cursor is not known here")
    return int(found[1])


def signed(
    event: JsonObject, secret: str, now: datetime, form: Literal["ledger", "svix"]
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of an event."""
    body = encoded(event)
    if form == "ledger":
        return {
            **JSON_HEADERS,
            "x-ledger-event-id": str(event["id"]),
            "x-ledger-event-type": str(event["type"]),
            "x-ledger-signature": sign_timestamped(body, secret, now),
        }, body
    message, moment = f"msg_{event['id']}", str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message}.{moment}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {**JSON_HEADERS, "svix-id": message, "svix-timestamp": moment, "svix-signature": signature}, body


def time_of(moment: datetime, times: Times) -> Json:
    """Return a time in one of the vendor's two clocks."""
    if times == "epoch_ms":
        return int(moment.timestamp() * 1000)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encoded(value: JsonObject) -> bytes:
    """Return JSON as bytes."""
    return json.dumps(value).encode()
