"""What a route says, and which orders it is for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, model_validator

from walletport.errors import ConfigurationError
from walletport.models import AssetCode, Chain
from walletport.routing.ramp import Ramp
from walletport.settings import CheckedModel

_HEAVIEST: Final = 1_000_000_000
_NAME: Final = "^[A-Za-z][A-Za-z0-9_-]{0,63}$"


def _no_repeats(accounts: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(accounts)) < len(accounts):
        msg = "names an account twice: write each once, the one to try first at the front"
        raise ValueError(msg)
    return accounts


def _ramp(value: object) -> object:
    """Read a ramp here, so that what is wrong in it is told in one line beside the route's other mistakes."""
    if not isinstance(value, Mapping):
        return value
    try:
        return Ramp.model_validate(value)
    except ConfigurationError as error:
        lines = error.message.split("\n")
    raise ValueError("; ".join(lines))


Weight = Annotated[int, Field(strict=True, ge=1, le=_HEAVIEST)]
SomeAsset = Annotated[AssetCode, Field(min_length=1)]
SomeText = Annotated[str, Field(strict=True, min_length=1)]


class RouteRequest(CheckedModel):
    """What routing looks at in an order.

    The application's own reference is not part of it: a reference is kept in the journal and sent only where the
    provider takes one, so it never decides.

    Args:
        user: the application's own id of its customer.
        chain: the chain the order names.
        asset: the asset the order names, in lower case.
        attributes: what the application says of the user, such as ``{"country": "DE"}``; no provider is told.
    """

    user: str = Field(min_length=1, description="a text that is not empty", examples=['user="user-42"'])
    chain: Chain | None = Field(default=None, description="a chain's name", examples=['chain="polygon"'])
    asset: SomeAsset | None = Field(default=None, description="an asset's code", examples=['asset="usdc"'])
    attributes: Mapping[SomeText, SomeText] = Field(
        default_factory=dict,
        description="names and texts that are not empty",
        examples=['attributes={"country": "DE"}'],
    )


class Route(CheckedModel):
    """Which accounts share the orders that match; the first matching route counts.

    Args:
        chains: the chains it is for; ``None`` for every order, whether it names a chain or not.
        assets: the assets it is for; ``None`` for every order, whether it names an asset or not.
        attributes: the attributes of the user it is for, each with the values that match; ``None`` for every user.
        split: by account, its share of the users, as a whole number above 0.
        ramp: gives one more account a share that grows by itself; the split shares what that leaves.
        failover: accounts for what nobody in the split can take, and for what an account did certainly not apply; the
            first to try at the front.
        mode: ``shadow`` for a route whose orders the ``shadow`` accounts carry out as well.
        shadow: accounts that carry every order out once more, for a wallet that nobody uses; sandboxes.
        shadow_in_production: whether they may be accounts whose wallets are real.
        name: what decisions call it; its position, from 1, where it has none.
    """

    chains: Annotated[tuple[Chain, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="a list of chains, or be left out for all",
        examples=['chains = ["polygon", "base"]'],
    )
    assets: Annotated[tuple[SomeAsset, ...], Field(min_length=1)] | None = Field(
        default=None, description="a list of assets, or be left out for all", examples=['assets = ["usdc"]']
    )
    attributes: (
        Annotated[Mapping[SomeText, Annotated[tuple[SomeText, ...], Field(min_length=1)]], Field(min_length=1)] | None
    ) = Field(
        default=None,
        description="names, each with a list of the texts that match, or be left out for all",
        examples=['attributes = { country = ["DE", "FR"] }'],
    )
    split: Mapping[str, Weight] = Field(
        min_length=1,
        description=f"accounts with their weights, whole numbers from 1 to {_HEAVIEST}",
        examples=["split = { NAME = 90, OTHER = 10 }"],
    )
    ramp: Annotated[InstanceOf[Ramp] | None, BeforeValidator(_ramp)] = Field(
        default=None,
        description="a table",
        examples=['ramp = { account = "NAME", percent = [0, 50], start = 2027-01-01T00:00:00Z, days = 7 }'],
    )
    failover: Annotated[tuple[str, ...], AfterValidator(_no_repeats)] = Field(
        default=(), description="a list of accounts", examples=['failover = ["NAME"]']
    )

    mode: Literal["split", "shadow"] = Field(
        default="split", description='"split" or "shadow"', examples=['mode = "shadow"']
    )
    shadow: Annotated[tuple[str, ...], AfterValidator(_no_repeats)] = Field(
        default=(), description="a list of accounts", examples=['shadow = ["NAME"]']
    )
    shadow_in_production: bool = Field(
        default=False, description="true or false", examples=["shadow_in_production = true"]
    )
    name: Annotated[str, Field(pattern=_NAME)] | None = Field(
        default=None,
        description="a letter, then letters, digits, - and _",
        examples=['name = "germany"'],
    )

    @model_validator(mode="after")
    def _one_share_each(self) -> Self:
        if self.ramp is not None and self.ramp.account in self.split:
            msg = "ramp.account: must not be in split: the ramp says what its share is"
            raise ConfigurationError(msg)
        return self

    @model_validator(mode="after")
    def _shadows_make_sense(self) -> Self:
        if (self.mode == "shadow") is not bool(self.shadow):
            msg = (
                'shadow: must name the accounts: write shadow = ["NAME"]'
                if self.mode == "shadow"
                else 'mode: must say that there are shadows: write mode = "shadow"'
            )
            raise ConfigurationError(msg)
        both = [name for name in self.shadow if name in self.accounts]
        if both:
            msg = f"shadow: {both[0]} takes orders of this route already: name another account"
            raise ConfigurationError(msg)
        return self

    @cached_property
    def accounts(self) -> tuple[str, ...]:
        """Every account it names, once: those of the split, the one of the ramp, those for failover."""
        ramped = () if self.ramp is None else (self.ramp.account,)
        return tuple(dict.fromkeys((*self.split, *ramped, *self.failover)))

    def weights(self, now: datetime | None) -> Mapping[str, float]:
        """Return the weights in force.

        Args:
            now: the time; needed where there is a ramp.

        Raises:
            ConfigurationError: there is a ramp, and no time was given.
        """
        return self.split if self.ramp is None else self.ramp.weights(self.split, now)

    def matches(self, order: RouteRequest) -> bool:
        """Return whether the route is for this order."""
        return (
            (self.chains is None or order.chain in self.chains)
            and (self.assets is None or order.asset in self.assets)
            and (self.attributes is None or self._is_for(order.attributes))
        )

    def _is_for(self, said: Mapping[str, str]) -> bool:
        return all(said.get(name) in values for name, values in (self.attributes or {}).items())

    def explain(self, order: RouteRequest) -> str:
        """Say what in the order made the route match."""
        looked_at = [
            f"{name} {value}"
            for name, rule, value in (("chain", self.chains, order.chain), ("asset", self.assets, order.asset))
            if rule is not None
        ]
        looked_at += [f"{name} {order.attributes[name]}" for name in self.attributes or {}]
        return f"matches {' and '.join(looked_at) or 'every order'}"
