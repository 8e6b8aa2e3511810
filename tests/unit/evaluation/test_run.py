"""What an evaluation does, what it leaves alone, and what it says of what it did not do."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest

from tests.support.toy import CUSTOMER, KEY, Toy
from tests.unit.evaluation.vendors import Calm, Prompt
from walletport.config import Account
from walletport.errors import ConfigurationError
from walletport.evaluation.page import page_of
from walletport.evaluation.plan import Work, check_subjects, plan_lines
from walletport.evaluation.report import Report, Verdict
from walletport.evaluation.run import evaluate
from walletport.evaluation.subject import Subject, subjects_of
from walletport.pages import render
from walletport.sandbox import Sandbox

FEW = Work(samples=3)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([Prompt, Calm]) as running:
        yield running


def configured(sandbox: Sandbox, key: str = KEY, *customers: str) -> Subject:
    """Return an account as a configuration would give it: nothing is known of an emulator behind it."""
    account = Account.of("mine", Prompt, base_url=sandbox.base_url("toy"), key=key)
    return Subject(account, customers or (CUSTOMER,))


def verdicts(report: Report) -> dict[str, Verdict]:
    return {found.kind: found.verdict for found in report.accounts[0].findings}


# --- limits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 7, 40, 61])
def test_the_request_budget_is_never_passed_and_is_used_up(sandbox: Sandbox, most: int) -> None:
    """As many requests reach the vendors as were allowed, and not one more."""
    report = evaluate(subjects_of(sandbox), Work(samples=30, max_requests=most))
    assert len(sandbox.requests) == most == sum(account.requests for account in report.accounts)
    assert report.conditions.stopped_by == "the request budget"
    assert not report.complete


def test_the_budget_is_shared_so_that_the_last_account_is_not_starved(sandbox: Sandbox) -> None:
    """Each account gets its part, and what the first leaves over falls to the second."""
    report = evaluate(subjects_of(sandbox), Work(samples=10, max_requests=40))
    assert [account.requests for account in report.accounts] == [20, 20]
    assert all(account.timings["create"].samples for account in report.accounts)


def test_the_time_limit_ends_a_request_that_hangs() -> None:
    """What was measured before stays, and what was not reached is not tried."""
    with Sandbox([Prompt], faults=["late:seconds=600:method=GET:path=/wallets/"]) as sandbox:
        report = evaluate(subjects_of(sandbox), Work(samples=3, max_seconds=1.5))
    (account,) = report.accounts
    assert report.conditions.stopped_by == "the time limit"
    assert len(account.timings["create"].samples) == 3
    assert verdicts(report)["same_key"] is Verdict.NOT_TRIED
    assert "the time limit" in next(found.sentence for found in account.findings if found.kind == "same_key")


def test_an_interrupt_returns_what_was_measured_so_far(sandbox: Sandbox) -> None:
    """Ctrl-C in the middle of the first account: its samples stay, the second account was not tried."""

    def interrupt(_account: str, what: str, _done: int, _total: int) -> None:
        if what == "reads":
            signal.raise_signal(signal.SIGINT)  # in this thread: another one would leave it for later

    report = evaluate(subjects_of(sandbox), FEW, progress=interrupt)
    first, second = report.accounts
    assert report.conditions.stopped_by == "an interrupt"
    assert len(first.timings["create"].samples) == 3
    assert second.requests == 0
    assert {found.verdict for found in second.findings} == {Verdict.NOT_TRIED}


def test_no_more_wallets_are_made_than_were_announced(sandbox: Sandbox) -> None:
    """The plan's number is a bound, whatever is tried twice."""
    sandbox.faults.add("drop-after:rate=0.4:method=POST:path=/wallets")
    evaluate(subjects_of(sandbox), FEW)
    made = sandbox.wallets()
    assert all(0 < len(wallets) <= FEW.most_wallets for wallets in made.values())


# --- accounts of a configuration --------------------------------------------------------------------------------


def test_what_needs_an_emulator_is_not_tried_elsewhere_and_load_is_not_put_on_by_itself(sandbox: Sandbox) -> None:
    """Webhooks and the key's window have their reason; no read is sent with others in flight."""
    report = evaluate([configured(sandbox)], FEW)
    found = {one.kind: one for one in report.accounts[0].findings}
    for kind in ("webhook_signatures", "key_window"):
        assert found[kind].verdict is Verdict.NOT_TRIED
        assert found[kind].sentence
    assert found["same_key"].verdict is Verdict.HOLDS
    assert report.accounts[0].levels == ()
    assert "not tried" not in found["rate_limit"].verdict or "no load was tried" in found["rate_limit"].sentence


def test_load_is_put_on_a_configured_account_when_asked_for(sandbox: Sandbox) -> None:
    """It rises until the first 429, and stops there."""
    sandbox.faults.add("429:times=1:seconds=7:method=GET:path=/wallets/:rate=0.02")
    report = evaluate([configured(sandbox)], Work(samples=1, load=True))
    levels = report.accounts[0].levels
    assert levels[-1].too_many == 1
    assert all(level.too_many == 0 for level in levels[:-1])
    assert report.accounts[0].rate_limits.retry_after == ("7",)


def test_a_wrong_credential_is_tried_once_and_the_account_left_alone(sandbox: Sandbox) -> None:
    """Thirty orders with a key that is not accepted would only get an account locked."""
    report = evaluate([configured(sandbox, "toy_key_wrong_000000000000")], Work(samples=30))
    (account,) = report.accounts
    assert len(sandbox.requests) == 1
    assert "could not be used" in account.trouble
    assert "AuthenticationError" in account.trouble
    assert {found.verdict for found in account.findings} <= {Verdict.NOT_TRIED, Verdict.OBSERVED}
    assert not report.complete


