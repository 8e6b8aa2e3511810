"""Pages: whole in one file, the same for the same data, and with every text shown as it was written."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from walletport.errors import ConfigurationError
from walletport.pages import Figure, Note, Page, Section, Table, dash, draw, marker, render, series, write_page

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RUDE = '<script>alert(1)</script> & id="quoted" href="#a" #0a0b01 $x_1$ \u202e'


def page(text: str = "plain", name: str = "plot") -> Page:
    def paint(axes: Axes) -> None:
        for number in range(3):
            axes.plot([0, 1], [0, number], color=series(number), marker=marker(number), linestyle=dash(number))
        axes.set_xlabel(text)

    plot = draw(paint, name=name, describes=text)
    table = Table(["account", "orders"], [[text, "5"]], caption=text)
    blocks = [text, Note(text), table, Figure(plot, text, text, table)]
    return Page(title=text, lead=[text], sections=[Section(text, blocks)], made=text)


class Reader(HTMLParser):
    """Collects what a browser would take for elements, and what it would show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.shown = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.shown += data


def test_what_a_vendor_wrote_is_shown_and_never_becomes_markup() -> None:
    """In a heading, a paragraph, a table, a plot's label and its description alike."""
    read = Reader(render(page(RUDE)))
    plain = Reader(render(page()))
    assert [tag for tag, _ in read.elements] == [tag for tag, _ in plain.elements]
    assert "script" not in {tag for tag, _ in read.elements}
    assert read.shown.count(RUDE) == plain.shown.count("plain") > 8
    assert {"role": "img", "aria-label": RUDE}.items() <= dict(
        next(attributes for tag, attributes in read.elements if tag == "svg")
    ).items()


def test_a_page_needs_nothing_but_itself() -> None:
    """No script, no font, no picture, no style sheet from elsewhere; and a policy that forbids them all."""
    html = render(page())
    read = Reader(html)
    assert not {"script", "link", "img", "iframe", "object", "embed"} & {tag for tag, _ in read.elements}
    assert not re.search(r"(?:src|href)=\"(?!#)|@import|url\((?!#)", html.replace("http://www.w3.org", ""))
    policies = [facts["content"] for tag, facts in read.elements if "http-equiv" in facts]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]


def test_a_drawing_takes_its_colours_from_the_page_and_its_ids_are_its_own() -> None:
    """So one drawing serves light and dark, and two of them on a page do not take each other's parts."""
    first, second = (render(page(name=name)) for name in ("first", "second"))
    assert "#0a0" not in first
    assert {"var(--ink)", "var(--line)", "var(--series-1)", "var(--series-3)"} <= set(
        re.findall(r"var\([^)]*\)", first)
    )
    ids = re.compile(r'\bid="([^"]*)"')
    assert set(ids.findall(first))
    assert not set(ids.findall(first)) & set(ids.findall(second))
    assert set(re.findall(r"(?:url\(|href=\")#([^)\"]*)", first)) <= set(ids.findall(first))


def test_the_same_data_make_the_same_page() -> None:
    assert render(page()) == render(page())


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """Into a folder that may not be there yet; what cannot be written leaves what was there."""
    folder = tmp_path / "new" / "folder"
    path = write_page(page("first"), folder)
    assert path.read_text("utf-8") == render(page("first"))
    write_page(page("second"), folder)
    assert [one.name for one in folder.iterdir()] == ["index.html"]
    assert path.read_text("utf-8") == render(page("second"))
    with pytest.raises(ConfigurationError, match="cannot be written there"):
        write_page(page(), path)


@pytest.mark.parametrize("library", ["jinja2", "matplotlib"])
def test_a_missing_library_is_one_sentence_that_says_what_to_install(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    from walletport.pages.page import _template  # noqa: PLC0415

    _template.cache_clear()
    with pytest.raises(ConfigurationError, match=re.escape("pip install 'walletport[reports]'")):
        render(page())
