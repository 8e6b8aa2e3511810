"""Vendors for evaluations: Toy without its delay, a second one like it, and one with faults that are known."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from tests.support.toy import Toy
from tests.support.toy_emulator import ToyEmulator, _Made
from walletport.provider import JsonObject
from walletport.provider.emulation import Clock, Emulator


class PromptEmulator(ToyEmulator):
    """Toy's emulator, whose wallets are usable at once."""

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        super().__init__(clock, seed)
        self.activation_delay = timedelta(0)


class CalmEmulator(PromptEmulator):
    mount: ClassVar[str] = "/calm/v1"


class FaultyEmulator(PromptEmulator):
    """Toy's emulator, which forgets keys and has a status that no page names.

    Attributes:
        forgets: whether every key is forgotten at once.
        odd_status: the status of every fifth wallet.
    """

    mount: ClassVar[str] = "/faulty/v1"

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        super().__init__(clock, seed)
        self.odd_status: str | None = None

    def forget_keys(self) -> None:
        self._keys.window = timedelta(0)

    def _shown(self, made: _Made) -> JsonObject:
        shown = super()._shown(made)
        if self.odd_status is not None and self._wallets.index(made) % 5 == 4:
            shown["status"] = self.odd_status
        return shown


class Prompt(Toy):
    @classmethod
    def emulator(cls) -> type[Emulator]:
        return PromptEmulator


class Calm(Toy):
    name: ClassVar[str] = "calm"
    title: ClassVar[str] = "Calm Custody"

    @classmethod
    def emulator(cls) -> type[Emulator]:
        return CalmEmulator


class Faulty(Toy):
    name: ClassVar[str] = "faulty"
    title: ClassVar[str] = "Faulty Custody"

    @classmethod
    def emulator(cls) -> type[Emulator]:
        return FaultyEmulator
