"""`walletport experiment` and `walletport shadow`: what accounts are worth, as a shell runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.accounts import Desk
from tests.unit.cli.running import Shell
from walletport.config import load_config
from walletport.errors import ConfigurationError
from walletport.sandbox import Sandbox

ROUTES = """
[[routes]]
name = "half"
split = { ledger-so = 1, polygon-oms = 1 }
mode = "shadow"
shadow = ["conduit"]
"""


@pytest.fixture
def desk(shell: Shell, tmp_path: Path) -> Iterator[Desk]:
    with Sandbox(["conduit", "ledger-so", "polygon-oms"]) as box:
        desk = Desk(shell, box, tmp_path)
        desk.configure(ROUTES)
        yield desk


def known(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process know the secrets that the shell knows."""
    for name, value in desk.secrets.items():
        monkeypatch.setenv(name, value)


def test_an_order_on_a_shadow_route_is_compared_field_by_field(desk: Desk):
    desk.link("ledger-so", "polygon-oms", "conduit")
    made = desk.told("provision", "--user", "user-1", "--chain", "polygon", "--asset", "usdc")
    recovered = desk.told("journal", "recover")  # what the first command, which is over, may have left
    assert recovered["left"] == []
    assert made["decision"]["shadow"] == ["conduit"]
    listed = desk.run("shadow")
    assert (listed.returncode, listed.stderr) == (0, "")
    row = next(line for line in listed.stdout.splitlines() if made["id"] in line)
    assert row.split()[1:5] == [made["account"], "done", "conduit", "done"]
    (pair,) = desk.told("shadow", made["id"])["shadows"]
    assert (pair["order"]["id"], pair["shadow"]["account"], pair["settled"]) == (made["id"], "conduit", True)
    assert {field["field"]: field["shadow"] for field in pair["fields"]}["state"] == "done"
    shown = desk.run("shadow", made["id"]).stdout
    facts = {line.split("  ")[0]: line for line in shown.splitlines()}
    assert facts["status"].split()[1:] == ["active", "pending", "differs"]
    assert facts["custody"].split()[1] == "custodial"
    wallets = desk.told("wallets", "--user", "user-1")["wallets"]
    assert [wallet["id"] for wallet in wallets] == [made["wallet"]["id"]]
    assert [len(desk.box.wallets()[name]) for name in ("conduit", made["account"])] == [1, 1]


def test_orders_that_have_no_shadow_are_said_to_have_none(desk: Desk):
    assert desk.run("shadow").stdout.strip() == "The journal holds no such order."
    desk.link("ledger-so")
    with desk.port() as port:
        made = port.provision(user="user-1", chain="polygon", account="ledger-so")
    assert desk.run("shadow", made.id).stdout.strip() == "This order has no shadow."


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        ('split = { ledger-so = 1 }\nmode = "shadow"', 'must name the accounts: write shadow = ["NAME"]'),
        ('split = { ledger-so = 1 }\nshadow = ["conduit"]', 'must say that there are shadows: write mode = "shadow"'),
        (
            'split = { conduit = 1 }\nmode = "shadow"\nshadow = ["conduit"]',
            "conduit takes orders of this route already",
        ),
        ('split = { ledger-so = 1 }\nmode = "shadow"\nshadow = ["cunduit"]', "did you mean conduit?"),
        ('split = { ledger-so = 1 }\nmode = "shadwo"\nshadow = ["conduit"]', 'must be "split" or "shadow"'),
    ],
)
def test_a_shadow_route_that_makes_no_sense_says_what_to_type(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, routes: str, told: str
):
    known(desk, monkeypatch)
    desk.configure(f"[[routes]]\n{routes}")
    with pytest.raises(ConfigurationError) as caught:
        load_config(desk.config)
    assert told in caught.value.message
    assert "walletport.toml: routes.1." in caught.value.message


def test_a_shadow_at_an_account_with_real_wallets_must_be_wanted_in_so_many_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    known(desk, monkeypatch)
    config = desk.config.read_text("utf-8")
    real = config.replace('provider = "conduit"\n', 'provider = "conduit"\nenvironment = "production"\n')
    desk.config.write_text(real, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_config(desk.config)
    assert "routes.1.shadow: conduit makes real wallets, and one more for each order" in caught.value.message
    assert "shadow_in_production = true" in caught.value.message
    desk.config.write_text(real + "shadow_in_production = true\n", "utf-8")
    assert load_config(desk.config).routes[0].shadow == ("conduit",)


def test_an_experiment_is_told_to_people_and_to_machines_and_drawn_on_a_page(desk: Desk):
    desk.link("ledger-so", "polygon-oms")
    with desk.port() as port:
        for number in range(3):
            port.provision(user="user-1", chain="polygon", account="ledger-so", reference=str(number))
        port.provision(user="user-1", chain="polygon", asset="usdc", account="polygon-oms", reference="x")
    done = desk.run("experiment", "--out", str(desk.folder / "page"))
    assert (done.returncode, done.stderr) == (0, "")
    facts = {line.partition("  ")[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert facts["orders"] == ["3", "1"]
    assert "success: undecided between ledger-so and polygon-oms" in done.stdout
    assert "No draw assigned any of these orders" in done.stdout
    assert "hold at every look" in done.stdout
    page = desk.folder / "page" / "experiment.html"
    assert done.stdout.strip().endswith(f"The page with plots is {page}.")
    assert "<svg" in page.read_text("utf-8")
    told = desk.told("experiment", "--chain", "Polygon", "--asset", "usdc", "--since", "1h")
    assert [(one["account"], one["orders"]) for one in told["accounts"]] == [("polygon-oms", 1)]
    assert told["chain"] == "polygon"
    assert told["page"] is None


def test_what_cannot_be_read_or_written_is_a_sentence(desk: Desk):
    done = desk.run("experiment", "--since", "yesterday")
    assert done.returncode == 2
    assert "must be a date such as 2027-01-31" in " ".join(done.stderr.split())
    (desk.folder / "file").write_text("", "utf-8")
    error = desk.refused("experiment", "--since", "2999-01-01", "--out", str(desk.folder / "file"))["error"]
    assert "experiment.html cannot be written there" in error["message"]
