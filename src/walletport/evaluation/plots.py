"""The plots of the page, each with the numbers it was drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from walletport.evaluation.report import AccountReport
from walletport.evaluation.words import milliseconds, number
from walletport.pages import INK, Figure, Table, dash, draw, marker, series

if TYPE_CHECKING:
    from walletport.pages import Axes

_HATCHES: Final = ("", "///", "...", "xx", "\\\\\\", "++")
_LONGEST_NAME: Final = 24


def figures(accounts: Sequence[AccountReport]) -> list[Figure]:
    """Return the plots for which there is anything to draw."""
    return [
        *_latencies(accounts),
        *_readiness(accounts),
        *_errors(accounts),
        *_throughput(accounts),
    ]


def _latencies(accounts: Sequence[AccountReport]) -> list[Figure]:
    timed = [(place, one) for place, one in enumerate(accounts) if _samples(one, "create")]
    if not timed:
        return []

    def paint(axes: Axes) -> None:
        for place, account in timed:
            taken = sorted(sample * 1000 for sample in _samples(account, "create"))
            shares = [100 * (position + 1) / len(taken) for position in range(len(taken))]
            axes.step(
                [taken[0], *taken],
                [0, *shares],
                where="post",
                linewidth=1.8,
                color=series(place),
                linestyle=dash(place),
                label=_short(account.name),
            )
        axes.set_xscale("log")
        axes.set_xlabel("milliseconds until a create was answered")
        axes.set_ylabel("% of creates at most as slow")
        axes.set_ylim(0, 101)
        _plain_numbers(axes)
        axes.legend(loc="lower right", fontsize=9)

    rows = [
        [
            one.name,
            kind,
            str(len(timing.samples)),
            milliseconds(timing.p50),
            milliseconds(timing.p95),
            milliseconds(timing.p99),
        ]
        for one in accounts
        for kind, timing in one.timings.items()
        if kind != "ready" and timing.samples
    ]
    titles = ["account", "what", "samples", "p50 ms", "p95 ms", "p99 ms"]
    return [
        Figure(
            draw(
                paint,
                name="latency",
                describes="for each account, which share of creates was answered within which time",
            ),
            "How long a create takes",
            "Further left is faster; a long tail to the right is what customers complain about. In brackets: 95 % "
            "bootstrap intervals.",
            Table(titles, rows, words=frozenset({1})),
        )
    ]


def _readiness(accounts: Sequence[AccountReport]) -> list[Figure]:
    watched = [(place, one) for place, one in enumerate(accounts) if _samples(one, "ready")]
    if not watched:
        return []

    def paint(axes: Axes) -> None:
        for row, (place, account) in enumerate(watched):
            taken = _samples(account, "ready")
            axes.plot(
                [sample * 1000 for sample in taken],
                [row] * len(taken),
                linestyle="none",
                marker=marker(place),
                markersize=7,
                color=series(place),
                alpha=0.75,
            )
        axes.set_yticks(range(len(watched)), [_short(one.name) for _, one in watched])
        axes.set_ylim(-0.6, len(watched) - 0.4)
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xlabel("milliseconds from the order to a usable address")
        _plain_numbers(axes)

    rows = [
        [
            one.name,
            str(timing.attempts),
            str(len(timing.samples)),
            milliseconds(timing.p50),
            number(max(timing.samples) * 1000),
        ]
        for _, one in watched
        for timing in [one.timings["ready"]]
    ]
    return [
        Figure(
            draw(
                paint,
                name="ready",
                describes="for each account, how long the watched wallets took until they could be used",
                height=1.1 + 0.45 * len(watched),
            ),
            "How long until an address can be used",
            "Each mark is one wallet. Wallets are looked at again and again, so a figure may be a tenth too large.",
            Table(["account", "watched", "became usable", "median ms", "slowest ms"], rows),
        )
    ]


def _errors(accounts: Sequence[AccountReport]) -> list[Figure]:
    counted = {account.name: _failures(account) for account in accounts}
    classes = sorted({name for found in counted.values() for name in found})
    if not classes:
        return []

    def paint(axes: Axes) -> None:
        left = [0.0] * len(accounts)
        for place, name in enumerate(classes):
            widths = [float(counted[one.name].get(name, 0)) for one in accounts]
            axes.barh(
                range(len(accounts)),
                widths,
                left=left,
                height=0.6,
                color=series(place),
                hatch=_HATCHES[place % len(_HATCHES)],
                edgecolor=INK,
                linewidth=0.5,
                label=_short(name),
            )
            left = [before + width for before, width in zip(left, widths, strict=True)]
        axes.set_yticks(range(len(accounts)), [_short(one.name) for one in accounts])
        axes.invert_yaxis()
        axes.set_xlabel("failed requests")
        axes.locator_params(axis="x", integer=True)
        axes.set_xlim(right=max(left) * 1.4)  # room for the legend
        axes.legend(fontsize=9, loc="center right")

    rows = [[one.name, name, str(count)] for one in accounts for name, count in sorted(counted[one.name].items())]
    height = 1.3 + 0.45 * len(accounts)
    return [
        Figure(
            draw(paint, name="errors", describes="for each account, failures by their class", height=height),
            "What failed",
            "Failures of the timed work by the name of their class; the probes' planned refusals are not among them.",
            Table(["account", "class", "count"], rows, words=frozenset({1})),
        )
    ]


def _throughput(accounts: Sequence[AccountReport]) -> list[Figure]:
    loaded = [(place, one) for place, one in enumerate(accounts) if one.levels]
    if not loaded:
        return []

    def paint(axes: Axes) -> None:
        for place, account in loaded:
            axes.plot(
                [level.concurrency for level in account.levels],
                [level.per_second for level in account.levels],
                color=series(place),
                linestyle=dash(place),
                marker=marker(place),
                label=_short(account.name),
            )
        axes.set_xscale("log", base=2)
        steps = sorted({level.concurrency for _, one in loaded for level in one.levels})
        axes.set_xticks(steps, [str(step) for step in steps])
        axes.set_ylim(bottom=0)
        axes.set_xlabel("reads in flight at once")
        axes.set_ylabel("answered per second")
        axes.legend(fontsize=9)

    steps = sorted({level.concurrency for _, one in loaded for level in one.levels})
    rows = [[str(step), *(_level(one, step) for _, one in loaded)] for step in steps]
    return [
        Figure(
            draw(paint, name="load", describes="for each account, reads answered in a second by reads in flight"),
            "How much it carries",
            "Single reads, with more and more of them in flight, until the first 429 or 32.",
            Table(["at once", *(one.name for _, one in loaded)], rows, caption="Answered per second."),
        )
    ]


def _level(account: AccountReport, concurrency: int) -> str:
    level = next((one for one in account.levels if one.concurrency == concurrency), None)
    if level is None:
        return "not tried"
    failed = sum(level.errors.values())
    told = f" ({level.too_many} answers 429)" if level.too_many else f" ({failed} failed)" if failed else ""
    return number(level.per_second) + told


def _samples(account: AccountReport, kind: str) -> tuple[float, ...]:
    return account.timings[kind].samples if kind in account.timings else ()


def _failures(account: AccountReport) -> dict[str, int]:
    found: dict[str, int] = {}
    for kind, timing in account.timings.items():
        for name, count in timing.errors.items():
            if kind != "ready":
                found[name] = found.get(name, 0) + count
    for level in account.levels:
        for name, count in level.errors.items():
            found[name] = found.get(name, 0) + count
    return found


def _plain_numbers(axes: Axes) -> None:
    """Write a logarithmic axis' numbers as 0.5, 2, 30, and enough of them."""
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else "")


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}\u2026"
