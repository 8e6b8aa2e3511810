"""The kit as a pytest class: nothing can be left out, replaced or skipped without a failure, wherever it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.toy import Toy
from walletport.errors import ConfigurationError
from walletport.provider import WalletProvider
from walletport.testing import SCENARIOS, ProviderConformance, Subject, run

ROOT = Path(__file__).resolve().parents[3]
PLAYED = sum(len(scenario.modes) for scenario in SCENARIOS)
PLUGIN = """
from tests.support.toy import Toy
from walletport.testing import ProviderConformance, Subject

class TestToy(ProviderConformance):
    def subject(self):
        return Subject(provider=Toy)
"""


def pytest_elsewhere(folder: Path, text: str, *options: str) -> tuple[int, str]:
    """Run a test file in a folder of its own, with pytest and no plugin besides, and no socket to anywhere."""
    (folder / "test_plugin.py").write_text(text)
    (folder / "conftest.py").write_text(NO_NETWORK)
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    environment.pop("PYTEST_ADDOPTS", None)
    bare = ("-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir=.")
    command = [sys.executable, "-m", "pytest", *bare, *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


NO_NETWORK = """
import socket

def refuse(self, address):
    raise AssertionError(f"somebody connects to {address}")

socket.socket.connect = refuse
"""


def test_the_kit_runs_outside_of_this_repository(tmp_path: Path) -> None:
    """With nothing but pytest, without a network, and with a line that says what was played."""
    status, told = pytest_elsewhere(tmp_path, PLUGIN)
    assert status == 0, told
    assert f"{PLAYED + 1} passed" in told
    assert f"toy: {len(SCENARIOS)} of {len(SCENARIOS)} scenarios passed, with the denial of" in told
    assert "rotate_wallet" in told
    assert "skipped" not in told


def test_a_failure_says_what_should_be_true_and_what_was(tmp_path: Path) -> None:
    """In two sentences and without a traceback of the kit's."""
    wrong = PLUGIN.replace(
        "class TestToy",
        "class Wrong(Toy):\n"
        "    def get_balances(self, wallet):\n"
        "        yield from super().get_balances(wallet)\n"
        "        return ()\n\n"
        "class TestToy",
    ).replace("provider=Toy", "provider=Wrong")
    status, told = pytest_elsewhere(tmp_path, wrong, "-k", "a_balance_is_exact and async")
    assert status == 1
    assert "To the last digit, as a decimal, in whole units of the asset." in told
    assert "the wallet holds one balance of usdc, and 0 were told" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "dodge",
    [
        "import pytest\nTestToy.test_a_balance_is_exact = pytest.mark.skip(TestToy.test_a_balance_is_exact)",
        "import pytest\npytestmark = []\nTestToy.test_a_balance_is_exact = None",
        "del ProviderConformance.test_a_balance_is_exact",
    ],
    ids=["skipped", "emptied", "deleted"],
)
def test_a_scenario_that_was_taken_away_is_missed(tmp_path: Path, dodge: str) -> None:
    """By the last test of the class."""
    status, told = pytest_elsewhere(tmp_path, PLUGIN + dodge, "-k", "left_out or balance")
    assert status == 1
    assert "left out of the kit:" in told
    assert "test_a_balance_is_exact" in told


def test_a_scenario_that_is_not_chosen_is_missed(tmp_path: Path) -> None:
    """Choosing some leaves the others out, and a run that keeps the last test says so."""
    status, told = pytest_elsewhere(tmp_path, PLUGIN, "-k", "not webhook")
    assert status == 1
    assert "left out of the kit: test_a_webhook" in told.replace("test_a_rejected_webhook_tells_no_secret[sync], ", "")


def test_one_scenario_can_be_run_by_itself(tmp_path: Path) -> None:
    """Which is how a fault is mended."""
    status, told = pytest_elsewhere(tmp_path, PLUGIN, "-k", "a_balance_is_exact")
    assert status == 0, told
    assert "2 passed" in told


@pytest.mark.parametrize("name", ["test_a_balance_is_exact", "test_nothing_was_left_out", "_summary"])
def test_a_scenario_cannot_be_replaced(name: str) -> None:
    """Not even by nothing, and not further down."""

    class Own(ProviderConformance):
        def subject(self) -> Subject:
            return Subject(Toy)

        def test_of_its_own(self) -> None: ...

    other = type("Other", (), {name: None})
    for bases, body in (((ProviderConformance,), {name: None}), ((Own,), {name: None}), ((other, Own), {})):
        with pytest.raises(ConfigurationError, match=f"replaces {name}: the kit's scenarios stay as they are"):
            type("Cheat", bases, body)


def test_a_class_that_fills_nothing_in_is_told_what_to_write() -> None:
    """By the name of the method."""

    class Empty(ProviderConformance): ...

    with pytest.raises(ConfigurationError, match=r"def subject\(self\): return Subject\(provider=\.\.\.\)"):
        Empty().subject()


def test_a_provider_without_emulator_is_told_what_to_write() -> None:
    """Without a vendor to talk to nothing can be judged."""

    class Alone(Toy):
        emulator = WalletProvider.emulator

    with pytest.raises(ConfigurationError, match=r"has no emulator: return one from emulator\(\)"):
        Subject(Alone).emulator_type()
    assert Subject(Alone, emulator=Toy.emulator()).emulator_type() is Toy.emulator()
    report = run(Subject(Alone), SCENARIOS[:1])
    assert "has no emulator" in str(report.results[0].problem)


def test_a_report_says_what_was_played_and_what_is_wrong() -> None:
    """A line that counts, then one for each failure."""

    class Hasty(Toy):
        def classify(self, request, response):
            error = super().classify(request, response)
            if error is not None and response.status == 429:
                error.retry_after = 0.0
            return error

    report = run(Subject(Hasty), modes=("sync",))
    first, *others = str(report).splitlines()
    assert first == f"toy: {len(SCENARIOS)} scenarios, 6 of them as denials, 2 failed"
    assert [line.split(":")[0] for line in others] == [
        "  too_many_requests_say_how_long_to_wait [sync]",
        "  the_wait_a_vendor_asks_for_is_kept [sync]",
    ]


def test_an_adapter_that_breaks_is_a_finding() -> None:
    """Whatever it raises, the run goes on."""

    class Broken(Toy):
        def __init__(self, settings):
            raise ZeroDivisionError

    report = run(Subject(Broken), modes=("sync",))
    assert len(report.failed) > 60
    assert "ZeroDivisionError" in str(report)
