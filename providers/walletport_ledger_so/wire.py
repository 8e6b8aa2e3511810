"""Ledger.so's wallets, pages, balances and customers, and what they mean in neutral words.

Three generations of documentation stand side by side at https://docs.ledger.so; both times (date-time text and epoch
milliseconds), both list envelopes and the wallet of the second generation are read.
"""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field

from walletport.errors import ConfigurationError, MalformedResponse
from walletport.models import (
    Balance,
    Chain,
    Customer,
    CustomerProfile,
    CustomerStatus,
    Page,
    Wallet,
    WalletStatus,
)
from walletport.provider import JsonObject
from walletport.provider.wire import ALWAYS, Amount, Known, Timestamp, WireModel, drift_of, mapping, read
from walletport_ledger_so.addresses import Found, address_of

NAME: Final = "ledger-so"
PAGE_SIZE: Final = 100
"""At most 200 by the newer pages and 100 by https://docs.ledger.so/api-reference/introduction."""

Id = Annotated[str, Field(min_length=1)]

# --- wallets ------------------------------------------------------------------------------------------------

# The OpenAPI document has a free text, with "active" for a sample; "frozen" and "closed" are of an older copy of
# https://docs.ledger.so/concepts. No page has a word for a wallet that is being made; two usual ones are read.
_STATUS: Final = {
    "active": WalletStatus.ACTIVE,
    "frozen": WalletStatus.SUSPENDED,
    "closed": WalletStatus.CLOSED,
    "pending": WalletStatus.PENDING,
    "provisioning": WalletStatus.PENDING,
}


class WireWallet(WireModel):
    """A wallet, as the OpenAPI document has it (createWallet); chain and address do not stand in it."""

    id: Id
    customer_id: Annotated[str | None, ALWAYS] = None
    status: Annotated[str | None, ALWAYS, Known.of(*_STATUS)] = None
    created_at: Annotated[Timestamp, ALWAYS] = None
    updated_at: Annotated[Timestamp, ALWAYS] = None


class OlderWallet(WireModel):
    """A wallet of the second generation, on one chain (https://docs.ledger.so/api-reference/wallets/get-a-wallet)."""

    id: Id
    customer_id: str | None = None
    provider: object = None
    chain: str | None = None
    address: str | None = None
    wallet_type: object = None
    status: Annotated[str | None, Known.of(*_STATUS)] = None
    created_at: Timestamp = None
    updated_at: Timestamp = None


_ONLY_OLDER: Final = ("chain", "address", "walletType")


def wallet_of(raw: object, holder: str | None = None) -> Wallet:
    """Return a wallet of either generation.

    Args:
        raw: the vendor's object.
        holder: whose it is where the answer does not say; only for an answer to a request that named the customer.

    Raises:
        MalformedResponse: it has no id, or a field of another type.
    """
    if any(name in mapping(raw) for name in _ONLY_OLDER):
        older = read(OlderWallet, raw)
        chain, found = address_of(older.chain, older.address)
        return with_addresses(_wallet(older, raw, holder, chain), found)
    return _wallet(read(WireWallet, raw), raw, holder)


def _wallet(wire: WireWallet | OlderWallet, raw: object, holder: str | None, chain: Chain | None = None) -> Wallet:
    return Wallet(
        provider=NAME,
        id=wire.id,
        customer_id=wire.customer_id or holder,
        chain=chain,
        status=_STATUS.get(_folded(wire.status), WalletStatus.UNKNOWN),
        provider_status=wire.status,
        created_at=wire.created_at,
        updated_at=wire.updated_at,
        raw=mapping(raw),
        drift=drift_of(wire),
    )


def with_addresses(wallet: Wallet, found: Found) -> Wallet:
    """Return the wallet with the deposit addresses that were read for it."""
    return wallet.model_copy(update={"addresses": found.addresses, "drift": wallet.drift + found.drift})


def _folded(text: str | None) -> str:
    return (text or "").strip().casefold()


# --- pages --------------------------------------------------------------------------------------------------


class WirePage(WireModel):
    """One page of a list, whose items and cursor stand in ``data`` or, on other pages, are ``data`` and beside it."""

    data: object
    next_cursor: str | None = None


class WireItems(WireModel):
    """The items and the cursor inside ``data`` (https://docs.ledger.so/get-started/pagination)."""

    items: list[object]
    next_cursor: str | None = None


def wallets_of(answer: JsonObject, customer_id: str | None) -> Page[Wallet]:
    """Return a page of wallets.

    No list can be asked for one customer's wallets, so the others are left out here; so is a wallet that does not
    say whose it is. A page can come out empty and have a next one.
    """
    page = read(WirePage, answer)
    if isinstance(page.data, list):
        items, cursor = page.data, page.next_cursor
    else:
        inner = read(WireItems, page.data)
        items, cursor = inner.items, inner.next_cursor or page.next_cursor
    wallets = (wallet_of(item) for item in items)
    kept = tuple(wallet for wallet in wallets if customer_id is None or wallet.customer_id == customer_id)
    return Page(items=kept, next_cursor=cursor or None)


# --- balances -----------------------------------------------------------------------------------------------


class WireBalance(WireModel):
    """What a wallet holds: one number, whose asset the only sample does not name (/guides/crypto-wallets)."""

    balance: Amount
    wallet_id: Annotated[str | None, ALWAYS] = None


