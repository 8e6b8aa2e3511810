"""What passes between the journal's rows, the machine and the program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from walletport.errors import WalletportError
from walletport.journal import ProvisionRow, WalletRow
from walletport.models import Customer, Wallet
from walletport.provisioning import machine
from walletport.provisioning.machine import Action, Known, State
from walletport.routing.health import Signal

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
MACHINE_FIELDS: Final = (
    "generation",
    "sends",
    "first_sent_at",
    "last_ended_at",
    "doubtful",
    "applied",
    "look_ups",
    "not_before",
)
STORY: Final[Mapping[type, str]] = {
    machine.SendBegan: "sending",
    machine.Made: "made",
    machine.Refused: "refused",
    machine.Doubtful: "in doubt",
    machine.ApprovalAsked: "approval asked",
    machine.Absent: "found absent",
    machine.LookUpFailed: "look-up failed",
    machine.ProcessDied: "process died",
    machine.NobodyKnows: "needs review",
    machine.ReviewedAbsent: "reviewed: absent",
    machine.ApprovalRefused: "approval refused",
    machine.AskedAgain: "asked again",
    machine.FailedOver: "failed over",
    machine.HadAlready: "had already",
}
READY: Final = "ready"
"""What an order's story says once its wallet can take deposits."""


def known_of(row: ProvisionRow) -> Known:
    """Return what the journal holds of an order, as the machine reads it."""
    return Known(state=State(row.state), **{name: getattr(row, name) for name in MACHINE_FIELDS})


def wallet_row(row: ProvisionRow, wallet: Wallet, now: datetime) -> WalletRow:
    """Return what the journal keeps of a wallet."""
    return WalletRow(
        account=row.account,
        wallet_id=wallet.id,
        provision_id=row.id,
        user_id=row.user_id,
        customer_id=wallet.customer_id,
        chain=wallet.chain or row.chain,
        asset=wallet.asset or row.asset,
        status=wallet.status.value,
        document=wallet.model_dump(mode="json"),
        updated_at=wallet.updated_at or now,
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """An order that this process has claimed, and what was committed that it will do."""

    row: ProvisionRow
    action: Action


@dataclass(frozen=True, slots=True)
class Done:
    """An order that is done, and its wallet."""

    row: ProvisionRow
    wallet: WalletRow


@dataclass(frozen=True, slots=True)
class Target:
    """Where an order goes on that its account has certainly not applied.

    Args:
        account: the account, or ``None`` where none can take it.
        customer_id: who the user is there.
        passed_over: the accounts before it that cannot take it, each with the reason.
    """

    account: str | None
    customer_id: str | None
    passed_over: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """What came of it.

    Args:
        event: for the machine.
        made: the wallet or customer, if there is one now.
        error: what it ended in otherwise.
        signal: what it says about the account, where something was sent.
        target: where the order goes on, or why nowhere, where it was refused and may go elsewhere.
    """

    event: machine.Event
    made: Wallet | Customer | None = None
    error: WalletportError | None = None
    signal: Signal | None = None
    target: Target | None = None


@dataclass(eq=False, slots=True)
class Call:
    """One call that carries an order on.

    Args:
        is_over: nobody waits for it any more.
        until: how long its claim on the order holds.
        was_late: what it was to send did not leave any more, for reasons that are ours.
        made: the wallet that was made for it, if one was.
    """

    is_over: bool = False
    until: datetime = _LONG_AGO
    was_late: bool = False
    made: WalletRow | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Who is working on orders, and for how long without a sign of life.

    Args:
        owner: names one process, and one opening of the journal in it.
        lease: how long a claim holds without being renewed.
        is_dead: tells of another owner whether its process is certainly gone, so that its lease need not run out.
    """

    owner: str
    lease: timedelta
    is_dead: Callable[[str], bool]
