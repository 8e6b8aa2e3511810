"""One user's order once more, at the account where the user goes: what a switch of custodians asks of provisioning."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from walletport.errors import WalletportError
from walletport.journal import rows
from walletport.provisioning.choosing import request_of
from walletport.provisioning.current import identity_for_move
from walletport.provisioning.customers import customer_at
from walletport.provisioning.identity import identity_of
from walletport.provisioning.queries import provision_of
from walletport.provisioning.sharing import find_at
from walletport.routing import choose
from walletport.transport.effects import Program

if TYPE_CHECKING:
    from walletport.capabilities import Capabilities
    from walletport.models import CustomerProfile
    from walletport.provisioning.desk import Desk
    from walletport.provisioning.record import Provision


class Relocation:
    """Carries orders out at the account where users go.

    Args:
        desk: carries orders out.
        account: where they go.
    """

    def __init__(self, desk: Desk, account: str) -> None:
        self._desk = desk
        self._provisioner = desk.provisioner
        self._account = account

    @property
    def able(self) -> Capabilities:
        """What the account's provider declares."""
        return self._provisioner.accounts[self._account].capabilities

    def why_not(self, user: str, chain: str | None, asset: str | None) -> str | None:
        """Return why the account cannot take an order, or ``None`` if it can; nothing is done."""
        try:
            choose(request_of(user, chain, asset, None), (), {self._account: self.able}, pinned=self._account)
        except WalletportError as error:
            return error.message
        return None

    def customer(self, user: str, profile: CustomerProfile | None, wait: float) -> Program[str]:
        """Return who a user is there; make the customer, exactly once, where that is asked for."""
        until = self._provisioner.clock.now() + timedelta(seconds=wait)
        return (yield from customer_at(self._provisioner, user, self._account, profile, until))

    def provision(
        self, user: str, chain: str | None, asset: str | None, reference: str | None, wait: float
    ) -> Program[Provision]:
        """Carry an order out there, exactly once, beside the wallet that there is.

        Orders without a reference share a wallet there that satisfies them, as they do anywhere.

        Args:
            user: the application's own id of its customer.
            chain: the chain that was ordered.
            asset: the asset that was ordered.
            reference: the application's own.
            wait: start nothing later than this many seconds from now.
        """
        request = request_of(user, chain, asset, None)
        own = identity_of("wallet", request.user, request.chain, request.asset, reference)
        journal, until = self._provisioner.journal, self._provisioner.clock.now() + timedelta(seconds=wait)
        identity = journal.read(lambda connection: identity_for_move(connection, own, self._account))
        row = journal.read(lambda connection: rows.find_by_identity(connection, identity))
        if row is None and reference is None:
            there = self._provisioner.accounts[self._account]
            held = journal.read(lambda connection: find_at(connection, there, user, request.chain, request.asset))
            if held is not None:
                return journal.read(
                    lambda connection: provision_of(connection, rows.get_provision(connection, held.order))
                )
        return (yield from self._desk.carry_out(row, identity, request, reference, self._account, None, until))
