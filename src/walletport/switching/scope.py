"""Who is meant: from where to where, which part of the users, and from which file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from walletport.errors import ConfigurationError
from walletport.routing import fraction
from walletport.settings import unknown_name

if TYPE_CHECKING:
    from walletport.jobs.source import OrderFile
    from walletport.provisioning.desk import Desk

_ALL: Final = 100.0  # per cent


@dataclass(frozen=True, slots=True)
class Scope:
    """Which customers a switch is about.

    Args:
        source: the account that is left.
        target: the account they go to.
        percent: only so large a part of the users, the same ones each time; a smaller part lies within a larger one.
        again: those who were rolled back are taken up again.
        customers: a file of customers, made elsewhere or not; everybody in the journal by default.
        users: a file of users who are in the journal.
    """

    source: str
    target: str
    percent: float = 100.0
    again: bool = False
    customers: OrderFile | None = None
    users: OrderFile | None = None

    def of(self, customers: OrderFile | None, users: OrderFile | None) -> Scope:
        """Return the same for the customers of a file, or for some users."""
        return replace(self, customers=customers, users=users)

    @property
    def file(self) -> OrderFile | None:
        """The file that says who is meant, if one does."""
        return self.customers or self.users

    @property
    def name(self) -> str:
        """What to call it in a list of jobs."""
        part = "" if self.percent >= _ALL else f", {self.percent:g}%"
        file = "" if self.file is None else f", {self.file.name}"
        return f"{self.source} to {self.target}{part}{file}"

    def includes(self, user: str) -> bool:
        """Return whether a user is in the part that is meant: first those whom the routes' draw sends there first."""
        return self.percent >= _ALL or fraction(user, self.target) > 1 - self.percent / _ALL

    def check(self, desk: Desk) -> None:
        """Refuse what makes no sense.

        Raises:
            ConfigurationError: in one sentence what is wrong.
        """
        for option, account in (("--from", self.source), ("--to", self.target)):
            if account not in desk.accounts:
                msg = f"{option}: {unknown_name(account, desk.accounts, 'account')}"
                raise ConfigurationError(msg)
        if self.source == self.target:
            msg = f"--from and --to are both {self.source!r}: name two accounts"
            raise ConfigurationError(msg)
        if not 0 < self.percent <= _ALL:
            msg = "--percent is a number above 0 and at most 100, such as 5"
            raise ConfigurationError(msg)
        if self.customers is not None and self.users is not None:
            msg = "give --customers or --users: a file of customers names the users already"
            raise ConfigurationError(msg)

    def fingerprint(self, digest: str, *, cuts_over: bool, number: int) -> str:
        """Return the id of the job that carries this out: the same for the same command, until that is finished.

        Args:
            digest: that of the file.
            cuts_over: whether the current wallets change.
            number: how many jobs of the same command were finished before.
        """
        said = ["switch", self.source, self.target, self.percent, self.again, digest, cuts_over, number]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
