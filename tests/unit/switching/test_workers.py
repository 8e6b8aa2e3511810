"""A switch that worker processes carry out together, some of which are killed: everybody is cut over exactly once."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.cli.accounts import Desk
from tests.unit.cli.running import COMMAND, ROOT, Shell
from tests.unit.jobs.test_killed import Crowd
from tests.unit.switching.test_killed import FAULTS, everybody_has_one, populate
from tests.unit.switching.world import NEW, OLD, Town
from walletport import errors, switch
from walletport.journal import jobrows, rows
from walletport.sandbox import Sandbox

SWITCH = ("switch", "--from", OLD, "--to", NEW, "--workers", "--json")


@dataclass(kw_only=True)
class Movers(Crowd):
    """Processes that carry a switch out.

    Args:
        desk: knows the command and its secrets.
        town: looks at what they do.
    """

    desk: Desk
    town: Town

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a process; what a switch prints can be read, and the rest is in a file."""
        with (self.folder / "output.txt").open("ab") as output:
            return subprocess.Popen(
                [*COMMAND, *command, "--config", str(self.config)],
                cwd=ROOT,
                env=self.desk.shell.environment(**self.desk.secrets),
                stdout=subprocess.PIPE if command[0] == "switch" else output,
                stderr=output,
            )

    def made(self) -> int:
        return len(self.town.made(NEW))

    def finished(self, run: subprocess.Popen[bytes]) -> dict[str, object]:
        out, _ = run.communicate()
        assert run.returncode == 0, (out, self.said())
        told: dict[str, object] = json.loads(out)
        return told


@contextmanager
def crowd(shell: Shell, folder: Path, journal: str) -> Iterator[Movers]:
    with Sandbox([OLD, NEW]) as box:
        box.emulators[OLD].activation_delay = timedelta(0)
        desk = Desk(shell, box, folder)
        desk.configure()
        desk.config.write_text(desk.config.read_text("utf-8").replace("sqlite:///journal.db", journal), "utf-8")
        made = Movers(box, desk.config, journal, folder, desk=desk, town=Town(box, folder, journal))
        try:
            yield made
        finally:
            for worker in made.workers:
                worker.kill()
                worker.wait()


def cut_overs(town: Town, users: list[str]) -> dict[str, int]:
    """Return how often each user was cut over, by the stories of their orders at the target."""
    with town.reading() as journal:

        def query(connection: object) -> dict[str, int]:
            return {
                user: sum(
                    event.what == "cut over"
                    for order in rows.plain_orders_of(connection, user)
                    if order.account == NEW
                    for event in rows.events_of(connection, order.id)
                )
                for user in users
            }

        return journal.read(query)


@pytest.mark.timeout(300)
def test_two_workers_of_which_one_is_killed_cut_everybody_over_once(
    shell: Shell, tmp_path: Path, postgresql_url: str
) -> None:
    """What the dead one had in hand is taken over by the other, and the report accounts for all."""
    with crowd(shell, tmp_path, postgresql_url) as at_work:
        users = populate(at_work.town, 60)
        at_work.desk.box.faults.add("late:seconds=0.2:method=POST:path=wallets")
        for _ in range(2):
            at_work.start_worker()
        run = at_work.start(*SWITCH, "--report", str(tmp_path / "closing"))
        at_work.wait_until(lambda: at_work.made() > 10)
        worker = at_work.workers.pop()
        worker.kill()
        worker.wait()
        told = at_work.finished(run)
        at_work.stop()
        assert (told["state"], told["shared"], told["counts"]) == ("finished", True, {"done": len(users)})
        assert told["report"]["counts"] == {"cut_over": len(users)}
        everybody_has_one(at_work.town, users)
        assert set(cut_overs(at_work.town, users).values()) == {1}


@pytest.mark.timeout(120)
def test_a_switch_of_workers_is_paused_goes_on_and_makes_customers_where_the_file_is(
    shell: Shell, tmp_path: Path, postgresql_url: str
) -> None:
    """Who has to be made from a profile is carried out by the process that has the file, the others by the worker."""
    with crowd(shell, tmp_path, postgresql_url) as at_work:
        known = [at_work.desk.box.emulators[NEW].add_customer() for _ in range(6)]
        lines = [f"user-{n},c-{n},polygon,usdc,{known[n]},,,\n" for n in range(6)]
        lines += [f"new-{n},d-{n},polygon,usdc,,n{n}@example.test,Ada,Byron\n" for n in range(3)]
        head = "user,customer_id,chain,asset,target_customer_id,email,first_name,last_name\n"
        (tmp_path / "customers.csv").write_text(head + "".join(lines), "utf-8")
        run = at_work.start(*SWITCH, "--customers", str(tmp_path / "customers.csv"))
        at_work.wait_until(lambda: at_work.made() == 3)  # there is no worker yet
        job = at_work.job()
        assert (job.kind, job.shared, job.counts["planned"] >= 6) == ("switch", True, True)
        at_work.desk.told("jobs", "pause", job.id)
        out, _ = run.communicate()
        assert (run.returncode, json.loads(out)["state"]) == (1, "paused"), at_work.said()
        at_work.start_worker()
        at_work.wait_until(lambda: "takes orders" in at_work.said())
        time.sleep(3)  # more than a sweep of the worker
        assert at_work.made() == 3
        at_work.desk.told("jobs", "resume", job.id)
        at_work.wait_until(lambda: at_work.job().state == "finished")
        at_work.stop()
        assert at_work.job().counts == {"done": 9}
        assert at_work.made() == 9
        assert {at_work.town.current(f"user-{n}").account for n in range(6)} == {NEW}


def test_workers_need_a_journal_that_can_be_shared(town: Town) -> None:
    """Said before anything is planned, from Python as from a shell."""
    town.settle("ada")
    with pytest.raises(errors.ConfigurationError, match="workers share a journal in PostgreSQL"):
        switch(source=OLD, target=NEW, workers=True, config=town.config)
    with town.reading() as journal:
        assert journal.read(lambda connection: jobrows.list_jobs(connection, 1)) == []


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_many_customers_and_workers_that_are_killed_again_and_again(
    shell: Shell, tmp_path: Path, postgresql_url: str
) -> None:
    with crowd(shell, tmp_path, postgresql_url) as at_work:
        users = populate(at_work.town, 2000)
        for fault in FAULTS:
            at_work.desk.box.faults.add(fault)
        for _ in range(3):
            at_work.start_worker()
        run = at_work.start(*SWITCH)
        while run.poll() is None:
            time.sleep(random.uniform(3, 8))
            at_work.kill_a_worker(random.Random())
        out, _ = run.communicate()
        assert json.loads(out)["state"] == "finished", (out, at_work.said())
        while at_work.job().missing:  # who was told "later" too often is taken up by the same command
            at_work.start(*SWITCH).communicate()
        everybody_has_one(at_work.town, users)
        assert set(cut_overs(at_work.town, users).values()) == {1}
