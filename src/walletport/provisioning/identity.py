"""What makes two orders the same, and what an order is called at a provider."""

from __future__ import annotations

import hashlib
import json

from walletport.models import Chain


def identity_of(kind: str, user: str, chain: str | None, asset: str | None, reference: str | None) -> str:
    """Return the digest under which an order stands in the journal: the same order again, from any process, is found.

    Args:
        kind: ``wallet`` or ``customer``.
        user: the application's own id of its customer.
        chain: the chain, for a wallet.
        asset: the asset, for a wallet.
        reference: the application's own reference; for a customer, the account.
    """
    parts = [1, kind, user, None if chain is None else Chain(chain), asset, reference]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def opaque_reference(identity: str) -> str:
    """Return the reference for an order that has none of the application's: derived from the order, naming nobody."""
    return f"wp-{identity[:40]}"
