"""The answer as a page with plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from walletport.experiment import words
from walletport.pages import Figure, Note, Page, Section, Table, dash, draw, marker, series

if TYPE_CHECKING:
    from walletport.experiment.report import AccountResult, Experiment, Rate, Times
    from walletport.pages import Axes

_ROW = 0.42  # inches of a plot for each account
_LONG_NAME = 14  # characters; of longer ones, one stands in a line
_COLUMNS = 3


def page_of(found: Experiment) -> Page:
    """Return the page of an experiment.

    Raises:
        ConfigurationError: Matplotlib is not installed; the message says what to type.
    """
    known = found.accounts
    cells = [words.account_row(one) for one in known]
    facts = [[title, *(row[n] for row in cells)] for n, title in enumerate(words.ACCOUNT_TITLES) if n]
    account_table = Table(["", *(one.account for one in known)], facts)
    pair_words = frozenset({1, len(words.PAIR_TITLES) - 1})
    pairs = Table(words.PAIR_TITLES, [words.pair_row(one) for one in found.comparisons], words=pair_words)
    plots = [figure for figure in (_rates(known), _latencies(known), _addresses(known)) if figure is not None]
    return Page(
        title="Which account is better?",
        lead=[words.scope(found), *words.verdicts(found, words.RATES)],
        sections=[
            *([Section("Before you conclude", [Note(text) for text in found.cautions])] if found.cautions else []),
            *([Section("What was seen", [account_table, *plots])] if known else []),
            *([Section("Each pair", [*_other_verdicts(found), pairs])] if found.comparisons else []),
            Section("How to read this", words.method(found)),
        ],
        made=f"Read from the journal at {found.until:%Y-%m-%d %H:%M:%S} UTC by walletport experiment.",
    )


def _other_verdicts(found: Experiment) -> list[str]:
    return words.verdicts(found, {one.measure for one in found.comparisons} - words.RATES)


def _rates(accounts: Sequence[AccountResult]) -> Figure | None:
    known = [(one.account, one.success) for one in accounts if one.success is not None]
    if not known:
        return None

    def paint(axes: Axes) -> None:
        for row, (_, rate) in enumerate(known):
            _interval(axes, row, 100 * rate.value, (100 * rate.low, 100 * rate.high))
        _name_rows(axes, [name for name, _ in known])
        axes.set_xlabel("orders with a wallet, %")

    numbers = Table(
        ["account", "done", "of", "success", "95 % from", "to"],
        [[name, f"{rate.hits:,}", f"{rate.count:,}", words.percent(rate.value), *_ends(rate)] for name, rate in known],
    )
    return Figure(
        draw(paint, name="success", describes="Success rates with intervals", height=0.9 + _ROW * len(known)),
        "Success",
        "The share of orders that came out with a wallet, and Wilson's 95 % interval, which holds for one look. Judge "
        "differences by the table of pairs, not by whether two bars overlap.",
        numbers,
    )


def _latencies(accounts: Sequence[AccountResult]) -> Figure | None:
    return _curves(
        [(one.account, one.latency) for one in accounts if one.latency is not None],
        name="latency",
        title="Latency",
        caption="The share of wallets that were made within a time after the first send; higher and further left is "
        "better. The scale of times is logarithmic.",
        label="from first send to wallet, seconds",
    )


def _addresses(accounts: Sequence[AccountResult]) -> Figure | None:
    return _curves(
        [(one.account, one.address) for one in accounts if one.address is not None],
        name="address",
        title="Time to a usable address",
        caption="The share of addresses that were seen within a time after the order, of the orders where that is "
        "known. The scale of times is logarithmic.",
        label="from order to usable address, seconds",
    )


def _curves(known: list[tuple[str, Times]], *, name: str, title: str, caption: str, label: str) -> Figure | None:
    if not known:
        return None

    def paint(axes: Axes) -> None:
        for number, (account, times) in enumerate(known):
            # The curve starts at 0, where the fastest order is.
            xs = [times.curve[0][1], *(at for _, at in times.curve)]
            ys = [0.0, *(100 * share for share, _ in times.curve)]
            axes.step(xs, ys, where="post", color=series(number), linestyle=dash(number), linewidth=1.8, label=account)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda at, _: f"{at:g}")
        axes.set_xlabel(label)
        axes.set_ylabel("orders, %")
        axes.set_ylim(0, 102)
        columns = 1 if any(len(account) > _LONG_NAME for account, _ in known) else _COLUMNS
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False)  # above, never on a curve

    numbers = Table(
        ["account", "orders", "p50", "95 % from", "to", "p95", "p99"],
        [
            [
                account,
                f"{times.count:,}",
                words.seconds(times.p50),
                words.seconds(times.p50_low),
                "no bound" if times.p50_high is None else words.seconds(times.p50_high),
                words.seconds(times.p95),
                words.seconds(times.p99),
            ]
            for account, times in known
        ],
        caption="The median's interval holds at every look.",
    )
    plot = draw(paint, name=name, describes=f"{title} by account", height=2.8 + _ROW * len(known) / 2)
    return Figure(plot, title, caption, numbers)


def _interval(axes: Axes, row: int, value: float, ends: tuple[float, float]) -> None:
    axes.plot(ends, [row, row], color=series(row), linewidth=2.5, solid_capstyle="butt")
    axes.plot([value], [row], color=series(row), marker=marker(row), markersize=7)


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def _ends(rate: Rate) -> tuple[str, str]:
    return words.percent(rate.low), words.percent(rate.high)
