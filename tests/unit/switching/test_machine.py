"""The pure state machine of one customer's move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletport.switching.machine import ImpossibleMove, MoveEvent, MoveState, Step, after, decide

DOES = {
    Step.FIND_CUSTOMER: MoveEvent.CUSTOMER_READY,
    Step.PROVISION: MoveEvent.PROVISIONED,
    Step.READ_ADDRESS: MoveEvent.ADDRESS_KNOWN,
    Step.CUT_OVER: MoveEvent.CUT_OVER,
}


@given(st.lists(st.sampled_from([None, *MoveEvent]), max_size=40), st.booleans())
def test_whatever_happens_a_cut_over_comes_right_after_a_known_address(
    happenings: list[MoveEvent | None], cuts_over: bool
) -> None:
    """Nothing stands for the next step of the program; what cannot happen changes nothing."""
    state = MoveState.PLANNED
    for happening in happenings:
        step = decide(state, cuts_over=cuts_over)
        event = DOES.get(step) if happening is None else happening
        if event is None:
            continue
        try:
            then = after(state, event)
        except ImpossibleMove:
            assert happening is not None, "the program's own steps are always possible"
            continue
        if then is MoveState.CUT_OVER:
            assert state is MoveState.ADDRESS_KNOWN
        state = then
    if not cuts_over:
        assert decide(state, cuts_over=False) is not Step.CUT_OVER


@pytest.mark.parametrize("cuts_over", [True, False])
def test_the_steps_lead_from_the_plan_to_the_end_in_order(cuts_over: bool) -> None:
    state, steps = MoveState.PLANNED, []
    while (step := decide(state, cuts_over=cuts_over)) is not Step.NOTHING:
        steps.append(step)
        state = after(state, DOES[step])
    wanted = [Step.FIND_CUSTOMER, Step.PROVISION, Step.READ_ADDRESS, Step.CUT_OVER]
    assert steps == (wanted if cuts_over else wanted[:-1])
    assert state is (MoveState.CUT_OVER if cuts_over else MoveState.ADDRESS_KNOWN)


@pytest.mark.parametrize("state", MoveState)
def test_a_move_can_be_rolled_back_from_anywhere_and_only_once(state: MoveState) -> None:
    if state is MoveState.ROLLED_BACK:
        with pytest.raises(ImpossibleMove, match="rolled back cannot happen to a move that is rolled_back"):
            after(state, MoveEvent.ROLLED_BACK)
    else:
        assert after(state, MoveEvent.ROLLED_BACK) is MoveState.ROLLED_BACK
    assert decide(MoveState.ROLLED_BACK, cuts_over=True) is Step.NOTHING
    assert decide(MoveState.BLOCKED, cuts_over=True) is Step.NOTHING
