"""What every provider must do, of this one."""

from __future__ import annotations

from walletport.testing import ProviderConformance, Subject
from walletport_ledger_so import LedgerSo


class TestLedgerSo(ProviderConformance):
    def subject(self) -> Subject:
        return Subject(provider=LedgerSo)