def test_several_customers_take_turns(sandbox: Sandbox) -> None:
    """Each of the given customers gets wallets."""
    with sandbox.lock:
        others = [sandbox.emulators["toy"].add_customer() for _ in range(2)]
    evaluate([configured(sandbox, KEY, *others)], FEW)
    assert {wallet.customer_id for wallet in sandbox.wallets()["toy"]} == set(others)


def test_an_account_without_customers_is_refused_with_what_to_type() -> None:
    """Nothing is sent for it."""
    account = Account.of("mine", Toy, key=KEY)
    with pytest.raises(ConfigurationError, match="--customer mine=ID"):
        evaluate([Subject(account)], FEW)


def test_a_production_account_is_refused_unless_said_in_so_many_words() -> None:
    """The message says the words; with them it is allowed, and the plan says that wallets are real."""
    account = Account.of("live", Toy, environment="production", key=KEY)
    subject = Subject(account, ("c-1", "c-2"))
    with pytest.raises(ConfigurationError, match="--production-accounts-make-real-wallets"):
        evaluate([subject], FEW)
    check_subjects([subject], production=True)
    (line, _) = plan_lines([subject], FEW)
    assert f"at most {FEW.most_wallets} wallets at PRODUCTION" in line
    assert "2 of your customers" in line


def test_who_answered_is_told_apart() -> None:
    """The vendor's sandbox, the real thing, and whatever is at an address that is not the vendor's."""
    sandbox = Subject(Account.of("a", Toy, key=KEY))
    elsewhere = Subject(Account.of("b", Toy, base_url="http://127.0.0.1:1", key=KEY))
    real = Subject(Account.of("c", Toy, base_url="https://api.toy.example/toy/v1", key=KEY))
    assert [one.where for one in (sandbox, elsewhere, real)] == ["sandbox", "another address", "production"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"samples": 0}, "samples"),
        ({"max_requests": 0}, "max_requests"),
        ({"max_seconds": 0.0}, "max_seconds"),
        ({"max_seconds": float("nan")}, "max_seconds"),
        ({"ready_within": float("inf")}, "ready_within"),
        ({"slow": float("nan")}, "slow"),
    ],
)
def test_a_number_out_of_range_is_refused(wrong: dict[str, float], told: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match=told):
        Work(**wrong)  # type: ignore[arg-type]


# --- findings ---------------------------------------------------------------------------------------------------


def test_every_probe_has_its_finding_and_its_proof(report: Report) -> None:
    """On an emulator everything is tried, and whatever was sent stands as evidence."""
    for account in report.accounts:
        proved = {found.kind: found for found in account.findings}
        for kind in ("same_key", "key_window", "other_body", "concurrent", "findable", "wrong_chain"):
            assert proved[kind].verdict is Verdict.HOLDS, kind
            assert proved[kind].evidence, kind
        (wrong,) = proved["wrong_credential"].evidence
        assert wrong.status == 401
        assert any(one.thrown_away for one in proved["findable"].evidence)


def test_no_credential_is_in_a_report(report: Report) -> None:
    """Neither the key, nor a changed one, nor a token."""
    text = report.model_dump_json()
    assert KEY not in text
    assert KEY[:-8] not in text
    assert "toy_token_" not in text
    assert "authorization" not in text.lower()


def test_the_figures_are_those_of_the_samples(report: Report) -> None:
    """Nothing is smoothed: the median lies among the samples and inside its interval."""
    for account in report.accounts:
        for timing in account.timings.values():
            assert timing.p50 is not None
            assert min(timing.samples) <= timing.p50.value <= max(timing.samples) + 1e-6
            if timing.p50.low is not None and timing.p50.high is not None:
                assert timing.p50.low <= timing.p50.value <= timing.p50.high
        assert account.timings["create"].attempts == 6


def test_what_is_not_installed_is_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """Before the first request, not after the last."""
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ConfigurationError, match=r'needs scipy: pip install "walletport\[evaluate\]"'):
        evaluate(subjects_of(sandbox), FEW)
    assert sandbox.requests == ()


def test_orders_that_wait_for_approval_are_no_failures() -> None:
    """The provider took them; that there is no wallet yet is said, and nothing more is claimed."""
    with Sandbox(["conduit"]) as sandbox:
        vars(sandbox.emulators["conduit"])["approval_required"] = True
        (account,) = evaluate(subjects_of(sandbox), FEW).accounts
    assert [found.sentence for found in account.faults] == []
    found = {one.kind: one for one in account.findings}
    assert "3 orders wait for a person's approval" in found["failures"].sentence
    assert found["readiness"].verdict is Verdict.NOT_TRIED
    assert found["same_key"].verdict is Verdict.NOT_TRIED


def test_orders_that_give_the_same_wallet_again_are_counted() -> None:
    """With one customer a create is no more than a look-up where a provider keeps one wallet for each."""
    with Sandbox(["polygon-oms"]) as sandbox:
        customer = sandbox.emulators["polygon-oms"].default_customer
        subject = Subject(sandbox.account("polygon-oms"), (customer,))
        report = evaluate([subject], FEW)
    assert report.accounts[0].repeated == 2
    assert "More customers tell more" in render(page_of(report))
