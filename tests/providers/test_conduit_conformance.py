"""What every provider must do, of this one."""

from __future__ import annotations

from walletport.testing import ProviderConformance, Subject
from walletport_conduit import Conduit


class TestConduit(ProviderConformance):
    def subject(self) -> Subject:
        return Subject(provider=Conduit)
