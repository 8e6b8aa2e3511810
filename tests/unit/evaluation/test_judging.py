"""Statistics, comparison and score: figures that a person can check by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletport.errors import ConfigurationError
from walletport.evaluation.compare import compare
from walletport.evaluation.findings import of_latency
from walletport.evaluation.report import AccountReport, Finding, Report, Timing, Verdict
from walletport.evaluation.score import read_weights, with_score
from walletport.evaluation.statistics import holm, quantiles, rate

# --- statistics -------------------------------------------------------------------------------------------------


def test_a_success_rate_has_wilsons_interval() -> None:
    """19 of 20, by the formula: (p + z2/2n +- z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n) with z = 1.95996."""
    found = rate(19, 20)
    assert (found.value, found.low, found.high) == pytest.approx((0.95, 0.763869, 0.991119), abs=1e-5)


@given(st.lists(st.floats(0.0001, 100), min_size=1, max_size=40), st.integers(0, 5))
def test_a_quantile_lies_in_its_interval_and_the_seed_repeats_it(samples: list[float], seed: int) -> None:
    """Whatever was measured; with fewer than five samples there is no interval to believe in."""
    found = quantiles(samples, (0.5, 0.99), seed)
    assert found == quantiles(samples, (0.5, 0.99), seed)
    for one in found:
        assert (one.low is None) is (len(samples) < 5)
        if one.low is not None and one.high is not None:
            assert min(samples) - 1e-9 <= one.low <= one.value <= one.high <= max(samples) + 1e-9


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_keeps_the_order_and_never_makes_a_p_value_smaller(values: list[float]) -> None:
    """And the smallest is multiplied by how many there are."""
    corrected = holm(values)
    assert all(value <= after <= 1 for value, after in zip(values, corrected, strict=True))
    ranked = [after for _, after in sorted(zip(values, corrected, strict=True))]
    assert ranked == sorted(ranked)
    if values:
        assert min(corrected) == min(1.0, min(values) * len(values))


# --- comparison -------------------------------------------------------------------------------------------------


def changed(report: Report, **timings: Timing) -> Report:
    account = report.accounts[0].model_copy(update={"timings": timings})
    return report.model_copy(update={"accounts": (account,)})


def timing(*samples: float, failed: int = 0) -> Timing:
    made = quantiles(samples, (0.5,), 0)[0]
    return Timing(attempts=len(samples) + failed, samples=samples, p50=made, errors={"ConnectionLost": failed})


def verdicts(old: Report, new: Report) -> dict[str, str]:
    return {change.what: change.verdict for change in compare(old, new).changes}


def test_a_report_compared_with_itself_has_not_changed(report: Report) -> None:
    """Every duration is noise and every verdict the same."""
    assert set(verdicts(report, report).values()) <= {"same", "noise"}


def test_a_clear_shift_has_changed_and_a_slight_one_is_noise(report: Report) -> None:
    """Thirty samples ten times as slow; thirty samples of which a few moved."""
    usual = [0.010 + 0.0001 * number for number in range(30)]
    base = changed(report, create=timing(*usual))
    slower = changed(report, create=timing(*(10 * sample for sample in usual)))
    jitter = changed(report, create=timing(*(sample + 0.0002 for sample in usual)))
    assert verdicts(base, slower)["create time"] == "changed"
    assert verdicts(base, jitter)["create time"] == "noise"


def test_lost_answers_have_changed_the_success_rate_only_where_they_are_many(report: Report) -> None:
    """One failure in thirty is noise by Fisher's test; fifteen are not."""
    base = changed(report, create=timing(*[0.01] * 30))
    assert verdicts(base, changed(report, create=timing(*[0.01] * 29, failed=1)))["create success"] == "noise"
    assert verdicts(base, changed(report, create=timing(*[0.01] * 15, failed=15)))["create success"] == "changed"


def test_a_verdict_that_is_another_one_has_changed(report: Report) -> None:
    """And which undocumented thing was seen counts too."""

    def with_findings(*findings: Finding) -> Report:
        account = report.accounts[0].model_copy(update={"findings": findings})
        return report.model_copy(update={"accounts": (account,)})

    def drift(what: str, count: int) -> Finding:
        sentence = f"an undocumented field at {what} (seen {count} times)"
        return Finding(kind="drift", verdict=Verdict.UNDECLARED, sentence=sentence)

    holds = with_findings(Finding(kind="same_key", verdict=Verdict.HOLDS, sentence=""))
    broken = with_findings(Finding(kind="same_key", verdict=Verdict.BROKEN, sentence=""))
    untried = with_findings(Finding(kind="same_key", verdict=Verdict.NOT_TRIED, sentence=""))
    assert verdicts(holds, broken)["same_key"] == "changed"
    assert verdicts(holds, untried)["same_key"] == "too few"
    assert verdicts(with_findings(drift("a", 3)), with_findings(drift("a", 5)))["drift"] == "same"
    assert verdicts(with_findings(drift("a", 3)), with_findings(drift("b", 3)))["drift"] == "changed"


