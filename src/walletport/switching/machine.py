"""The state machine of one customer's move: pure functions of where it stands and what happened.

The current wallet changes with ``CUT_OVER`` and with ``ROLLED_BACK`` after it, and in no other step.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Final

from walletport.errors import Outcome, WalletportError


class MoveState(StrEnum):
    """Where a move stands."""

    PLANNED = "planned"
    BLOCKED = "blocked"
    CUSTOMER_READY = "customer_ready"
    PROVISIONED = "provisioned"
    ADDRESS_KNOWN = "address_known"
    CUT_OVER = "cut_over"
    ROLLED_BACK = "rolled_back"


class Step(StrEnum):
    """What to do next with a move."""

    FIND_CUSTOMER = "find customer"
    PROVISION = "provision"
    READ_ADDRESS = "read address"
    CUT_OVER = "cut over"
    NOTHING = "nothing"


class MoveEvent(StrEnum):
    """What can happen to a move."""

    CUSTOMER_READY = "customer ready"
    PROVISIONED = "provisioned"
    ADDRESS_KNOWN = "address known"
    CUT_OVER = "cut over"
    BLOCKED = "blocked"
    TAKEN_UP = "taken up"
    ROLLED_BACK = "rolled back"


class ImpossibleMove(WalletportError):
    """An event that cannot happen in this state: the journal and the program disagree, so nothing is changed."""

    default_outcome: ClassVar[Outcome] = "not_applied"


_NEXT: Final = {
    MoveState.PLANNED: Step.FIND_CUSTOMER,
    MoveState.CUSTOMER_READY: Step.PROVISION,
    MoveState.PROVISIONED: Step.READ_ADDRESS,
}
_AFTER: Final[dict[MoveState, dict[MoveEvent, MoveState]]] = {
    MoveState.PLANNED: {MoveEvent.CUSTOMER_READY: MoveState.CUSTOMER_READY, MoveEvent.BLOCKED: MoveState.BLOCKED},
    MoveState.CUSTOMER_READY: {MoveEvent.PROVISIONED: MoveState.PROVISIONED, MoveEvent.BLOCKED: MoveState.BLOCKED},
    MoveState.PROVISIONED: {MoveEvent.ADDRESS_KNOWN: MoveState.ADDRESS_KNOWN, MoveEvent.BLOCKED: MoveState.BLOCKED},
    MoveState.ADDRESS_KNOWN: {MoveEvent.CUT_OVER: MoveState.CUT_OVER, MoveEvent.BLOCKED: MoveState.BLOCKED},
    MoveState.BLOCKED: {MoveEvent.TAKEN_UP: MoveState.PLANNED},
    # Taken up again after a cut-over: once the user has gone back to the source by another switch.
    MoveState.CUT_OVER: {MoveEvent.TAKEN_UP: MoveState.PLANNED},
    MoveState.ROLLED_BACK: {MoveEvent.TAKEN_UP: MoveState.PLANNED},
}


def decide(state: MoveState, *, cuts_over: bool) -> Step:
    """Say what to do next with a move.

    Args:
        state: where it stands.
        cuts_over: whether the wallet at the target becomes the user's once its address is known.
    """
    if state is MoveState.ADDRESS_KNOWN and cuts_over:
        return Step.CUT_OVER
    return _NEXT.get(state, Step.NOTHING)


def after(state: MoveState, event: MoveEvent) -> MoveState:
    """Say where a move stands once something happened.

    Raises:
        ImpossibleMove: it cannot have happened in this state.
    """
    if event is MoveEvent.ROLLED_BACK and state is not MoveState.ROLLED_BACK:
        return MoveState.ROLLED_BACK
    then = _AFTER[state].get(event)
    if then is None:
        msg = f"{event} cannot happen to a move that is {state}"
        raise ImpossibleMove(msg)
    return then
