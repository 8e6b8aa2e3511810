"""The journal: the durable record of orders, wallets and customers; the only room that imports SQLAlchemy and Alembic.

``rows`` holds what can be read and written of orders, ``standing`` what of accounts, ``jobrows`` of jobs over many
orders, and ``rates`` of what is shared while sending, as functions that take a `Transaction`. ``lives`` reads what
became of many orders, ``currents`` which wallet is a user's, ``moves`` who goes from one account to another;
``together`` is the short way of many orders at once.
"""

from __future__ import annotations

from sqlalchemy import Connection as Transaction

from walletport.journal import currents, jobrows, moves, queueing, rates, rows, standing, together
from walletport.journal.errors import JournalError, LostClaim
from walletport.journal.jobrecords import ChunkRow, ItemRow, JobRow, KnownOrder, ResultRow
from walletport.journal.jobrecords import Outcome as ItemOutcome
from walletport.journal.journal import Journal
from walletport.journal.lives import Life, lives, lives_of
from walletport.journal.moverecords import CurrentRow, Key, MoveRow, WatchedRow
from walletport.journal.rates import RateRow, ShareRow
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
    new_id,
)
from walletport.journal.rowset import NotTogether
from walletport.journal.types import as_stored

__all__ = [
    "AccountEventRow",
    "AccountRow",
    "ChunkRow",
    "CurrentRow",
    "CustomerRow",
    "EventRow",
    "How",
    "ItemOutcome",
    "ItemRow",
    "JobRow",
    "Journal",
    "JournalError",
    "Key",
    "Kind",
    "KnownOrder",
    "Life",
    "LostClaim",
    "MoveRow",
    "NewProvision",
    "NotTogether",
    "PinRow",
    "ProvisionRow",
    "RateRow",
    "ResultRow",
    "ShareRow",
    "Transaction",
    "WalletRow",
    "WatchedRow",
    "as_stored",
    "currents",
    "jobrows",
    "lives",
    "lives_of",
    "moves",
    "new_id",
    "queueing",
    "rates",
    "rows",
    "standing",
    "together",
]
