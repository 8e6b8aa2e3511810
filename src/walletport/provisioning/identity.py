"""What makes two orders the same, and what an order is called at a provider."""

from __future__ import annotations

import hashlib
import json

from walletport.capabilities import Need, OrderFields
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


def identity_at(account: str, identity: str) -> str:
    """Return the identity of an order that is carried out once more, at another account.

    Args:
        account: where.
        identity: that of the order itself.
    """
    return hashlib.sha256(json.dumps([1, "at", account, identity]).encode()).hexdigest()


def opaque_reference(identity: str) -> str:
    """Return the reference for an order that has none of the application's: derived from the order, naming nobody."""
    return f"wp-{identity[:40]}"


def reference_for(takes: OrderFields, identity: str, reference: str | None) -> str | None:
    """Return what a provider is told: the application's reference, or an opaque one; ``None`` where it takes none.

    Some vendors take a reference with the first create only, and it is what finds a wallet again.
    """
    return None if takes.reference is Need.REFUSED else reference or opaque_reference(identity)
