"""Polygon OMS (Open Money Stack): one wallet per customer, asset and chain.

The vendor's documentation is at https://docs.polygon.technology.
"""

from walletport_polygon_oms.provider import PolygonOms

__all__ = ["PolygonOms"]
