"""What a route says, and which orders it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from walletport.models import AssetCode, Chain
from walletport.settings import CheckedModel

_HEAVIEST: Final = 1_000_000_000


def _no_repeats(accounts: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(accounts)) < len(accounts):
        msg = "names an account twice: write each once, the one to try first at the front"
        raise ValueError(msg)
    return accounts


Weight = Annotated[int, Field(strict=True, ge=1, le=_HEAVIEST)]
SomeAsset = Annotated[AssetCode, Field(min_length=1)]


class RouteRequest(CheckedModel):
    """What routing looks at in an order.

    The application's own reference is not part of it: a reference is kept in the journal and sent only where the
    provider takes one, so it never decides.

    Args:
        user: the application's own id of its customer.
        chain: the chain the order names.
        asset: the asset the order names, in lower case.
    """

    user: str = Field(min_length=1, description="a text that is not empty", examples=['user="user-42"'])
    chain: Chain | None = Field(default=None, description="a chain's name", examples=['chain="polygon"'])
    asset: SomeAsset | None = Field(default=None, description="an asset's code", examples=['asset="usdc"'])


class Route(CheckedModel):
    """Which accounts share the orders that match; the first matching route counts.

    Args:
        chains: the chains it is for; ``None`` for every order, whether it names a chain or not.
        assets: the assets it is for; ``None`` for every order, whether it names an asset or not.
        split: by account, its share of the users, as a whole number above 0.
        failover: accounts for what nobody in the split can take, the first to try at the front.
    """

    chains: Annotated[tuple[Chain, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="a list of chains, or be left out for all",
        examples=['chains = ["polygon", "base"]'],
    )
    assets: Annotated[tuple[SomeAsset, ...], Field(min_length=1)] | None = Field(
        default=None, description="a list of assets, or be left out for all", examples=['assets = ["usdc"]']
    )
    split: Mapping[str, Weight] = Field(
        min_length=1,
        description=f"accounts with their weights, whole numbers from 1 to {_HEAVIEST}",
        examples=["split = { NAME = 90, OTHER = 10 }"],
    )
    failover: Annotated[tuple[str, ...], AfterValidator(_no_repeats)] = Field(
        default=(), description="a list of accounts", examples=['failover = ["NAME"]']
    )

    def matches(self, order: RouteRequest) -> bool:
        """Return whether the route is for this order."""
        chain_fits = self.chains is None or order.chain in self.chains
        return chain_fits and (self.assets is None or order.asset in self.assets)

    def explain(self, order: RouteRequest) -> str:
        """Say what in the order made the route match."""
        looked_at = [
            f"{name} {value}"
            for name, rule, value in (("chain", self.chains, order.chain), ("asset", self.assets, order.asset))
            if rule is not None
        ]
        return f"matches {' and '.join(looked_at) or 'every order'}"
