from __future__ import annotations

import pytest

from tests.unit.evaluation.vendors import Calm, Prompt
from walletport.evaluation.plan import Work
from walletport.evaluation.report import Report
from walletport.evaluation.run import evaluate
from walletport.evaluation.subject import subjects_of
from walletport.sandbox import Sandbox


@pytest.fixture(scope="session")
def report() -> Report:
    """A report about two emulators."""
    with Sandbox([Prompt, Calm]) as sandbox:
        return evaluate(subjects_of(sandbox), Work(samples=6))
