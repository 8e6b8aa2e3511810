"""`walletport switch`: against emulators, as a shell runs it."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.cli.accounts import Desk
from tests.unit.cli.running import COMMAND, Shell
from walletport.sandbox import Sandbox

OLD, NEW = "conduit", "polygon-oms"
SWITCH = ("switch", "--from", OLD, "--to", NEW)


@pytest.fixture
def desk(shell: Shell, tmp_path: Path) -> Iterator[Desk]:
    """Somebody whose users ada and bob are at the old custodian, and ada at the new one as well."""
    with Sandbox([OLD, NEW]) as box:
        box.emulators[OLD].activation_delay = timedelta(0)
        desk = Desk(shell, box, tmp_path)
        desk.configure()
        with desk.port() as port:
            for user in ("ada", "bob"):
                port.link_customer(user=user, account=OLD, customer_id=box.emulators[OLD].add_customer())
                port.provision(user=user, chain="polygon", asset="usdc", account=OLD)
            port.link_customer(user="ada", account=NEW, customer_id=box.emulators[NEW].add_customer())
        yield desk


def test_a_plan_a_switch_its_report_and_the_way_back(desk: Desk) -> None:
    plan = desk.run(*SWITCH, "--plan")
    assert (plan.returncode, plan.stderr) == (0, "")
    said = [" ".join(line.split()) for line in plan.stdout.splitlines()]
    assert said[0] == (
        f"From {OLD} to {NEW}: 2 customers, 1 to switch, 1 need follow-up first; nothing was written or sent."
    )
    assert f"1 to switch customers of {NEW} already" in said
    assert any(line.startswith(f"1 follow-up first no customer at {NEW}: link one") for line in said)
    assert "2 all" in said
    assert "1 deposit addresses change" in said
    told = desk.told(*SWITCH, "--plan")
    assert (told["customers"], told["to_switch"], list(told["follow_up"].values())) == (2, 1, [1])

    done = desk.run(*SWITCH, "--report", str(desk.folder / "closing"))
    assert done.returncode == 1  # bob is nobody at the new custodian
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    job = said[0].split()[1]
    assert said[0] == f"Job {job} from {OLD} to {NEW} is finished: 2 customers."
    assert "tells why 1 could not be switched; give the same command again to try them anew." in done.stdout
    assert "1 cut over" in said
    with (desk.folder / "closing" / "customers.csv").open(encoding="utf-8", newline="") as file:
        assert {line["user"]: line["status"] for line in csv.DictReader(file)} == {"ada": "cut_over", "bob": "blocked"}
    assert "1 of 2 customers" in (desk.folder / "closing" / "index.html").read_text("utf-8")
    (missing,) = desk.told("jobs", "show", job)["missing"]
    assert (missing["user"], missing["state"]) == ("bob", "blocked")
    assert missing["message"].startswith(f"no customer at {NEW}: link one")

    with desk.port() as port:
        old, new = sorted(port.wallets(user="ada"), key=lambda wallet: wallet.provider)
        assert port.current_wallet(user="ada", chain="polygon", asset="usdc").wallet == new
    (watched,) = desk.told("switch", "watch")["addresses"]
    assert (watched["address"], watched["user"], watched["chain"]) == (old.address, "ada", "polygon")
    assert old.address in desk.run("switch", "watch", "--user", "ada").stdout

    back = desk.run("switch", "rollback", "--from", OLD, "--to", NEW)
    said = [" ".join(line.split()) for line in back.stdout.splitlines()]
    assert f"1 were taken back the wallet at {OLD} is theirs again" in said
    assert f"1 were taken out the wallet at {OLD} stays theirs" in said
    told = desk.told("switch", "report", "--from", OLD, "--to", NEW, "--report", str(desk.folder / "closing"))
    assert (told["customers"], told["counts"]) == (2, {"rolled_back": 2})


def test_ctrl_c_ends_in_order_and_the_same_command_goes_on(desk: Desk) -> None:
    """Who is in flight comes to an answer, and nobody else is begun."""
    desk.box.faults.add("late:seconds=1.5:method=POST:path=wallets")
    command = [*COMMAND, *SWITCH, "--in-flight", "1", "--config", str(desk.config)]
    environment = desk.shell.environment(**desk.secrets)
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    while not any(seen.provider == NEW and seen.path.endswith("wallets") for seen in desk.box.requests):
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert "Stopping: what is in flight comes to its answer first." in err
    assert "Traceback" not in err
    assert child.returncode == 130
    assert "Next: give the same command again" in out
    job = out.split()[1]
    desk.box.faults.clear()
    done = json.loads(desk.run(*SWITCH, "--json").stdout)
    assert (done["id"], done["state"], done["counts"]) == (job, "finished", {"blocked": 1, "done": 1})
    assert len(desk.box.wallets()[NEW]) == 1


def test_bad_input_is_one_sentence(desk: Desk) -> None:
    for words, status, told in [
        (("switch",), 2, "name two accounts, as in: walletport switch --from A --to B"),
        ((*SWITCH, "--users", "nowhere.csv"), 1, "walletport: nowhere.csv: cannot be read"),
        (("switch", "rollback", "--from", NEW, "--to", "elsewhere"), 1, "walletport: --to: no such account"),
    ]:
        done = desk.run(*words)
        assert (done.returncode, done.stdout) == (status, "")
        assert told in done.stderr
        assert "Traceback" not in done.stderr
