"""`report.json`: its schema is published, and whoever reads one is told in a sentence what does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openapi_schema_validator import OAS31Validator

from walletport.errors import ConfigurationError
from walletport.evaluation.page import report_json
from walletport.evaluation.report import Report, read_report, schema

PUBLISHED = Path(__file__).parents[3] / "docs" / "evaluation-report.schema.json"


def test_the_published_schema_is_the_current_one() -> None:
    """`walletport evaluate --schema > docs/evaluation-report.schema.json` makes it anew."""
    assert json.loads(PUBLISHED.read_text("utf-8")) == schema()


def test_a_report_fits_the_published_schema(report: Report) -> None:
    """By a validator that nobody here wrote."""
    validator = OAS31Validator(json.loads(PUBLISHED.read_text("utf-8")))
    assert list(validator.iter_errors(json.loads(report_json(report)))) == []
    assert list(validator.iter_errors({"schema_version": 1})) != []


def test_what_is_written_is_read_back_the_same(report: Report, tmp_path: Path) -> None:
    """Every figure survives the file."""
    path = tmp_path / "report.json"
    path.write_text(report_json(report), "utf-8")
    assert read_report(path) == report


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"", "is not JSON", id="empty"),
        pytest.param(b"\xff\xfe", "is not JSON", id="no-text"),
        pytest.param(b"[" * 100_000, "is not JSON", id="deep"),
        pytest.param(b"[]", "is no report", id="list"),
        pytest.param(b"{}", "is no report", id="no-version"),
        pytest.param(b'{"schema_version": 99}', "is a report of version 99", id="newer"),
        pytest.param(b'{"schema_version": 1}', "conditions: Field required", id="nothing-in-it"),
    ],
)
def test_what_is_no_report_is_refused_in_one_sentence(content: bytes, told: str, tmp_path: Path) -> None:
    """The sentence names the file and what is wrong."""
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=told) as raised:
        read_report(path)
    assert str(path) in raised.value.message
    assert "\n" not in raised.value.message


def test_a_field_that_is_not_known_is_refused_by_its_place(report: Report, tmp_path: Path) -> None:
    """A report that somebody edited is not taken in part."""
    value = json.loads(report_json(report))
    value["accounts"][0]["stars"] = 5
    path = tmp_path / "report.json"
    path.write_text(json.dumps(value), "utf-8")
    with pytest.raises(ConfigurationError, match=r"accounts\.0\.stars"):
        read_report(path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_report(tmp_path / "none.json")
