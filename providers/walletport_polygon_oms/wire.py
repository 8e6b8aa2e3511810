"""Polygon OMS's wallets, pages, balances and customers, and what they mean in neutral words.

No schema of the vendor has a ``required`` list, so only the ids are insisted on. What no page shows at all (the
envelope of the wallet list, the fields of a balance, the object form of an endorsement) is read in every form that
has one meaning, and refused in all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

from walletport.errors import MalformedResponse
from walletport.models import (
    Address,
    Balance,
    Chain,
    CustodyModel,
    Customer,
    CustomerProfile,
    CustomerStatus,
    Page,
    Wallet,
    WalletStatus,
)
from walletport.provider import Json, JsonObject, code_of
from walletport.provider.wire import Known, Timestamp, WireModel, amount, drift_of, mapping, read

NAME: Final = "polygon-oms"
CUSTODY_ENDORSEMENT: Final = "cryptoCustody"
"""What a customer needs before it may have a wallet; the others are ``basic`` and ``usd``."""

Id = Annotated[str, Field(min_length=1)]


# --- wallets ------------------------------------------------------------------------------------------------

_STATUS: Final = {
    "active": WalletStatus.ACTIVE,
    "suspended": WalletStatus.SUSPENDED,
    "closed": WalletStatus.CLOSED,
}
_CUSTODY: Final = {
    "internal": CustodyModel.CUSTODIAL,
    "custodial": CustodyModel.CUSTODIAL,
    "external": CustodyModel.NON_CUSTODIAL,
}


class WireWallet(WireModel):
    """A wallet in both documented shapes.

    The OpenAPI document (createCustomerWallet) has ``chain`` and ``type`` internal or external; the customer pages
    (docs.polygon.technology/api-reference/customers) have ``network``, ``type: custodial`` and a balance.
    """

    id: Id
    kind: Annotated[str | None, Known.of("wallet")] = Field(default=None, alias="object")
    customer_id: str | None = None
    address: str | None = None
    asset: str | None = None
    chain: str | None = None
    network: str | None = None
    status: Annotated[str | None, Known.of(*_STATUS)] = None
    type: Annotated[str | None, Known.of(*_CUSTODY)] = None
    balance: object = None
    estimated_value_usd: object = None
    created_at: Timestamp = None
    updated_at: Timestamp = None


def wallet_of(raw: object, customer_id: str) -> Wallet:
    """Return a wallet that was read below ``/customers/{customer_id}/wallets``.

    The holder is known from the path where the answer does not repeat it. Chain and asset are not: an address that
    the vendor has not tied to a chain is returned without one, so that nobody deposits to it on the word of the
    request alone.

    Raises:
        MalformedResponse: it has no id, a field of another type, or names another holder.
    """
    wire = read(WireWallet, raw)
    if wire.customer_id and wire.customer_id != customer_id:
        msg = "the answer's wallet is another customer's"
        raise MalformedResponse(msg, retryable=False)
    chain, asset = _chain(wire.chain) or _chain(wire.network), _folded(wire.asset)
    status = _folded(wire.status) or ""
    return Wallet(
        provider=NAME,
        id=wire.id,
        customer_id=customer_id,
        chain=chain,
        asset=asset,
        status=_STATUS.get(status, WalletStatus.UNKNOWN),
        provider_status=wire.status,
        addresses=(Address(chain=chain, value=wire.address),) if wire.address else (),
        balances=_balances_in_passing(wire.balance, asset, chain),
        custody=_CUSTODY.get(_folded(wire.type) or "", CustodyModel.UNKNOWN),
        created_at=wire.created_at,
        updated_at=wire.updated_at,
        raw=mapping(raw),
        drift=drift_of(wire),
    )


def _folded(text: str | None) -> str | None:
    return (text or "").strip().lower() or None


def _chain(text: str | None) -> Chain | None:
    return Chain(text or "") or None


# --- pages --------------------------------------------------------------------------------------------------


class WirePage(WireModel):
    """One page of a list: ``{data, hasMore, cursor}``, documented for customers and assumed for wallets."""

    data: list[object]
    has_more: bool | None = None
    cursor: str | None = None
    next_cursor: str | None = None

    def next(self) -> str | None:
        """Return the cursor of the next page.

        Raises:
            MalformedResponse: there are more, and no cursor leads to them.
        """
        cursor = self.cursor or self.next_cursor or None
        if self.has_more and cursor is None:
            msg = "the answer says that the list goes on, and not where"
            raise MalformedResponse(msg, retryable=False)
        return None if self.has_more is False else cursor


def items_of(body: Json) -> tuple[tuple[object, ...], str | None]:
    """Return the items of a page and the cursor of the next; a bare list is the only page."""
    if isinstance(body, list):
        return tuple(body), None
    page = read(WirePage, body)
    return tuple(page.data), page.next()


def wallets_of(body: Json, customer_id: str) -> Page[Wallet]:
    """Return a page of a customer's wallets."""
    items, cursor = items_of(body)
    return Page(items=tuple(wallet_of(item, customer_id) for item in items), next_cursor=cursor)


