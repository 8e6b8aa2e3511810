"""Conduit's wallets, customers and pages, and what they mean in neutral words.

Names and types are those of the vendor's OpenAPI document (WalletResponse, CustomerPaginatedResponseDto,
WalletListResponse). A field that one page shows as null and another leaves out is read both ways.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from walletport.errors import MalformedResponse
from walletport.models import (
    Address,
    Balance,
    Chain,
    CustodyModel,
    Customer,
    Drift,
    Page,
    Wallet,
    WalletStatus,
)
from walletport.provider import Json
from walletport.provider.wire import (
    ALWAYS,
    Amount,
    Known,
    Timestamp,
    WireModel,
    drift_of,
    mapping,
    read,
)

NAME: Final = "conduit"
CHAINS: Final = ("ethereum", "base", "polygon", "solana", "tron", "stellar")
PAGE_SIZE: Final = 100  # the most a page may hold, https://v2.docs.conduit.financial/api-reference/overview
CRYPTO_WALLET: Final = "crypto_wallet"

Id = Annotated[str, Field(min_length=1)]
ChainName = Annotated[str, Field(pattern=r"\S")]

_STATUS: Final = {
    "pending": WalletStatus.PENDING,
    "active": WalletStatus.ACTIVE,
    "disabled": WalletStatus.SUSPENDED,
}
_CUSTODY: Final = {"custodial": CustodyModel.CUSTODIAL, "non_custodial": CustodyModel.NON_CUSTODIAL}
_PAGE_NUMBER: Final = re.compile(r"walletport-page=([0-9]{1,9})&seen=([0-9]{1,9})")


class WireAmount(WireModel):
    """An amount of one asset."""

    code: Id
    amount: Amount
    chain: Annotated[ChainName | None, Known.of(*CHAINS)] = None


class WireBalance(WireModel):
    """What a wallet holds of one asset, in three parts."""

    available: WireAmount
    pending: WireAmount
    frozen: WireAmount

    @model_validator(mode="after")
    def _of_one_asset(self) -> Self:
        if len({part.code.casefold() for part in (self.available, self.pending, self.frozen)}) > 1:
            msg = "the parts are of different assets"
            raise ValueError(msg)
        return self

    def neutral(self) -> Balance:
        """Return the neutral balance."""
        chain = self.available.chain
        return Balance(
            asset=self.available.code.lower(),
            available=self.available.amount,
            pending=self.pending.amount,
            frozen=self.frozen.amount,
            chain=None if chain is None else Chain(chain),
        )


class WireWallet(WireModel):
    """A wallet; whose it is stands in the path only."""

    id: Id
    chain: Annotated[ChainName, Known.of(*CHAINS)]
    address: Annotated[str | None, ALWAYS] = None
    status: Annotated[str | None, Known.of(*_STATUS), ALWAYS] = None
    balances: Annotated[list[WireBalance], ALWAYS] = Field(default_factory=list)
    created_at: Annotated[Timestamp, ALWAYS] = None
    updated_at: Annotated[Timestamp, ALWAYS] = None
    custody_model: Annotated[str | None, Known.of(*_CUSTODY)] = None
    rotated_at: Timestamp = None
    replaced_by_wallet_id: str | None = None
    client_reference_id: str | None = None


class WireApproval(WireModel):
    """The 202 of a create: an admin must approve first (WalletCreateCeremonyPendingResponse)."""

    ceremony_id: Id
    verification_url: Annotated[str | None, ALWAYS] = None


class WirePageMeta(WireModel):
    """Where a list goes on."""

    mode: Annotated[str | None, Known.of("cursor", "offset"), ALWAYS] = None
    next_cursor: Annotated[str | None, ALWAYS] = None
    total: Annotated[int | None, ALWAYS] = None


class WirePage(WireModel):
    """A page of a list; without ``meta`` nobody could say whether it goes on."""

    data: list[object]
    meta: WirePageMeta


class WireFeature(WireModel):
    """A feature of a customer."""

    feature: Annotated[str, Known.of("virtual_account", CRYPTO_WALLET)]
    is_active: bool


class WireCustomer(WireModel):
    """A customer."""

    id: Id
    application_id: Annotated[str | None, ALWAYS] = None
    features: Annotated[list[WireFeature] | None, ALWAYS] = None
    is_house_account: Annotated[bool | None, ALWAYS] = None
    type: Annotated[str | None, ALWAYS] = None
    client_reference_id: str | None = None
    created_at: Annotated[Timestamp, ALWAYS] = None
    updated_at: Annotated[Timestamp, ALWAYS] = None


def wallet_of(value: object, customer_id: str | None) -> Wallet:
    """Return the neutral wallet.

    Args:
        value: the vendor's wallet object.
        customer_id: whose it is, which the object does not tell.

    Raises:
        MalformedResponse: it has no id or no chain, or one of its fields but the balances is of another type.
    """
    balances: tuple[Balance, ...] = ()
    try:
        found = read(WireWallet, value)
        drift = drift_of(found)
        balances = balances_of(found)
    except MalformedResponse:
        # A balance that cannot be read must not hide that the wallet exists; asking for it will tell.
        found = read(WireWallet, {**mapping(value), "balances": []})
        drift = (*drift_of(found), Drift(where="balances", what="type", seen=""))
    return Wallet(
        provider=NAME,
        id=found.id,
        customer_id=customer_id,
        chain=Chain(found.chain),
        status=_STATUS.get((found.status or "").lower(), WalletStatus.UNKNOWN),
        provider_status=found.status,
        addresses=(Address(chain=Chain(found.chain), value=found.address),) if found.address else (),
        balances=balances,
        custody=_CUSTODY.get((found.custody_model or "").lower(), CustodyModel.UNKNOWN),
        reference=found.client_reference_id or None,
        created_at=found.created_at,
        updated_at=found.updated_at,
        replaced_by=found.replaced_by_wallet_id or None,
        raw=mapping(value),
        drift=drift,
    )


def balances_of(wallet: WireWallet) -> tuple[Balance, ...]:
    """Return the neutral balances."""
    return tuple(balance.neutral() for balance in wallet.balances)


def is_approval(value: Json) -> bool:
    """Tell the body of a pending approval from a wallet, whatever the status: it has no wallet id."""
    return isinstance(value, dict) and "ceremonyId" in value and "id" not in value


def link_of(value: object) -> str | None:
    """Return a link that a person may be sent to, or ``None`` if it is not one over https."""
    return value if isinstance(value, str) and re.fullmatch(r"https://[!-~]+", value) else None


def page_query(cursor: str | None) -> tuple[tuple[str, str], ...]:
    """Return the query for a page: the vendor's cursor, or a page number where the list has no cursors."""
    size = ("limit", str(PAGE_SIZE))
    if cursor is None:
        return (size,)
    numbered = _PAGE_NUMBER.fullmatch(cursor)
    return (size, ("page", numbered[1]) if numbered else ("cursor", cursor))


