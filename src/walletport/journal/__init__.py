"""The journal: the durable record of orders, wallets and customers; the only room that imports SQLAlchemy and Alembic.

``rows`` holds what can be read and written, as functions that take a `Transaction`.
"""

from __future__ import annotations

from sqlalchemy import Connection as Transaction

from walletport.journal import rows
from walletport.journal.errors import JournalError, LostClaim
from walletport.journal.journal import Journal
from walletport.journal.records import CustomerRow, EventRow, How, Kind, NewProvision, ProvisionRow, WalletRow

__all__ = [
    "CustomerRow",
    "EventRow",
    "How",
    "Journal",
    "JournalError",
    "Kind",
    "LostClaim",
    "NewProvision",
    "ProvisionRow",
    "Transaction",
    "WalletRow",
    "rows",
]
