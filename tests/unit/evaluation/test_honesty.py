"""Faults that were put in are named, each of them, and nothing else is."""

from __future__ import annotations

from typing import cast

import pytest

from tests.unit.evaluation.vendors import Calm, Faulty, FaultyEmulator
from walletport.evaluation.plan import Work
from walletport.evaluation.report import AccountReport, Verdict
from walletport.evaluation.run import evaluate
from walletport.evaluation.subject import subjects_of
from walletport.sandbox import Sandbox

WORK = Work(samples=12, ready_within=0.5)
# Whether a request is hit depends on the seed, the fault and its number alone, so this is the same in every run.
LOST = "drop-after:rate=0.05:method=POST:path=/wallets:provider=faulty"
LATE = "late:seconds=0.15:times=12:method=POST:path=/wallets:provider=faulty"


def run(*faults: str, forgets: bool = False, odd_status: str | None = None) -> dict[str, AccountReport]:
    with Sandbox([Calm, Faulty], faults=faults, seed=5) as sandbox:
        emulator = cast("FaultyEmulator", sandbox.emulators["faulty"])
        emulator.odd_status = odd_status
        if forgets:
            emulator.forget_keys()
        report = evaluate(subjects_of(sandbox), WORK)
    return {account.name: account for account in report.accounts}


def kinds(account: AccountReport) -> set[str]:
    return {found.kind for found in account.faults}


def test_without_faults_none_is_reported_and_everything_was_tried() -> None:
    """Both accounts come out clean, and not because nobody looked."""
    for account in run().values():
        assert [f"{found.kind}: {found.sentence}" for found in account.faults] == []
        assert [found.kind for found in account.findings if found.verdict is Verdict.NOT_TRIED] == []


@pytest.mark.parametrize(
    ("faults", "forgets", "odd_status", "named"),
    [
        pytest.param((LATE,), False, None, {"latency"}, id="latency"),
        pytest.param((LOST,), False, None, {"lost_answers"}, id="lost-answers"),
        pytest.param((), True, None, {"same_key", "key_window", "other_body", "concurrent"}, id="forgotten-keys"),
        pytest.param((), False, "hibernating", {"drift"}, id="undeclared-status"),
    ],
)
def test_each_fault_alone_is_named_and_nothing_besides(
    faults: tuple[str, ...], forgets: bool, odd_status: str | None, named: set[str]
) -> None:
    """One fault in one emulator leads to its own findings there, and to none at the other account."""
    accounts = run(*faults, forgets=forgets, odd_status=odd_status)
    assert kinds(accounts["calm"]) == set()
    found = kinds(accounts["faulty"])
    # A wallet in a status that nobody knows is no usable one, and that is said as well.
    assert named <= found <= named | ({"readiness"} if odd_status else set())


def test_all_faults_together_are_named_with_their_evidence() -> None:
    """Latency, lost answers, forgotten keys and an undeclared status at once: each has its sentence and its proof."""
    accounts = run(LOST, LATE, forgets=True, odd_status="hibernating")
    assert kinds(accounts["calm"]) == set()
    faulty = accounts["faulty"]
    assert {"latency", "lost_answers", "same_key", "drift"} <= kinds(faulty)
    sentences = {found.kind: found.sentence for found in faulty.faults}
    assert "hibernating" in sentences["drift"]
    assert "ConnectionLost" in sentences["lost_answers"]
    assert "made a second wallet" in sentences["same_key"]
    assert all(found.evidence for found in faulty.faults if found.kind != "latency")
