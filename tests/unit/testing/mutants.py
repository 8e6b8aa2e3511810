"""How a deliberately wrong adapter says which scenarios must notice it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from walletport.provider import WalletProvider
from walletport.testing import Subject

P = TypeVar("P", bound=type[WalletProvider])


@dataclass(frozen=True)
class Mutant:
    """A wrong adapter.

    Args:
        provider: its class; the docstring says what is wrong.
        noticed_by: the scenarios that fail, and no others do.
    """

    provider: type[WalletProvider]
    noticed_by: frozenset[str]

    @property
    def subject(self) -> Subject:
        """What the kit is given."""
        return Subject(self.provider)


MUTANTS: list[Mutant] = []


def noticed_by(*scenarios: str) -> Callable[[P], P]:
    """Register a mutant, with the names of the scenarios that notice it."""

    def register(provider: P) -> P:
        MUTANTS.append(Mutant(provider, frozenset(scenarios)))
        return provider

    return register
