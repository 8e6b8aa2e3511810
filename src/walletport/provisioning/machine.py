"""The state machine of one order: pure functions of what is known, what happened, and the time.

``decide`` says what to do next, ``after`` says what is known once something happened. Neither does anything. The
rules they hold, whatever happens in whatever order:

- nothing is sent before ``SENDING`` is what the journal holds;
- after a doubtful attempt the same key is sent again only inside the time the provider remembers it, counted from when
  that key was *first* sent;
- a new key is made only after proof that the earlier one made nothing;
- what may have been applied never goes to another account;
- what nobody can know ends in ``NEEDS_REVIEW``, and is never sent again by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final, TypeAlias

from walletport.errors import Outcome, WalletportError


class State(StrEnum):
    """What is known of an order; the last four are ends."""

    PLANNED = "planned"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    DONE = "done"
    REJECTED = "rejected"
    AWAITING_APPROVAL = "awaiting_approval"
    NEEDS_REVIEW = "needs_review"


ENDS: Final = frozenset({State.DONE, State.REJECTED, State.AWAITING_APPROVAL, State.NEEDS_REVIEW})


@dataclass(frozen=True, slots=True)
class Policy:
    """What a provider's declarations mean for the machine.

    Args:
        resend_within: how long after a key was first sent it may be sent again; zero where keys do not help. Already
            less a margin and the longest an attempt can take.
        can_find: whether a look-up can prove that no wallet exists.
        settle: how long after an attempt ended it may still be running at the provider.
        most_sends: how often an order that is certainly refused each time is sent at most.
        most_repeats: how often a key is sent at most while its outcome is unknown; more where there is no look-up,
            because then a repeat inside the window is all there is.
        most_look_ups: how many look-ups may tell nothing, or find nothing, before a person is asked.
    """

    resend_within: timedelta
    can_find: bool
    settle: timedelta
    most_sends: int = 5
    most_repeats: int = 5
    most_look_ups: int = 12


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal holds of one order, as far as the machine cares.

    Args:
        state: where it stands.
        generation: number of the idempotency key; a new one only after proof.
        sends: how often the current key was sent.
        first_sent_at: when the current key was first sent; its window counts from here.
        last_ended_at: when the last attempt ended, or when it was found that its process had died.
        doubtful: an attempt under the current key may have been applied.
        applied: the provider said that the order was carried out, though no wallet was read.
        look_ups: how many look-ups have told nothing, or have proved that there was nothing, since it was asked for.
        not_before: do nothing earlier than this.
    """

    state: State = State.PLANNED
    generation: int = 1
    sends: int = 0
    first_sent_at: datetime | None = None
    last_ended_at: datetime | None = None
    doubtful: bool = False
    applied: bool = False
    look_ups: int = 0
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Commit ``SendBegan``, then send the create under the current key."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the provider whether the wallet exists."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Commit ``NobodyKnows``: a person must look."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """It has ended, or is somebody else's at the moment."""


Action: TypeAlias = Send | LookUp | Wait | GiveUp | Nothing


def decide(known: Known, policy: Policy, now: datetime) -> Action:
    """Say what to do next with an order that this process has claimed."""
    if known.state in ENDS or known.state is State.SENDING:
        return Nothing()
    if known.not_before is not None and now < known.not_before:
        return Wait(known.not_before)
    if known.state is State.PLANNED:
        return Send()
    if may_resend(known, policy, now):
        return Send()
    if policy.can_find and known.look_ups < policy.most_look_ups:
        return LookUp()
    return GiveUp()


def may_resend(known: Known, policy: Policy, now: datetime) -> bool:
    """Return whether the current key may be sent again although its outcome is unknown."""
    return known.sends < policy.most_repeats and in_window(known, policy, now)


def in_window(known: Known, policy: Policy, now: datetime) -> bool:
    """Return whether the provider still remembers the current key."""
    if known.first_sent_at is None:
        return False
    # A clock that was set back would make the window longer than the provider's memory.
    return known.first_sent_at <= now < known.first_sent_at + policy.resend_within


@dataclass(frozen=True, slots=True)
class SendBegan:
    """The create is about to leave; committed before its first byte."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """The provider made the wallet, or a look-up found it."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """The attempt was certainly not applied.

    Args:
        at: when it ended.
        retryable: whether the same request may succeed later.
        wait: how long to wait before that.
    """

    at: datetime
    retryable: bool
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Doubtful:
    """The attempt may have been applied, or was, and no wallet was read.

    Args:
        at: when it ended.
        applied: the provider said that it was applied.
        wait: how long to wait before anything else.
    """

    at: datetime
    applied: bool
    wait: timedelta


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """The provider took the order and waits for a person."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Absent:
    """A look-up found no wallet.

    Args:
        began_at: when it was asked; proof only if every attempt was over by then.
    """

    began_at: datetime


@dataclass(frozen=True, slots=True)
class LookUpFailed:
    """A look-up told nothing."""

    at: datetime
    wait: timedelta


@dataclass(frozen=True, slots=True)
class ProcessDied:
    """The process that was sending is gone; seen at this time."""

    at: datetime


@dataclass(frozen=True, slots=True)
class NobodyKnows:
    """All honest means are spent, or what was made cannot be this order's."""


@dataclass(frozen=True, slots=True)
class ReviewedAbsent:
    """A person has found that the provider made no wallet."""