def page_of(value: Json, customer_id: str, cursor: str | None) -> Page[Wallet]:
    """Return a page of wallets.

    Args:
        value: the vendor's page.
        customer_id: whose wallets they are.
        cursor: what it was asked for with.

    Raises:
        MalformedResponse: it is no page, or a wallet in it cannot be read.
    """
    found = read(WirePage, value)
    wallets = tuple(wallet_of(item, customer_id) for item in found.data)
    return Page(items=wallets, next_cursor=found.meta.next_cursor or _next_number(found, cursor))


def _next_number(page: WirePage, cursor: str | None) -> str | None:
    """Return our own cursor for the older lists by page number, which end where ``total`` says.

    Source: an earlier https://v2.docs.conduit.financial/api-reference/overview, and ``meta.mode`` in the present one.
    """
    numbered = _PAGE_NUMBER.fullmatch(cursor or "")
    number, seen = (int(numbered[1]), int(numbered[2])) if numbered else (1, 0)
    seen += len(page.data)
    if (page.meta.mode or "").lower() != "offset" or not page.data:
        return None
    if page.meta.total is None:
        msg = "the answer is a numbered page of a list that does not say where it ends"
        raise MalformedResponse(msg)
    if seen >= page.meta.total:
        return None
    return f"walletport-page={number + 1}&seen={seen}"


def customer_of(value: object) -> Customer:
    """Return the neutral customer; eligible means that its crypto wallet feature is active.

    A claim that may be needed besides does not show in the vendor's customer object.

    Raises:
        MalformedResponse: it has no id.
    """
    found = read(WireCustomer, value)
    eligible = None
    if found.features is not None:
        eligible = any(item.is_active and item.feature.lower() == CRYPTO_WALLET for item in found.features)
    return Customer(
        provider=NAME,
        id=found.id,
        eligible=eligible,
        missing=(CRYPTO_WALLET,) if eligible is False else (),
        reference=found.client_reference_id or None,
        created_at=found.created_at,
        updated_at=found.updated_at,
        raw=mapping(value),
        drift=drift_of(found),
    )
