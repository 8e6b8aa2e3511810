"""The page: self-contained, its texts data, and honest about what nobody looked at."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.unit.evaluation.vendors import Prompt
from walletport.evaluation.page import page_of
from walletport.evaluation.plan import Work
from walletport.evaluation.report import Finding, Report, Timing, Verdict
from walletport.evaluation.run import evaluate
from walletport.evaluation.score import with_score
from walletport.evaluation.subject import Subject
from walletport.pages import render
from walletport.sandbox import Sandbox
from walletport.transport.recording import Exchange

EVIL = "<script>alert(1)</script>"


class Tags(HTMLParser):
    """Collects tags with their attributes, and the text that is shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(report: Report) -> Tags:
    return Tags(render(page_of(report)))


def test_it_opens_offline_and_runs_nothing(page: Tags) -> None:
    """No tag loads anything, and none is a script or has a handler."""
    for tag, attributes in page.tags:
        assert tag not in ("script", "iframe", "img", "object", "embed")
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)


def test_a_customer_that_is_a_script_shows_as_text() -> None:
    """Through a real run: the id travels percent-encoded, and stands in the evidence as it is."""
    with Sandbox([Prompt]) as sandbox:
        with sandbox.lock:
            sandbox.emulators["toy"].add_customer(EVIL)
        report = evaluate([Subject(sandbox.account("toy"), (EVIL,))], Work(samples=2))
    html = render(page_of(report))
    assert EVIL not in html
    shown = Tags(html)
    assert EVIL in shown.text
    assert all(tag != "script" for tag, _ in shown.tags)


def test_any_text_of_a_vendor_is_escaped(report: Report) -> None:
    """Names, sentences, headers, bodies, reasons, error classes: whatever they hold, no tag comes of it."""
    evidence = Exchange(
        method="POST", path=EVIL, sent_headers={EVIL: EVIL}, sent=EVIL, status=200, headers={EVIL: EVIL}, body=EVIL,
        seconds=1, error=EVIL,
    )  # fmt: skip
    found = Finding(kind=EVIL, verdict=Verdict.BROKEN, sentence=EVIL, evidence=(evidence,))
    evil = report.accounts[0].model_copy(
        update={
            "name": EVIL,
            "title": EVIL,
            "findings": (found,),
            "declared": {EVIL: EVIL},
            "timings": {"create": Timing(attempts=1, samples=(0.1,), errors={EVIL: 1})},
            "trouble": EVIL,
        }
    )
    html = render(page_of(report.model_copy(update={"accounts": (evil,)})))
    assert "<script" not in html
    assert EVIL in Tags(html).text


def test_verdicts_come_first_then_plots_then_findings_then_method(report: Report) -> None:
    """The order in which a reader needs them."""
    html = render(page_of(report))
    headings = re.findall(r"<h2>(.*?)</h2>", html)
    assert headings[0] == "Verdict"
    assert headings.index("Measured") < headings.index("Findings and their evidence")
    assert headings[-1] == "Method and limits"
    assert html.index("can it?") < html.index("<svg")


def test_every_plot_has_its_numbers_as_a_table(page: Tags) -> None:
    """Who cannot see a plot, or wants the figure, finds it below."""
    names = [tag for tag, _ in page.tags]
    figures = names.count("figure")
    assert figures == names.count("svg") >= 3
    starts = [number for number, tag in enumerate(names) if tag == "figure"]
    for start, end in zip(starts, [*starts[1:], len(names)], strict=True):
        assert "table" in names[start:end]


def test_what_was_not_tried_is_shown_as_that_and_never_as_fine(report: Report) -> None:
    """A run that was cut off says so at its head, and its probes are marked."""
    cut = report.accounts[0].model_copy(
        update={
            "complete": False,
            "findings": tuple(
                Finding(kind=found.kind, verdict=Verdict.NOT_TRIED, sentence="the run was ended before")
                for found in report.accounts[0].findings
            ),
        }
    )
    conditions = report.conditions.model_copy(update={"stopped_by": "the request budget"})
    shown = Tags(render(page_of(report.model_copy(update={"accounts": (cut,), "conditions": conditions})))).text
    assert "This report is incomplete" in shown
    assert "\u2713 holds" not in shown
    assert "? not tried" in shown
    assert "nothing wrong was found." not in shown
    assert "questions were not tried" in shown


def test_an_emulator_is_never_taken_for_the_vendor(page: Tags) -> None:
    """The page says so where the verdicts are."""
    assert "Emulators answered for toy, calm, not the vendors" in page.text


def test_without_weights_there_is_no_score(report: Report) -> None:
    """Only with them a table of points stands there."""
    assert "score of 100" not in render(page_of(report))
    assert "score of 100" in render(page_of(with_score(report, {"same_key": 1})))