# --- balances -----------------------------------------------------------------------------------------------

_NUMBERS: Final = ("displayBalance", "available", "balance", "amount", "value")
_ASSETS: Final = ("asset", "currency", "assetCode", "currencyCode", "code", "symbol")
_SMALLEST_UNITS: Final = frozenset({"decimals", "precision", "scale", "unit", "units"})
_DEEPEST: Final = 2


@dataclass(frozen=True, slots=True)
class _Amount:
    number: Decimal
    asset: str | None = None


class _NotUnderstood(Exception):
    """Something that is no balance in any form with one meaning."""


def balances_of(body: Json, wallet: Wallet) -> tuple[Balance, ...]:
    """Return what the balance call says a wallet holds.

    The field names are on no page, only that there is a display balance and an estimated value. Numbers are taken
    from the usual names, plain or nested, and never from the estimate.

    Raises:
        MalformedResponse: it cannot be understood without guessing: no such name, a number in the asset's
            smallest units, or one of another asset than the wallet's.
    """
    try:
        return _balances(body, wallet.asset, wallet.chain)
    except _NotUnderstood:
        msg = "the answer is no balance in a form that can be read without guessing"
        raise MalformedResponse(msg, retryable=False) from None


def _balances_in_passing(value: object, asset: str | None, chain: Chain | None) -> tuple[Balance, ...]:
    """Read the balance inside a wallet; there one that cannot be read must not hide the wallet."""
    try:
        return () if value is None else _balances(value, asset, chain)
    except _NotUnderstood:
        return ()


def _balances(value: object, asset: str | None, chain: Chain | None) -> tuple[Balance, ...]:
    several = mapping(value).get("balances", value)
    return tuple(_balance(item, asset, chain) for item in (several if isinstance(several, list) else [value]))


def _balance(value: object, asset: str | None, chain: Chain | None) -> Balance:
    found = _amount_in(value)
    if found.asset and asset and found.asset != asset:
        raise _NotUnderstood
    return Balance(
        asset=found.asset or asset,
        available=found.number,
        pending=_part(value, "pending"),
        frozen=_part(value, "frozen"),
        chain=chain,
    )


def _part(value: object, name: str) -> Decimal | None:
    part = mapping(value).get(name)
    return None if part is None else _amount_in(part).number


def _amount_in(value: object, depth: int = 0) -> _Amount:
    if not isinstance(value, Mapping):
        try:
            return _Amount(amount(value))
        except ValueError:
            raise _NotUnderstood from None
    name = next((name for name in _NUMBERS if value.get(name) is not None), None)
    if name is None or depth > _DEEPEST:
        raise _NotUnderstood
    if name != "displayBalance" and not _SMALLEST_UNITS.isdisjoint(value):
        raise _NotUnderstood
    inner = _amount_in(value[name], depth + 1)
    return _Amount(inner.number, inner.asset or _asset_in(value))


def _asset_in(value: Mapping[str, object]) -> str | None:
    asset = next((value[name] for name in _ASSETS if value.get(name) is not None), None)
    if asset is not None and not isinstance(asset, str):
        raise _NotUnderstood
    return _folded(asset)


# --- customers ----------------------------------------------------------------------------------------------

_CUSTOMER_STATUS: Final = {"active": CustomerStatus.ACTIVE, "inactive": CustomerStatus.CLOSED}


