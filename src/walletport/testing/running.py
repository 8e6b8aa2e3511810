"""Plays scenarios, one or all, and reports what was played."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from walletport.testing import denials
from walletport.testing.bench import Bench, fail
from walletport.testing.catalogue import SCENARIOS
from walletport.testing.scenario import BOTH
from walletport.testing.vendor import Runaway

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from walletport.testing.scenario import Mode, Scenario
    from walletport.testing.subject import Subject


@dataclass(frozen=True)
class Result:
    """One scenario that was played.

    Args:
        scenario: its name.
        mode: with which client.
        part: ``works``, or which ability is denied, as in ``rotate_wallet is denied``.
        problem: what is wrong; ``None`` where nothing is.
    """

    scenario: str
    mode: Mode
    part: str
    problem: str | None


@dataclass(frozen=True)
class Report:
    """What a run of the whole kit found.

    Args:
        provider: the provider's name.
        results: one for each scenario and client.
    """

    provider: str
    results: tuple[Result, ...]

    @property
    def failed(self) -> frozenset[str]:
        """The names of the scenarios that failed, with either client."""
        return frozenset(result.scenario for result in self.results if result.problem is not None)

    def __str__(self) -> str:
        """Return a line for each scenario that failed, below one that counts."""
        denied = len({result.scenario for result in self.results if result.part != "works"})
        played = len({result.scenario for result in self.results})
        head = f"{self.provider}: {played} scenarios, {denied} of them as denials, {len(self.failed)} failed"
        lines = [f"  {one.scenario} [{one.mode}]: {one.problem}" for one in self.results if one.problem is not None]
        return "\n".join([head, *lines])


def run(subject: Subject, scenarios: Iterable[Scenario] = SCENARIOS, modes: Iterable[Mode] = BOTH) -> Report:
    """Play the whole kit and return what it found; nothing is raised for a failure.

    Args:
        subject: what is put to the test.
        scenarios: those to play; all by default.
        modes: the clients to play them with; a scenario that sends nothing is played with ``sync`` alone.
    """
    wanted = tuple(modes)
    played = [_result(subject, scenario, mode) for scenario in scenarios for mode in scenario.modes if mode in wanted]
    return Report(subject.provider.name, tuple(played))


def _result(subject: Subject, scenario: Scenario, mode: Mode) -> Result:
    try:
        part, problem = play(subject, scenario, mode), None
    except Exception as error:  # noqa: BLE001 - whatever a stranger's adapter does wrong is the finding
        part = part_of(subject, scenario)
        problem = problem_of(error)
    return Result(scenario.name, mode, part, problem)


def problem_of(error: Exception) -> str:
    """Say what is wrong with the adapter: in the scenario's words, or in those of the error it ended in."""
    return str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"


def part_of(subject: Subject, scenario: Scenario) -> str:
    """Say whether a scenario exercises what this provider can do, or that it denies it."""
    denied = scenario.denied(subject.provider.capabilities)
    return "works" if denied is None else f"{denied} is denied"


def play(subject: Subject, scenario: Scenario, mode: Mode) -> str:
    """Play one scenario with one client.

    Raises:
        AssertionError: the adapter fails it; the message says how.
    """
    try:
        if mode == "async":
            asyncio.run(_play(subject, scenario, mode))
        else:
            _finish(_play(subject, scenario, mode))
    except Runaway as error:
        fail(str(error))
    return part_of(subject, scenario)


async def _play(subject: Subject, scenario: Scenario, mode: Mode) -> None:
    bench = Bench(subject, mode)
    denied = scenario.denied(bench.able)
    try:
        if denied is None:
            await scenario.play(bench)
        else:
            await denials.check(bench, denied)
    finally:
        await bench.close()


def _finish(coroutine: Coroutine[object, object, None]) -> None:
    """Run a coroutine that never waits for anything, with no event loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    msg = "a blocking client waited for an event loop"
    raise RuntimeError(msg)
