"""One user's order once more, at the account where the user goes: what a switch of custodians asks of provisioning."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from walletport.errors import WalletportError
from walletport.journal import rows
from walletport.provisioning.choosing import request_of
from walletport.provisioning.current import identity_for_move
from walletport.provisioning.customers import customer_at
from walletport.provisioning.identity import identity_of
from walletport.provisioning.intake import Asked
from walletport.provisioning.recording import Call
from walletport.provisioning.sharing import under_way_at
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

        Orders without a reference share a wallet there that satisfies them, as they do anywhere; which of several is
        sent is settled in the journal, whoever carries them out.

        Args:
            user: the application's own id of its customer.
            chain: the chain that was ordered.
            asset: the asset that was ordered.
            reference: the application's own.
            wait: start nothing later than this many seconds from now.
        """
        until = self._provisioner.clock.now() + timedelta(seconds=wait)
        order = (user, chain, asset, reference)
        made = yield from self._carried_out(*order, until)
        if made.account != self._account:  # the application's own order, which has gone elsewhere since it was read
            made = yield from self._carried_out(*order, until)
        return made

    def _carried_out(
        self, user: str, chain: str | None, asset: str | None, reference: str | None, until: datetime
    ) -> Program[Provision]:
        request = request_of(user, chain, asset, None)
        own = identity_of("wallet", request.user, request.chain, request.asset, reference)
        journal, account = self._provisioner.journal, self._account
        identity = journal.read(partial(identity_for_move, identity=own, account=account))
        row = journal.read(lambda connection: rows.find_by_identity(connection, identity))
        if reference is None:
            others = journal.read(partial(under_way_at, account=account, user=user, identity=identity))
            for other in others:  # nobody may be at work on them any more, and this order waits for what they make
                yield from self._provisioner.settle(other, until)
        asked = Asked(identity, request, reference, account, Call(), is_switched=True)
        return (yield from self._desk.carry_out(row, asked, None, until))
