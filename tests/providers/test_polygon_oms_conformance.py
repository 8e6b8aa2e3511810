"""What every provider must do, of this one."""

from __future__ import annotations

from walletport.testing import ProviderConformance, Subject
from walletport_polygon_oms import PolygonOms


class TestPolygonOms(ProviderConformance):
    def subject(self) -> Subject:
        return Subject(provider=PolygonOms)
