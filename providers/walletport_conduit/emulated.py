"""What Conduit's emulator is made of: customers, wallets and refusals, and the JSON the vendor shows of them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Literal

from walletport.models import Address, Chain
from walletport.provider import Json, JsonObject
from walletport.provider.emulation import EmulatedWallet

JSON_HEADERS: Final = {"content-type": "application/json"}
LARGEST_PAGE: Final = 100
_DEFAULT_PAGE: Final = 20
_REFERENCE: Final = re.compile(r"[A-Za-z0-9_\-:.]{1,255}")
_CURSOR: Final = re.compile(r"after:([0-9]{1,9})")


class Refused(Exception):
    """An answer that is no success.

    Args:
        status: the HTTP status.
        code: the machine code.
        retry_after: how long to wait, in seconds.
        pointers: where a body or query is wrong.
    """

    def __init__(self, status: int, code: str, *, retry_after: int | None = None, pointers: Sequence[str] = ()) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.pointers = pointers

    def problem(self, instance: str, now: datetime, correlation: str) -> JsonObject:
        """Return the error body of the newer pages."""
        title = self.code.replace("_", " ").capitalize()
        body: JsonObject = {
            "type": self.code,
            "title": title,
            "status": self.status,
            "detail": f"{title}.",
            "resolution": "See the documentation.",
            "docs": f"/errors/{self.code.lower().replace('_', '-')}",
            "instance": instance,
            "timestamp": iso(now),
            "correlationId": correlation,
        }
        if self.code == "VALIDATION_ERROR":
            body["errors"] = [{"pointer": place, "detail": "is not valid"} for place in self.pointers]
        if self.retry_after is not None:
            body["retryAfterSeconds"] = self.retry_after
        return body

    def older(self) -> JsonObject:
        """Return the error body of the older overview, which has no code."""
        body: JsonObject = {"statusCode": self.status, "message": "The request was refused"}
        if self.pointers:
            body["errors"] = [{"path": [*place.split("/")[1:]], "message": "is not valid"} for place in self.pointers]
        return body


@dataclass(slots=True)
class Customer:
    """A customer, and what it may have."""

    id: str
    application_id: str
    created_at: datetime
    feature: bool
    claimed: bool

    def shown(self, *, upper_case: bool) -> JsonObject:
        """Return the vendor's customer object."""
        feature = "crypto_wallet"
        return {
            "id": self.id,
            "applicationId": self.application_id,
            "features": [{"feature": feature.upper() if upper_case else feature, "isActive": self.feature}],
            "isHouseAccount": False,
            "type": "business",
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.created_at),
        }


@dataclass(slots=True)
class Made:
    """A wallet; it is pending until ``active_at``, and for ever while its account on the chain is not opened."""

    id: str
    customer_id: str
    chain: str
    reference: str | None
    address: str
    created_at: datetime
    active_at: datetime
    opened: bool = False
    rotated_at: datetime | None = None
    replaced_by: str | None = None
    balances: dict[str, str] = field(default_factory=dict)

    def holds(self, customer_id: str, chain: str) -> bool:
        """Say whether it is the customer's present wallet on a chain."""
        return (self.customer_id, self.chain, self.replaced_by) == (customer_id, chain, None)

    def status(self, now: datetime) -> str:
        """Return the vendor's word for its state."""
        if self.replaced_by is not None:
            return "disabled"
        return "active" if self.opened and now >= self.active_at else "pending"

    def counted(self) -> EmulatedWallet:
        """Return the wallet for counting."""
        address = Address(chain=Chain(self.chain), value=self.address)
        return EmulatedWallet(self.customer_id, self.id, self.chain, None, self.reference, (address,))

    def empty(self) -> bool:
        """Say whether it holds nothing."""
        return all(not Decimal(amount) for amount in self.balances.values())

    def shown(self, now: datetime, *, nulls: Literal["omitted", "null"], upper_case: bool, custody: str) -> JsonObject:
        """Return the vendor's wallet object; whose it is does not stand in it."""
        status = self.status(now)
        ready = status != "pending"
        optional: dict[str, str | None] = {
            "custodyModel": custody if ready else None,
            "rotatedAt": iso(self.rotated_at) if self.rotated_at else None,
            "replacedByWalletId": self.replaced_by,
            "clientReferenceId": self.reference,
        }
        changed = max(moment for moment in (self.created_at, self.active_at, self.rotated_at) if moment is not None)
        return {
            "id": self.id,
            "chain": self.chain,
            "address": self.address if ready else None,
            "status": status.upper() if upper_case else status,
            "balances": [self._balance(code, amount) for code, amount in self.balances.items()],
            "createdAt": iso(self.created_at),
            "updatedAt": iso(changed if ready else self.created_at),
            **{name: value for name, value in optional.items() if nulls == "null" or value is not None},
        }

    def _balance(self, code: str, available: str) -> JsonObject:
        amounts = {"available": available, "pending": "0", "frozen": "0"}
        return {part: {"code": code, "amount": amount, "chain": self.chain} for part, amount in amounts.items()}


