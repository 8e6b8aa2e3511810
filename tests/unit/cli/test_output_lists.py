"""Lists of any length for machines: whole JSON, and never all of it in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from walletport.cli.output import Output, print_json, print_json_list
from walletport.cli.switchtables import show_watched
from walletport.provisioning.current import WatchedAddress


@pytest.mark.parametrize("number", [0, 1, 3])
def test_what_is_printed_element_by_element_is_what_would_be_printed_at_once(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    values = [{"address": f"0x{n}", "more": {"text": 'say "ö"', "none": None}} for n in range(number)]
    print_json_list("addresses", iter(values))
    told = capsys.readouterr().out
    print_json({"addresses": values})
    assert told == capsys.readouterr().out
    assert json.loads(told) == {"addresses": values}


def test_nothing_is_printed_where_the_first_element_cannot_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    def failing() -> Iterator[object]:
        yield 1 / 0

    with pytest.raises(ZeroDivisionError):
        print_json_list("addresses", failing())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("as_json", [True, False])
def test_a_long_list_is_printed_while_it_is_read(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """So that none of it is kept; for people in tables of some hundred lines each."""
    printed = []

    def found() -> Iterator[WatchedAddress]:
        for number in range(1100):
            if number % 550 == 549:  # more than a table before
                printed.append(capsys.readouterr().out)
            yield WatchedAddress(
                user=f"user-{number}",
                chain="polygon",
                address=f"0x{number:040x}",
                memo=None,
                account="main",
                wallet_id=f"w-{number}",
                since=datetime.now(UTC),
            )

    if as_json:
        print_json_list("addresses", (one.model_dump(mode="json") for one in found()))
    else:
        show_watched(Output(), found())
    printed.append(capsys.readouterr().out)
    assert [text.count("0x") > 0 for text in printed] == [True, True, True]
    assert "".join(printed).count("0x") == 1100


def test_that_no_address_is_watched_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    show_watched(Output(), iter([]))
    assert capsys.readouterr().out == "No wallet of a user was replaced.\n"
