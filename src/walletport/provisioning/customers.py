"""Who a user is at an account, and making the customer there, exactly once, where that is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from walletport.errors import ConfigurationError
from walletport.journal import NewProvision, rows
from walletport.provisioning import queries
from walletport.provisioning.machine import State
from walletport.provisioning.outcomes import error_of
from walletport.routing import Decision
from walletport.transport.effects import Program
from walletport.transport.encoding import new_idempotency_key

if TYPE_CHECKING:
    from walletport.models import CustomerProfile
    from walletport.provisioning.program import Provisioner


def find_customer(provisioner: Provisioner, user: str, account: str, profile: CustomerProfile | None) -> str | None:
    """Return who a user is at an account, or ``None`` where a customer can be made from the profile.

    Raises:
        ConfigurationError: there is none, and none can be made; the message says what to do.
    """
    linked = provisioner.journal.read(lambda connection: rows.customer_of(connection, user, account))
    if linked is not None:
        return linked.customer_id
    create = provisioner.accounts[account].capabilities.create_customer
    if profile is None or not create.usable:
        why = f" ({create.reason})" if profile is not None and create.reason else ""
        msg = (
            f"user {user!r} has no customer at account {account!r}{why}: "
            f"link_customer(user={user!r}, account={account!r}, customer_id=...)"
        )
        raise ConfigurationError(msg)
    return None


def customer_at(
    provisioner: Provisioner, user: str, account: str, profile: CustomerProfile | None, until: datetime
) -> Program[str]:
    """Return who a user is at an account; make the customer there where that is asked for.

    Args:
        provisioner: carries the order for the customer out.
        user: the application's own id of its customer.
        account: where.
        profile: makes the customer; never kept.
        until: start nothing later than this.

    Raises:
        ConfigurationError: there is none, and none can be made; the message says what to do.
        WalletportError: it was refused, or is not settled yet.
    """
    linked = find_customer(provisioner, user, account, profile)
    if linked is not None:
        return linked
    at_work = provisioner.accounts[account]
    new = NewProvision(
        kind="customer",
        identity=queries.customer_identity(user, account),
        user_id=user,
        account=account,
        idempotency_key=new_idempotency_key(at_work.capabilities.idempotency),
        decision=Decision(account=account, reasons=(f"the user needs a customer at {account}",)).model_dump(),
    )
    row = yield from provisioner.begin(new, until, profile)
    if State(row.state) is not State.DONE:
        raise error_of(row, at_work.provider)
    if row.customer_id is None:
        msg = "the journal holds a customer that was made and not its id"
        raise ConfigurationError(msg)
    return row.customer_id
