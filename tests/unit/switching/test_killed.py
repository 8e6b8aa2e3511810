"""`walletport switch` in a process that is killed again and again, at custodians where much goes wrong."""

from __future__ import annotations

import json
import random
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.cli.accounts import Desk
from tests.unit.cli.running import COMMAND, Shell
from tests.unit.switching.world import NEW, OLD, Town
from walletport import CustomerLink
from walletport.journal import currents, moves
from walletport.sandbox import Sandbox

FAULTS = (
    "drop-before:rate=0.03:method=POST:path=wallets",
    "drop-after:rate=0.03:method=POST:path=wallets",
    "500:rate=0.02:method=POST:path=wallets:after",
    "503:rate=0.02:method=POST:path=wallets",
    "429:rate=0.02:method=POST:path=wallets:seconds=1",
    "truncated:rate=0.02:method=POST:path=wallets",
    "html-502:rate=0.01:path=wallets",
)
"""15% of all creates go wrong, in every way."""
MOST_RUNS = 10
"""How often the command is given, once nobody kills it any more, until everybody is there."""


def populate(town: Town, count: int) -> list[str]:
    """Give so many users a wallet at the old custodian."""
    users = [f"user-{number}" for number in range(count)]
    with town.box.lock:
        ids = {name: [town.box.emulators[name].add_customer() for _ in users] for name in (OLD, NEW)}
    with town.port() as port, ThreadPoolExecutor(8) as threads:
        port.link_customers(
            CustomerLink(user=user, account=name, customer_id=made)
            for name, some in ids.items()
            for user, made in zip(users, some, strict=True)
        )
        list(threads.map(lambda user: port.provision(user=user, chain="polygon", asset="usdc", account=OLD), users))
    return users


def run_and_kill(desk: Desk, count: int, kills: int) -> None:
    """Give the command again and again; kill it ``kills`` times, each time with some more customers done."""
    command = [*COMMAND, "switch", "--from", OLD, "--to", NEW, "--in-flight", "6", "--json"]
    command += ["--config", str(desk.config)]
    environment = desk.shell.environment(**desk.secrets)
    for number in range(kills):
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wanted = random.randint(number * count // kills, (number + 1) * count // kills)
        while len(desk.box.wallets()[NEW]) < wanted and child.poll() is None:
            time.sleep(0.02)  # the vendor is in this process, and each look holds it up
        time.sleep(random.uniform(0, 0.1))
        child.kill()
        child.communicate()
    done = None
    for _ in range(MOST_RUNS):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        told: dict[str, object] = json.loads(done.stdout or "{}")
        if told.get("state") == "finished" and not told["missing"]:
            return
    pytest.fail(f"after {MOST_RUNS} more runs customers are still missing: {done}")


def everybody_has_one(town: Town, users: list[str]) -> None:
    made = town.box.wallets()[NEW]
    assert len(made) == len({one.customer_id for one in made}) == len(users)
    with town.reading() as journal:
        found = journal.read(lambda connection: currents.among(connection, users))
        moved = journal.read(lambda connection: moves.among(connection, OLD, NEW, users))
        watched = journal.read(lambda connection: currents.watched(connection, OLD, None, None, len(users) + 1))
    assert sorted(key[0] for key in found) == sorted(users)
    assert {row.account for row in found.values()} == {NEW}
    assert {row.wallet_id for row in found.values()} == {one.wallet_id for one in made}
    assert {row.state for row in moved.values()} == {"cut_over"}
    assert sorted(row.user_id for row, _ in watched) == sorted(users)


def switch_under_fire(shell: Shell, folder: Path, count: int, kills: int) -> None:
    with Sandbox([OLD, NEW]) as box:
        box.emulators[OLD].activation_delay = timedelta(0)
        desk, town = Desk(shell, box, folder), Town(box, folder)
        desk.configure()
        users = populate(town, count)
        for fault in FAULTS:
            box.faults.add(fault)
        run_and_kill(desk, count, kills)
        everybody_has_one(town, users)


@pytest.mark.timeout(300)
def test_nobody_is_lost_and_nobody_has_two_however_often_it_is_killed(shell: Shell, tmp_path: Path) -> None:
    switch_under_fire(shell, tmp_path, 60, 3)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_same_with_many_and_more_often(shell: Shell, tmp_path: Path) -> None:
    switch_under_fire(shell, tmp_path, 2000, 25)
