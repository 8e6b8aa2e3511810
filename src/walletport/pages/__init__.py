"""Pages: one self-contained HTML file each, that opens offline, on a phone, in light and in dark, and runs no script.

The only room that imports Matplotlib and Jinja. Both come with ``walletport[reports]`` and are loaded on use.
"""

from typing import TYPE_CHECKING

from walletport.pages.drawing import INK, Svg, dash, draw, marker, series
from walletport.pages.page import (
    Code,
    Details,
    Figure,
    Heading,
    Note,
    Page,
    Section,
    Table,
    check_folder,
    render,
    write_file,
    write_page,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes  # what `draw` lets its caller paint on

__all__ = [
    "INK",
    "Code",
    "Details",
    "Figure",
    "Heading",
    "Note",
    "Page",
    "Section",
    "Svg",
    "Table",
    "check_folder",
    "dash",
    "draw",
    "marker",
    "render",
    "series",
    "write_file",
    "write_page",
]
