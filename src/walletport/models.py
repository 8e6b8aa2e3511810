"""The neutral values every provider is normalised into: immutable, and with the provider's own object kept.

Money is `decimal.Decimal`, time is aware UTC, and what a provider adds tomorrow (a status, a chain, a field) is
kept, never refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Generic, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ModelWrapValidatorHandler,
    StringConstraints,
    computed_field,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

_CAIP2 = {
    # https://namespaces.chainagnostic.org; EVM numbers from https://chainid.network
    "ethereum": "eip155:1",
    "optimism": "eip155:10",
    "polygon": "eip155:137",
    "base": "eip155:8453",
    "arbitrum": "eip155:42161",
    "avalanche": "eip155:43114",
    "ink": "eip155:57073",
    "solana": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
    "tron": "tron:728126428",
    "stellar": "stellar:pubnet",
    "sui": "sui:35834a8a",
}
# Read as well: what was written before the two namespaces were registered.
_BY_CAIP2 = {caip2: name for name, caip2 in _CAIP2.items()} | {"tron:0x2b6653dc": "tron", "sui:mainnet": "sui"}
_CAIP2_SHAPE = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}")  # https://chainagnostic.org/CAIPs/caip-2

ChainFamily = Literal["evm", "solana", "tron", "other"]
_FAMILIES: dict[str, ChainFamily] = {"eip155": "evm", "solana": "solana", "tron": "tron"}


class Chain(str):
    """A blockchain by the field's usual name, such as ``polygon``; a name nobody knows is kept.

    Names are folded to lower case, and a CAIP-2 id of a known chain becomes its name, so that
    ``Chain("POLYGON") == Chain("eip155:137") == "polygon"``. In the CAIP-2 id of another chain the letter case of
    the reference is kept, because it counts there.
    """

    __slots__ = ()

    def __new__(cls, name: str) -> Self:
        """Fold the name, or a CAIP-2 id, to the usual spelling."""
        head, colon, reference = name.strip().partition(":")
        folded = head.lower() + colon + reference
        return super().__new__(cls, _BY_CAIP2.get(folded, folded))

    @property
    def caip2(self) -> str | None:
        """The chain's CAIP-2 id: of the main network for a known name; ``None`` for a name not known here."""
        return _CAIP2.get(self) or (str(self) if _CAIP2_SHAPE.fullmatch(self) else None)

    @property
    def family(self) -> ChainFamily:
        """Which kind of address the chain uses."""
        return _FAMILIES.get((self.caip2 or "").partition(":")[0], "other")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read any string; write it as a plain string."""
        text = core_schema.str_schema(min_length=1, strip_whitespace=True)
        return core_schema.no_info_after_validator_function(cls, text)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        msg = "this time lies outside the calendar in UTC"
        raise ValueError(msg) from None


def _not_float(value: object) -> object:
    if isinstance(value, float):
        msg = "a float cannot hold an amount of money exactly"
        raise ValueError(msg)  # noqa: TRY004 - pydantic turns ValueError into a validation error
    return value


UtcTime = Annotated[datetime, AfterValidator(_in_utc)]
"""Aware UTC; a time without zone is taken as UTC."""
Money = Annotated[Decimal, BeforeValidator(_not_float)]
"""An exact amount; JSON shows it as a string."""
AssetCode = Annotated[str, StringConstraints(to_lower=True, strip_whitespace=True)]
"""An asset's code, folded to lower case."""


class Model(BaseModel):
    """Base of the neutral values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class WalletStatus(StrEnum):
    """What can be done with a wallet; the provider's own word is in ``Wallet.provider_status``."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class CustodyModel(StrEnum):
    """Who holds the keys."""

    CUSTODIAL = "custodial"
    NON_CUSTODIAL = "non_custodial"
    UNKNOWN = "unknown"


