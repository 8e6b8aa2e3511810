"""`walletport evaluate` as a shell runs it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

# Toy is installed in this shell only, so the sandbox beside it is made from the class.
from tests.support.toy import CUSTOMER, Toy
from tests.unit.cli.accounts import Desk
from tests.unit.cli.running import Shell
from walletport.evaluation.page import report_json
from walletport.evaluation.plan import Work
from walletport.evaluation.report import read_report, schema
from walletport.evaluation.run import evaluate
from walletport.evaluation.subject import subjects_of
from walletport.sandbox import Sandbox


@pytest.fixture
def desk(shell: Shell, tmp_path: Path) -> Iterator[Desk]:
    """Toy as a configured account: nothing says that an emulator is behind it."""
    with Sandbox([Toy]) as box:
        made = Desk(shell, box, tmp_path, {"toy": Toy})
        made.configure()
        yield made


def test_without_a_configuration_the_emulators_are_compared(shell: Shell, tmp_path: Path) -> None:
    """No credential, no file, no question; what is done is told beforehand, and how far it has come."""
    weights = tmp_path / "weights.toml"
    weights.write_text("[weights]\nsame_key = 2\n", "utf-8")
    out = tmp_path / "out"
    done = shell.run("evaluate", "--accounts", "toy", "--samples", "2", "--weights", str(weights), "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "Nothing wrong was found" in done.stdout
    assert "toy: at most 32 wallets at the emulator on this machine" in done.stderr
    assert "toy: creates (1 of" in done.stderr
    report = read_report(out / "report.json")
    assert [account.name for account in report.accounts] == ["toy"]
    assert report.complete
    assert report.score is not None
    assert report.score.totals == {"toy": 100.0}
    assert (out / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_configured_account_is_evaluated_for_its_customers_and_asked_about_first(desk: Desk) -> None:
    """Without --yes and without anybody to ask, nothing is sent."""
    command = ("evaluate", "--customer", f"toy={CUSTOMER}", "--samples", "1", "--out", str(desk.folder / "out"))
    asked = desk.run(*command)
    assert asked.returncode == 1
    assert "pass --yes" in asked.stderr
    assert desk.box.requests == ()
    told = desk.told(*command, "--yes")
    assert told["complete"] is True
    assert told["faults"] == {"toy": []}
    assert {wallet.customer_id for wallet in desk.box.wallets()["toy"]} == {CUSTOMER}
    assert not any(secret in Path(str(told["report"])).read_text("utf-8") for secret in desk.secrets.values())


def test_the_plan_alone_is_told_and_nothing_is_sent(desk: Desk) -> None:
    """For people and for machines."""
    told = desk.told("evaluate", "--customer", f"toy={CUSTOMER}", "--plan")
    assert "at most 60 wallets at an address that is not the vendor's, for 1 of your customers" in str(told["plan"])
    assert desk.box.requests == ()


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        pytest.param(("--plan",), 1, "pass --customer toy=ID", id="no-customer"),
        pytest.param(("--accounts", "tory", "--plan"), 1, "did you mean toy?", id="unknown-account"),
        pytest.param(("--customer", "toy", "--plan"), 2, "ACCOUNT=ID", id="no-id"),
        pytest.param(("--accounts", "toy,toy", "--plan"), 2, "twice", id="twice"),
        pytest.param(("--customer", f"toy={CUSTOMER}"), 2, "--out DIR", id="no-folder"),
        pytest.param(
            ("--customer", f"toy={CUSTOMER}", "--yes", "--out", "/dev/null/x"), 1, "name another folder", id="no-place"
        ),
        pytest.param(("--weights", "none.toml", "--out", "x"), 1, "cannot be read", id="no-weights"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(desk: Desk, arguments: tuple[str, ...], status: int, told: str) -> None:
    """No traceback, and nothing is sent."""
    done = desk.run("evaluate", *arguments)
    assert done.returncode == status
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert desk.box.requests == ()


def test_a_production_account_needs_the_words(desk: Desk) -> None:
    """The refusal says them."""
    text = desk.config.read_text("utf-8")
    desk.config.write_text(text.replace("base_url =", 'environment = "production"\nbase_url ='), "utf-8")
    done = desk.run("evaluate", "--customer", f"toy={CUSTOMER}", "--out", str(desk.folder / "out"), "--yes")
    assert done.returncode == 1
    assert "--production-accounts-make-real-wallets" in done.stderr
    assert desk.box.requests == ()


def test_ctrl_c_writes_what_was_measured_so_far(shell: Shell, tmp_path: Path) -> None:
    """The report is there, says that it is incomplete, and so does the exit status."""
    running = shell.start("evaluate", "--accounts", "conduit", "--samples", "9999", "--out", str(tmp_path / "out"))
    assert running.stderr is not None
    for line in running.stderr:
        if "creates" in line:
            break
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=25)
    assert running.returncode == 130
    assert "This is incomplete" in out
    report = read_report(tmp_path / "out" / "report.json")
    assert report.conditions.stopped_by == "an interrupt"
    assert "This report is incomplete" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_two_reports_are_compared_and_what_is_no_report_is_refused(shell: Shell, tmp_path: Path) -> None:
    """The rule by which something has changed is told with it."""
    with Sandbox([Toy]) as box:
        report = evaluate(subjects_of(box), Work(samples=5, max_requests=40))
    path = tmp_path / "report.json"
    path.write_text(report_json(report), "utf-8")
    told = json.loads(shell.run("evaluate", "--compare", str(path), str(path), "--json").stdout)
    assert "Mann-Whitney" in told["rule"]
    assert {change["what"] for change in told["changes"]} >= {"create time", "create success", "same_key"}
    assert {change["verdict"] for change in told["changes"]} <= {"same", "noise", "too few"}
    shown = shell.run("evaluate", "--compare", str(path), str(path))
    assert "Holm" in shown.stdout
    assert "Beware: the old report is incomplete" in shown.stdout
    refused = shell.run("evaluate", "--compare", str(path), str(tmp_path / "toy.html"))
    assert refused.returncode == 1
    assert "cannot be read" in refused.stderr


def test_the_schema_is_printed(shell: Shell) -> None:
    """For whoever reads reports with other tools."""
    assert json.loads(shell.run("evaluate", "--schema").stdout) == schema()
