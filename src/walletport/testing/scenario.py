"""Scenarios by name, and what each needs of a provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from walletport.capabilities import Capabilities
    from walletport.testing.bench import Bench

Mode: TypeAlias = Literal["sync", "async"]
Play: TypeAlias = "Callable[[Bench], Awaitable[None]]"


@dataclass(frozen=True)
class Scenario:
    """One thing that every provider must do, or honestly deny.

    Args:
        name: what is true of a provider that passes.
        group: what it is about.
        needs: the abilities it exercises; where one is denied, the denial is put to the test instead.
        modes: the clients it is played with; one where nothing is sent.
        play: carries it out.
    """

    name: str
    group: str
    needs: tuple[str, ...]
    modes: tuple[Mode, ...]
    play: Play

    @property
    def sentence(self) -> str:
        """What is true of a provider that passes, in words."""
        return " ".join((self.play.__doc__ or self.name).split())

    def denied(self, capabilities: Capabilities) -> str | None:
        """Return the first ability it needs and the provider denies, or ``None``."""
        return next((need for need in self.needs if not capabilities.ability(need).usable), None)


_FOUND: Final[dict[str, Scenario]] = {}
BOTH: Final[tuple[Mode, ...]] = ("sync", "async")


def scenario(*needs: str, modes: tuple[Mode, ...] = BOTH) -> Callable[[Play], Play]:
    """Register a scenario under its function's name; its docstring is its sentence."""

    def register(play: Play) -> Play:
        name, group = play.__name__, play.__module__.rpartition(".")[2]
        _FOUND[name] = Scenario(name, group, needs, modes, play)
        return play

    return register


def registered() -> tuple[Scenario, ...]:
    """Return the scenarios in the order they were registered."""
    return tuple(_FOUND.values())
