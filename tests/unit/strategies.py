"""What Hypothesis may draw: JSON values, neutral values."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import strategies as st

from walletport.models import (
    Address,
    Balance,
    Chain,
    Checksum,
    CustodyModel,
    Drift,
    Wallet,
    WalletStatus,
)

names = st.sampled_from(("ethereum", "base", "polygon", "solana", "tron", "stellar", "sui", "dogecoin", "eip155:5"))
text = st.text(st.characters(codec="utf-8"), max_size=20)
words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
amounts = st.decimals(min_value=Decimal("-1e30"), max_value=Decimal("1e30"), allow_nan=False, allow_infinity=False)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
plain_objects = st.dictionaries(text, st.none() | st.booleans() | st.integers() | text, max_size=4)


def addresses() -> st.SearchStrategy[Address]:
    """Draw an address; its value is not checked here."""
    return st.builds(
        Address,
        chain=st.none() | names.map(Chain),
        value=words,
        memo=st.none() | words,
        checksum=st.sampled_from(Checksum),
    )


def balances() -> st.SearchStrategy[Balance]:
    """Draw a balance."""
    return st.builds(
        Balance,
        asset=st.none() | words,
        available=amounts,
        pending=st.none() | amounts,
        frozen=st.none() | amounts,
        chain=st.none() | names.map(Chain),
    )


def wallets(**fixed: st.SearchStrategy[object]) -> st.SearchStrategy[Wallet]:
    """Draw a wallet, with these fields drawn from elsewhere."""
    drawn: dict[str, st.SearchStrategy[object]] = {
        "provider": st.just("puppet"),
        "id": words,
        "customer_id": st.none() | words,
        "chain": st.none() | names.map(Chain),
        "asset": st.none() | words,
        "status": st.sampled_from(WalletStatus),
        "provider_status": st.none() | words,
        "addresses": st.lists(addresses(), max_size=3).map(tuple),
        "balances": st.lists(balances(), max_size=3).map(tuple),
        "custody": st.sampled_from(CustodyModel),
        "reference": st.none() | words,
        "created_at": st.none() | times,
        "updated_at": st.none() | times,
        "replaced_by": st.none() | words,
        "raw": plain_objects,
        "drift": st.lists(st.builds(Drift, where=words, what=st.just("field"), seen=words), max_size=2).map(tuple),
    }
    return st.builds(Wallet, **(drawn | fixed))
