"""What a provider declares about itself, with five honest answers to every question.

The core, the router and the conformance kit read these declarations; nothing outside a provider's package ever
asks for a provider by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from walletport.models import AssetCode, Chain, WalletOrder


class Declaration(BaseModel):
    """Base of the declarations: immutable, and a misspelt name is an error at import."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(StrEnum):
    """The five answers a provider can give to "can you do this?"."""

    YES = "yes"
    NO = "they cannot"
    NOT_IMPLEMENTED = "not implemented by us"
    DEPENDS = "depends"
    NOT_DOCUMENTED = "not documented"


class Ability(Declaration):
    """One answer, and the reason for it: one sentence that also serves as the error text of a refusal."""

    answer: Answer
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Whether the operation may be called."""
        return self.answer in (Answer.YES, Answer.DEPENDS)


YES = Ability(answer=Answer.YES)


def no(reason: str) -> Ability:
    """Say that the provider has no such thing."""
    return Ability(answer=Answer.NO, reason=reason)


def not_implemented(reason: str) -> Ability:
    """Say that the provider can and this adapter does not."""
    return Ability(answer=Answer.NOT_IMPLEMENTED, reason=reason)


def depends(reason: str) -> Ability:
    """Say that it works under a condition, and which."""
    return Ability(answer=Answer.DEPENDS, reason=reason)


def not_documented(reason: str) -> Ability:
    """Say that no page tells."""
    return Ability(answer=Answer.NOT_DOCUMENTED, reason=reason)


class Need(StrEnum):
    """Whether an order must, may or must not carry a field."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    REFUSED = "refused"


class OrderFields(Declaration):
    """Which fields an order for this provider must or may carry.

    Args:
        chain: whether the caller names a chain.
        asset: whether the caller names an asset.
        reference: whether the provider keeps the caller's own reference on the wallet.
        chains: the chains the provider is known to serve; empty where it does not say.
        assets: the assets it is known to take, in lower case; empty where it does not say.
        chains_fixed: whether the caller cannot tell the provider a chain at all, so that a chain outside
            ``chains`` must be refused here. Where it is false an unknown chain is sent, and the provider's answer
            counts: a vendor's policy copied into this library would soon be stale.
        assets_fixed: the same for assets.
        pairs: where the provider knows an asset on a chain as one thing, such as ``USDC_POLYGON``: every pair of chain
            and asset that can be said. An order for another pair is refused here, because there is no word for it.
    """

    chain: Need
    asset: Need
    reference: Need
    chains: tuple[Chain, ...] = ()
    assets: tuple[AssetCode, ...] = ()
    chains_fixed: bool = False
    assets_fixed: bool = False
    pairs: tuple[tuple[Chain, AssetCode], ...] = ()

    def why_not(self, chain: Chain | None, asset: str | None, reference: str | None) -> str | None:
        """Return why an order with these fields cannot be expressed to the provider, or ``None`` if it can."""
        for name, need, value, known in (
            ("chain", self.chain, chain, self.chains if self.chains_fixed else ()),
            ("asset", self.asset, asset, self.assets if self.assets_fixed else ()),
            ("reference", self.reference, reference, ()),
        ):
            if need is Need.REQUIRED and value is None:
                return f"an order here must name its {name}: pass {name}="
            if need is Need.REFUSED and value is not None:
                return f"this provider keeps no {name}: leave {name}= out"
            if value is not None and known and value not in known:
                return f"no wallet here can serve {name} {value!r}: it serves {', '.join(known)}"
        return self._why_no_pair(chain, asset)

    def _why_no_pair(self, chain: Chain | None, asset: str | None) -> str | None:
        if not self.pairs or any(chain in (None, on) and asset in (None, code) for on, code in self.pairs):
            return None
        wanted = " on ".join(repr(str(value)) for value in (asset, chain) if value is not None)
        return f"no wallet here can hold {wanted}: it holds {', '.join(f'{code} on {on}' for on, code in self.pairs)}"


class Idempotency(Declaration):
    """What a provider does with an idempotency key.

    Args:
        place: where the key travels; ``none`` where the provider takes no key.
        name: the header's or the body field's name.
        required: whether a create without it is refused.
        max_length: longest key the provider takes, in characters; ``None`` where it does not say.
        pattern: what a key must match in full; ``None`` where it does not say.
        window: how long a key may be counted on, from the moment it was first sent: the shortest figure the
            provider states, or a cautious assumption where it states none.
        window_documented: whether ``window`` is the provider's word or an assumption.
        replay: what a repeat with the same key answers, in one sentence.
    """

    place: Literal["header", "body", "none"]
    name: str | None = None
    required: bool = False
    max_length: int | None = None
    pattern: str | None = None
    window: timedelta = timedelta(0)
    window_documented: bool = False
    replay: str = ""