@dataclass(frozen=True, slots=True)
class ApprovalRefused:
    """A person has found that the approval was refused, so that no wallet is made."""


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """The application asks again for what was refused; nothing was applied, so a new key is safe."""


@dataclass(frozen=True, slots=True)
class FailedOver:
    """The attempt was certainly not applied, and the order goes on at another account."""


@dataclass(frozen=True, slots=True)
class HadAlready:
    """The user has a wallet that satisfies the order; none is made."""


Event: TypeAlias = (
    SendBegan
    | Made
    | Refused
    | Doubtful
    | ApprovalAsked
    | Absent
    | LookUpFailed
    | ProcessDied
    | NobodyKnows
    | ReviewedAbsent
    | ApprovalRefused
    | AskedAgain
    | FailedOver
    | HadAlready
)


class Impossible(WalletportError):
    """An event that cannot happen in this state: the journal and the world disagree, so nothing is changed."""

    default_outcome: ClassVar[Outcome] = "unknown"


def after(known: Known, event: Event, policy: Policy) -> Known:
    """Say what is known of an order once something happened.

    Raises:
        Impossible: it cannot have happened in this state, or an order in doubt would go to another account.
    """
    if type(event) not in _POSSIBLE[known.state]:
        msg = f"{type(event).__name__} cannot happen to an order that is {known.state}"
        raise Impossible(msg)
    if isinstance(event, FailedOver) and known.doubtful:
        msg = "an order that may have been applied stays where it is"
        raise Impossible(msg)
    match event:
        case Refused():
            then = _refused(known, event, policy)
        case Absent():
            then = _absent(known, event, policy)
        case ReviewedAbsent() | AskedAgain() | FailedOver():
            then = Known(generation=known.generation + 1)
        case Doubtful(at, applied, wait):
            doubt = replace(known, state=State.IN_DOUBT, doubtful=True, applied=known.applied or applied)
            then = replace(doubt, last_ended_at=at, not_before=at + wait)
        case _:
            then = _simply(known, event)
    return then


def _simply(
    known: Known,
    event: SendBegan | Made | HadAlready | ApprovalAsked | ApprovalRefused | LookUpFailed | ProcessDied | NobodyKnows,
) -> Known:
    match event:
        case SendBegan(at):
            first = known.first_sent_at or at
            then = replace(known, state=State.SENDING, sends=known.sends + 1, first_sent_at=first, not_before=None)
        case Made() | HadAlready():
            then = replace(known, state=State.DONE, not_before=None)
        case ApprovalAsked(at):
            then = replace(known, state=State.AWAITING_APPROVAL, applied=True, last_ended_at=at, not_before=None)
        case ApprovalRefused():
            then = replace(known, state=State.REJECTED, not_before=None)
        case LookUpFailed(at, wait):
            then = replace(known, look_ups=known.look_ups + 1, not_before=at + wait)
        case ProcessDied(at):
            then = replace(known, state=State.IN_DOUBT, doubtful=True, last_ended_at=at, not_before=None)
        case NobodyKnows():
            then = replace(known, state=State.NEEDS_REVIEW, not_before=None)
    return then


def _refused(known: Known, event: Refused, policy: Policy) -> Known:
    """A refusal of a repeat takes no earlier doubt back: the first attempt under this key may still have worked."""
    if known.doubtful:
        return replace(known, state=State.IN_DOUBT, last_ended_at=event.at, not_before=event.at + event.wait)
    if not event.retryable or known.sends >= policy.most_sends:
        return replace(known, state=State.REJECTED, last_ended_at=event.at, not_before=None)
    again = replace(known, state=State.PLANNED, last_ended_at=event.at, not_before=event.at + event.wait)
    if known.first_sent_at is not None and event.at >= known.first_sent_at + policy.resend_within:
        # Nothing was applied under this key, and the provider may have forgotten it or keep repeating the refusal.
        return replace(again, generation=known.generation + 1, first_sent_at=None)
    return again


def _absent(known: Known, event: Absent, policy: Policy) -> Known:
    settled_at = (known.last_ended_at or event.began_at) + policy.settle
    if event.began_at < settled_at:
        return replace(known, not_before=settled_at)
    if known.applied or known.look_ups + 1 >= policy.most_look_ups:
        # The provider said "applied" and shows nothing, or keeps losing what it was sent: no machine can settle that.
        return replace(known, state=State.NEEDS_REVIEW, not_before=None)
    return Known(generation=known.generation + 1, look_ups=known.look_ups + 1)


_POSSIBLE: Final[dict[State, frozenset[type[Event]]]] = {
    State.PLANNED: frozenset(
        {SendBegan, Made, HadAlready}
    ),  # made: the late answer of a process that was taken for dead
    State.SENDING: frozenset({Made, Refused, FailedOver, Doubtful, ApprovalAsked, ProcessDied, NobodyKnows}),
    State.IN_DOUBT: frozenset({SendBegan, Made, Absent, LookUpFailed, NobodyKnows}),
    State.DONE: frozenset(),
    State.REJECTED: frozenset({AskedAgain}),
    State.AWAITING_APPROVAL: frozenset({Made, ApprovalRefused}),
    State.NEEDS_REVIEW: frozenset({Made, ReviewedAbsent}),
}
