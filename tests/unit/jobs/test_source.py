"""Files of orders, read from the front and from any line on."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletport.errors import ConfigurationError
from walletport.jobs.source import OrderFile, opened

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1).filter(
    lambda text: text == text.strip()
)


def read(text: bytes) -> list[tuple[int, object]]:
    return [(one.line, one.values or one.problem) for one in OrderFile("orders", io.BytesIO(text)).records()]


@pytest.mark.parametrize(
    "text",
    [
        b"user,chain\nu1,polygon\nu2,base\n",
        b"\xef\xbb\xbfuser,chain\r\nu1,polygon\r\nu2,base",
        b'chain , user,asset\n"polygon", u1 ,\nbase,u2,""\n',
        b'{"user": "u0"}\n{"user": "u1", "chain": "polygon", "asset": null}\n{"user":"u2","chain":"base"}',
    ],
    ids=["plain", "from a spreadsheet", "other order, quoted", "JSON lines"],
)
def test_a_file_says_the_same_in_every_form(text: bytes) -> None:
    assert read(text)[-2:] == [(2, {"user": "u1", "chain": "polygon"}), (3, {"user": "u2", "chain": "base"})]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"u1", "has 1 values, and 2 are wanted"),
        (b"u1,polygon,usdc", "has 3 values, and 2 are wanted"),
        (b"u\xff,polygon", "is not UTF-8"),
        (b'"u1"x,polygon', "is not CSV"),
        (b"u" * 200_000 + b",polygon", "is longer than 128 KiB"),
    ],
    ids=["too few", "too many", "not UTF-8", "not CSV", "endless"],
)
def test_a_line_that_cannot_be_read_hides_no_other(line: bytes, problem: str) -> None:
    (first, _), (second, told), (third, _) = read(b"user,chain\nu0,polygon\n" + line + b"\nu2,polygon\n")
    assert (first, second, third) == (2, 3, 4)
    assert str(told).startswith(problem)


@pytest.mark.parametrize("line", [b"[1]", b"3", b"{", b"{]", b"[" * 100_000])
def test_a_line_of_json_is_an_object(line: bytes) -> None:
    (_, _), (second, told), (_, _) = read(b'{"user": "u"}\n' + line + b'\n{"user": "v"}\n')
    assert (second, isinstance(told, str)) == (2, True)


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (b"", "the first line must name the columns user,chain"),
        (b"user\nu1\n", "the first line must name the columns user,chain"),
        (b"user,chain,user\n", "the first line must name the columns user,chain"),
        (b"user,chain,asett\n", "no such column: did you mean asset?"),
        (b"\xff\xfe", "the first line must name the columns user,chain"),
    ],
)
def test_the_columns_are_named(head: bytes, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem.replace("?", r"\?")):
        OrderFile("orders", io.BytesIO(head))


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"none.csv: cannot be read \(No such file or directory\)"),
        opened(tmp_path / "none.csv"),
    ):
        pass


@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8), as_json=st.booleans())
def test_reading_from_any_line_on_gives_what_reading_it_all_gives(
    rows: list[tuple[str, str]], *, as_json: bool
) -> None:
    """Quoted values over several lines, and characters of several bytes, move no offset."""
    text = io.StringIO(newline="")
    if as_json:
        text.writelines(json.dumps({"user": user, "chain": chain}, ensure_ascii=False) + "\n" for user, chain in rows)
    else:
        csv.writer(text, lineterminator="\n").writerows([("user", "chain"), *rows])
    file = OrderFile("orders", io.BytesIO(text.getvalue().encode()))
    whole = list(file.records())
    assert [one.values for one in whole] == [{"user": user, "chain": chain} for user, chain in rows]
    for position, one in enumerate(whole):
        assert list(file.records(one.byte, one.line)) == whole[position:]
