"""Granary's JSON, and what it is in walletport's words."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from walletport.errors import MalformedResponse, NotFound
from walletport.models import (
    Address,
    Balance,
    Chain,
    CustodyModel,
    Customer,
    CustomerStatus,
    Page,
    Wallet,
    WalletOrder,
    WalletStatus,
)
from walletport.provider import Json, Response
from walletport.provider.wire import Known, Timestamp, WireModel, drift_of, from_base_units, mapping, read
from walletport_granary.errors import words_of

NAME: Final = "granary"
_STATES: Final = {
    "opening": WalletStatus.PENDING,
    "open": WalletStatus.ACTIVE,
    "frozen": WalletStatus.SUSPENDED,
    "closed": WalletStatus.CLOSED,
}
_HOLDERS: Final = {
    "cleared": CustomerStatus.ACTIVE,
    "in_review": CustomerStatus.PENDING,
    "blocked": CustomerStatus.SUSPENDED,
}
_Id = Annotated[str, Field(min_length=1)]
_Index = Annotated[int, Field(ge=0)]


class Vault(WireModel):
    """A holder's vault."""

    id: _Id
    holder_id: _Id


class Account(WireModel):
    """An account in a vault: what walletport calls a wallet."""

    vault_id: _Id
    index: _Index
    holder_id: _Id
    network: _Id
    label: str = ""
    address: str | None = None
    state: Annotated[str, Known.of(*_STATES)]
    opened_at: Timestamp = None


class AccountPage(WireModel):
    """A page of accounts."""

    accounts: list[object]
    page: int
    pages: int


class Holding(WireModel):
    """How much of one asset an account holds."""

    asset: _Id
    units: int
    decimals: int
    reserved: int = 0


class Holdings(WireModel):
    """All that an account holds."""

    holdings: list[Holding]


class Holder(WireModel):
    """A person or a company that may have a vault."""

    id: _Id
    state: str


def network_of(chain: Chain | None) -> str:
    """Return a chain as Granary writes it; one that Granary does not serve is for Granary to refuse."""
    return str(chain).upper()


def path_of(wallet_id: str) -> tuple[str, str, str, str]:
    """Return the path to a wallet: its id here is the vault's id and the account's number.

    Raises:
        NotFound: it is not such an id, so there cannot be such a wallet.
    """
    vault, colon, index = wallet_id.rpartition(":")
    if not (vault and colon and index.isascii() and index.isdecimal()):
        msg = "a wallet's id at Granary is VAULT:NUMBER"
        raise NotFound(msg)
    return "vaults", vault, "accounts", index


def vault_of(response: Response, holder_id: str) -> Vault:
    """Return the holder's vault, from the answer that made it or from the one that says it exists."""
    answer = response.json_object()
    vault = read(Vault, answer if response.ok else answer.get("vault"))
    if vault.holder_id != holder_id:
        msg = "the answer is another holder's vault"
        raise MalformedResponse(msg, retryable=False)
    return vault


def opened(response: Response, order: WalletOrder) -> Wallet:
    """Return the one account that was ordered, from the answer that opened it or from the one that says it exists.

    The core holds customer, chain and asset against the order; the label is for us to hold against it.
    """
    answer = response.json_object()
    accounts = answer.get("accounts") if response.ok else [answer.get("account")]
    if not isinstance(accounts, list) or len(accounts) != 1:
        msg = "one account was ordered, and the answer does not hold one"
        raise MalformedResponse(msg, retryable=False)
    wallet = wallet_of(accounts[0])
    if wallet.reference != order.reference:
        msg = "the answer's account has another label than was ordered"
        raise MalformedResponse(msg, retryable=False)
    return wallet


def wallet_of(value: object) -> Wallet:
    """Return an account as a wallet."""
    account = read(Account, value)
    chain = Chain(account.network)
    return Wallet(
        provider=NAME,
        id=f"{account.vault_id}:{account.index}",
        customer_id=account.holder_id,
        chain=chain,
        status=_STATES.get(account.state, WalletStatus.UNKNOWN),
        provider_status=account.state,
        addresses=(Address(chain=chain, value=account.address),) if account.address else (),
        custody=CustodyModel.CUSTODIAL,
        reference=account.label or None,
        created_at=account.opened_at,
        raw=mapping(value),
        drift=drift_of(account),
    )


def page_of(value: Json, number: int) -> Page[Wallet]:
    """Return a page of the list; its cursor is the number of the next one."""
    page = read(AccountPage, value)
    if page.page != number:
        msg = "the answer is another page than was asked for"
        raise MalformedResponse(msg, retryable=False)
    cursor = str(number + 1) if number < page.pages else None
    return Page(items=tuple(wallet_of(item) for item in page.accounts), next_cursor=cursor)


def balances_of(value: Json, chain: Chain | None) -> tuple[Balance, ...]:
    """Return what an account holds, in whole units of each asset."""
    return tuple(
        Balance(
            asset=holding.asset,
            available=from_base_units(holding.units, holding.decimals),
            frozen=from_base_units(holding.reserved, holding.decimals),
            chain=chain,
        )
        for holding in read(Holdings, value).holdings
    )


def customer_of(value: Json) -> Customer:
    """Return a holder as a customer."""
    holder, raw = read(Holder, value), mapping(value)
    missing = value.get("missing") if isinstance(value, dict) else None
    return Customer(
        provider=NAME,
        id=holder.id,
        status=_HOLDERS.get(holder.state, CustomerStatus.UNKNOWN),
        provider_status=holder.state,
        eligible=holder.state == "cleared",
        missing=words_of(missing),
        raw=raw,
    )