class WireCustomer(WireModel):
    """A customer; what is typed ``object`` is documented and not needed here.

    Source: docs.polygon.technology/api-reference/customers/create-a-customer
    """

    id: Id
    kind: Annotated[str | None, Known.of("customer")] = Field(default=None, alias="object")
    type: Annotated[str | None, Known.of("individual", "business")] = None
    first_name: object = None
    middle_name: object = None
    last_name: object = None
    email: object = None
    phone: object = None
    nationality: object = None
    external_id: str | None = None
    status: Annotated[str | None, Known.of(*_CUSTOMER_STATUS)] = None
    signed_agreement: object = None
    signed_agreement_at: object = None
    wallets: object = None
    endorsements: object = None
    metadata: object = None
    created_at: Timestamp = None
    updated_at: Timestamp = None


def customer_of(raw: object) -> Customer:
    """Return a customer, and whether it may have a wallet as far as its endorsements tell.

    Raises:
        MalformedResponse: it has no id, or a field of another type.
    """
    wire = read(WireCustomer, raw)
    granted, lacking = _custody_endorsement(wire.endorsements)
    status = _CUSTOMER_STATUS.get(_folded(wire.status) or "", CustomerStatus.UNKNOWN)
    # No page says whether a customer who was deleted, and so is inactive, may still be given a wallet.
    doubtful = granted is True and status is CustomerStatus.CLOSED
    return Customer(
        provider=NAME,
        id=wire.id,
        status=status,
        provider_status=wire.status,
        eligible=None if doubtful else granted,
        missing=(CUSTODY_ENDORSEMENT, *lacking) if granted is False else (),
        reference=wire.external_id,
        created_at=wire.created_at,
        updated_at=wire.updated_at,
        raw=mapping(raw),
        drift=drift_of(wire),
    )


def body_of(profile: CustomerProfile) -> JsonObject:
    """Return the body that makes a customer; what the profile does not say is left out."""
    said = {
        "type": profile.type,
        "firstName": profile.first_name,
        "lastName": profile.last_name,
        "email": profile.email,
        "phone": profile.phone,
        "externalId": profile.reference,
    }
    return {name: value for name, value in said.items() if value is not None}


_NAMES: Final = ("name", "endorsement", "type", "code", "id")
_GRANTED: Final = frozenset({"granted", "approved", "active", "complete", "completed"})
_NOT_GRANTED: Final = frozenset(
    {"pending", "rejected", "denied", "revoked", "missing", "incomplete", "inactive", "underreview", "inreview"}
)


def _custody_endorsement(endorsements: object) -> tuple[bool | None, tuple[str, ...]]:
    """Return whether ``cryptoCustody`` is granted, ``None`` where that cannot be told, and what it still lacks.

    The vendor shows endorsements as names, and as objects with ``rejectionReasons`` and
    ``requirements{complete, pending, missing, issues}``; how an object names itself is on no stored page.
    """
    if not isinstance(endorsements, list):
        return None, ()
    names = [_name_of(item) for item in endorsements]
    for name, item in zip(names, endorsements, strict=True):
        if name == CUSTODY_ENDORSEMENT.lower():
            return _is_granted(item), _lacking(item)
    return (None if None in names else False), ()


def _name_of(item: object) -> str | None:
    if isinstance(item, str):
        return _folded(item)
    names = (mapping(item).get(name) for name in _NAMES)
    return next((_folded(name) for name in names if isinstance(name, str)), None)


def _is_granted(item: object) -> bool | None:
    if isinstance(item, str):
        return True
    status = mapping(item).get("status")
    word = status.replace("_", "").lower() if isinstance(status, str) else ""
    if word in _GRANTED or word in _NOT_GRANTED:
        return word in _GRANTED
    requirements = mapping(mapping(item).get("requirements"))
    if mapping(item).get("rejectionReasons") or any(requirements.get(n) for n in ("missing", "pending", "issues")):
        return False
    return True if "missing" in requirements else None


def _lacking(item: object) -> tuple[str, ...]:
    missing = mapping(mapping(item).get("requirements")).get("missing")
    return tuple(code for entry in missing if (code := code_of(entry))) if isinstance(missing, list) else ()
