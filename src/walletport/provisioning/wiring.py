"""From a configuration to its accounts at work and its open journal."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from walletport.journal import Journal
from walletport.operations import Operations
from walletport.provisioning.account import AccountAtWork
from walletport.provisioning.desk import Desk
from walletport.provisioning.owner import is_gone, new_owner
from walletport.provisioning.pacing import Pace
from walletport.provisioning.program import Provisioner
from walletport.provisioning.recording import Claim
from walletport.transport.account import engine_for
from walletport.transport.limits import Limits

if TYPE_CHECKING:
    from walletport.config import Config
    from walletport.transport.engine import Clock

LEASE: Final = timedelta(seconds=15)


def desk_of(config: Config, clock: Clock, *, blocking: bool = False) -> tuple[Desk, Journal]:
    """Open what a configuration names.

    Args:
        config: accounts, routes and journal.
        clock: tells the time.
        blocking: whether programs are driven by threads that wait for what they write.

    Raises:
        ConfigurationError: the journal cannot be opened.
    """
    accounts, engines = {}, {}
    for name, account in config.accounts.items():
        limits = Limits(timeout=account.timeout, max_attempts=account.max_attempts, repeats_creates=False)
        engine = engine_for(account.kind, account.settings, account.environment, account.base_url, limits, clock)
        accounts[name] = AccountAtWork(name, account.provider, Operations(engine), account.timeout)
        engines[name] = engine
    journal = Journal.open(config.journal, blocking=blocking)
    claim = Claim(new_owner(), LEASE, is_gone)
    paces = {}
    for name, engine in engines.items():
        limit = config.accounts[name].rate_limit or engine.provider.capabilities.rate_limit.requests_per_second
        engine.pacer = paces[name] = Pace(name, limit, journal, claim.owner, clock)
    return Desk(Provisioner(journal, accounts, claim, clock), config.routes, paces), journal
