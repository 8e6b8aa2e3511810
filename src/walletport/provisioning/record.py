"""What an application sees of one order, and what it says of its users."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from walletport.models import Chain, Model, Wallet
from walletport.operations import is_ready
from walletport.provisioning.machine import ENDS, State
from walletport.routing import Decision
from walletport.settings import CheckedModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from walletport.journal import EventRow, ProvisionRow


class Provision(Model):
    """The durable record of carrying out one order.

    Args:
        id: the journal's id of it.
        kind: an order for a wallet, for the customer that an order for a wallet needed first, or the shadow of an
            order for a wallet.
        user: the application's own id of its customer.
        account: the account that carries it out.
        chain: the chain that was asked for.
        asset: the asset that was asked for.
        reference: the application's own.
        state: where it stands.
        decision: why this account.
        customer_id: the provider's id of the customer.
        wallet: the wallet, once there is one.
        approval_id: the provider's id of an approval that is waited for.
        approval_url: where to approve.
        error: what the last attempt ended in, unless the order is done: our kind of error, the vendor's codes.
        not_before: nothing happens earlier than this, where the order has to wait.
        created_at: when it was committed.
        updated_at: when something was last recorded of it.
    """

    id: str
    kind: Literal["wallet", "customer", "shadow"]
    user: str
    account: str
    chain: Chain | None
    asset: str | None
    reference: str | None
    state: State
    decision: Decision
    customer_id: str | None
    wallet: Wallet | None
    approval_id: str | None
    approval_url: str | None
    error: Mapping[str, object] | None
    not_before: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: ProvisionRow, wallet: Wallet | None) -> Provision:
        """Return what an application sees of a row."""
        return cls(
            id=row.id,
            kind=row.kind,
            user=row.user_id,
            account=row.account,
            chain=None if row.chain is None else Chain(row.chain),
            asset=row.asset,
            reference=row.reference,
            state=State(row.state),
            decision=Decision.model_validate(row.decision),
            customer_id=row.customer_id,
            wallet=wallet,
            approval_id=row.approval_id,
            approval_url=row.approval_url,
            error=None if row.state == State.DONE else row.error,
            not_before=row.not_before,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.state in ENDS

    @property
    def ready(self) -> bool:
        """Whether its wallet, as last seen, can take deposits: it is active, and has its address on the chain."""
        return self.wallet is not None and is_ready(self.wallet, self.chain)


class StoryEvent(Model):
    """One thing that happened to an order.

    Args:
        at: when.
        what: in a word or two, such as ``intended``, ``sending`` or ``made``.
        detail: more of it: the idempotency key, our kind of error, the vendor's codes and its name for the request.
    """

    at: datetime
    what: str
    detail: Mapping[str, object]


class Story(Model):
    """An order as it stands, and everything that happened to it, in its order."""

    provision: Provision
    events: tuple[StoryEvent, ...]

    @classmethod
    def of(cls, provision: Provision, events: Iterable[EventRow]) -> Story:
        """Return the story that the journal holds."""
        told = (StoryEvent(at=event.at, what=event.what, detail=event.detail) for event in events)
        return cls(provision=provision, events=tuple(told))


_Text = Annotated[str, Field(pattern=r"\S", description="a text that is not empty")]


class CustomerLink(CheckedModel):
    """Who a user is at an account.

    Args:
        user: the application's own id of its customer.
        account: the account's name in the configuration.
        customer_id: the provider's id of the customer.
    """

    user: _Text
    account: _Text
    customer_id: _Text
