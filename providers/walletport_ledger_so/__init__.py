"""Ledger.so: one wallet for a customer, with a deposit address on each of eight chains.

The vendor's documentation is at https://docs.ledger.so.
"""

from walletport_ledger_so.provider import LedgerSo

__all__ = ["LedgerSo"]
