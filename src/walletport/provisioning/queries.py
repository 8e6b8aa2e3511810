"""What can be read of orders; each function takes an open transaction and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from walletport.errors import ConfigurationError
from walletport.journal import CustomerRow, JournalError, ProvisionRow, Transaction, rows
from walletport.models import Customer, Wallet
from walletport.provisioning.identity import identity_of
from walletport.provisioning.machine import State
from walletport.provisioning.record import Provision, Story
from walletport.settings import unknown_name


def find_row(connection: Transaction, provision_id: str) -> ProvisionRow | None:
    """Return an order by its id, or ``None`` if there is no such order."""
    try:
        return rows.get_provision(connection, provision_id)
    except JournalError as error:
        if error.outcome != "not_applied":  # the database failed
            raise
        return None


def is_of_another(connection: Transaction, row: ProvisionRow, made: Wallet | Customer | None) -> bool:
    """Return whether the journal knows what was made as another user's, or knows the user as another customer."""
    if isinstance(made, Wallet):
        wallet = rows.get_wallet(connection, row.account, made.id)
        return wallet is not None and wallet.user_id != row.user_id
    customer = None if made is None else rows.customer_of(connection, row.user_id, row.account)
    return customer is not None and made is not None and customer.customer_id != made.id


def provision_of(connection: Transaction, row: ProvisionRow) -> Provision:
    """Return what an application sees of an order."""
    wallet = None if row.wallet_id is None else rows.get_wallet(connection, row.account, row.wallet_id)
    return Provision.of(row, None if wallet is None else Wallet.model_validate(wallet.document))


def story_of(connection: Transaction, row: ProvisionRow) -> Story:
    """Return an order and everything that happened to it."""
    return Story.of(provision_of(connection, row), rows.events_of(connection, row.id))


def provisions(
    connection: Transaction, state: str | None, account: str | None, user: str | None, limit: int
) -> list[Provision]:
    """Return orders, newest first.

    Raises:
        ConfigurationError: there is no such state, or the limit is no whole number above 0.
    """
    if state is not None and state not in set(State):
        msg = f"state: {unknown_name(state, State, 'state')}"
        raise ConfigurationError(msg)
    check_limit(limit)
    if user is None:
        found = rows.list_provisions(connection, state, account, limit)
    else:
        asked = rows.provisions_of(connection, user)[::-1]
        found = [row for row in asked if state in (None, row.state) and account in (None, row.account)]
    return [provision_of(connection, row) for row in found[:limit]]


def check_limit(limit: object) -> None:
    """Refuse what cannot say how many are wanted at most."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        msg = "limit must be a whole number above 0"
        raise ConfigurationError(msg)


def waiting_for(connection: Transaction, customers: Iterable[CustomerRow]) -> list[tuple[ProvisionRow, CustomerRow]]:
    """Return the orders for these customers of which nobody knows what became of them."""
    asked = ((rows.find_by_identity(connection, customer_identity(c.user_id, c.account)), c) for c in customers)
    unknown = (State.IN_DOUBT, State.NEEDS_REVIEW)
    return [(row, customer) for row, customer in asked if row is not None and row.state in unknown]


def customer_identity(user: str, account: str) -> str:
    """Return under which identity the order for a user's customer at an account stands."""
    return identity_of("customer", user, None, None, account)