class Checksum(StrEnum):
    """What the letter case of an EVM address says (EIP-55), or the checksum inside a Tron address.

    ``ABSENT``: all one case, so no checksum is given. ``WRONG``: a checksum is given and does not fit; vendors'
    own samples are like that, so it is reported rather than refused. ``UNCHECKED``: no rule is known here for
    this chain, or the address has not been looked at yet.
    """

    VALID = "valid"
    ABSENT = "absent"
    WRONG = "wrong"
    UNCHECKED = "unchecked"


class Address(Model):
    """A deposit address.

    Args:
        chain: the chain it belongs to, or ``None`` where the provider does not say.
        value: the address exactly as the provider wrote it.
        memo: the memo or destination tag that must go with a deposit, where the chain needs one.
        checksum: what the core found when it checked the address.
    """

    chain: Chain | None
    value: str = Field(min_length=1)
    memo: str | None = None
    checksum: Checksum = Checksum.UNCHECKED


class Balance(Model):
    """How much of one asset a wallet holds, in whole units of the asset.

    Args:
        asset: the asset's code in lower case, such as ``usdc``; ``None`` where the provider does not say.
        available: what can be spent now.
        pending: what is on its way in, or ``None`` where the provider does not say.
        frozen: what is held back, or ``None`` where the provider does not say.
        chain: the chain this part is on, where the provider tells chains apart.
    """

    asset: AssetCode | None
    available: Money
    pending: Money | None = None
    frozen: Money | None = None
    chain: Chain | None = None


class Drift(Model):
    """One thing in a provider's answer that its documentation does not mention.

    Args:
        where: dotted place in the answer, such as ``balances.0.code``.
        what: ``field`` (an unknown field), ``value`` (an unknown value of a closed list), ``missing`` (a field the
            documentation requires) or ``type`` (a documented field of another type).
        seen: the unknown field's name or value, shortened.
    """

    where: str
    what: Literal["field", "value", "missing", "type"]
    seen: str


