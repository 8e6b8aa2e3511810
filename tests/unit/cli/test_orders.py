"""`walletport provision`, `wallets` and `route`: against emulators, as a shell runs them."""

from __future__ import annotations

import json
import shlex
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.accounts import Desk
from tests.unit.cli.rude import Rude
from tests.unit.cli.running import Shell
from walletport.sandbox import Sandbox

ORDER = ("--user", "user-1", "--chain", "polygon")
ROUTES = """
[[routes]]
chains = ["polygon"]
split = { ledger-so = 1 }
failover = ["conduit"]
"""


@pytest.fixture
def desk(shell: Shell, tmp_path: Path) -> Iterator[Desk]:
    with Sandbox(["conduit", "ledger-so", "polygon-oms"]) as box:
        desk = Desk(shell, box, tmp_path)
        desk.configure(ROUTES)
        yield desk


def lines_of(text: str) -> dict[str, str]:
    """Return what stands behind the first word of each line."""
    return {line.split()[0]: line.partition(" ")[2].strip() for line in text.splitlines() if line.strip()}


def test_an_order_is_carried_out_once_however_often_it_is_given(desk: Desk):
    desk.link("ledger-so")
    done = desk.run("provision", *ORDER)
    assert (done.returncode, done.stderr) == (0, "")
    facts = lines_of(done.stdout)
    (made,) = desk.box.wallets()["ledger-so"]
    assert facts["wallet"] == made.wallet_id
    assert facts["state"] == "done"
    assert facts["account"] == "ledger-so"
    assert facts["why"] == "route 1 matches chain polygon"
    assert facts["address"].startswith("0x")
    assert "Next:" not in done.stdout
    again = desk.told("provision", *ORDER)
    assert again["id"] in done.stdout
    assert again["wallet"]["id"] == made.wallet_id
    assert again["next"] is None
    assert "raw" not in again["wallet"]
    other = desk.told("provision", *ORDER, "--reference", "second", "--asset", "usdc", "--wait", "5")
    assert other["id"] != again["id"]
    assert (other["reference"], other["asset"]) == ("second", "usdc")


def test_an_order_can_be_waited_for_until_its_wallet_takes_deposits(desk: Desk):
    desk.link("conduit")
    made = desk.told("provision", *ORDER, "--account", "conduit")
    assert (made["wallet"]["status"], made["wallet"]["addresses"]) == ("pending", [])
    early = desk.refused("provision", *ORDER, "--ready", "--wait", "0")
    assert (early["error"]["type"], early["error"]["outcome"]) == ("RequestTimedOut", "applied")
    assert early["provision"]["id"] == made["id"]
    assert early["next"] == "the same command again waits on"
    desk.box.clock.advance(60)
    ready = desk.told("provision", *ORDER, "--ready")
    assert (ready["id"], ready["wallet"]["status"]) == (made["id"], "active")
    assert ready["wallet"]["addresses"]


def test_the_wallets_of_a_user_are_listed_with_account_and_address(desk: Desk):
    desk.link("ledger-so", "polygon-oms")
    with desk.port() as port:
        spanning = port.provision(user="user-1", chain="polygon", account="ledger-so").wallet
        single = port.provision(user="user-1", chain="polygon", asset="usdc", account="polygon-oms").wallet
    done = desk.run("wallets", "--user", "user-1")
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert rows[0] == ["account", "wallet", "chain", "asset", "status", "address"]
    assert ["polygon-oms", single.id, "polygon", "usdc", "active", single.address] in rows
    assert any(row[:4] == ["ledger-so", spanning.id, "8", "chains"] for row in rows)
    for address in spanning.addresses:
        assert f"{address.chain} {address.value}" in done.stdout
    told = desk.told("wallets", "--user", "user-1")
    assert told["user"] == "user-1"
    assert {(one["account"], one["id"]) for one in told["wallets"]} == {
        ("ledger-so", spanning.id),
        ("polygon-oms", single.id),
    }
    assert desk.run("wallets", "--user", "nobody").stdout == "The journal knows no wallet of user nobody.\n"


