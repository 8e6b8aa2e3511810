"""Every provider that comes along is evaluated through what it declares, and its emulator comes out as it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from walletport.evaluation import AccountReport, Verdict, Work, evaluate, subjects_of
from walletport.plugins import providers
from walletport.provider.emulation import Emulator, IdempotencyMemory
from walletport.sandbox import Sandbox

NAMES = [one.name for one in providers() if one.distribution == "walletport"]


def memory(emulator: Emulator) -> IdempotencyMemory:
    """Return an emulator's memory of keys, whatever it calls it."""
    (found,) = (value for value in vars(emulator).values() if isinstance(value, IdempotencyMemory))
    return found


def evaluated(name: str, *, forgets: bool) -> AccountReport:
    with Sandbox([name]) as sandbox:
        emulator = sandbox.emulators[name]
        if hasattr(emulator, "activation_delay"):
            emulator.activation_delay = timedelta(0)
        if forgets:
            memory(emulator).window = timedelta(0)
        (account,) = evaluate(subjects_of(sandbox), Work(samples=2, ready_within=5)).accounts
    return account


@pytest.mark.parametrize("name", NAMES)
def test_an_emulator_that_does_as_documented_has_no_fault(name: str) -> None:
    """Everything is tried, nothing is wrong, and what it cannot do is called that."""
    account = evaluated(name, forgets=False)
    assert [f"{found.kind}: {found.sentence}" for found in account.faults] == []
    assert [found.kind for found in account.findings if found.verdict is Verdict.NOT_TRIED] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_vendor_that_forgets_keys_is_found_out(name: str) -> None:
    """Even where its refusal leads the adapter to the wallet that exists, so that no second one is made."""
    account = evaluated(name, forgets=True)
    found = account.finding("same_key")
    assert found is not None
    assert found.verdict is Verdict.BROKEN
    assert found.evidence
