"""How rows of measurements are shown: tables on the terminal and in Markdown, and what they were taken on."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from rich.table import Table

from benchmarks.measure import Row


@dataclass(frozen=True)
class Figure:
    """Something that is measured against nothing else.

    Args:
        what: what, in words.
        values: one for each round.
        unit: of the values.
        aim: what it should be, in words.
        digits: how many after the point.
    """

    what: str
    values: Sequence[float]
    unit: str
    aim: str = "none stated"
    digits: int = 0

    @property
    def median(self) -> str:
        """The median, with its unit."""
        return f"{statistics.median(self.values):,.{self.digits}f} {self.unit}"

    @property
    def spread(self) -> str:
        """The smallest and the largest, where there are several."""
        if len(self.values) == 1:
            return "one round"
        return f"{min(self.values):,.{self.digits}f} to {max(self.values):,.{self.digits}f}"


def table_of_rows(rows: Iterable[Row]) -> Table:
    """Return comparisons as a table for the terminal."""
    table = Table("what", "ours", "the other", "ratio", "smallest to largest", "aim")
    for row in rows:
        table.add_row(
            row.what.replace("`", ""),
            f"{row.seconds * 1000:.2f} ms/{row.unit}",
            f"{row.against * 1000:.2f} ms/{row.unit}",
            f"{row.ratio:.2f}",
            f"{row.spread[0]:.2f} to {row.spread[1]:.2f}",
            row.aim,
        )
    return table


def line_of_row(row: Row) -> str:
    """Return a comparison as a line of a Markdown table."""
    return (
        f"| {row.what} | {row.seconds * 1000:.2f} ms/{row.unit} | {row.against * 1000:.2f} ms/{row.unit} "
        f"| **{row.ratio:.2f}** ({row.spread[0]:.2f} to {row.spread[1]:.2f}) | {row.aim} |"
    )


def table_of_figures(figures: Iterable[Figure]) -> Table:
    """Return figures as a table for the terminal."""
    table = Table("what", "median", "smallest to largest", "aim")
    for figure in figures:
        table.add_row(figure.what.replace("`", ""), figure.median, figure.spread, figure.aim)
    return table


def line_of_figure(figure: Figure) -> str:
    """Return a figure as a line of a Markdown table."""
    return f"| {figure.what} | **{figure.median}** | {figure.spread} | {figure.aim} |"


def facts(*libraries: str) -> str:
    """Return what a measurement was taken on."""
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}; {versions}."
