"""Two reports side by side: what changed, and whether it is more than noise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

from walletport.evaluation.report import AccountReport, Finding, Report, Timing, Verdict
from walletport.evaluation.statistics import ALPHA, holm, share_p, shift_p
from walletport.evaluation.words import number
from walletport.models import Model

RULE: Final = (
    f"A duration has changed where the Mann-Whitney U test says so, a success rate where Fisher's exact test does: "
    f"p below {ALPHA:g}, two-sided, corrected by Holm's method for the number of tests in this comparison. Everything "
    "else is noise. A verdict either changed or did not, where it was looked at both times."
)
_FEWEST: Final = 5


class Change(Model):
    """One measurement or verdict, before and after.

    Args:
        account: whose.
        what: which measurement (``create time``, ``create success``) or which kind of finding.
        old: as it was, in words.
        new: as it is.
        test: which test was made; ``None`` for what needs none.
        p: how likely such a difference is by chance alone, corrected; ``None`` where no test was made.
        verdict: whether it changed; ``too few`` where there is too little to tell.
    """

    account: str
    what: str
    old: str
    new: str
    test: str | None = None
    p: float | None = None
    verdict: Literal["changed", "noise", "same", "too few", "only in the old", "only in the new"]


class Comparison(Model):
    """What changed between two reports.

    Args:
        rule: when something counts as changed.
        warnings: why the two may not be comparable.
        changes: everything that both have, and what only one has.
    """

    rule: str = RULE
    warnings: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


def compare(old: Report, new: Report) -> Comparison:
    """Return what changed."""
    before, after = _by_name(old), _by_name(new)
    changes: list[Change] = []
    for name in (*before, *(name for name in after if name not in before)):
        if name not in after:
            changes.append(Change(account=name, what="account", old="there", new="-", verdict="only in the old"))
        elif name not in before:
            changes.append(Change(account=name, what="account", old="-", new="there", verdict="only in the new"))
        else:
            changes += _measured(name, before[name].timings, after[name].timings)
            changes += _found(name, before[name], after[name])
    return Comparison(warnings=tuple(_warnings(old, new)), changes=tuple(_corrected(changes)))


def _by_name(report: Report) -> dict[str, AccountReport]:
    return {account.name: account for account in report.accounts}


def _warnings(old: Report, new: Report) -> Iterator[str]:
    before, after = _by_name(old), _by_name(new)
    for name, account in before.items():
        other = after.get(name)
        if other is not None and (account.provider, account.where) != (other.provider, other.where):
            told = [f"{one.provider}, {one.where}" for one in (account, other)]
            yield f"{name} was not the same thing in both: {told[0]}; {told[1]}"
    if old.conditions.from_where != new.conditions.from_where:
        yield f"measured from different places: {old.conditions.from_where}; {new.conditions.from_where}"
    for report, which in ((old, "old"), (new, "new")):
        if not report.complete:
            yield f"the {which} report is incomplete"


def _measured(name: str, old: Mapping[str, Timing], new: Mapping[str, Timing]) -> Iterator[Change]:
    for kind in (*old, *(kind for kind in new if kind not in old)):
        before, after = old.get(kind), new.get(kind)
        if before is None or after is None:
            which: Literal["only in the old", "only in the new"] = (
                "only in the new" if before is None else "only in the old"
            )
            yield Change(account=name, what=f"{kind} time", old=_time(before), new=_time(after), verdict=which)
            continue
        yield _duration(name, kind, before, after)
        yield _success(name, kind, before, after)


def _duration(name: str, kind: str, old: Timing, new: Timing) -> Change:
    enough = min(len(old.samples), len(new.samples)) >= _FEWEST
    return Change(
        account=name,
        what=f"{kind} time",
        old=_time(old),
        new=_time(new),
        test="Mann-Whitney U" if enough else None,
        p=shift_p(old.samples, new.samples) if enough else None,
        verdict="noise" if enough else "too few",
    )


def _success(name: str, kind: str, old: Timing, new: Timing) -> Change:
    counts = [(len(one.samples), one.attempts - len(one.samples)) for one in (old, new)]
    enough = min(old.attempts, new.attempts) >= _FEWEST
    return Change(
        account=name,
        what=f"{kind} success",
        old=f"{counts[0][0]} of {old.attempts}",
        new=f"{counts[1][0]} of {new.attempts}",
        test="Fisher's exact" if enough else None,
        p=share_p(*counts) if enough else None,
        verdict="noise" if enough else "too few",
    )


def _time(timing: Timing | None) -> str:
    if timing is None or timing.p50 is None:
        return "-"
    return f"median {number(timing.p50.value * 1000)} ms of {len(timing.samples)}"


def _found(name: str, old: AccountReport, new: AccountReport) -> Iterator[Change]:
    kinds = dict.fromkeys(found.kind for account in (old, new) for found in account.findings)
    for kind in kinds:
        before, after = (_verdicts(one.findings, kind) for one in (old, new))
        looked = not {before, after} & {"-", Verdict.NOT_TRIED.value}
        changed: Literal["changed", "too few"] = "changed" if looked else "too few"
        yield Change(account=name, what=kind, old=before, new=after, verdict="same" if before == after else changed)


def _verdicts(found: Iterable[Finding], kind: str) -> str:
    """Return what a kind of finding came to; undocumented things are named, because one may replace another."""
    same = [one for one in found if one.kind == kind]
    if kind == "drift" and any(one.verdict.is_fault for one in same):
        return "; ".join(sorted(one.sentence.partition(" (seen")[0] for one in same))
    return ", ".join(dict.fromkeys(one.verdict.value for one in same)) or "-"


def _corrected(changes: list[Change]) -> Iterator[Change]:
    """Correct all p-values for their number, and judge by them."""
    corrected = iter(holm([change.p for change in changes if change.p is not None]))
    for change in changes:
        if change.p is None:
            yield change
            continue
        p = next(corrected)
        yield change.model_copy(update={"p": p, "verdict": "changed" if p < ALPHA else "noise"})
