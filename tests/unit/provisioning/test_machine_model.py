"""The state machine against a small vendor, in every order of outcomes, crashes and time that Hypothesis thinks of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from walletport.provisioning import machine
from walletport.provisioning.machine import ENDS, Known, Policy, State, after, decide

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
SETTLE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)


class Vendor:
    """Remembers a key for five minutes, and can do its work late, long after the answer was lost."""

    def __init__(self) -> None:
        self.wallets = 0
        self._keys: dict[int, datetime] = {}
        self._late: list[tuple[int, datetime]] = []

    def create(self, key: int, now: datetime) -> None:
        """Do the work of a create, unless the key is remembered."""
        first = self._keys.get(key)
        if first is None or now >= first + WINDOW:
            self._keys[key] = now
            self.wallets += 1

    def create_later(self, key: int, at: datetime) -> None:
        """Do the work at a later time."""
        self._late.append((key, at))

    def pass_time(self, now: datetime) -> None:
        """Do what is due by now."""
        due = [item for item in self._late if item[1] <= now]
        self._late = [item for item in self._late if item[1] > now]
        for key, at in sorted(due, key=lambda item: item[1]):
            self.create(key, at)


class OneOrder(RuleBasedStateMachine):
    """Carries one order out as the program does, with a vendor and a world that do their worst."""

    @initialize(can_find=st.booleans(), window=st.sampled_from([timedelta(0), timedelta(minutes=3)]))
    def begin(self, can_find: bool, window: timedelta) -> None:
        self.policy = Policy(resend_within=window, can_find=can_find, settle=SETTLE)
        self.known = Known()
        self.now = START
        self.vendor = Vendor()
        self.committed_sends = 0

    def happen(self, event: machine.Event) -> None:
        self.known = after(self.known, event, self.policy)

    def action(self) -> machine.Action:
        return decide(self.known, self.policy, self.now)

    @rule(seconds=st.sampled_from([0, 1, 20, 61, 179, 299, 301, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.vendor.pass_time(self.now)

    @precondition(lambda self: isinstance(self.action(), machine.Send))
    @rule(
        how=st.sampled_from(["made", "refused", "refused for good", "lost before", "lost after", "late", "approval"]),
        crash=st.booleans(),
        late=st.integers(0, 59),
    )
    def send(self, how: str, crash: bool, late: int) -> None:
        self.happen(machine.SendBegan(self.now))
        assert self.known.state is State.SENDING
        key = self.known.generation
        if how in ("made", "lost after"):
            self.vendor.create(key, self.now)
        elif how == "late":
            self.vendor.create_later(key, self.now + timedelta(seconds=late))
        if crash:
            self.happen(machine.ProcessDied(self.now))
        elif how == "made":
            self.happen(machine.Made(self.now))
        elif how.startswith("refused"):
            self.happen(machine.Refused(self.now, retryable=how == "refused", wait=SECOND))
        elif how == "approval":
            self.happen(machine.ApprovalAsked(self.now))
        else:
            self.happen(machine.Doubtful(self.now, applied=False, wait=SECOND))

    @precondition(lambda self: isinstance(self.action(), machine.LookUp))
    @rule(fails=st.booleans())
    def look_up(self, fails: bool) -> None:
        if fails:
            self.happen(machine.LookUpFailed(self.now, SECOND))
        elif self.vendor.wallets:
            self.happen(machine.Made(self.now))
        else:
            self.happen(machine.Absent(self.now))

    @precondition(lambda self: isinstance(self.action(), machine.GiveUp))
    @rule()
    def give_up(self) -> None:
        self.happen(machine.NobodyKnows())

    @invariant()
    def one_order_makes_at_most_one_wallet(self) -> None:
        assert self.vendor.wallets <= 1

    @invariant()
    def an_end_has_nothing_left_to_do(self) -> None:
        if self.known.state in ENDS:
            assert isinstance(self.action(), machine.Nothing)

    @invariant()
    def a_certain_refusal_means_that_no_wallet_was_made(self) -> None:
        if self.known.state is State.REJECTED:
            assert self.vendor.wallets == 0

    def teardown(self) -> None:
        """Once the world calms down, every order comes to an end."""
        if not hasattr(self, "known"):
            return
        for _ in range(200):
            if self.known.state in ENDS:
                return
            action = self.action()
            if isinstance(action, machine.Wait):
                self.now = action.until
                self.vendor.pass_time(self.now)
            elif isinstance(action, machine.Send):
                self._calm_send()
            elif isinstance(action, machine.LookUp):
                self.happen(machine.Made(self.now) if self.vendor.wallets else machine.Absent(self.now))
            else:
                self.happen(machine.NobodyKnows())
        pytest.fail(f"still {self.known.state} after 200 steps")

    def _calm_send(self) -> None:
        self.happen(machine.SendBegan(self.now))
        self.vendor.create(self.known.generation, self.now)
        self.happen(machine.Made(self.now))
        assert self.vendor.wallets == 1


TestOneOrder = OneOrder.TestCase
TestOneOrder.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("state", sorted(State))
def test_what_cannot_happen_is_refused(state: State) -> None:
    """An event that contradicts what the journal holds changes nothing."""
    impossible = machine.Made(START) if state in (State.PLANNED, State.DONE, State.REJECTED) else machine.AskedAgain()
    with pytest.raises(machine.Impossible):
        after(Known(state=state), impossible, Policy(WINDOW, can_find=True, settle=SETTLE))


def test_the_window_counts_from_the_first_send_of_a_key() -> None:
    """A repeat does not prolong the time in which the key may be sent."""
    policy = Policy(resend_within=timedelta(minutes=3), can_find=False, settle=SETTLE)
    known = after(Known(), machine.SendBegan(START), policy)
    known = after(known, machine.Doubtful(START, applied=False, wait=SECOND), policy)
    again = START + timedelta(minutes=2)
    known = after(known, machine.SendBegan(again), policy)
    known = after(known, machine.Doubtful(again, applied=False, wait=SECOND), policy)
    assert isinstance(decide(known, policy, START + timedelta(minutes=2, seconds=30)), machine.Send)
    assert isinstance(decide(known, policy, START + timedelta(minutes=3)), machine.GiveUp)


def test_absence_counts_only_once_every_attempt_must_be_over() -> None:
    """A look-up made while an attempt may still be running proves nothing."""
    policy = Policy(resend_within=timedelta(0), can_find=True, settle=SETTLE)
    known = after(Known(), machine.SendBegan(START), policy)
    known = after(known, machine.Doubtful(START, applied=False, wait=SECOND), policy)
    early = after(known, machine.Absent(START + SECOND), policy)
    assert (early.state, early.not_before) == (State.IN_DOUBT, START + SETTLE)
    late = after(early, machine.Absent(START + SETTLE), policy)
    assert (late.state, late.generation, late.first_sent_at) == (State.PLANNED, 2, None)


def test_a_refusal_takes_no_earlier_doubt_back() -> None:
    """A repeat that is refused says nothing of the first attempt under the same key."""
    policy = Policy(resend_within=WINDOW, can_find=True, settle=SETTLE)
    known = after(Known(), machine.SendBegan(START), policy)
    known = after(known, machine.Doubtful(START, applied=False, wait=SECOND), policy)
    known = after(known, machine.SendBegan(START + SECOND), policy)
    known = after(known, machine.Refused(START + SECOND, retryable=False, wait=SECOND), policy)
    assert known.state is State.IN_DOUBT


def test_what_the_provider_says_it_applied_is_never_sent_under_a_new_key() -> None:
    """Applied, and nothing to be found: no machine can settle that."""
    policy = Policy(resend_within=timedelta(0), can_find=True, settle=SETTLE)
    known = after(Known(), machine.SendBegan(START), policy)
    known = after(known, machine.Doubtful(START, applied=True, wait=SECOND), policy)
    assert after(known, machine.Absent(START + SETTLE), policy).state is State.NEEDS_REVIEW