def read_order(body: Json, chains: Sequence[str]) -> tuple[str, str | None]:
    """Return chain and reference of a create's body; a further field is refused (CreateWalletDto)."""
    if not isinstance(body, dict):
        raise Refused(400, "VALIDATION_ERROR", pointers=("/",))
    chain, reference = body.get("chain"), body.get("clientReferenceId")
    wrong = [f"/{name}" for name in body if name not in ("chain", "clientReferenceId")]
    if not isinstance(chain, str) or chain not in chains:
        wrong.append("/chain")
    if "clientReferenceId" in body and not (isinstance(reference, str) and _REFERENCE.fullmatch(reference)):
        wrong.append("/clientReferenceId")
    if wrong:
        raise Refused(400, "VALIDATION_ERROR", pointers=wrong)
    return str(chain), None if reference is None else str(reference)


def page(items: Sequence[Json], query: Mapping[str, str], most: int) -> JsonObject:
    """Return the page a query asks for by cursor, which is a place between two items; ``most`` entries at most."""
    size = min(most, _number(query, "limit", _DEFAULT_PAGE, LARGEST_PAGE))
    direction = query.get("direction", "forward")
    if direction not in ("forward", "backward"):
        raise Refused(400, "VALIDATION_ERROR", pointers=("/direction",))
    forward = direction == "forward"
    place = _place(query["cursor"], len(items)) if "cursor" in query else 0 if forward else len(items)
    first, last = (place, place + size) if forward else (max(0, place - size), place)
    meta: JsonObject = {
        "mode": "cursor",
        "nextCursor": _cursor(last) if last < len(items) else None,
        "previousCursor": _cursor(first) if first > 0 else None,
        "total": len(items),
    }
    return {"data": list(items[first:last]), "meta": meta}


def numbered_page(items: Sequence[Json], query: Mapping[str, str]) -> JsonObject:
    """Return the page a query asks for by number, as the older overview has it."""
    size = _number(query, "limit", _DEFAULT_PAGE, LARGEST_PAGE)
    first = (_number(query, "page", 1, 10**6) - 1) * size
    meta: JsonObject = {"mode": "offset", "nextCursor": None, "previousCursor": None, "total": len(items)}
    return {"data": list(items[first : first + size]), "meta": meta}


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    given = query.get(name, str(default))
    if not re.fullmatch("[0-9]{1,7}", given) or not 1 <= int(given) <= most:
        raise Refused(400, "VALIDATION_ERROR", pointers=(f"/{name}",))
    return int(given)


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(f"after:{place}".encode()).decode()


def _place(cursor: str, count: int) -> int:
    try:
        found = _CURSOR.fullmatch(base64.urlsafe_b64decode(cursor.encode()).decode())
    except ValueError:
        found = None
    if found is None or int(found[1]) > count:
        # The wallet list does not declare INVALID_CURSOR.
        raise Refused(400, "VALIDATION_ERROR", pointers=("/cursor",))
    return int(found[1])


def depth(value: Json) -> int:
    """Return how deep a JSON value is nested."""
    children: Sequence[Json] = (
        list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    return 1 + max((depth(child) for child in children), default=0)


def iso(moment: datetime) -> str:
    """Return a time as the vendor writes it: UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encoded(value: JsonObject) -> bytes:
    """Return JSON as bytes."""
    return json.dumps(value).encode()
