"""Shadows: the same order at another account, to see what that one answers; nobody uses what it makes.

A shadow is committed with its order and carried out like any other, exactly once, but never by the call that asked for
the order: neither its answer nor its failures reach that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from walletport.journal import Life, NewProvision, ProvisionRow, Transaction, lives_of, rows
from walletport.models import Model
from walletport.provisioning import queries
from walletport.provisioning.identity import identity_of, reference_for
from walletport.provisioning.record import Provision
from walletport.routing import Decision
from walletport.transport.encoding import new_idempotency_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from walletport.models import Wallet
    from walletport.provisioning.program import Provisioner


class Difference(Model):
    """One thing of two answers, side by side.

    Args:
        field: what it is.
        order: what the order's account answered, or ``None``.
        shadow: what the shadow's account answered, or ``None``.
        same: whether the two agree. Ids, addresses and times are never alike, so of them it only counts whether both
            are there.
    """

    field: str
    order: str | None
    shadow: str | None
    same: bool


class Shadow(Model):
    """An order, the same order at another account, and the two answers field by field.

    Args:
        order: the order that counts.
        shadow: the other one.
        fields: everything that both providers were asked for, in a fixed order.
    """

    order: Provision
    shadow: Provision
    fields: tuple[Difference, ...]

    @property
    def settled(self) -> bool:
        """Whether both have come to an end, so that the fields can be judged."""
        return self.order.ended and self.shadow.ended

    @property
    def differing(self) -> tuple[Difference, ...]:
        """The fields in which the answers differ."""
        return tuple(field for field in self.fields if not field.same)


def with_shadows(
    provisioner: Provisioner, new: NewProvision, decision: Decision
) -> tuple[NewProvision, list[NewProvision]]:
    """Return an order that says which shadows it has, and those, all to be committed together.

    A user who has no customer at a shadow's account has no shadow there, and the decision says so: a profile is for the
    order alone.

    Args:
        provisioner: knows the accounts and the journal.
        new: the order.
        decision: its decision, with the accounts that may carry out a shadow.
    """
    shadows, reasons = [], []
    for account in decision.shadow:
        customer = provisioner.journal.read(partial(rows.customer_of, user_id=new.user_id, account=account))
        if customer is None:
            reasons.append(f"{account} carries no shadow out: the user has no customer there")
        else:
            shadows.append(_shadow_of(new, provisioner, account, customer.customer_id))
    if not decision.shadow:
        return new, []
    told = decision.model_copy(
        update={"shadow": tuple(one.account for one in shadows), "reasons": (*decision.reasons, *reasons)}
    )
    return replace(new, decision=told.model_dump(mode="json")), shadows


def _shadow_of(new: NewProvision, provisioner: Provisioner, account: str, customer_id: str) -> NewProvision:
    capabilities = provisioner.accounts[account].capabilities
    identity = identity_of("shadow", new.user_id, new.chain, new.asset, f"{account} {new.identity}")
    why = Decision(account=account, reasons=(f"the shadow of order {new.id}",), by="shadow", shadow_of=new.id)
    return NewProvision(
        kind="shadow",
        identity=identity,
        user_id=new.user_id,
        account=account,
        idempotency_key=new_idempotency_key(capabilities.idempotency),
        chain=new.chain,
        asset=new.asset,
        # Never the application's own reference: a look-up for a real order must not find a shadow's wallet.
        sent_reference=reference_for(capabilities.order, identity, None),
        customer_id=customer_id,
        decision=why.model_dump(mode="json"),
    )


def find_shadows(connection: Transaction, order: ProvisionRow | None, limit: int) -> list[Shadow]:
    """Return orders with their shadows, newest first.

    Args:
        connection: where to look.
        order: only the shadows of this one.
        limit: how many at most.
    """
    if order is None:
        found = rows.shadows(connection, limit)
    else:
        of_user = rows.provisions_of(connection, order.user_id)
        found = [row for row in of_user if order.id in (row.id, _whose(row)) and row.kind == "shadow"][:limit]
    orders = rows.some_provisions(connection, [_whose(row) for row in found])
    pairs = [(orders[_whose(row)], row) for row in found if _whose(row) in orders]
    lives = lives_of(connection, [row.id for pair in pairs for row in pair])
    return [_compared(connection, order_row, row, lives) for order_row, row in pairs]


def _whose(row: ProvisionRow) -> str:
    return str(row.decision.get("shadow_of"))


def _compared(connection: Transaction, order: ProvisionRow, shadow: ProvisionRow, lives: Mapping[str, Life]) -> Shadow:
    both = tuple(queries.provision_of(connection, row) for row in (order, shadow))
    times = tuple(lives[row.id] for row in (order, shadow))
    fields = [_field(name, *(of(one) for one in both), exact=exact) for name, of, exact in _OF_ORDER]
    fields += [_field(name, *(_of(one.wallet, of) for one in both), exact=exact) for name, of, exact in _OF_WALLET]
    fields += [_field(name, *(of(one) for one in times), exact=False) for name, of in _OF_TIME]
    return Shadow(order=both[0], shadow=both[1], fields=tuple(fields))


def _field(name: str, order: str | None, shadow: str | None, *, exact: bool) -> Difference:
    same = order == shadow if exact else (order is None) is (shadow is None)
    return Difference(field=name, order=order, shadow=shadow, same=same)


def _of(wallet: Wallet | None, of: Callable[[Wallet], str | None]) -> str | None:
    return None if wallet is None else of(wallet)


def _error(name: str) -> Callable[[Provision], str | None]:
    def of(provision: Provision) -> str | None:
        value = (provision.error or {}).get(name)
        return None if value is None else str(value)

    return of


def _chains(wallet: Wallet) -> str | None:
    chains = {address.chain or wallet.chain for address in wallet.addresses}
    return _list(sorted(str(chain) for chain in chains if chain is not None))


def _list(values: Iterable[str]) -> str | None:
    return ", ".join(values) or None


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _seconds(begin: datetime | None, end: datetime | None) -> str | None:
    return None if begin is None or end is None else f"{(end - begin).total_seconds():.3f} s"


_OF_ORDER: Final[tuple[tuple[str, Callable[[Provision], str | None], bool], ...]] = (
    ("state", lambda one: one.state.value, True),
    ("error", _error("type"), True),
    ("error code", _error("provider_code"), True),
    ("HTTP status", _error("status_code"), True),
)
_OF_WALLET: Final[tuple[tuple[str, Callable[[Wallet], str | None], bool], ...]] = (
    ("wallet id", lambda wallet: wallet.id, False),
    ("status", lambda wallet: wallet.status.value, True),
    ("provider's status", lambda wallet: wallet.provider_status, True),
    ("chain", lambda wallet: wallet.chain, True),
    ("asset", lambda wallet: wallet.asset, True),
    ("address chains", _chains, True),
    ("addresses", lambda wallet: _list(address.value for address in wallet.addresses), False),
    ("checksums", lambda wallet: _list(sorted({address.checksum.value for address in wallet.addresses})), True),
    ("memos", lambda wallet: _list(address.memo for address in wallet.addresses if address.memo), False),
    ("custody", lambda wallet: wallet.custody.value, True),
    ("customer id", lambda wallet: wallet.customer_id, False),
    ("reference", lambda wallet: wallet.reference, False),
    ("created at", lambda wallet: _moment(wallet.created_at), False),
    ("updated at", lambda wallet: _moment(wallet.updated_at), False),
    ("undocumented", lambda wallet: _list(f"{one.where} ({one.what})" for one in wallet.drift), True),
)
_OF_TIME: Final[tuple[tuple[str, Callable[[Life], str | None]], ...]] = (
    ("latency", lambda life: _seconds(life.sent_at, life.made_at)),
    ("time to address", lambda life: _seconds(life.created_at, life.ready_at)),
    ("sends", lambda life: str(life.sends)),
)