def test_a_wallet_at_an_account_that_is_configured_no_more_is_listed_all_the_same(desk: Desk):
    desk.link("ledger-so")
    with desk.port() as port:
        wallet = port.provision(user="user-1", chain="polygon", account="ledger-so").wallet
    left = desk.config.read_text("utf-8").split("[[routes]]")[0].split("[accounts.ledger-so]")
    desk.config.write_text(left[0] + left[1][left[1].index("[accounts.") :], "utf-8")
    (shown,) = desk.told("wallets", "--user", "user-1")["wallets"]
    assert (shown["account"], shown["id"]) == (None, wallet.id)


def test_a_route_is_told_with_each_reason_and_nothing_is_done(desk: Desk):
    done = desk.run("route", *ORDER)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "ledger-so",
        "  - route 1 matches chain polygon",
        "  - ledger-so: weight 1 of 1",
        "  - if it is known to have made none: conduit",
    ]
    assert desk.told("route", *ORDER, "--asset", "usdc") == {
        "user": "user-1",
        "chain": "polygon",
        "asset": "usdc",
        "account": "ledger-so",
        "reasons": ["route 1 matches chain polygon", "ledger-so: weight 1 of 1"],
        "failover": ["conduit"],
        "by": "draw",
        "route": "1",
        "drawn": "ledger-so",
        "weights": {"ledger-so": 1},
        "shadow": [],
        "shadow_of": None,
    }
    assert desk.box.requests == ()
    assert "no route is for an order for chain base" in desk.run("route", "--user", "u", "--chain", "base").stderr


def test_a_user_without_customer_gets_the_command_that_links_one(desk: Desk):
    user = "o'brien; rm"
    order = ("--user", user, "--chain", "polygon")
    done = desk.run("provision", *order)
    assert (done.returncode, done.stdout) == (1, "")
    said, step = done.stderr.splitlines()
    assert said.startswith("walletport: user \"o'brien; rm\" has no customer at account 'ledger-so'")
    command = step.removeprefix("Next: `walletport ").partition("`")[0]
    customer = desk.box.emulators["ledger-so"].default_customer
    linked = desk.run(*[customer if word == "C" else word for word in shlex.split(command)])
    assert linked.stdout == f"User {user} is customer {customer} at ledger-so.\n"
    assert desk.told("provision", *order)["user"] == user


def test_a_customer_is_made_of_a_profile_that_stays_out_of_the_journal(desk: Desk):
    order = (*ORDER, "--account", "polygon-oms", "--asset", "usdc")
    told = desk.told("provision", *order, "--email", "ada@example.test", "--first-name", "Ada", "--last-name", "Byron")
    assert told["wallet"]["customer_id"] == told["customer_id"]
    assert desk.told("provision", *order)["id"] == told["id"]
    kept = b"".join(path.read_bytes() for path in desk.folder.glob("journal.db*"))
    assert told["id"].encode() in kept
    assert [text for text in ("ada@example.test", "Byron", *desk.secrets.values()) if text.encode() in kept] == []


def test_a_refused_order_says_why_and_what_to_do_next(desk: Desk):
    emulator = desk.box.emulators["conduit"]
    customer = emulator.add_customer(eligible=False)
    with desk.port() as port:
        port.link_customer(user="user-1", account="conduit", customer_id=customer)
    order = (*ORDER, "--account", "conduit")
    done = desk.run("provision", *order)
    assert (done.returncode, done.stdout) == (1, "")
    said, step = done.stderr.splitlines()
    assert said.startswith("walletport: conduit provision: no wallet account was claimed for this customer")
    assert step == "Next: once the cause is gone, or for another --account: give the same order again."
    told = desk.refused("provision", *order)
    assert told["error"]["type"] == "CustomerNotEligible"
    assert told["error"]["outcome"] == "not_applied"
    assert told["provision"]["state"] == "rejected"
    assert told["provision"]["id"] == told["error"]["provision_id"]
    emulator.claim(customer)
    assert desk.told("provision", *order)["id"] == told["provision"]["id"]


