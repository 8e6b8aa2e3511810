"""An order moves to another account, or is satisfied by a wallet that is there: as the state machine sees it."""

from __future__ import annotations

import pytest

from tests.unit.provisioning.test_machine_model import START, at, looking, lost
from walletport.provisioning import machine
from walletport.provisioning.machine import Impossible, Known, State, after


def test_what_was_certainly_refused_starts_anew_elsewhere_under_a_new_key() -> None:
    """With all its chances."""
    tried = Known(State.SENDING, generation=3, sends=2, first_sent_at=START, last_ended_at=START, look_ups=4)
    assert after(tried, machine.FailedOver(), looking()) == Known(generation=4)


def test_a_wallet_that_the_user_has_ends_an_order_that_was_not_sent() -> None:
    assert after(Known(generation=2), machine.HadAlready(), looking()) == Known(State.DONE, generation=2)


def test_what_may_have_been_applied_goes_to_no_other_account() -> None:
    """Not even when its repeat was certainly refused."""
    known = after(lost(looking()), machine.SendBegan(at(1)), looking())
    with pytest.raises(Impossible, match="may have been applied stays where it is"):
        after(known, machine.FailedOver(), looking())


@pytest.mark.parametrize(
    ("state", "event"), [(State.REJECTED, machine.AskedAgain()), (State.NEEDS_REVIEW, machine.ReviewedAbsent())]
)
def test_an_order_that_is_asked_for_anew_has_all_its_chances_again(state: State, event: machine.Event) -> None:
    """Only the number of its key goes on, so that no key is ever used twice."""
    used_up = Known(
        state, generation=7, sends=5, first_sent_at=START, last_ended_at=START, doubtful=True, applied=True, look_ups=12
    )
    assert after(used_up, event, looking()) == Known(generation=8)