def test_what_only_one_report_has_and_what_makes_them_hard_to_compare_is_said(report: Report) -> None:
    """Another place, an incomplete run, an account that is new."""
    one = report.model_copy(update={"accounts": report.accounts[:1]})
    conditions = report.conditions.model_copy(update={"from_where": "elsewhere", "stopped_by": "the time limit"})
    found = compare(one, report.model_copy(update={"conditions": conditions}))
    assert {change.verdict for change in found.changes if change.account == "calm"} == {"only in the new"}
    assert any("elsewhere" in warning for warning in found.warnings)
    assert any("incomplete" in warning for warning in found.warnings)


# --- score ------------------------------------------------------------------------------------------------------


def test_a_score_is_the_weighted_mean_of_points_that_can_be_checked(report: Report) -> None:
    """The fastest gets 1, one half as fast 0.5; a probe that broke gets 0; a twentieth lost gets 0.95."""

    def account(name: str, *samples: float, verdict: Verdict) -> AccountReport:
        one = timing(*samples)
        return report.accounts[0].model_copy(
            update={
                "name": name,
                "timings": {"create": one.model_copy(update={"success": rate(19, 20)})},
                "findings": (Finding(kind="same_key", verdict=verdict, sentence=""),),
            }
        )

    both = (account("fast", 0.01, verdict=Verdict.BROKEN), account("slow", 0.02, verdict=Verdict.HOLDS))
    score = with_score(
        report.model_copy(update={"accounts": both}), {"create_p50": 1, "same_key": 2, "create_success": 1}
    ).score
    assert score is not None
    assert score.totals == pytest.approx({"fast": 100 * (1 + 0 + 0.95) / 4, "slow": 100 * (0.5 + 2 + 0.95) / 4})


def test_what_was_not_tried_is_no_point_and_is_named(report: Report) -> None:
    """It counts as 0, and the table says that nobody looked."""
    account = report.accounts[0].model_copy(
        update={"findings": (Finding(kind="same_key", verdict=Verdict.NOT_TRIED, sentence=""),)}
    )
    score = with_score(report.model_copy(update={"accounts": (account,)}), {"same_key": 1}).score
    assert score is not None
    assert score.criteria[0].points == {account.name: None}
    assert score.totals == {account.name: 0.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[weights", "is not TOML"),
        ("same_key = 1", "must hold one table"),
        ("[weights]", "must hold one table"),
        ("[weights]\nsame_key = -1", "weights.same_key"),
        ("[weights]\nsame_key = true", "weights.same_key"),
        ("[weights]\nsame_key = nan", "weights.same_key"),
        ("[weights]\nsame_key = 0", "above 0"),
        ("[weights]\nsame_kee = 1", "did you mean same_key"),
        ("[weights]\nrequest_ids = 1", "no such criterion"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(text: str, told: str, tmp_path: Path) -> None:
    """One sentence with what to write."""
    path = tmp_path / "weights.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=told):
        read_weights(path)


def test_weights_are_read_and_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Whole numbers and fractions alike."""
    path = tmp_path / "weights.toml"
    path.write_text("[weights]\ncreate_p50 = 1.5\nsame_key = 5\n", "utf-8")
    assert read_weights(path) == {"create_p50": 1.5, "same_key": 5.0}
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_weights(tmp_path / "none.toml")


# --- slowness ---------------------------------------------------------------------------------------------------


def timed(report: Report, median: float) -> AccountReport:
    return changed(report, create=timing(*[median] * 5)).accounts[0]


@pytest.mark.parametrize(
    ("mine", "others", "slow", "verdict"),
    [
        pytest.param(0.5, (0.1,), None, Verdict.STANDS_OUT, id="five-times-the-other"),
        pytest.param(0.25, (0.1,), None, Verdict.HOLDS, id="not-three-times"),
        pytest.param(0.05, (0.001,), None, Verdict.HOLDS, id="fifty-times-of-nothing"),
        pytest.param(0.5, (), None, Verdict.OBSERVED, id="nothing-to-hold-it-against"),
        pytest.param(0.5, (), 0.4, Verdict.STANDS_OUT, id="above-the-readers-limit"),
        pytest.param(0.3, (), 0.4, Verdict.HOLDS, id="within-the-readers-limit"),
        pytest.param(0.5, (0.5,), 0.4, Verdict.STANDS_OUT, id="slow-as-all-and-above-the-limit"),
    ],
)
def test_a_slow_account_stands_out_against_the_others_or_the_readers_limit(
    report: Report, mine: float, others: tuple[float, ...], slow: float | None, verdict: Verdict
) -> None:
    """Three times the others' median and 0.1 s longer; a limit counts whatever the others do."""
    found = of_latency(timed(report, mine), [timed(report, other) for other in others], slow)
    assert found.verdict is verdict
