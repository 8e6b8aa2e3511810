"""What a decision costs, with ten accounts and twenty routes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from benchmarks.measure import Row, compare
from walletport.models import Chain
from walletport.plugins import load_provider
from walletport.routing import Route, RouteRequest, choose

ACCOUNTS = 10
ROUTES = 20
DECISIONS = 2_000
AT_LEAST = 20_000  # decisions in a second


def decisions(rounds: int = 9) -> list[Row]:
    """Compare one decision with the hashing that its draw cannot do without: a SHA-256 for each account."""
    names = [f"account-{number}" for number in range(ACCOUNTS)]
    accounts = {name: load_provider("conduit").capabilities for name in names}
    # The last of the routes is the one that matches, and shares its users between all accounts.
    routes = [
        *(
            Route(chains=(f"chain-{n}",), attributes={"country": ("DE", "FR")}, split={names[0]: 1})
            for n in range(ROUTES - 1)
        ),
        Route(chains=("polygon",), split=dict.fromkeys(names, 10), failover=tuple(names)),
    ]
    orders = [
        RouteRequest(user=f"user-{number}", chain=Chain("polygon"), attributes={"country": "IT"})
        for number in range(DECISIONS)
    ]

    def decide() -> None:
        for order in orders:
            choose(order, routes, accounts)

    def hash_alone() -> None:
        for order in orders:
            for name in names:
                hashlib.sha256(f"salt{order.user}{name}".encode()).digest()

    pairs = [(_timed(decide), _timed(hash_alone)) for _ in range(rounds + 1)][1:]
    what = f"a decision, {ACCOUNTS} accounts and {ROUTES} routes / {ACCOUNTS} SHA-256"
    row = compare(what, f"{AT_LEAST:,} a second: at most {1000 / AT_LEAST:.2f} ms", "decision", pairs)
    seconds = min(ours for ours, _ in pairs)
    print(f"{1 / row.seconds:,.0f} decisions a second, {1 / seconds:,.0f} in the best round; aimed at {AT_LEAST:,}")
    return [row]


def _timed(work: Callable[[], None]) -> float:
    start = time.process_time()  # nothing here waits for anything, so other programs need not count
    work()
    return (time.process_time() - start) / DECISIONS
