"""Plots as SVG that stands inside a page: its colours and letters are the page's own.

Matplotlib draws with marks instead of colours, and each mark becomes a CSS variable of the page. So one drawing serves
a light screen and a dark one.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from walletport.errors import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK: Final = "#0a0a01"
"""The colour of text."""
_LINE: Final = "#0a0a02"
_PAPER: Final = "#0a0a03"
_SERIES: Final = tuple(f"#0a0b{number:02x}" for number in range(1, 7))
_VARIABLES: Final = {
    INK: "var(--ink)",
    _LINE: "var(--line)",
    _PAPER: "var(--paper)",
    **{mark: f"var(--series-{number})" for number, mark in enumerate(_SERIES, start=1)},
}
_MARKERS: Final = ("o", "s", "^", "D", "v", "P")
_DASHES: Final = ("solid", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)), (0, (8, 3)), (0, (3, 1, 1, 1, 1, 1)))
_STYLE: Final[dict[Any, Any]] = {  # the list of keys, closed in Matplotlib's types, grows with its versions
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": _LINE,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.facecolor": _PAPER,
    "legend.edgecolor": _LINE,
    "legend.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _LINE,
    "grid.linewidth": 0.5,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}


@dataclass(frozen=True, slots=True)
class Svg:
    """A drawing made here, the one thing that enters a page unescaped."""

    markup: str


def series(number: int) -> str:
    """Return the colour of the n-th series, counted from 0; tell series apart by `marker` or `dash` as well."""
    return _SERIES[number % len(_SERIES)]


def marker(number: int) -> str:
    """Return the marker of the n-th series, counted from 0."""
    return _MARKERS[number % len(_MARKERS)]


def dash(number: int) -> str | tuple[float, tuple[float, ...]]:
    """Return the line style of the n-th series, counted from 0."""
    return _DASHES[number % len(_DASHES)]


def draw(paint: Callable[[Axes], None], *, name: str, describes: str, height: float = 2.8) -> Svg:
    """Return what is painted, as wide as a phone and sharp at any size.

    Args:
        paint: paints on the axes, with the colours of `series` or Matplotlib's defaults for text and lines.
        name: names the drawing within its page, in lower-case letters.
        describes: what it shows, for those who cannot see it.
        height: in inches, of a drawing 5.2 inches wide.

    Raises:
        ConfigurationError: Matplotlib is not installed; the message says what to type.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415 - comes with an extra, and takes long to load
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise missing_extra() from None
    written = io.StringIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(5.2, height), layout="constrained")
        paint(figure.add_subplot())
        # Without a date and a maker the same data give the same page, byte for byte.
        figure.savefig(written, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return Svg(_embedded(written.getvalue(), name, describes))


def missing_extra() -> ConfigurationError:
    """Return the error for a page that cannot be made."""
    return ConfigurationError("a page needs Matplotlib and Jinja: pip install 'walletport[reports]'")


def _embedded(document: str, name: str, describes: str) -> str:
    """Return the drawing without what only a file of its own needs, its ids its own among those of the page."""
    body = document[document.index("<svg") :]
    opening, _, rest = body.partition(">")
    box = re.search(r'viewBox="[^"]*"', opening)
    label = html.escape(describes)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{box[0] if box else ""} role="img" aria-label="{label}"'
    )
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, flags=re.DOTALL)
    # Within tags only: what a label says stays as it is.
    rest = re.sub(r"<[a-z][^>]*>", lambda tag: _of_the_page(tag[0], name), rest)
    return f"{opening}>{rest}"


def _of_the_page(tag: str, name: str) -> str:
    tag = re.sub(r'(\bid="|url\(#|href="#)', rf"\1{name}-", tag)
    tag = re.sub(r"#0a0[ab][0-9a-f]{2}\b", lambda mark: _VARIABLES.get(mark[0], mark[0]), tag)
    return re.sub(r"'DejaVu Sans'[^;\"]*", "sans-serif", tag)
