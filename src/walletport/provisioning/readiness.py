"""From a wallet that exists to one that can take deposits."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from walletport.errors import ConfigurationError
from walletport.journal import ProvisionRow, Transaction, rows
from walletport.models import Chain, Wallet
from walletport.operations import is_ready
from walletport.provisioning import queries
from walletport.provisioning.machine import State
from walletport.provisioning.recording import READY, wallet_row
from walletport.transport.effects import Program, WaitFor

if TYPE_CHECKING:
    from walletport.provisioning.account import AccountAtWork
    from walletport.provisioning.program import Provisioner
    from walletport.provisioning.record import Provision


def wait_until_ready(
    provisioner: Provisioner, account: AccountAtWork, row: ProvisionRow, timeout: float
) -> Program[Provision]:
    """Read an order's wallet until it is active and has its address, and commit each change; see `Desk`."""
    wallet = _wallet_of(provisioner, row)
    chain = None if row.chain is None else Chain(row.chain)
    notice = partial(_notice, provisioner, row)
    ready = yield from account.operations.wait_until_ready(wallet, timeout, chain, notice)
    if ready is wallet:  # nothing was read, so nothing was noticed: somebody else may have saved it
        yield from notice(wallet)
    return provisioner.journal.read(lambda connection: queries.provision_of(connection, row))


def note_if_ready(connection: Transaction, row: ProvisionRow, wallet: Wallet, now: datetime) -> None:
    """Record, once, that an order's wallet can take deposits, if it can."""
    if is_ready(wallet, None if row.chain is None else Chain(row.chain)):
        rows.note_once(connection, row.id, READY, {}, now)


def _notice(provisioner: Provisioner, row: ProvisionRow, wallet: Wallet) -> Program[None]:
    """Commit what is newer of an order's wallet, and once that it is ready."""
    now = provisioner.clock.now()

    def work(connection: Transaction) -> None:
        rows.save_wallet(connection, wallet_row(row, wallet, now))
        note_if_ready(connection, row, wallet, now)

    yield WaitFor(provisioner.journal.write(work))


def _wallet_of(provisioner: Provisioner, row: ProvisionRow) -> Wallet:
    found = provisioner.journal.read(lambda connection: queries.provision_of(connection, row))
    if row.kind == "customer":
        msg = f"order {row.id} is for a customer: wait for the order for the wallet"
        raise ConfigurationError(msg)
    if found.state is not State.DONE or found.wallet is None:
        msg = f"order {row.id} is {row.state}, so it has no wallet to wait for: `walletport journal show {row.id}`"
        raise ConfigurationError(msg)
    return found.wallet
