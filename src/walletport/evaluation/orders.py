"""What is ordered of an account: customers, chain and asset that fit it, and orders that differ in one thing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from walletport.errors import ConfigurationError
from walletport.models import Chain
from walletport.provider import Need
from walletport.transport.encoding import new_idempotency_key

if TYPE_CHECKING:
    from walletport.evaluation.subject import Subject
    from walletport.provider.emulation import Emulator
    from walletport.sandbox import Sandbox

_CHAINS: Final = ("polygon", "base", "ethereum")
_ASSETS: Final = ("usdc", "usdt")


@dataclass(frozen=True)
class Order:
    """What one create asks for."""

    customer_id: str
    chain: str | None
    asset: str | None
    reference: str | None
    key: str


class Orders:
    """Makes the orders for one account.

    Args:
        subject: the account.
        chain: the chain to ask for, where the provider takes one and can express it; else the first it declares.
        asset: the asset to ask for, likewise.

    Attributes:
        customers: whom orders were made for so far.

    Raises:
        ConfigurationError: no order can be expressed to this provider.
    """

    def __init__(self, subject: Subject, chain: str, asset: str) -> None:
        self._idempotency = subject.account.kind.capabilities.idempotency
        self._fields = subject.account.kind.capabilities.order
        self._keeps_reference = self._fields.reference is not Need.REFUSED
        self._chain, self._asset = self._expressible(subject.account.name, chain, asset)
        self._customers = _customers_of(subject)
        self._numbers = itertools.count(1)
        self.customers: set[str] = set()

    def next(self) -> Order:
        """Return a fresh order: for a customer that has no wallet yet as long as there is one, under a new key."""
        customer = next(self._customers)
        self.customers.add(customer)
        key = new_idempotency_key(self._idempotency)
        reference = f"evaluation-{key[:12].lower()}-{next(self._numbers)}" if self._keeps_reference else None
        return Order(customer, self._chain, self._asset, reference, key)

    def other(self, order: Order) -> Order | None:
        """Return an order under the same key that the provider must not take for the same one; ``None`` if none is."""
        fields = self._fields
        chain = _another(order.chain, (*fields.chains, *_CHAINS), fixed=fields.chains_fixed)
        if chain is not None:
            return replace(order, chain=chain)
        asset = _another(order.asset, (*fields.assets, *_ASSETS), fixed=fields.assets_fixed)
        if asset is not None:
            return replace(order, asset=asset)
        if order.reference is not None:
            return replace(order, reference=f"{order.reference}-b")
        customer = next(self._customers)
        return replace(order, customer_id=customer) if customer != order.customer_id else None

    def _expressible(self, account: str, chain: str, asset: str) -> tuple[str | None, str | None]:
        fields, reference = self._fields, "-" if self._keeps_reference else None
        chains = [None] if fields.chain is Need.REFUSED else [Chain(chain), *fields.chains]
        assets = [None] if fields.asset is Need.REFUSED else [asset.lower(), *fields.assets]
        for one, other in itertools.product(chains, assets):
            if fields.why_not(one, other, reference) is None:
                return one, other
        msg = f"{account}: no order for chain {chain} and asset {asset} can be expressed: pass --chain and --asset"
        raise ConfigurationError(msg)


def _another(used: str | None, known: Sequence[str], *, fixed: bool) -> str | None:
    """Return another value that is really sent: where the provider has no word for it, the body would not differ."""
    return None if used is None or fixed else next((one for one in known if one != used), None)


def _customers_of(subject: Subject) -> Iterator[str]:
    if subject.sandbox is None or subject.emulator is None:
        return itertools.cycle(subject.customers)
    return _made_customers(subject.sandbox, subject.emulator)


def _made_customers(sandbox: Sandbox, emulator: Emulator) -> Iterator[str]:
    while True:
        with sandbox.lock:
            made = emulator.add_customer()
        yield made
