"""What every provider must do, of the two toys."""

from __future__ import annotations

from tests.support.depot import Depot
from tests.support.toy import Toy
from walletport.testing import ProviderConformance, Subject


class TestToy(ProviderConformance):
    def subject(self) -> Subject:
        return Subject(provider=Toy)


class TestDepot(ProviderConformance):
    def subject(self) -> Subject:
        return Subject(provider=Depot)