def balances_of(raw: object, wallet: Wallet) -> tuple[Balance, ...]:
    """Return the one balance.

    Raises:
        MalformedResponse: there is no number, or it is another wallet's.
    """
    wire = read(WireBalance, raw)
    if wire.wallet_id not in (None, wallet.id):
        msg = "the answer is the balance of another wallet than was asked for"
        raise MalformedResponse(msg, retryable=False)
    return (Balance(asset=None, available=wire.balance),)


# --- customers ----------------------------------------------------------------------------------------------

_CUSTOMER_STATUS: Final = {
    "active": CustomerStatus.ACTIVE,
    "suspended": CustomerStatus.SUSPENDED,
    "rejected": CustomerStatus.REJECTED,
    "pending": CustomerStatus.PENDING,
}
_NOT_SERVED: Final = frozenset({CustomerStatus.SUSPENDED, CustomerStatus.REJECTED})
_APPROVED: Final = "approved"
_NOT_APPROVED: Final = frozenset({"not_started", "under_review", "incomplete", "rejected"})
_WALLETS: Final = frozenset({"wallets", "cryptowallets"})


class WireCustomer(WireModel):
    """A customer (https://docs.ledger.so/guides/customers-and-kyc); what is typed ``object`` is not needed here."""

    id: Id
    email: Annotated[object, ALWAYS] = None
    first_name: Annotated[object, ALWAYS] = None
    last_name: Annotated[object, ALWAYS] = None
    type: Annotated[object, ALWAYS] = None
    phone: object = None
    status: Annotated[str | None, ALWAYS, Known.of(*_CUSTOMER_STATUS)] = None
    kyc_status: Annotated[str | None, ALWAYS, Known.of(_APPROVED, *_NOT_APPROVED)] = None
    kyc_link: Annotated[object, ALWAYS] = None
    tos_link: Annotated[object, ALWAYS] = None
    capabilities: Annotated[object, ALWAYS] = None
    created_at: Annotated[Timestamp, ALWAYS] = None
    updated_at: Annotated[Timestamp, ALWAYS] = None


def customer_of(raw: object) -> Customer:
    """Return a customer, and whether it may have a wallet as far as the answer tells.

    Raises:
        MalformedResponse: it has no id, or a field of another type.
    """
    wire = read(WireCustomer, raw)
    status = _CUSTOMER_STATUS.get(_folded(wire.status), CustomerStatus.UNKNOWN)
    kyc = _folded(wire.kyc_status)
    eligible, missing = _eligibility(status, kyc, _may_have_wallets(wire.capabilities))
    return Customer(
        provider=NAME,
        id=wire.id,
        status=status,
        provider_status=wire.status,
        eligible=eligible,
        missing=missing,
        link=None if kyc == _APPROVED else _link(wire.kyc_link),
        created_at=wire.created_at,
        updated_at=wire.updated_at,
        raw=mapping(raw),
        drift=drift_of(wire),
    )


def body_of(profile: CustomerProfile) -> JsonObject:
    """Return the body that makes a customer; the vendor keeps no reference of the caller's, so none is sent.

    Raises:
        ConfigurationError: the profile lacks what the vendor requires.
    """
    required = {"email": profile.email, "first_name": profile.first_name, "last_name": profile.last_name}
    lacking = [name for name, value in required.items() if not (value or "").strip()]
    if lacking:
        told = ", ".join(f"{name}=..." for name in lacking)
        msg = f"Ledger.so makes no customer without {' and '.join(lacking)}: pass CustomerProfile({told})"
        raise ConfigurationError(msg)
    body: JsonObject = {
        "email": profile.email,
        "firstName": profile.first_name,
        "lastName": profile.last_name,
        "type": profile.type,
    }
    return body if profile.phone is None else {**body, "phone": profile.phone}


def _eligibility(
    status: CustomerStatus,
    kyc: str,
    wallets: bool | None,  # noqa: FBT001 - what the vendor says, and no switch
) -> tuple[bool | None, tuple[str, ...]]:
    """Return whether a wallet may be made, and what is missing.

    "Wallets can be created once approved" (/guides/customers-and-kyc); a capability that is off speaks against it
    all the same. Whether the terms were accepted stands nowhere: ``tosLink`` alone says nothing about that.
    """
    if kyc in _NOT_APPROVED:
        missing: tuple[str, ...] = ("kyc",)
    else:
        missing = ("wallets",) if wallets is False else ()
    if status in _NOT_SERVED:
        return False, missing
    if missing:
        return (None if wallets else False), missing
    return (True if kyc == _APPROVED or wallets else None), ()


def _may_have_wallets(capabilities: object) -> bool | None:
    """Return what the capabilities say of wallets, in any of their three forms; ``None`` where they say nothing."""
    if isinstance(capabilities, list):
        return True if any(isinstance(name, str) and _bare(name) in _WALLETS for name in capabilities) else None
    said = [value for name, value in mapping(capabilities).items() if _bare(name) in _WALLETS]
    first = said[0] if said else None
    return first if isinstance(first, bool) and all(value is first for value in said) else None


def _bare(name: str) -> str:
    return name.replace("_", "").casefold()


def _link(value: object) -> str | None:
    """Return a link that may be shown to a customer: https, with a host, and without anything that is no URL."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme == "https" and parts.hostname else None
