"""Conduit v2: one wallet per customer and chain, with the caller's own reference on it.

The vendor's documentation is at https://v2.docs.conduit.financial.
"""

from walletport_conduit.provider import Conduit

__all__ = ["Conduit"]
