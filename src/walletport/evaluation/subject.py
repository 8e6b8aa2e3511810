"""The accounts that are to be evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from walletport.evaluation.report import Where

if TYPE_CHECKING:
    from walletport.config import Account
    from walletport.provider.emulation import Emulator
    from walletport.sandbox import Sandbox


@dataclass(frozen=True)
class Subject:
    """An account that is to be evaluated.

    Args:
        account: the account.
        customers: ids of customers that may have wallets; an emulator makes as many as are needed.
        sandbox: where an emulator on this machine answers for the vendor.
    """

    account: Account
    customers: tuple[str, ...] = ()
    sandbox: Sandbox | None = None

    @property
    def where(self) -> Where:
        """Who answers."""
        if self.sandbox is not None:
            return "emulator"
        if self.account.production:
            return "production"
        given = self.account.base_url
        used = {given} if isinstance(given, str) else set((given or {}).values())
        vendors = self.account.kind.environments[self.account.environment].base_urls.values()
        return "sandbox" if used <= set(vendors) else "another address"

    @property
    def emulator(self) -> Emulator | None:
        """The emulator."""
        return None if self.sandbox is None else self.sandbox.emulators[self.account.provider]


def subjects_of(sandbox: Sandbox) -> list[Subject]:
    """Return an account at every emulator of a running sandbox."""
    return [Subject(sandbox.account(name), sandbox=sandbox) for name in sandbox.emulators]
