"""Figures as people read them."""

from __future__ import annotations

from typing import Final

from walletport.evaluation.report import Estimate

_THREE_DIGITS: Final = 999.5


def milliseconds(estimate: Estimate | None) -> str:
    """Return an estimate in milliseconds with its interval."""
    if estimate is None:
        return "-"
    value = number(estimate.value * 1000)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({number(estimate.low * 1000)} to {number(estimate.high * 1000)})"


def number(value: float) -> str:
    """Return a figure with three digits, or all before the point where there are more."""
    return f"{value:,.0f}" if value >= _THREE_DIGITS else f"{value:.3g}"
