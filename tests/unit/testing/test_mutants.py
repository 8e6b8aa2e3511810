"""The kit notices what is wrong, and nothing else: each wrong adapter fails the scenarios that name its fault.

That the adapters which the wrong ones are made of fail nothing is `test_conformance_of_toys`.
"""

from __future__ import annotations

import pytest

from tests.support.toy import Toy
from tests.unit.testing import wrong_depots, wrong_orders, wrong_readings
from tests.unit.testing.mutants import MUTANTS, Mutant
from walletport.testing import SCENARIOS, Subject, run

WHERE = (wrong_orders, wrong_readings, wrong_depots)


def named(mutant: Mutant) -> str:
    return mutant.provider.__name__


@pytest.mark.parametrize("mutant", MUTANTS, ids=named)
def test_a_wrong_adapter_fails_the_scenarios_that_name_its_fault(mutant: Mutant) -> None:
    """Exactly those: with one client, because both drive the same flows."""
    report = run(mutant.subject, modes=("sync",))
    assert report.failed == mutant.noticed_by, f"{mutant.provider.__doc__}\n{report}"


@pytest.mark.parametrize("wrong", [wrong_orders.NewKeyForEachAttempt, wrong_readings.LosesTheLastPage])
def test_both_clients_notice_the_same(wrong: type[Toy]) -> None:
    """A scenario that fails with one fails with the other."""
    sync, awaited = (run(Subject(wrong), modes=(mode,)) for mode in ("sync", "async"))
    assert sync.failed == awaited.failed != frozenset()


def test_every_scenario_is_needed() -> None:
    """Each is the one, or among those, that notice some fault; one that no adapter can fail would prove nothing."""
    noticing = frozenset().union(*(mutant.noticed_by for mutant in MUTANTS))
    assert noticing == {scenario.name for scenario in SCENARIOS}


def test_every_wrong_adapter_says_what_is_wrong_with_it() -> None:
    """In one sentence of its own, and no two share a name."""
    assert all(mutant.provider.__module__ in {module.__name__ for module in WHERE} for mutant in MUTANTS)
    assert all((mutant.provider.__doc__ or "").endswith(".") for mutant in MUTANTS)
    assert len({named(mutant) for mutant in MUTANTS}) == len(MUTANTS)
