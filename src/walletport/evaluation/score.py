"""A score, where the reader says what counts for how much; without that there is none."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from walletport.capabilities import ABILITIES, Answer
from walletport.errors import ConfigurationError
from walletport.evaluation.plan import QUESTIONS
from walletport.evaluation.report import AccountReport, Criterion, Report, Score, Timing, Verdict
from walletport.settings import dotted, unknown_name

_BY_ANSWER: Final = {Answer.YES: 1.0, Answer.DEPENDS: 0.5}
_BY_TIMING: Final[Mapping[str, Callable[[Timing], float | None]]] = {
    "p50": lambda timing: None if timing.p50 is None else timing.p50.value,
    "p95": lambda timing: None if timing.p95 is None else timing.p95.value,
    "p99": lambda timing: None if timing.p99 is None else timing.p99.value,
}
_NO_POINTS: Final = ("request_ids", "rate_limit")  # nobody promised anything, so nothing holds or breaks
_KINDS: Final = ("create", "ready", "read", "list")


def read_weights(path: Path) -> dict[str, float]:
    """Read the reader's weights: a TOML file with one table, ``[weights]``, of criteria and numbers.

    Raises:
        ConfigurationError: it cannot be read, a weight is no number of at least 0, or a criterion is not known.
    """
    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror or 'it is no file'}): name a TOML file with [weights]"
        raise ConfigurationError(msg) from None
    except ValueError:
        msg = f"{path} is not TOML in UTF-8: write [weights], and below it lines such as create_p50 = 2"
        raise ConfigurationError(msg) from None
    weights = table.get("weights")
    if not isinstance(weights, dict) or not weights or len(table) > 1:
        msg = f"{path} must hold one table: write [weights], and below it lines such as create_p50 = 2"
        raise ConfigurationError(msg)
    wrong = [name for name, weight in weights.items() if not _is_weight(weight)]
    if wrong or not any(weights.values()):
        place = dotted("weights", wrong[0]) if wrong else "weights"
        msg = f"{path}: {place}: must be a number from 0, and one of them above 0: write same_key = 2"
        raise ConfigurationError(msg)
    known = criteria()
    lines = [
        f"{path}: weights.{dotted(name)}: {unknown_name(name, known, 'criterion')}"
        for name in weights
        if name not in known
    ]
    if lines:
        raise ConfigurationError("\n".join(lines))
    return {name: float(weight) for name, weight in weights.items()}


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def criteria() -> list[str]:
    """Return everything that can be given a weight."""
    timed = [f"{kind}_{figure}" for kind in _KINDS for figure in (*_BY_TIMING, "success")]
    return [*timed, *(kind for kind in QUESTIONS if kind not in _NO_POINTS), *ABILITIES]


def with_score(report: Report, weights: Mapping[str, float]) -> Report:
    """Return the report with a score.

    A duration gets the ratio of the best account's to this one's; a success rate its value; a finding that holds 1
    and every other 0; an ability 1 for *yes*, 0.5 for *depends*, else 0. What nobody looked at counts as 0.

    Args:
        report: the report.
        weights: by criterion.
    """
    made = tuple(Criterion(name=name, weight=weight, points=_points(report, name)) for name, weight in weights.items())
    whole = sum(weights.values())
    totals = {
        account.name: min(100.0, 100 * sum(one.weight * (one.points[account.name] or 0.0) for one in made) / whole)
        for account in report.accounts
    }
    return report.model_copy(update={"score": Score(criteria=made, totals=totals)})


def _points(report: Report, name: str) -> dict[str, float | None]:
    kind, _, figure = name.rpartition("_")
    if kind in _KINDS and figure in _BY_TIMING:
        return _against_the_best(report, kind, _BY_TIMING[figure])
    return {account.name: _own_points(account, name) for account in report.accounts}


def _own_points(account: AccountReport, name: str) -> float | None:
    kind, _, figure = name.rpartition("_")
    if kind in _KINDS and figure == "success":
        timing = account.timings.get(kind)
        return None if timing is None or timing.success is None else timing.success.value
    if name in account.abilities:
        return _BY_ANSWER.get(account.abilities[name].answer, 0.0)
    found = account.finding(name)
    if found is None or found.verdict is Verdict.NOT_TRIED:
        return None
    return 1.0 if found.verdict is Verdict.HOLDS else 0.0


def _against_the_best(report: Report, kind: str, figure: Callable[[Timing], float | None]) -> dict[str, float | None]:
    values = {
        account.name: figure(account.timings[kind]) if kind in account.timings else None for account in report.accounts
    }
    best = min((value for value in values.values() if value is not None), default=0.0)
    return {name: None if value is None else best / value if value else 1.0 for name, value in values.items()}
