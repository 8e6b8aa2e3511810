"""`walletport journal`: what is told of orders, and settling what nobody could know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.accounts import Desk
from tests.unit.cli.running import Shell
from tests.unit.port_site import Site, stuck
from walletport.sandbox import Sandbox

ORDER = ("provision", "--user", "user-1", "--chain", "polygon", "--asset", "usdc")
AT_LEDGER = (*ORDER, "--account", "ledger-so")


@pytest.fixture
def desk(shell: Shell, tmp_path: Path) -> Iterator[Desk]:
    with Sandbox(["conduit", "ledger-so"]) as box:
        desk = Desk(shell, box, tmp_path)
        desk.configure()
        yield desk


def in_review(desk: Desk, fault: str) -> str:
    """Let an application come to an order of which nobody can know what became; return the order's id."""
    site = Site(desk.box, desk.folder, {})
    with site.port() as port:
        port.link_customer(user="user-1", account="ledger-so", customer_id=site.customer("ledger-so"))
        return stuck(port, desk.box, "ledger-so", fault=fault).id


def rows_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


def test_orders_are_listed_newest_first_and_narrowed_down(desk: Desk):
    assert desk.run("journal", "list").stdout == "The journal holds no such order.\n"
    desk.link("ledger-so")
    desk.link("conduit")
    ledger, conduit = desk.told(*AT_LEDGER), desk.told(*ORDER, "--account", "conduit", "--reference", "r")
    done = desk.run("journal", "list")
    assert (done.returncode, done.stderr) == (0, "")
    head, _, *rows = rows_of(done.stdout)
    assert head[:8] == ["order", "for", "user", "account", "chain", "asset", "state", "wallet"]
    assert [row[:8] for row in rows] == [
        [one["id"], "wallet", "user-1", one["account"], "polygon", "usdc", "done", one["wallet"]["id"]]
        for one in (conduit, ledger)
    ]
    told = desk.told("journal", "list")
    assert (told["more"], [one["id"] for one in told["provisions"]]) == (False, [conduit["id"], ledger["id"]])
    (one,) = desk.told("journal", "list", "--account", "conduit")["provisions"]
    assert one == conduit
    assert desk.told("journal", "list", "--state", "rejected")["provisions"] == []
    assert len(desk.told("journal", "list", "--user", "user-1", "--state", "done")["provisions"]) == 2
    few = desk.told("journal", "list", "--limit", "1")
    assert (few["more"], [one["id"] for one in few["provisions"]]) == (True, [conduit["id"]])
    assert "There are more: --limit 10 shows more of them." in desk.run("journal", "list", "--limit", "1").stdout


def test_the_whole_story_is_told_with_keys_and_the_vendors_names_of_requests(desk: Desk):
    desk.link("conduit")
    desk.box.faults.add("503:times=1:method=POST:path=wallets")
    made = desk.told(*ORDER, "--account", "conduit")
    told = desk.told("journal", "show", made["id"])
    assert told["provision"] == made
    assert [event["what"] for event in told["events"]] == ["intended", "sending", "in doubt", "sending", "made"]
    key, failed = told["events"][1]["detail"]["key"], told["events"][2]["detail"]
    done = desk.run("journal", "show", made["id"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(f"key {key}") == 2
    assert (
        f"(outcome unknown, status code 503, provider code SERVICE_UNAVAILABLE, request id {failed['request_id']})"
        in (done.stdout)
    )
    assert "conduit was asked for by name" in done.stdout
    assert f"id {made['wallet']['id']}" in done.stdout
    assert "Next:" not in done.stdout


def test_an_order_in_review_says_what_to_do_wherever_it_is_seen(desk: Desk):
    order_id = in_review(desk, "drop-after")
    step = f"`walletport journal resolve {order_id} --wallet-id W` if so"
    asked = desk.run(*AT_LEDGER)
    assert (asked.returncode, asked.stdout) == (1, "")
    assert step in asked.stderr
    shown = desk.run("journal", "show", order_id)
    assert shown.returncode == 0
    assert shown.stdout.splitlines()[-1].startswith("Next: look at ledger-so whether customer cus_")
    assert step in shown.stdout
    recovered = desk.run("journal", "recover")
    assert recovered.returncode == 1
    assert recovered.stdout.startswith("0 orders have ended.")
    assert step in recovered.stdout
    machines = desk.run("journal", "recover", "--json")
    assert machines.returncode == 1
    assert [one["state"] for one in json.loads(machines.stdout)["left"]] == ["needs_review"]


def test_a_wallet_that_a_person_found_settles_the_order(desk: Desk):
    order_id = in_review(desk, "drop-after")
    (made,) = desk.box.wallets()["ledger-so"]
    wrong = desk.run("journal", "resolve", order_id, "--wallet-id", "wal_nobody")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr == (
        "walletport: account 'ledger-so' shows no wallet 'wal_nobody' of this order's customer: nothing was recorded\n"
    )
    done = desk.run("journal", "resolve", order_id, "--wallet-id", made.wallet_id)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Order {order_id} is done: its wallet is {made.wallet_id}.\n"
    assert desk.told(*AT_LEDGER)["wallet"]["id"] == made.wallet_id
    again = desk.refused("journal", "resolve", order_id, "--wallet-id", made.wallet_id)
    assert "is done: only one that is needs_review or awaiting_approval" in again["error"]["message"]


def test_an_order_that_a_person_found_absent_is_sent_again_and_not_before(desk: Desk):
    order_id = in_review(desk, "drop-before")
    told = desk.told("journal", "resolve", order_id, "--absent")
    assert (told["id"], told["state"]) == (order_id, "planned")
    assert "walletport journal recover" in told["next"]
    assert desk.told("journal", "list")["provisions"][0]["state"] == "planned"
    assert desk.box.wallets()["ledger-so"] == []
    assert desk.told("journal", "recover") == {"ended": 1, "left": []}
    (made,) = desk.box.wallets()["ledger-so"]
    assert desk.told(*AT_LEDGER)["wallet"]["id"] == made.wallet_id


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("show", "nobody"), 1, "the journal holds no order 'nobody': `walletport journal list` shows what there is"),
        (("resolve", "nobody", "--absent"), 1, "the journal holds no order 'nobody'"),
        (("list", "--account", "ledger"), 1, "account: no such account: did you mean ledger-so?"),
        (("list", "--state", "dnoe"), 2, "--state"),
        (("list", "--limit", "0"), 2, "--limit"),
        (("show",), 2, "ID"),
        (("show", ""), 2, "must not be empty"),
        (("resolve", "nobody"), 2, "pass one of the two: --wallet-id W, or --absent"),
        (("resolve", "nobody", "--absent", "--wallet-id", "w"), 2, "pass one of the two"),
        (("recover", "--wait", "-1"), 2, "--wait"),
    ],
)
def test_what_cannot_be_done_is_one_clear_sentence(desk: Desk, arguments: tuple[str, ...], status: int, told: str):
    done = desk.run("journal", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    if status == 1:
        assert done.stderr.count("\n") == 1


def test_a_narrow_list_keeps_every_character_of_an_id(desk: Desk):
    desk.link("ledger-so")
    made = desk.told(*AT_LEDGER)
    for arguments in (("journal", "show", made["id"]), ("wallets", "--user", "user-1")):
        lines = desk.run(*arguments, COLUMNS="60").stdout.splitlines()
        assert max(map(len, lines)) <= 60
    shown = desk.run("journal", "show", made["id"], COLUMNS="60").stdout
    assert made["id"] in shown
    assert made["wallet"]["id"] in shown