class Wallet(Model):
    """One wallet at one provider.

    Args:
        provider: the provider's installed name.
        id: the provider's id of the wallet.
        customer_id: the provider's id of its holder.
        chain: its chain, or ``None`` where one wallet spans several: see ``address_on``.
        asset: its asset in lower case, or ``None`` where one wallet holds several.
        status: what can be done with it.
        provider_status: the provider's own word for that.
        addresses: its deposit addresses, as far as this answer told them.
        balances: its balances as far as this answer told them; ``get_balances`` asks for the current ones.
        custody: who holds the keys.
        reference: the caller's own reference, where the provider keeps one.
        created_at: when the provider made it.
        updated_at: when it last changed.
        replaced_by: id of the wallet that took its place after a rotation.
        raw: the provider's own object, unmodified.
        drift: what in ``raw`` was not in the contract this adapter was written from.
    """

    provider: str
    id: str = Field(min_length=1)
    customer_id: str | None = None
    chain: Chain | None = None
    asset: AssetCode | None = None
    status: WalletStatus = WalletStatus.UNKNOWN
    provider_status: str | None = None
    addresses: tuple[Address, ...] = ()
    balances: tuple[Balance, ...] = ()
    custody: CustodyModel = CustodyModel.UNKNOWN
    reference: str | None = None
    created_at: UtcTime | None = None
    updated_at: UtcTime | None = None
    replaced_by: str | None = None
    raw: Mapping[str, object] = Field(default_factory=dict, repr=False)
    drift: tuple[Drift, ...] = ()

    @computed_field  # type: ignore[prop-decorator]  # mypy cannot see through stacked decorators
    @property
    def address(self) -> str | None:
        """The deposit address when there is exactly one, else ``None``."""
        return self.addresses[0].value if len(self.addresses) == 1 else None

    @model_validator(mode="wrap")
    @classmethod
    def _read_back(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Take back what a dump wrote: ``address`` stands in it, and follows from ``addresses``."""
        if not isinstance(value, dict) or "address" not in value:
            return handler(value)
        wallet = handler({name: given for name, given in value.items() if name != "address"})
        if wallet.address != value["address"]:
            msg = "address follows from addresses: give those"
            raise ValueError(msg)
        return wallet

    def address_on(self, chain: str) -> str | None:
        """Return the deposit address on this chain, or ``None`` if the wallet has none that is known."""
        return next((address.value for address in self._on(Chain(chain))), None)

    def _on(self, chain: Chain) -> Iterator[Address]:
        return (a for a in self.addresses if (a.chain or self.chain) == chain)


class CustomerStatus(StrEnum):
    """Whether a customer may be served."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REJECTED = "rejected"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class CustomerProfile(Model):
    """What a provider may need to know to make a customer. Never logged or journaled."""

    email: str | None = Field(default=None, repr=False)
    first_name: str | None = Field(default=None, repr=False)
    last_name: str | None = Field(default=None, repr=False)
    phone: str | None = Field(default=None, repr=False)
    reference: str | None = None
    type: Literal["individual", "business"] = "individual"


class Customer(Model):
    """The provider's record of a person.

    Args:
        eligible: whether a wallet may be made for this customer now; ``None`` where the answer does not tell.
        missing: what is still missing before that, in the provider's own words.
        link: where to send the customer to get it, when the provider gives such an address.
        reference: the application's own id for the person, where the provider keeps one.
    """

    provider: str
    id: str = Field(min_length=1)
    status: CustomerStatus = CustomerStatus.UNKNOWN
    provider_status: str | None = None
    eligible: bool | None = None
    missing: tuple[str, ...] = ()
    link: str | None = None
    reference: str | None = None
    created_at: UtcTime | None = None
    updated_at: UtcTime | None = None
    raw: Mapping[str, object] = Field(default_factory=dict, repr=False)
    drift: tuple[Drift, ...] = ()


class WalletOrder(Model):
    """What an application wants of a provider: a wallet for a customer.

    ``chain`` and ``asset`` are requirements on the result, not fields to send: a wallet that spans several chains
    satisfies an order for any of them.

    Args:
        customer_id: the provider's id of the customer.
        chain: the chain the deposit address must be on.
        asset: the asset it must be able to hold, in lower case.
        reference: the application's own reference.
        idempotency_key: makes a repeat harmless where the provider supports that.
        approval_id: in a look-up, the provider's id of the approval that the order was waiting for.
    """

    customer_id: str
    chain: Chain | None = None
    asset: AssetCode | None = None
    reference: str | None = None
    idempotency_key: str
    approval_id: str | None = None


class Page(Model, Generic[T]):
    """One page of a list, and the cursor of the next; ``None`` at the end."""

    items: tuple[T, ...]
    next_cursor: str | None = None


class EventType(StrEnum):
    """What a webhook is about."""

    WALLET_CREATED = "wallet.created"
    WALLET_UPDATED = "wallet.updated"
    WALLET_ROTATED = "wallet.rotated"
    CUSTOMER_UPDATED = "customer.updated"
    APPROVAL_PENDING = "approval.pending"
    APPROVAL_COMPLETED = "approval.completed"
    APPROVAL_FAILED = "approval.failed"
    UNKNOWN = "unknown"


class Event(Model):
    """A webhook in neutral words, with the provider's own beside it.

    Args:
        type: what it is about; ``unknown`` for what this library has no word for.
        provider_type: the provider's own event name.
        id: the provider's id of the event, for dropping repeats; ``None`` where it sends none.
        occurred_at: when it happened, for ordering.
        wallet: the wallet as the event carries it.
        wallet_id: id of the wallet concerned, where the event names one.
        customer: the customer as the event carries it.
        customer_id: id of the customer concerned, where the event names one.
        approval_id: id of the approval concerned.
        approval_url: where to approve.
        verified: whether a signature proved the sender.
        raw: the provider's own event, unmodified.
    """

    provider: str
    type: EventType
    provider_type: str
    id: str | None = None
    occurred_at: UtcTime | None = None
    wallet: Wallet | None = None
    wallet_id: str | None = None
    customer: Customer | None = None
    customer_id: str | None = None
    approval_id: str | None = None
    approval_url: str | None = None
    verified: bool
    raw: Mapping[str, object] = Field(default_factory=dict, repr=False)
