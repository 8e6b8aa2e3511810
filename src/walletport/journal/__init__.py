"""The journal: the durable record of orders, wallets and customers; the only room that imports SQLAlchemy and Alembic.

``rows`` holds what can be read and written of orders, ``standing`` what of accounts, as functions that take a
`Transaction`. ``lives`` reads what became of many orders.
"""

from __future__ import annotations

from sqlalchemy import Connection as Transaction

from walletport.journal import rows, standing
from walletport.journal.errors import JournalError, LostClaim
from walletport.journal.journal import Journal
from walletport.journal.lives import Life, lives, lives_of
from walletport.journal.records import (
    AccountEventRow,
    AccountRow,
    CustomerRow,
    EventRow,
    How,
    Kind,
    NewProvision,
    PinRow,
    ProvisionRow,
    WalletRow,
)

__all__ = [
    "AccountEventRow",
    "AccountRow",
    "CustomerRow",
    "EventRow",
    "How",
    "Journal",
    "JournalError",
    "Kind",
    "Life",
    "LostClaim",
    "NewProvision",
    "PinRow",
    "ProvisionRow",
    "Transaction",
    "WalletRow",
    "lives",
    "lives_of",
    "rows",
    "standing",
]
