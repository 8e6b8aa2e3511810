"""The answer in words, alike in a terminal and on a page."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from walletport.experiment.report import AccountResult, Comparison, Experiment, Rate, Times

ACCOUNT_TITLES: Final = (
    "account",
    "orders",
    "done",
    "rejected",
    "needs review",
    "open",
    "success (95 %)",
    "own success (95 %)",
    "latency p50",
    "latency p95",
    "latency p99",
    "address p50",
    "address p95",
    "address known of",
    "retries",
    "failovers",
)
RATES: Final = frozenset({"success", "own success"})
PAIR_TITLES: Final = ("pair", "in", "first", "second", "second minus first (95 %)", "p", "corrected p", "verdict")
_A_MINUTE: Final = 60.0
_AN_HOUR: Final = 3600.0
_FEW: Final = 3  # pairs; of more, only what is decided is told in sentences
_BY_INTENTION: Final = (
    "By intention: an order counts for the account that the draw gave its user, also where another account "
    "carried it out in the end."
)
_BY_ACCOUNT: Final = (
    "An order counts for the account that the draw gave its user, or for the one that carries it out where "
    "there was no draw."
)
_SUCCESS: Final = (
    "Success is the share of orders with a wallet among those that came out: done, rejected or in need of "
    "review. Orders that are still open count in no rate yet. Own success counts only wallets made at the "
    "account itself."
)
_LOOKING: Final = (
    (
        "The tests, the p-values, and the intervals of differences hold at every look, however often you look "
        "and whenever you stop; that costs orders, compared with a test that may look once. The interval behind"
        " a rate is Wilson's and holds for one look. p95 and p99 have no interval: never stop an experiment "
        "because of them."
    ),
    "Each respect is corrected for its number of pairs. Success is the question; the others are asked beside it.",
    (
        "Latency is from the first send to the wallet, of orders that are done. The time to a usable address is"
        " from the order to the first time that somebody saw the address, so it is as exact as somebody looked."
        " Times are within half a per cent."
    ),
    (
        "Orders are taken to be independent: many orders of one user, or an outage that hits many at once, make"
        " the evidence look stronger than it is."
    ),
)


def account_row(result: AccountResult) -> list[str]:
    """Return the cells of one account, below `ACCOUNT_TITLES`."""
    latency, address = result.latency, result.address
    return [
        result.account,
        f"{result.orders:,}",
        f"{result.done:,}",
        f"{result.rejected:,}",
        f"{result.needs_review:,}",
        f"{result.open:,}",
        _rate(result.success),
        _rate(result.own_success),
        *_times(latency, p99=True),
        *_times(address, p99=False),
        f"{address.count:,}" if address else "0",
        f"{result.retries:,}",
        f"{result.failovers:,}",
    ]


def pair_row(one: Comparison) -> list[str]:
    """Return the cells of one comparison, below `PAIR_TITLES`."""
    between = "-" if one.low is None or one.high is None else f"{points(one.low)} to {points(one.high)}"
    verdict = f"{one.better} is better" if one.better else "undecided"
    values = (_value(one, one.first_value), _value(one, one.second_value))
    return [f"{one.first}, {one.second}", one.measure, *values, between, _p(one.p_value), _p(one.corrected), verdict]


def verdicts(found: Experiment, measures: Collection[str] | None = None) -> list[str]:
    """Return what may be concluded, a sentence each.

    Args:
        found: the answer.
        measures: in these respects only.
    """
    if not found.accounts:
        return ["The journal holds no such order."]
    if len(found.accounts) == 1:
        return [f"There is nothing to compare: all orders count for {found.accounts[0].account}."]
    if not found.comparisons:
        return ["There is nothing to compare yet: no two accounts have orders that came out."]
    told = []
    for measure in dict.fromkeys(one.measure for one in found.comparisons):
        if measures is not None and measure not in measures:
            continue
        pairs = [one for one in found.comparisons if one.measure == measure]
        shown = [one for one in pairs if one.better or len(pairs) <= _FEW]
        told += [_verdict(one) for one in shown]
        if len(shown) < len(pairs):
            told.append(f"{measure}: {len(pairs) - len(shown)} of {len(pairs)} pairs are undecided.")
    return told


def method(found: Experiment) -> list[str]:
    """Return how the answer came about and how far it holds, a sentence or two each."""
    tests = dict.fromkeys(one.test for one in found.comparisons)
    return [_BY_INTENTION if found.drawn else _BY_ACCOUNT, _SUCCESS, *(f"Test: {test}." for test in tests), *_LOOKING]


def scope(found: Experiment) -> str:
    """Return which orders were looked at."""
    named = (("chain", found.chain), ("asset", found.asset), ("route", found.route))
    only = "".join(f", {what} {value}" for what, value in named if value is not None)
    since = "the first order" if found.since is None else f"{found.since:%Y-%m-%d %H:%M} UTC"
    return f"{found.orders:,} orders from {since} to {found.until:%Y-%m-%d %H:%M} UTC{only}."


def seconds(value: float) -> str:
    """Return a duration for a reader, to three figures."""
    if value >= _AN_HOUR:
        return f"{value / _AN_HOUR:.3g} h"
    if value >= _A_MINUTE:
        return f"{value / _A_MINUTE:.3g} min"
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"


def percent(share: float) -> str:
    """Return a share in per cent; what is not all is not shown as all."""
    rounded = f"{share * 100:.1f}"
    if share not in (0, 1) and rounded in ("100.0", "0.0"):
        rounded = f"{share * 100:.4g}"
    return f"{rounded} %"


def points(difference: float) -> str:
    """Return a difference of shares in percentage points."""
    return f"{difference * 100:+.1f}"


def _verdict(one: Comparison) -> str:
    values = (_value(one, one.first_value), _value(one, one.second_value))
    if one.better:
        ordered = (one.first, one.second) if one.better == one.first else (one.second, one.first)
        best, worst = values if one.better == one.first else values[::-1]
        word = "better" if one.low is not None else "faster"
        difference = f"{best} against {worst}, corrected p {_p(one.corrected)}"
        return f"{one.measure}: {ordered[0]} is {word} than {ordered[1]} ({difference})."
    told = f"{one.measure}: undecided between {one.first} and {one.second} ({values[0]} and {values[1]})"
    if one.orders_needed is None:
        return f"{told}; as it looks, no number of orders would tell them apart."
    what = (
        "would tell, if it goes on like this"
        if one.supposed is None
        else f"would tell a difference of {one.supposed * 100:.3g} in a hundred"
    )
    return f"{told}; about {_roughly(one.orders_needed):,} more orders {what}."


def _roughly(count: int) -> int:
    """Return a number to two figures, because it is no more exact than that."""
    return int(float(f"{count:.2g}"))


def _value(one: Comparison, value: float) -> str:
    return percent(value) if one.low is not None else seconds(value)


def _rate(rate: Rate | None) -> str:
    return "-" if rate is None else f"{percent(rate.value)} ({rate.low * 100:.1f} to {rate.high * 100:.1f})"


def _times(times: Times | None, *, p99: bool) -> list[str]:
    if times is None:
        return ["-"] * (3 if p99 else 2)
    return [seconds(value) for value in (times.p50, times.p95, *([times.p99] if p99 else []))]


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.3g}"  # noqa: PLR2004 - what four digits can say
