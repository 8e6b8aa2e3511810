"""`walletport accounts`, `pin`, `unpin`, `pins` and attributes: as a shell runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.accounts import Desk
from tests.unit.cli.running import Shell
from walletport.sandbox import Sandbox

ORDER = ("--user", "user-1", "--chain", "polygon")
ROUTES = """
[[routes]]
name = "germany"
attributes = { country = ["DE"] }
split = { conduit = 1 }

[[routes]]
split = { ledger-so = 1 }
failover = ["conduit"]
"""


@pytest.fixture
def desk(shell: Shell, tmp_path: Path) -> Iterator[Desk]:
    with Sandbox(["conduit", "ledger-so"]) as box:
        desk = Desk(shell, box, tmp_path)
        desk.configure(ROUTES)
        yield desk


def test_a_paused_account_is_told_wherever_it_matters_until_it_is_resumed(desk: Desk):
    paused = desk.run("accounts", "pause", "ledger-so", "--reason", "contract ends")
    assert paused.stdout == "ledger-so gets no new orders until `walletport accounts resume ledger-so`.\n"
    listed = [line.split() for line in desk.run("accounts", "list").stdout.splitlines()]
    assert [row[0] for row in listed if row and row[0].isascii()] == ["account", "conduit", "ledger-so"]
    assert listed[-1][-5:] == ["contract", "ends", "healthy", "-", "-"]
    assert desk.run("route", *ORDER).stdout.splitlines() == [
        "conduit",
        "  - route 2 matches every order",
        "  - ledger-so is paused: contract ends",
        "  - conduit: the first failover account that can take it",
    ]
    shown = desk.run("accounts", "show", "ledger-so").stdout
    assert shown.startswith("ledger-so is healthy.\nIt is paused since ")
    assert "paused  reason contract ends" in shown
    assert desk.told("accounts", "resume", "ledger-so") == {"account": "ledger-so", "paused": False, "changed": True}
    assert desk.run("accounts", "resume", "ledger-so").stdout == "ledger-so was not taken out.\n"
    told = desk.told("accounts", "show", "ledger-so")
    assert [event["what"] for event in told["events"]] == ["resumed", "paused"]
    assert told["account"]["paused_at"] is None
    assert {state["condition"] for state in desk.told("accounts", "list")["accounts"]} == {"healthy"}


def test_a_pin_lasts_until_it_is_taken_back(desk: Desk):
    assert desk.run("pins").stdout == "No user is pinned.\n"
    pinned = desk.run("pin", "--user", "user-1", "--account", "conduit")
    assert pinned.stdout == "New orders of user user-1 go to conduit.\n"
    assert desk.told("route", *ORDER)["reasons"] == ["the user is pinned to conduit"]
    assert desk.told("pin", "--user", "user-0", "--account", "conduit") == {"user": "user-0", "account": "conduit"}
    assert [pin["user"] for pin in desk.told("pins")["pins"]] == ["user-0", "user-1"]
    assert "There are more: --limit 10" in desk.run("pins", "--limit", "1").stdout
    assert desk.told("unpin", "--user", "user-1") == {"user": "user-1", "changed": True}
    assert desk.run("unpin", "--user", "user-1").stdout == "User user-1 was not pinned.\n"
    assert desk.told("route", *ORDER)["account"] == "ledger-so"


def test_attributes_choose_the_route_and_are_kept_only_in_its_reason(desk: Desk):
    desk.link("conduit")
    said = ("--attribute", "country=DE", "--attribute", "segment=a secret one")
    assert desk.told("route", *ORDER, *said)["reasons"][0] == "route germany matches country DE"
    made = desk.told("provision", *ORDER, *said)
    assert (made["account"], made["decision"]["route"]) == ("conduit", "germany")
    assert b"a secret one" not in b"".join(path.read_bytes() for path in desk.folder.glob("journal.db*"))
    assert not [seen for seen in desk.box.requests if "country" in seen.path]


def test_a_command_that_is_misspelt_says_how_to_spell_it(desk: Desk):
    for command, told in (
        (("route", *ORDER, "--attribute", "country"), "'country' is no attribute: write NAME=VALUE"),
        (("route", *ORDER, "--attribute", "a=1", "--attribute", "a=2"), "'a' is given twice"),
        (("accounts", "pause", "conduit"), "--reason"),
    ):
        done = desk.run(*command)
        assert done.returncode == 2
        assert told in " ".join(done.stderr.split())


def test_an_account_that_is_misspelt_is_guessed_at(desk: Desk):
    for command in (("accounts", "show", "conduti"), ("pin", "--user", "user-1", "--account", "conduti")):
        assert "did you mean conduit?" in str(desk.refused(*command)["error"])