class RateLimit(Declaration):
    """What a provider says about its limits.

    Args:
        requests_per_second: the stated limit; ``None`` where no number is stated.
        headers: names of the headers that tell how much is left.
        note: one sentence.
    """

    requests_per_second: float | None = None
    headers: tuple[str, ...] = ()
    note: str = ""


class Capabilities(Declaration):
    """Everything the core wants to know before it talks to a provider.

    Args:
        create_wallet ... get_customer: the answer for each operation.
        several_addresses: whether one wallet may have several addresses.
        deposit_addresses: whether a wallet has a deposit address at all; where it has none, nobody waits for one.
        webhooks: whether events can be read.
        approval: whether a create may end in a pending approval by a person.
        order: which fields an order must or may carry.
        idempotency: what a repeat does.
        rate_limit: what is known of limits.
        settle_time: how long after the last attempt a request may still be running at the vendor, so that only a
            look-up made later can prove that no wallet exists.
        custody: one sentence on who holds the keys.
    """

    create_wallet: Ability
    get_wallet: Ability
    list_wallets: Ability
    find_wallet: Ability
    get_balances: Ability
    get_addresses: Ability
    rotate_wallet: Ability
    create_customer: Ability
    get_customer: Ability
    several_addresses: Ability
    deposit_addresses: Ability = YES
    webhooks: Ability
    approval: Ability
    order: OrderFields
    idempotency: Idempotency
    rate_limit: RateLimit = Field(default_factory=RateLimit)
    settle_time: timedelta = timedelta(seconds=60)
    custody: str = ""

    def ability(self, operation: str) -> Ability:
        """Return the answer for an operation by its neutral name, such as ``get_wallet``."""
        found = getattr(self, operation, None)
        if not isinstance(found, Ability):
            msg = f"no ability is called {operation!r}"
            raise LookupError(msg)  # noqa: TRY004 - the name is wrong, not a type
        return found

    def why_not(self, order: WalletOrder) -> str | None:
        """Return why an order cannot be expressed to this provider, or ``None`` if it can."""
        return self.order.why_not(order.chain, order.asset, order.reference)

    def abilities(self) -> dict[str, Ability]:
        """Return every answer by its neutral name, in the order they are declared."""
        return {name: value for name in type(self).model_fields if isinstance(value := getattr(self, name), Ability)}

    def in_words(self) -> dict[str, str]:
        """Return what an order carries and what a repeat does, in words by label."""
        order, policy = self.order, self.idempotency
        return {
            "chain": order.chain.value,
            "asset": order.asset.value,
            "reference": order.reference.value,
            "chains": _known(order.chains or _each(chain for chain, _ in order.pairs), fixed=order.chains_fixed),
            "assets": _assets(order),
            "idempotency key": _key(policy),
            "is remembered": _window(policy),
            "a repeat gets": policy.replay or "-",
            "settle time": _duration(self.settle_time),
            "rate limit": _rate(self.rate_limit),
            "custody": self.custody or "-",
        }


ABILITIES: Final = tuple(name for name, field in Capabilities.model_fields.items() if field.annotation is Ability)
"""The neutral names of everything a provider answers for."""


def _assets(order: OrderFields) -> str:
    if order.pairs:
        return _known([f"{asset} on {chain}" for chain, asset in order.pairs], fixed=True)
    return _known(order.assets, fixed=order.assets_fixed)


def _each(values: Iterable[str]) -> tuple[str, ...]:
    """Return every value once, in its order."""
    return tuple(dict.fromkeys(values))


def _known(values: Sequence[str], *, fixed: bool) -> str:
    if not values:
        return "not told"
    return ", ".join(values) + ("; no other" if fixed else "")


def _key(policy: Idempotency) -> str:
    if policy.place == "none":
        return "none"
    limit = f", at most {policy.max_length} characters" if policy.max_length is not None else ""
    return f"{policy.place} {policy.name} ({'required' if policy.required else 'optional'}){limit}"


def _window(policy: Idempotency) -> str:
    if policy.place == "none":
        return "-"
    return _duration(policy.window) + ("" if policy.window_documented else ", assumed: not documented")


def _rate(limit: RateLimit) -> str:
    number = f"{limit.requests_per_second:g}/s" if limit.requests_per_second is not None else ""
    return "; ".join(part for part in (number, limit.note) if part) or "not told"


def _duration(time: timedelta) -> str:
    """Return a duration in the largest unit that leaves no rest."""
    seconds = time.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
