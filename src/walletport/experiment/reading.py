"""From the journal to what is known of each account, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from walletport.experiment.arms import Arm

if TYPE_CHECKING:
    from walletport.journal import Life

_MOST_ROUTES: Final = 1000  # whose weights are remembered


@dataclass(slots=True)
class Reading:
    """What was read.

    Args:
        drawn: by account, the orders that a draw assigned to it.
        others: by account, the orders that it carries out for another reason.
        routes: the routes by which they came, each with the weights that its first draw had.
        weights_changed: the routes whose weights were not always the same.
    """

    drawn: dict[str, Arm] = field(default_factory=dict)
    others: dict[str, Arm] = field(default_factory=dict)
    routes: dict[str, Mapping[str, object]] = field(default_factory=dict)
    weights_changed: set[str] = field(default_factory=set)

    def add(self, life: Life) -> None:
        """Count an order for the account that the draw gave, or for the one that carries it out where none did."""
        account = life.decision.get("drawn")
        if not isinstance(account, str):
            _arm(self.others, life.account).add(life, life.account)
            return
        _arm(self.drawn, account).add(life, account)
        route, weights = str(life.decision.get("route")), life.decision.get("weights")
        if not isinstance(weights, Mapping) or (route not in self.routes and len(self.routes) >= _MOST_ROUTES):
            return
        if self.routes.setdefault(route, weights) != weights:
            self.weights_changed.add(route)

    def arms(self, *, undrawn: bool) -> dict[str, Arm]:
        """Return what counts for each account, by name.

        Args:
            undrawn: count what no draw assigned as well; it counts anyway where no draw assigned anything.
        """
        arms: dict[str, Arm] = {}
        for part in (self.drawn, self.others if undrawn or not self.drawn else {}):
            for account, arm in part.items():
                _arm(arms, account).merge(arm)
        return dict(sorted(arms.items()))


def _arm(arms: dict[str, Arm], account: str) -> Arm:
    if account not in arms:  # a million orders are too many for `setdefault` to make an arm each time
        arms[account] = Arm()
    return arms[account]


def read(lives: Iterable[Life], route: str | None) -> Reading:
    """Add up orders; those of one route only, where it is given."""
    reading = Reading()
    for life in lives:
        if route is None or life.decision.get("route") == route:
            reading.add(life)
    return reading