def test_an_order_that_waits_for_a_person_prints_where_and_is_found_by_recover(desk: Desk):
    emulator = desk.box.emulators["conduit"]
    emulator.approval_required = True
    desk.link("conduit")
    order = (*ORDER, "--account", "conduit")
    done = desk.run("provision", *order)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Next: a person approves it at https://approve.sandbox.conduit.example/wcm_" in done.stderr
    told = desk.refused("provision", *order)
    assert told["provision"]["state"] == "awaiting_approval"
    assert told["provision"]["approval_url"] in told["next"]
    left = desk.told("journal", "recover")
    assert (left["ended"], [one["id"] for one in left["left"]]) == (0, [told["provision"]["id"]])
    wallet_id = emulator.approve(told["provision"]["approval_id"])
    assert desk.told("journal", "recover") == {"ended": 1, "left": []}
    assert desk.told("provision", *order)["wallet"]["id"] == wallet_id
    posts = [seen for seen in desk.box.requests if seen.method == "POST"]
    assert len(posts) == 1


def test_an_unsettled_order_says_so_and_goes_on_later(desk: Desk):
    desk.link("ledger-so")
    desk.box.faults.add("drop-after:method=POST:path=wallets")
    done = desk.run("provision", *ORDER, "--wait", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Next: after " in done.stderr
    assert "`walletport journal recover`" in done.stderr
    desk.box.faults.clear()
    recovered = desk.told("journal", "recover", "--wait", "10")
    assert recovered == {"ended": 1, "left": []}
    (made,) = desk.box.wallets()["ledger-so"]
    assert desk.told("provision", *ORDER)["wallet"]["id"] == made.wallet_id


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("provision", "--chain", "polygon"), "--user"),
        (("provision", "--user", " ", "--chain", "polygon"), "must not be empty"),
        (("provision", "--user", "\udcff", "--chain", "polygon"), "holds characters that are no text"),
        (("provision", "--user", "u", "--chain", ""), "must not be empty"),
        (("provision", "--user", "u", "--chain", "polygon", "--wait", "-1"), "--wait"),
        (("provision", "--user", "u", "--chain", "polygon", "--email", ""), "must not be empty"),
        (("wallets",), "--user"),
        (("route", "--user", "u", "--wait", "1"), "--wait"),
    ],
)
def test_wrong_usage_is_status_2_and_does_nothing(desk: Desk, arguments: tuple[str, ...], told: str):
    done = desk.run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (desk.folder / "journal.db").exists()


def test_a_configuration_that_is_wrong_is_told_line_by_line(shell: Shell, tmp_path: Path):
    done = shell.run("wallets", "--user", "u", "--config", str(tmp_path / "none.toml"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"walletport: {tmp_path / 'none.toml'}: cannot be read (No such file")
    assert done.stderr.count("\n") == 1
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[accounts.a]\nprovider = "toy"\n[accounts.b]\nprovider = "toi"\n', "utf-8")
    done = shell.run("wallets", "--user", "u", "--config", str(wrong))
    first, second = done.stderr.splitlines()
    assert "accounts.a.key: is missing" in first
    assert "accounts.b.provider: " in second
    assert (done.returncode, done.stdout) == (1, "")
    error = json.loads(shell.run("wallets", "--user", "u", "--config", str(wrong), "--json").stderr)["error"]
    assert error["message"].count("\n") == 1


def test_what_a_vendor_writes_cannot_steer_the_terminal(shell: Shell, tmp_path: Path):
    with Sandbox([Rude]) as box:
        desk = Desk(shell, box, tmp_path, {"rude": Rude})
        desk.configure()
        desk.link("rude")
        with desk.port() as port:
            made = port.provision(user="user-1", chain="polygon")
        assert "\x1b" in made.wallet.id, "this vendor does try"
        for arguments in (
            ("provision", *ORDER),
            ("wallets", "--user", "user-1"),
            ("journal", "list"),
            ("journal", "show", made.id),
        ):
            done = desk.run(*arguments)
            assert (done.returncode, done.stderr) == (0, "")
            steering = {c for c in done.stdout if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}} - {"\n"}
            assert steering == set()
            assert "[red]" in done.stdout, "markup is shown, not obeyed"
