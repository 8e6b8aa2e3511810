"""Orders about which nothing is special are chosen for, committed and begun many at a time, in one transaction.

That is an order of a user who has none that matters, is a customer where the order goes, and whom nobody else is just
beginning an order for, at an account that is well. Every other order takes the long way, one at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from walletport.errors import WalletportError
from walletport.journal import NewProvision, Transaction, new_id, together
from walletport.provisioning.choosing import Choice, Known
from walletport.provisioning.identity import reference_for
from walletport.provisioning.recording import Call, Taken
from walletport.routing import switched
from walletport.transport.encoding import new_idempotency_key

if TYPE_CHECKING:
    from walletport.provisioning.program import Provisioner
    from walletport.routing import Decision, RouteRequest


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as it is asked for.

    Args:
        identity: under which it stands in the journal.
        request: what is wanted, and for whom.
        reference: the application's own.
        account: the account that is asked for by name.
        call: the call that asks.
        is_switched: whether it is carried out once more because its user goes to that account.
        id: the journal's own id of it.
    """

    identity: str
    request: RouteRequest
    reference: str | None
    account: str | None
    call: Call
    is_switched: bool = False
    id: str = field(default_factory=new_id)

    @property
    def shares(self) -> bool:
        """Whether a wallet that the user has already may satisfy it."""
        return self.reference is None and (self.account is None or self.is_switched)

    def may_share(self, known: together.Known) -> bool:
        """Return whether the user has an order whose wallet may satisfy it: at any account, or where they go."""
        accounts = known.accounts.get(self.request.user, ())
        return self.shares and bool(accounts) and (not self.is_switched or self.account in accounts)


class Intake:
    """Begins orders.

    Args:
        provisioner: knows the accounts and the journal.
        choice: chooses an account.
    """

    def __init__(self, provisioner: Provisioner, choice: Choice) -> None:
        self._provisioner = provisioner
        self._choice = choice

    def begin_all(self, connection: Transaction, asked: Sequence[Asked]) -> list[Taken | None]:
        """Commit orders, and that they are about to be sent; ``None`` for those that take the long way.

        Raises:
            NotTogether: somebody else has just recorded one of them; the transaction must not be committed.
        """
        users = {one.request.user: one for one in reversed(asked)}  # of several orders of a user the first
        alone = {one.identity for one in users.values()}
        locked = together.lock_users(connection, [one.request.user for one in users.values() if one.shares])
        known = together.known(connection, alone, users)
        provisioner = self._provisioner
        view = provisioner.standing.view(connection, provisioner.accounts, provisioner.clock.now())
        new: dict[str, NewProvision] = {}
        for user, one in users.items():
            is_known = one.identity in known.identities or user in known.moved
            if is_known or one.may_share(known) or (one.shares and user not in locked):
                continue
            made = self._new(one, known, Known(view, known.pins.get(user), None))
            if made is not None:
                new[one.id] = made
        # In one order for all processes, so that none of them waits for one that waits for it.
        begun = sorted((one for one in users.values() if one.id in new), key=lambda one: one.identity)
        taken = provisioner.commits.begin_all(connection, [(new[one.id], one.call) for one in begun])
        by_id = {one.row.id: one for one in taken}
        return [by_id.get(one.id) for one in asked]

    def _new(self, asked: Asked, met: together.Known, known: Known) -> NewProvision | None:
        """Return the order as it is to be committed, or ``None`` where more is to be done than that."""
        try:
            decision = self._choice.decide(asked.request, asked.account, known)
        except WalletportError:  # the long way says it
            return None
        decision = switched(decision.account) if asked.is_switched else decision
        customer_id = met.customers.get((asked.request.user, decision.account))
        if customer_id is None or decision.shadow or decision.account in known.view.half_open:
            return None
        return new_order(self._provisioner, asked, decision, customer_id)


def new_order(provisioner: Provisioner, asked: Asked, decision: Decision, customer_id: str | None) -> NewProvision:
    """Return an order as it is to be committed."""
    takes = provisioner.accounts[decision.account].capabilities
    return NewProvision(
        kind="wallet",
        identity=asked.identity,
        user_id=asked.request.user,
        account=decision.account,
        idempotency_key=new_idempotency_key(takes.idempotency),
        chain=asked.request.chain,
        asset=asked.request.asset,
        reference=asked.reference,
        sent_reference=reference_for(takes.order, asked.identity, asked.reference),
        customer_id=customer_id,
        decision=decision.model_dump(mode="json"),
        id=asked.id,
    )
