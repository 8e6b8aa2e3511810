"""`walletport journal`: what is told of orders, and settling what nobody could know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.accounts import Desk
from tests.unit.cli.running import Shell
from tests.unit.port_site import order, stuck
from walletport import Provision
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
    desk.link("ledger-so")
    with desk.port() as port:
        return stuck(port, desk.box, "ledger-so", fault=fault).id


def rows_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


@pytest.fixture
def two(desk: Desk) -> list[Provision]:
    """Two orders that are done, the newer first."""
    desk.link("ledger-so", "conduit")
    with desk.port() as port:
        return [port.provision(**order(name), reference=name) for name in ("ledger-so", "conduit")][::-1]


def test_orders_are_listed_newest_first(desk: Desk, two: list[Provision]):
    done = desk.run("journal", "list")
    assert (done.returncode, done.stderr) == (0, "")
    head, _, *rows = rows_of(done.stdout)
    assert head[:8] == ["order", "for", "user", "account", "chain", "asset", "state", "wallet"]
    assert [row[:8] for row in rows] == [
        [one.id, "wallet", "user-1", one.account, "polygon", "usdc", "done", one.wallet.id] for one in two
    ]
    told = desk.told("journal", "list")
    assert told["more"] is False
    assert [(one["id"], one["wallet"]["id"], one["next"]) for one in told["provisions"]] == [
        (one.id, one.wallet.id, None) for one in two
    ]


def test_a_list_is_narrowed_down(desk: Desk, two: list[Provision]):
    def listed(*arguments: str) -> list[str]:
        return [one["id"] for one in desk.told("journal", "list", *arguments)["provisions"]]

    newer, older = (one.id for one in two)
    assert listed("--account", "ledger-so") == [older]
    assert listed("--user", "user-1", "--state", "done") == [newer, older]
    assert listed("--state", "rejected") == []
    assert desk.run("journal", "list", "--user", "nobody").stdout == "The journal holds no such order.\n"
    few = desk.run("journal", "list", "--limit", "1").stdout
    assert (newer in few, older in few) == (True, False)
    assert "There are more: --limit 10 shows more of them." in few


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


def test_a_narrow_terminal_breaks_no_id(desk: Desk, two: list[Provision]):
    made = two[1]
    for arguments in (("journal", "show", made.id), ("wallets", "--user", "user-1")):
        done = desk.run(*arguments, COLUMNS="60")
        assert max(map(len, done.stdout.splitlines())) <= 60
        assert "…" not in done.stdout
        if arguments[0] == "journal":
            assert made.id in done.stdout
            assert made.wallet.id in done.stdout
