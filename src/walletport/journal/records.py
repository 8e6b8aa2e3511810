"""What stands in one row of each table."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["wallet", "customer", "shadow"]
"""What an order is for; a shadow is for a wallet that nobody uses, to see what another account answers."""

How: TypeAlias = Literal["linked", "made"]
"""Whether the application told who the user is at an account, or the library made the customer there."""


def new_id() -> str:
    """Return a new id of an order: 32 hexadecimal digits that begin with the time.

    What is new then stands side by side in the database, as with version 7 of UUIDs (RFC 9562, 5.7).
    """
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProvision:
    """An order as it is committed before anything is sent.

    Args:
        kind: for a wallet, or for a customer.
        identity: digest of what makes two orders the same; the journal holds each only once.
        user_id: the application's id of its customer.
        account: the account that carries it out.
        idempotency_key: what the first send is made under.
        chain: the chain, for a wallet.
        asset: the asset, for a wallet.
        reference: the application's own.
        sent_reference: what the provider is told; ``None`` where it takes none.
        customer_id: the provider's id of the customer.
        decision: why this account, as JSON.
        id: the journal's own id of it, as `new_id` gives one.
    """

    kind: Kind
    identity: str
    user_id: str
    account: str
    idempotency_key: str
    chain: str | None = None
    asset: str | None = None
    reference: str | None = None
    sent_reference: str | None = None
    customer_id: str | None = None
    decision: Mapping[str, object] = field(default_factory=dict)
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class ProvisionRow:
    """One order and what is known of it.

    The first eleven are as in `NewProvision`. ``state`` to ``not_before`` are the state machine's, which says what they
    mean.

    Args:
        owner: who is at work on it, or ``None``.
        lease_until: until when that holds.
        wallet_id: the provider's id of the wallet, once there is one.
        approval_id: the provider's id of an approval that is waited for.
        approval_url: where to approve.
        error: what the last attempt ended in: our kind of error and the vendor's codes, never its text.
        created_at: when the order was committed.
        updated_at: when something was last recorded of it; a claim is not.
        version: goes up by one with each change but a renewed lease.
    """

    id: str
    kind: Kind
    identity: str
    user_id: str
    account: str
    chain: str | None
    asset: str | None
    reference: str | None
    sent_reference: str | None
    customer_id: str | None
    decision: Mapping[str, object]
    state: str
    generation: int
    sends: int
    first_sent_at: datetime | None
    last_ended_at: datetime | None
    doubtful: bool
    applied: bool
    look_ups: int
    not_before: datetime | None
    idempotency_key: str
    owner: str | None
    lease_until: datetime | None
    wallet_id: str | None
    approval_id: str | None
    approval_url: str | None
    error: Mapping[str, object] | None
    created_at: datetime
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class WalletRow:
    """One wallet at one account.

    Args:
        document: the neutral `Wallet` as ``model_dump(mode="json")`` gives it: all its fields, ``raw`` (the provider's
            own object) and ``drift`` among them; ``Wallet.model_validate`` takes it back. A `Decimal` anywhere in it
            stands as a string, so a number with a fraction in ``raw`` comes back as a string with the same digits.
        updated_at: when the provider changed it last, or when it was read where the provider does not say.
    """

    account: str
    wallet_id: str
    provision_id: str | None
    user_id: str
    customer_id: str | None
    chain: str | None
    asset: str | None
    status: str
    document: Mapping[str, object]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """Who a user is at an account."""

    user_id: str
    account: str
    customer_id: str
    linked_at: datetime
    how: How


@dataclass(frozen=True, slots=True)
class EventRow:
    """One thing that happened to an order; never changed, never removed.

    Args:
        id: goes up with time within one order.
        what: a word or two, such as ``intended`` or ``sending``.
        detail: more of it, as JSON; the same rules as for ``ProvisionRow.error``.
    """

    id: int
    provision_id: str
    at: datetime
    what: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AccountRow:
    """What is known of one account.

    Args:
        account: its name.
        paused_at: since when a person has it taken out, or ``None``.
        pause_reason: what that person said.
        failures: as in the health of the account, which says what it and the next six mean.
        version: goes up by one with each change; 0 where nothing is recorded.
    """

    account: str
    paused_at: datetime | None = None
    pause_reason: str | None = None
    failures: int = 0
    opens: int = 0
    opened_at: datetime | None = None
    retry_at: datetime | None = None
    probe_until: datetime | None = None
    throttled_until: datetime | None = None
    why: str | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class AccountEventRow:
    """One thing that happened to an account; never changed, never removed."""

    id: int
    account: str
    at: datetime
    what: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PinRow:
    """Where a user's new orders go, because a person says so."""

    user_id: str
    account: str
    pinned_at: datetime
