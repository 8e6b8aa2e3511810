"""The state machine against a small vendor, in every order of outcomes, crashes and time that Hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import event as note
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from walletport.provisioning import machine
from walletport.provisioning.machine import ENDS, Impossible, Known, Policy, State, after, decide

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
MEMORY = timedelta(seconds=300)  # how long the vendor remembers a key
BUSY = timedelta(seconds=60)  # how long the vendor may still be at a request whose caller is gone
ATTEMPT = timedelta(seconds=10)  # how long one attempt can take, as its process sees it
RESEND = MEMORY * 0.8 - ATTEMPT
SETTLE = BUSY + ATTEMPT
SECOND = timedelta(seconds=1)
ENOUGH = 150  # steps to any end, once nothing goes wrong any more
LOST = ("lost", "applied", "crash", "stopped")


@dataclass
class Vendor:
    """Remembers keys for a while, and makes one more wallet for each key it does not remember."""

    replays_failures: bool = False
    wallets: int = 0
    remembered: dict[int, tuple[datetime, str]] = field(default_factory=dict)
    at_work: list[tuple[datetime, int]] = field(default_factory=list)

    def handle(self, key: int, now: datetime, ends: str = "made") -> str:
        """Carry out a create, which ends in a wallet, in a failure or in an approval, and say in which."""
        first_seen, known = self.remembered.get(key, (now, ""))
        if known and now < first_seen + MEMORY:
            return known
        if ends != "failed" or self.replays_failures:
            self.remembered[key] = now, ends
        self.wallets += ends == "made"
        return ends

    def work(self, now: datetime) -> None:
        """Do what was asked for earlier and is due by now."""
        due = sorted(item for item in self.at_work if item[0] <= now)
        self.at_work = [item for item in self.at_work if item[0] > now]
        for at, key in due:
            self.handle(key, at)


class OneOrder(RuleBasedStateMachine):
    """Carries one order out as the program does, with a vendor and a world that do their worst."""

    @initialize(can_find=st.booleans(), keys_help=st.booleans(), replays_failures=st.booleans())
    def begin(self, can_find: bool, keys_help: bool, replays_failures: bool) -> None:
        resend = RESEND if keys_help else timedelta(0)
        repeats = 5 if can_find else 20
        self.policy = Policy(resend_within=resend, can_find=can_find, settle=SETTLE, most_repeats=repeats)
        self.known = Known()
        self.now = START
        self.vendor = Vendor(replays_failures)
        self.first_sent: dict[int, datetime] = {}
        self.in_doubt: set[int] = set()  # keys of which nobody can say whether they made a wallet
        self.late_answers = 0  # of processes that were taken for dead

    def happen(self, event: machine.Event) -> None:
        self.known = after(self.known, event, self.policy)

    def action(self) -> machine.Action:
        return decide(self.known, self.policy, self.now)

    def pass_time(self, span: timedelta) -> None:
        self.now += span
        self.vendor.work(self.now)

    @rule(seconds=st.sampled_from([0, 1, 20, 61, 69, 71, 179, 229, 299, 301, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.pass_time(timedelta(seconds=seconds))

    @precondition(lambda self: isinstance(self.action(), machine.Wait))
    @rule()
    def it_is_waited(self) -> None:
        self.pass_time(self.action().until - self.now)

    @precondition(lambda self: isinstance(self.action(), machine.Send))
    @rule(
        what=st.sampled_from(["made", "refused", "refused for good", "moved", "failed", "approval", *LOST]),
        reaches=st.booleans(),
        delay=st.integers(0, 69),
        takes=st.integers(0, 10),
        wait=st.sampled_from([0, 1, 30, 400]),
    )
    def it_is_sent(self, what: str, reaches: bool, delay: int, takes: int, wait: int) -> None:
        self.start()
        key, began = self.known.generation, self.now
        note(f"{what}, generation {min(key, 3)}, send {min(self.known.sends, 3)}")
        if what in LOST:
            self.lose(what, key, reaches=reaches, delay=timedelta(seconds=delay), wait=timedelta(seconds=wait))
            return
        self.pass_time(timedelta(seconds=takes))
        pause = timedelta(seconds=wait)
        if what == "moved" and not self.known.doubtful:  # refused at the door, and at home with another vendor
            self.happen(machine.FailedOver())
            assert self.known == Known(generation=key + 1)
        elif (
            what.startswith("refused") or what == "moved"
        ):  # at the door: nothing was looked at, and nothing is remembered
            self.happen(machine.Refused(self.now, retryable=what == "refused", wait=pause))
        else:
            self.answer(self.vendor.handle(key, began, what), pause)

    def answer(self, how: str, wait: timedelta) -> None:
        if how == "made":
            self.happen(machine.Made(self.now))
        elif how == "approval":
            self.happen(machine.ApprovalAsked(self.now))
        else:
            self.in_doubt.add(self.known.generation)
            self.happen(machine.Doubtful(self.now, applied=False, wait=wait))

    def start(self) -> None:
        """Commit the send, and hold it against what may be sent at all."""
        before = self.known
        self.happen(machine.SendBegan(self.now))
        assert self.known.state is State.SENDING, "sent before that is what the journal holds"
        key = self.known.generation
        first = self.first_sent.setdefault(key, self.now)
        assert self.known.first_sent_at == first, "the window counts from the first send of the key"
        assert not self.in_doubt - {key}, "another key, while the one before may have made a wallet"
        if key in self.in_doubt:
            assert self.now < first + self.policy.resend_within, "the vendor may have forgotten the key"
        assert before.not_before is None or self.now >= before.not_before

    def lose(self, what: str, key: int, *, reaches: bool, delay: timedelta, wait: timedelta) -> None:
        """End an attempt without an answer; the vendor may be at it for as long as it says, and no longer."""
        self.in_doubt.add(key)
        if reaches or what == "applied":
            last = BUSY if what in ("lost", "applied") else SETTLE
            due = self.now if what == "applied" else self.now + min(delay, last - SECOND)
            self.vendor.at_work.append((due, key))
            self.late_answers += what == "stopped"
        self.vendor.work(self.now)
        if what in ("crash", "stopped"):
            self.happen(machine.ProcessDied(self.now))
        else:
            self.happen(machine.Doubtful(self.now, applied=what == "applied", wait=wait))

    @precondition(lambda self: isinstance(self.action(), machine.LookUp))
    @rule(fails=st.booleans(), hides=st.booleans(), takes=st.integers(0, 10))
    def it_is_looked_up(self, fails: bool, hides: bool, takes: int) -> None:
        assert self.policy.can_find
        began = self.now
        # A vendor may not show yet what it said it has done.
        found = self.vendor.wallets > 0 and not (hides and self.known.applied)
        self.pass_time(timedelta(seconds=takes))
        if fails:
            self.happen(machine.LookUpFailed(self.now, SECOND))
        elif found:
            self.happen(machine.Made(self.now))
        else:
            self.absent(began)

    def absent(self, began: datetime) -> None:
        key, applied = self.known.generation, self.known.applied
        self.happen(machine.Absent(began))
        if self.known.generation != key:
            assert not self.vendor.at_work, "taken for absent while the vendor may be at it"
            assert not applied, "taken for absent what the vendor said it had made"
            self.in_doubt.discard(key)

    @precondition(lambda self: isinstance(self.action(), machine.GiveUp))
    @rule()
    def nobody_knows(self) -> None:
        assert not machine.may_resend(self.known, self.policy, self.now)
        self.happen(machine.NobodyKnows())

    @precondition(lambda self: self.late_answers and self.vendor.wallets and self.known.state not in ENDS)
    @rule()
    def the_answer_of_a_process_comes_that_was_taken_for_dead(self) -> None:
        self.late_answers -= 1
        self.happen(machine.Made(self.now))

    @precondition(lambda self: self.known.state is State.REJECTED)
    @rule()
    def the_application_asks_again(self) -> None:
        self.happen(machine.AskedAgain())
        assert (self.known.state, self.known.doubtful, self.known.sends) == (State.PLANNED, False, 0)

    @precondition(lambda self: self.known.state is State.NEEDS_REVIEW)
    @rule()
    def a_person_looks(self) -> None:
        self.pass_time(SETTLE)
        if self.vendor.wallets:
            self.happen(machine.Made(self.now))
        else:
            self.in_doubt.clear()
            self.happen(machine.ReviewedAbsent())

    @precondition(lambda self: self.known.state is State.AWAITING_APPROVAL)
    @rule()
    def a_person_approves(self) -> None:
        self.vendor.wallets += self.vendor.wallets == 0
        self.happen(machine.Made(self.now))

    @precondition(lambda self: self.known.state is State.AWAITING_APPROVAL)
    @rule()
    def a_person_refuses_to_approve(self) -> None:
        self.pass_time(SETTLE)  # an earlier attempt whose answer was lost is over by then
        if self.vendor.wallets:
            self.happen(machine.Made(self.now))
            return
        self.in_doubt.clear()
        self.happen(machine.ApprovalRefused())
        assert self.known.state is State.REJECTED

    @invariant()
    def one_order_makes_at_most_one_wallet(self) -> None:
        assert self.vendor.wallets <= 1

    @invariant()
    def an_end_is_an_end(self) -> None:
        if self.known.state in ENDS:
            assert isinstance(self.action(), machine.Nothing)
        if self.known.state is State.DONE:
            assert self.vendor.wallets == 1
        if self.known.state is State.REJECTED:
            assert not self.vendor.wallets
            assert not self.vendor.at_work

    @invariant()
    def what_cannot_happen_is_refused(self) -> None:
        for event, states in POSSIBLE.items():
            if self.known.state not in states:
                with pytest.raises(Impossible):
                    after(self.known, EVENTS[event], self.policy)

    def teardown(self) -> None:
        """Once the world calms down, every order comes to an end."""
        if not hasattr(self, "known"):
            return
        for _ in range(ENOUGH):
            if self.known.state in ENDS:
                self.one_order_makes_at_most_one_wallet()
                return
            self.calm_step()
        pytest.fail(f"still {self.known.state} after {ENOUGH} steps")

    def calm_step(self) -> None:
        match self.action():
            case machine.Wait(until):
                self.pass_time(until - self.now)
            case machine.Send():
                self.start()
                self.answer(self.vendor.handle(self.known.generation, self.now), SECOND)
            case machine.LookUp():
                assert self.policy.can_find
                if self.vendor.wallets:
                    self.happen(machine.Made(self.now))
                else:
                    self.absent(self.now)
            case machine.GiveUp():
                self.happen(machine.NobodyKnows())


EVENTS: Mapping[str, machine.Event] = {
    "SendBegan": machine.SendBegan(START),
    "Made": machine.Made(START),
    "Refused": machine.Refused(START, retryable=True, wait=SECOND),
    "Doubtful": machine.Doubtful(START, applied=False, wait=SECOND),
    "ApprovalAsked": machine.ApprovalAsked(START),
    "Absent": machine.Absent(START),
    "LookUpFailed": machine.LookUpFailed(START, SECOND),
    "ProcessDied": machine.ProcessDied(START),
    "NobodyKnows": machine.NobodyKnows(),
    "ReviewedAbsent": machine.ReviewedAbsent(),
    "ApprovalRefused": machine.ApprovalRefused(),
    "AskedAgain": machine.AskedAgain(),
    "FailedOver": machine.FailedOver(),
    "HadAlready": machine.HadAlready(),
}
# In which states each event can happen, written down a second time: an answer or a death belongs to a send, a look-up
# to a doubt, a person to a review. A wallet can turn up late, while anything is open.
_SENDING, _DOUBT = frozenset({"sending"}), frozenset({"in_doubt"})
POSSIBLE = {
    "SendBegan": frozenset({"planned"}) | _DOUBT,
    "Made": frozenset({"planned", "sending", "in_doubt", "needs_review", "awaiting_approval"}),
    "Refused": _SENDING,
    "Doubtful": _SENDING,
    "ApprovalAsked": _SENDING,
    "ProcessDied": _SENDING,
    "Absent": _DOUBT,
    "LookUpFailed": _DOUBT,
    "NobodyKnows": _SENDING | _DOUBT,
    "ReviewedAbsent": frozenset({"needs_review"}),
    "ApprovalRefused": frozenset({"awaiting_approval"}),
    "AskedAgain": frozenset({"rejected"}),
    "FailedOver": _SENDING,
    "HadAlready": frozenset({"planned"}),
}

TestOneOrder = OneOrder.TestCase
TestOneOrder.settings = settings(max_examples=max(500, settings.default.max_examples), stateful_step_count=40)


@pytest.mark.parametrize("state", sorted(State))
@pytest.mark.parametrize("event", sorted(EVENTS))
def test_an_event_happens_exactly_where_it_can(state: State, event: str) -> None:
    """An event that contradicts what the journal holds changes nothing; every other one has a meaning."""
    known = Known(state=state, sends=1, first_sent_at=START, last_ended_at=START)
    if state in POSSIBLE[event]:
        assert isinstance(after(known, EVENTS[event], looking()), Known)
    else:
        with pytest.raises(Impossible, match=f"{event} cannot happen to an order that is {state}") as caught:
            after(known, EVENTS[event], looking())
        assert caught.value.outcome == "unknown"


def looking(resend: timedelta = RESEND) -> Policy:
    return Policy(resend_within=resend, can_find=True, settle=SETTLE)


def blind(**facts: int) -> Policy:
    return Policy(resend_within=RESEND, can_find=False, settle=SETTLE, **facts)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def lost(policy: Policy, sent_at: datetime = START, known: Known | None = None, *, applied: bool = False) -> Known:
    """Return what is known once a send ended without an answer."""
    sending = after(known or Known(), machine.SendBegan(sent_at), policy)
    return after(sending, machine.Doubtful(sent_at, applied=applied, wait=SECOND), policy)


def refused(policy: Policy, at: datetime, known: Known, *, retryable: bool = True) -> Known:
    """Return what is known once a send was certainly refused."""
    sending = after(known, machine.SendBegan(at), policy)
    return after(sending, machine.Refused(at, retryable=retryable, wait=SECOND), policy)


def test_the_window_counts_from_the_first_send_of_a_key() -> None:
    """A repeat does not prolong the time in which the key may be sent."""
    known = lost(blind(), at(200), lost(blind()))
    assert isinstance(decide(known, blind(), at(229)), machine.Send)
    assert isinstance(decide(known, blind(), at(230)), machine.GiveUp)


def test_a_clock_that_was_set_back_does_not_prolong_the_window() -> None:
    """Seen from before its first send, nobody can say how old a key is."""
    assert isinstance(decide(lost(blind()), blind(), at(1)), machine.Send)
    known = Known(state=State.IN_DOUBT, sends=1, first_sent_at=at(3600), doubtful=True)
    assert isinstance(decide(known, blind(), START), machine.GiveUp)


def test_absence_counts_only_once_every_attempt_must_be_over() -> None:
    """A look-up made while an attempt may still be running proves nothing."""
    policy = looking(timedelta(0))
    early = after(lost(policy), machine.Absent(at(69)), policy)
    assert (early.state, early.not_before, early.generation) == (State.IN_DOUBT, at(70), 1)
    assert decide(early, policy, at(69)) == machine.Wait(at(70))
    late = after(early, machine.Absent(at(70)), policy)
    assert (late.state, late.generation, late.first_sent_at) == (State.PLANNED, 2, None)


def test_absence_is_counted_from_the_last_attempt() -> None:
    """A repeat may be what the vendor is still at."""
    known = lost(looking(), at(100), lost(looking()))
    assert after(known, machine.Absent(at(169)), looking()).state is State.IN_DOUBT
    assert after(known, machine.Absent(at(170)), looking()).generation == 2


def test_a_dead_process_may_have_sent_until_its_death_was_seen() -> None:
    """Its attempt counts as over, at the vendor too, only so long after that."""
    policy = looking(timedelta(0))
    known = after(after(Known(), machine.SendBegan(START), policy), machine.ProcessDied(at(40)), policy)
    assert known.doubtful
    assert after(known, machine.Absent(at(109)), policy).state is State.IN_DOUBT
    assert after(known, machine.Absent(at(110)), policy).generation == 2


@pytest.mark.parametrize("retryable", [True, False])
def test_a_refusal_takes_no_earlier_doubt_back(retryable: bool) -> None:
    """A repeat that is refused says nothing of the first attempt under the same key."""
    known = refused(looking(), at(1), lost(looking()), retryable=retryable)
    assert (known.state, known.last_ended_at) == (State.IN_DOUBT, at(1))


def test_what_the_provider_says_it_applied_is_never_sent_under_a_new_key() -> None:
    """Applied, and nothing to be found: no machine can settle that, whatever else is said later."""
    policy = looking(timedelta(0))
    known = lost(policy, applied=True)
    assert after(known, machine.Absent(at(70)), policy).state is State.NEEDS_REVIEW
    again = lost(looking(), at(1), lost(looking(), applied=True))
    assert after(again, machine.Absent(at(71)), looking()).state is State.NEEDS_REVIEW


def test_a_refusal_is_tried_again_under_the_same_key_five_times() -> None:
    """Then it counts; it was never in doubt."""
    known = Known()
    for tries in range(1, 5):
        known = refused(looking(), at(tries), known)
        assert (known.state, known.generation, known.not_before) == (State.PLANNED, 1, at(tries + 1))
    assert refused(looking(), at(5), known).state is State.REJECTED


def test_a_refusal_that_cannot_change_counts_at_once() -> None:
    assert refused(looking(), START, Known(), retryable=False).state is State.REJECTED


def test_a_refused_key_is_replaced_once_the_provider_may_have_forgotten_it() -> None:
    """Nothing was applied under it, so a new one is safe, and its window is whole."""
    known = refused(looking(), START, Known())
    assert refused(looking(), at(229), known).generation == 1
    known = refused(looking(), at(230), known)
    assert (known.state, known.generation, known.first_sent_at) == (State.PLANNED, 2, None)


def test_without_a_look_up_a_key_is_repeated_to_the_end_of_its_window() -> None:
    """A repeat is the only means there is, so a few failures in a row must not end it."""
    policy, known = blind(most_repeats=20), lost(blind())
    for tries in range(1, 12):
        assert isinstance(decide(known, policy, at(tries * 20)), machine.Send), tries
        known = lost(policy, at(tries * 20), known)
    assert isinstance(decide(known, policy, at(240)), machine.GiveUp)


def test_with_a_look_up_a_key_that_keeps_failing_is_looked_up_inside_its_window() -> None:
    """A vendor may replay a failure for as long as it remembers the key."""
    known = lost(looking())
    for tries in range(1, 5):
        known = lost(looking(), at(tries * 2), known)
    assert isinstance(decide(known, looking(), at(60)), machine.LookUp)


def test_look_ups_that_tell_nothing_end_with_a_person() -> None:
    known = lost(looking(timedelta(0)))
    for number in range(12):
        now = at(10 * number + 10)
        assert isinstance(decide(known, looking(timedelta(0)), now), machine.LookUp)
        known = after(known, machine.LookUpFailed(now, SECOND), looking(timedelta(0)))
        assert known.not_before == now + SECOND
    assert isinstance(decide(known, looking(timedelta(0)), at(900)), machine.GiveUp)


def test_a_vendor_that_loses_everything_ends_with_a_person() -> None:
    """Each key proved absent costs one look-up; they are not endless."""
    policy, known, now = looking(timedelta(0)), Known(), START
    for _ in range(11):
        known = after(lost(policy, now, known), machine.Absent(now + SETTLE), policy)
        now += 2 * SETTLE
        assert known.state is State.PLANNED
    assert after(lost(policy, now, known), machine.Absent(now + SETTLE), policy).state is State.NEEDS_REVIEW
