"""The answer as values: what was seen of each account, and what may be concluded of each pair."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import Field

from walletport.models import Model

Measure: TypeAlias = Literal["success", "own success", "latency p50", "latency p95", "address p50"]


class Rate(Model):
    """A share of orders.

    Args:
        hits: how many hit.
        count: how many there are.
        value: the share.
        low: lower end of Wilson's 95 % interval.
        high: upper end of it.
    """

    hits: int
    count: int
    value: float
    low: float
    high: float


class Times(Model):
    """How long something took, in seconds.

    Args:
        count: how many orders it is known of.
        p50: the median.
        p95: what 95 % did not exceed.
        p99: what 99 % did not exceed.
        p50_low: lower end of the median's 95 % interval, which holds at every look.
        p50_high: upper end of it; ``None`` where nothing bounds it yet.
        curve: shares of the orders, and the time that each did not exceed.
    """

    count: int
    p50: float
    p95: float
    p99: float
    p50_low: float
    p50_high: float | None
    curve: tuple[tuple[float, float], ...] = Field(exclude=True, repr=False)


class AccountResult(Model):
    """One account, with the orders that count for it.

    Args:
        account: its name.
        orders: how many count for it.
        done: how many have a wallet, wherever it was made.
        rejected: how many were refused for good.
        needs_review: how many wait for a person because nobody knows what became of them.
        open: how many are on their way, or wait for an approval; they count in no rate.
        success: the share of those settled that have a wallet.
        own_success: the share of those settled whose wallet was made at this very account.
        latency: from the first send to the wallet, of those that are done.
        address: from the order to a usable address, of those where it is known.
        retries: sends beyond the first, of all of them together.
        failovers: how often one was handed to another account.
    """

    account: str
    orders: int
    done: int
    rejected: int
    needs_review: int
    open: int
    success: Rate | None
    own_success: Rate | None
    latency: Times | None
    address: Times | None
    retries: int
    failovers: int


class Comparison(Model):
    """Two accounts in one respect.

    Args:
        measure: in what respect.
        first: one account.
        second: the other.
        first_value: what was seen of the one: a share, or seconds.
        second_value: what was seen of the other.
        low: second minus first is at least this, at all looks and for all pairs together with 95 %; shares only.
        high: and at most this.
        p_value: holds at every look.
        corrected: the same, corrected for the number of pairs.
        better: the account that is better, where the difference is real.
        orders_needed: about how many more orders of these two accounts together would decide, if it goes on like this;
            ``None`` where it is decided, or where no number would.
        supposed: the difference that this number supposes, where it is not the one that was seen.
        test: the test's name.
    """

    measure: Measure
    first: str
    second: str
    first_value: float
    second_value: float
    low: float | None
    high: float | None
    p_value: float
    corrected: float
    better: str | None
    orders_needed: int | None
    supposed: float | None
    test: str


class Experiment(Model):
    """Everything that `walletport experiment` says.

    Args:
        since: only orders committed then or later, or ``None`` for all.
        until: when it was read.
        chain: only orders for this chain.
        asset: only orders for this asset.
        route: only orders of this route.
        orders: how many were counted.
        left_out: how many were not counted, because no draw assigned them to an account.
        drawn: whether a draw assigned what was counted.
        accounts: by name.
        comparisons: each pair in each respect.
        cautions: what a reader must know, a sentence each.
    """

    since: datetime | None
    until: datetime
    chain: str | None
    asset: str | None
    route: str | None
    orders: int
    left_out: int
    drawn: bool
    accounts: tuple[AccountResult, ...]
    comparisons: tuple[Comparison, ...]
    cautions: tuple[str, ...]
