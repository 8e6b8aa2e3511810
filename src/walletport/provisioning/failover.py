"""When an order goes on at another account, and at which.

Only what an account has certainly not applied may go on elsewhere, and only where another account could do better: the
account cannot be reached, does not work, has no room, or does not accept our credentials. What is refused because of
the order itself would be refused elsewhere too, or ought to be: it stays a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from walletport.errors import (
    AuthenticationError,
    ConfigurationError,
    ProviderUnavailable,
    RateLimited,
    TransportError,
    WalletportError,
)
from walletport.provisioning.customers import customer_at
from walletport.provisioning.identity import reference_for
from walletport.provisioning.machine import Refused
from walletport.provisioning.recording import Target
from walletport.transport.effects import Program

if TYPE_CHECKING:
    from walletport.journal import ProvisionRow
    from walletport.models import CustomerProfile
    from walletport.provisioning.account import AccountAtWork
    from walletport.provisioning.program import Provisioner
    from walletport.provisioning.recording import Happened

INSISTS: Final = 2
"""How often an order is sent to one account before it goes on at the next."""

PATIENCE: Final = timedelta(seconds=2)
"""How long it waits for one account, where the next need not be waited for."""

_CODES: Final = ("status_code", "provider_code", "request_id")


def may_succeed_elsewhere(error: WalletportError) -> bool:
    """Return whether what ended in this error was certainly not applied, and another account may do better."""
    return error.outcome == "not_applied" and isinstance(
        error, TransportError | ProviderUnavailable | RateLimited | AuthenticationError
    )


def has_insisted(event: Refused, sends: int) -> bool:
    """Return whether an account has had its chances: two, or one where it is hopeless or would take too long."""
    return not event.retryable or sends >= INSISTS or event.wait > PATIENCE


def find_target(
    provisioner: Provisioner, row: ProvisionRow, happened: Happened, profile: CustomerProfile | None, until: datetime
) -> Program[Target | None]:
    """Return where an order goes on after an attempt, or ``None`` where it stays.

    The first account of the decision's failover list counts that is neither paused nor unavailable, and where the user
    has a customer or one can be made.

    Args:
        provisioner: makes the customer, if one is needed.
        row: the order, as it was sent.
        happened: what came of that.
        profile: makes the customer; never kept.
        until: start nothing later than this.
    """
    error, listed = happened.error, _listed(row)
    if error is None or not listed or row.doubtful or not may_succeed_elsewhere(error):
        return None
    if not isinstance(happened.event, Refused) or not has_insisted(happened.event, row.sends):
        return None
    now = provisioner.clock.now()
    view = provisioner.journal.read(lambda connection: provisioner.standing.view(connection, provisioner.accounts, now))
    passed: list[str] = []
    for name in listed:
        why = "it is configured no more" if name not in provisioner.accounts else view.why_out(name)
        if why is None:
            try:
                customer_id = yield from customer_at(provisioner, row.user_id, name, profile, until)
            except ConfigurationError:
                why = "the user has no customer there"
            except WalletportError as problem:
                why = f"the user's customer could not be made there ({type(problem).__name__})"
            else:
                return Target(name, customer_id, tuple(passed))
        passed.append(f"{name}: {why}")
    return Target(None, None, tuple(passed))


def moved(row: ProvisionRow, accounts: Mapping[str, AccountAtWork], target: Target) -> dict[str, object]:
    """Return what changes of an order that goes on at another account."""
    account, listed = accounts[target.account or row.account], _listed(row)
    reasons = row.decision.get("reasons")
    told = [*reasons] if isinstance(reasons, list) else []
    told.append(f"{row.account} certainly made none: failed over to {account.name}")
    decision = {
        **row.decision,
        "account": account.name,
        "by": "failover",
        "reasons": told,
        "failover": listed[listed.index(account.name) + 1 :],
    }
    return {
        "account": account.name,
        "customer_id": target.customer_id,
        "sent_reference": reference_for(account.capabilities.order, row.identity, row.reference),
        "decision": decision,
    }


def story_of(row: ProvisionRow, target: Target, error: Mapping[str, object], *, moves: bool) -> dict[str, object]:
    """Return what an order's story tells: from where to where it failed over and why, or who could not take it.

    Args:
        row: the order, as it was sent.
        target: where it was to go on.
        error: what the journal keeps of the refusal.
        moves: whether it goes on there; not if another order has just taken the last place.
    """
    passed = [*target.passed_over]
    if target.account is not None and not moves:
        passed.append(f"{target.account}: it takes no further order at this moment")
    told = {"passed_over": passed} if passed else {}
    if not moves:
        return {**error, **told}
    codes = {name: error[name] for name in _CODES if name in error}
    return {"from": row.account, "to": target.account, "why": error.get("type"), **codes, **told}


def _listed(row: ProvisionRow) -> list[str]:
    listed = row.decision.get("failover")
    return [str(name) for name in listed] if isinstance(listed, list | tuple) and row.kind == "wallet" else []
