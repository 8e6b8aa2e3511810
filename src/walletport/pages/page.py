"""What a page is made of, and how it becomes a file. Every text is data: it is escaped, whoever wrote it."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from walletport.errors import ConfigurationError
from walletport.pages.drawing import Svg, missing_extra

if TYPE_CHECKING:
    from jinja2 import Template

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph that is set apart, because a reader must not miss it."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below titles; it scrolls by itself where a screen is too narrow.

    Args:
        titles: one for each column; the first column names the row.
        rows: a text for each column.
        caption: what the table shows, where nothing around it says so.
        words: the columns, counted from 0, that hold words and no figures, and so stand at the left; the first always.
    """

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    words: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot, what it shows, and its numbers as a table.

    Args:
        plot: the plot.
        title: what it shows, in a few words.
        caption: how to read it.
        numbers: the numbers that it was drawn from.
    """

    plot: Svg
    title: str
    caption: str
    numbers: Table


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """What a machine wrote: its lines and spaces are kept, and long words are broken."""

    text: str


@dataclass(frozen=True, slots=True)
class Details:
    """Blocks that open on demand, and always on paper.

    Args:
        summary: what stands there while they are closed.
        blocks: what opens.
    """

    summary: str
    blocks: Sequence[Block]


Block: TypeAlias = "str | Note | Table | Figure | Heading | Code | Details"
"""A text is a paragraph."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page under a heading of its own."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Args:
        title: its heading.
        lead: what a reader in a hurry has to know.
        sections: its parts.
        made: where it comes from and when, for its foot.
    """

    title: str
    lead: Sequence[str]
    sections: Sequence[Section]
    made: str


def render(page: Page) -> str:
    """Return a page as HTML.

    Raises:
        ConfigurationError: Jinja is not installed; the message says what to type.
    """
    return _template().render(page=page, kind_of=lambda block: type(block).__name__)


def write_page(page: Page, folder: Path, name: str = "index.html") -> Path:
    """Write a page into a folder, which is made if need be; a reader sees the old page or the new one, never half.

    Returns:
        The file.

    Raises:
        ConfigurationError: the folder cannot be written to, or Jinja is not installed.
    """
    return write_file(render(page), folder, name)


def write_file(text: str, folder: Path, name: str) -> Path:
    """Write a text into a folder, which is made if need be; a reader sees the old file or the new one, never half.

    Returns:
        The file.

    Raises:
        ConfigurationError: the folder cannot be written to.
    """
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, delete=False) as file:
            file.write(text)
        Path(file.name).chmod(0o666 & ~_mask())
        Path(file.name).replace(path)
    except OSError as error:
        msg = f"{folder}: {name} cannot be written there ({error.strerror}): name another folder"
        raise ConfigurationError(msg) from None
    return path


def check_folder(folder: Path) -> None:
    """Make a folder and see that it can be written to, before the work whose result goes there.

    Raises:
        ConfigurationError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        msg = f"{folder} cannot be written to ({error.strerror}): name another folder"
        raise ConfigurationError(msg) from None


def _mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@functools.cache
def _template() -> Template:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - comes with an extra
    except ImportError:
        raise missing_extra() from None
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.jinja")
