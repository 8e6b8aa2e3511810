"""All scenarios, in the order in which they are told."""

from __future__ import annotations

from typing import Final

from walletport.testing.scenario import Scenario, registered
from walletport.testing.scenarios import (
    addresses,
    approvals,
    balances,
    creating,
    credentials,
    customers,
    declarations,
    errors,
    finding,
    idempotency,
    listing,
    reading,
    redaction,
    rotation,
    webhooks,
)

GROUPS: Final = (
    declarations,
    creating,
    reading,
    listing,
    finding,
    errors,
    idempotency,
    credentials,
    webhooks,
    redaction,
    balances,
    addresses,
    customers,
    approvals,
    rotation,
)
_ORDER: Final = {group.__name__.rpartition(".")[2]: place for place, group in enumerate(GROUPS)}

SCENARIOS: Final[tuple[Scenario, ...]] = tuple(sorted(registered(), key=lambda one: _ORDER[one.group]))
"""Every scenario of the kit."""
