"""One account as provisioning sees it: how to talk to it, and what its declarations mean for the state machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from walletport.provisioning.machine import Policy

if TYPE_CHECKING:
    from walletport.capabilities import Capabilities
    from walletport.operations import Operations

_MARGIN: Final = 0.2  # of the window: clocks differ, and a request may lie in a queue
LONGEST_ATTEMPT: Final = 5.0  # in timeouts: pool, connection, TLS, first byte, body
_TO_GET_GOING: Final = timedelta(seconds=10)  # from a choice to the first byte, with a customer made
_REPEATS: Final = 5
_REPEATS_WITHOUT_LOOK_UP: Final = 20  # waiting longer each time, they reach to the end of every window


@dataclass(frozen=True, slots=True)
class AccountAtWork:
    """One configured account.

    Args:
        name: its name in the configuration.
        provider: its provider's name.
        operations: carries out the neutral operations, each create sent once.
        timeout: of one wait within an attempt, in seconds.
    """

    name: str
    provider: str
    operations: Operations
    timeout: float

    @property
    def capabilities(self) -> Capabilities:
        """What the provider declares."""
        return self.operations.capabilities

    @property
    def longest_attempt(self) -> timedelta:
        """How long one attempt can take from its first byte to its recorded answer."""
        return timedelta(seconds=self.timeout * LONGEST_ATTEMPT)

    @property
    def longest_probe(self) -> timedelta:
        """How long an order that tries the account out can take from its choice to its recorded answer."""
        return self.longest_attempt + _TO_GET_GOING

    def policy(self, kind: str) -> Policy:
        """Return what the declarations mean for an order for a wallet, or for a customer."""
        declared = self.capabilities
        window = timedelta(0)
        if declared.idempotency.place != "none":
            window = declared.idempotency.window * (1 - _MARGIN) - self.longest_attempt
        can_find = kind != "customer" and declared.find_wallet.usable
        return Policy(
            resend_within=max(window, timedelta(0)),
            can_find=can_find,
            settle=declared.settle_time + self.longest_attempt,
            most_repeats=_REPEATS if can_find else _REPEATS_WITHOUT_LOOK_UP,
        )
