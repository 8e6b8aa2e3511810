"""The journal: the durable record of orders, wallets and customers; the only room that imports SQLAlchemy and Alembic.

``rows`` holds what can be read and written of orders, ``standing`` what of accounts, ``jobrows`` of jobs over many
orders, and ``rates`` of what is shared while sending, as functions that take a `Transaction`. ``lives`` reads what
became of many orders.
"""

from __future__ import annotations

from sqlalchemy import Connection as Transaction

from walletport.journal import jobrows, queueing, rates, rows, standing
from walletport.journal.errors import JournalError, LostClaim
from walletport.journal.jobrecords import ChunkRow, ItemRow, JobRow, KnownOrder, ResultRow
from walletport.journal.jobrecords import Outcome as ItemOutcome
from walletport.journal.journal import Journal
from walletport.journal.lives import Life, lives, lives_of
from walletport.journal.rates import RateRow
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
    "ChunkRow",
    "CustomerRow",
    "EventRow",
    "How",
    "ItemOutcome",
    "ItemRow",
    "JobRow",
    "Journal",
    "JournalError",
    "Kind",
    "KnownOrder",
    "Life",
    "LostClaim",
    "NewProvision",
    "PinRow",
    "ProvisionRow",
    "RateRow",
    "ResultRow",
    "Transaction",
    "WalletRow",
    "jobrows",
    "lives",
    "lives_of",
    "queueing",
    "rates",
    "rows",
    "standing",
]
