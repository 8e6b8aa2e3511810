"""What the kit is given: a provider and its emulator."""

from __future__ import annotations

from dataclasses import dataclass

from walletport.errors import ConfigurationError
from walletport.provider import WalletProvider
from walletport.provider.emulation import Emulator


@dataclass(frozen=True)
class Subject:
    """What is put to the test.

    Args:
        provider: the provider's class.
        emulator: its emulator; what the provider itself names by default.
    """

    provider: type[WalletProvider]
    emulator: type[Emulator] | None = None

    def emulator_type(self) -> type[Emulator]:
        """Return the emulator's class.

        Raises:
            ConfigurationError: there is none; without a vendor to talk to, nothing can be judged.
        """
        found = self.emulator or self.provider.emulator()
        if found is None:
            msg = (
                f"{self.provider.__name__} has no emulator: return one from emulator(), or say Subject(..., emulator=)"
            )
            raise ConfigurationError(msg)
        return found
