"""`walletport bulk` and `walletport jobs`: what is printed, with which exit status, and how it is held up."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.accounts import Desk
from tests.unit.cli.running import COMMAND, Shell
from walletport.cli.watching import Meter, duration
from walletport.jobs.record import Job
from walletport.sandbox import Sandbox

HEAD = "user,chain,customer_id\n"


@pytest.fixture
def desk(shell: Shell, tmp_path: Path) -> Iterator[Desk]:
    with Sandbox(["conduit"]) as box:
        desk = Desk(shell, box, tmp_path)
        desk.configure()
        yield desk


def write(desk: Desk, orders: int, text: str = "") -> str:
    path = desk.folder / "orders.csv"
    customers = [desk.box.emulators["conduit"].add_customer() for _ in range(orders)]
    lines = [f"user-{number},polygon,{customer}\n" for number, customer in enumerate(customers)]
    path.write_text(HEAD + "".join(lines) + text, "utf-8")
    return str(path)


def test_a_file_is_tried_out_carried_out_and_looked_at(desk: Desk):
    path = write(desk, 5)
    tried = desk.run("bulk", path, "--dry-run")
    assert (tried.returncode, tried.stderr) == (0, "")
    assert "5 lines hold 5 different orders; nothing was sent." in tried.stdout
    assert "conduit is the only account" in tried.stdout
    told = desk.told("bulk", path, "--dry-run")
    assert told["accounts"] == [
        {"account": "conduit", "orders": 5, "reasons": ["conduit is the only account", *_WEIGHT]}
    ]
    assert desk.box.wallets()["conduit"] == []
    assert desk.run("jobs", "list").stdout == "The journal holds no job.\n"

    done = desk.run("bulk", path, "--results", str(desk.folder / "results.csv"))
    assert done.returncode == 0
    assert "from orders.csv is finished: 5 orders." in done.stdout
    assert done.stderr.splitlines()[0].startswith("0 of 5 orders"), "plain lines where there is no terminal"
    assert len(desk.box.wallets()["conduit"]) == 5
    (job,) = desk.told("jobs", "list")["jobs"]
    assert (job["state"], job["counts"], job["left"], job["next"]) == ("finished", {"done": 5}, 0, None)
    assert desk.told("jobs", "show", job["id"])["missing"] == []
    assert job["id"] in desk.run("jobs", "list").stdout


_WEIGHT = ["conduit: weight 1 of 1"]


def test_bad_lines_are_printed_in_part_and_written_in_full(desk: Desk):
    path = write(desk, 1, "short\n" * 30)
    refused = desk.run("bulk", path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "orders.csv: 30 lines are wrong, so nothing was sent" in refused.stderr
    assert refused.stderr.count("has 1 values, and 3 are wanted") == 20
    assert refused.stderr.endswith("Next: --problems FILE writes every one of them to a file.\n")
    problems = desk.folder / "problems.csv"
    assert desk.run("bulk", path, "--problems", str(problems)).returncode == 1
    assert len(problems.read_text("utf-8").splitlines()) == 31
    assert len(desk.refused("bulk", path)["lines"]) == 30


def test_an_order_without_a_wallet_is_told_with_its_reason(desk: Desk):
    stranger = desk.box.emulators["conduit"].add_customer(eligible=False)
    path = write(desk, 2, f"not-yet,polygon,{stranger}\n")
    done = desk.run("bulk", path)
    assert done.returncode == 1
    assert "made no wallet; give the same orders again to try them anew" in done.stdout
    (job,) = desk.told("jobs", "list")["jobs"]
    shown = desk.run("jobs", "show", job["id"])
    assert (shown.returncode, "not-yet" in shown.stdout, "rejected" in shown.stdout) == (0, True, True)
    desk.box.emulators["conduit"].claim(stranger)
    assert desk.run("bulk", path).returncode == 0


def test_orders_come_from_the_standard_input(desk: Desk):
    path = Path(write(desk, 3))
    done = subprocess.run(
        [*COMMAND, "bulk", "-", "--config", str(desk.config)],
        input=path.read_bytes(),
        capture_output=True,
        env=desk.shell.environment(**desk.secrets),
        timeout=60,
        check=False,
    )
    assert (done.returncode, b"from standard input is finished: 3 orders" in done.stdout) == (0, True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_ctrl_c_ends_in_order_and_says_how_to_go_on(desk: Desk):
    desk.box.faults.add("late-before:seconds=0.3")
    path = write(desk, 60)
    process = subprocess.Popen(
        [*COMMAND, "bulk", path, "--in-flight", "2", "--config", str(desk.config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=desk.shell.environment(**desk.secrets),
    )
    while not desk.box.wallets()["conduit"]:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopping: what is in flight comes to its answer first." in errors
    assert "give the same orders again" in output
    desk.box.faults.clear()
    (job,) = desk.told("jobs", "list")["jobs"]
    assert job["counts"]["done"] == len(desk.box.wallets()["conduit"]) < 60
    assert desk.told("jobs", "pause", job["id"])["state"] == "paused"
    assert f"`walletport jobs resume {job['id']}`" in desk.run("bulk", path).stderr
    assert desk.told("jobs", "resume", job["id"])["state"] == "running"
    assert desk.run("bulk", path).returncode == 0
    assert len(desk.box.wallets()["conduit"]) == 60
    assert desk.refused("jobs", "cancel", job["id"])["error"]["message"].startswith(f"job {job['id']} is finished")


def test_workers_need_a_database_that_they_share(desk: Desk):
    for command in (("worker",), ("bulk", write(desk, 1), "--workers")):
        refused = desk.run(*command)
        assert (refused.returncode, "workers share a journal in PostgreSQL" in refused.stderr) == (1, True), command


def test_the_rate_is_that_of_this_run_and_the_time_left_follows_from_it():
    """What an earlier run has done counts as done, and not for the rate."""
    at = 0.0
    meter = Meter(lambda: at)
    job = Job.model_construct(kind="bulk", total=1000, counts={"done": 400, "planned": 600})
    meter.start(job)
    for _ in range(10):
        at += 1
        meter.add({"done": 9, "rejected": 1})
    assert meter.sentence == "500 of 1,000 orders, 10/s, 50 s left, 10 rejected"
    assert [duration(seconds) for seconds in (59, 61, 3_725)] == ["59 s", "1 min 01 s", "1 h 02 min"]
