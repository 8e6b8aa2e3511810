"""Every line of a file, held against itself, the configuration and the journal, before anything is sent."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from walletport.errors import ConfigurationError, ProviderUnavailable, WalletportError
from walletport.jobs.order import BulkOrder
from walletport.jobs.seen import Problems, Seen
from walletport.journal import CurrentRow, Key, KnownOrder, Transaction, currents, jobrows
from walletport.provisioning.current import answered_by, why_unanswered
from walletport.provisioning.identity import identity_of
from walletport.provisioning.machine import State
from walletport.settings import unknown_name

if TYPE_CHECKING:
    from walletport.jobs.source import OrderFile, Record
    from walletport.journal import Journal
    from walletport.provisioning.choosing import Known
    from walletport.provisioning.desk import Desk
    from walletport.routing import Decision

_AT_ONCE: Final = 500
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class CheckedOrder:
    """A good line, and what is known of it.

    Args:
        identity: digest of what makes two orders the same.
        account: where it goes.
        reasons: why there.
        known: how the order stands in the journal, if it is there.
        customer_id: who the user is at the account, if anybody has told.
    """

    line: int
    byte: int
    order: BulkOrder
    identity: str
    account: str
    reasons: tuple[str, ...]
    known: KnownOrder | None
    customer_id: str | None

    @property
    def is_done(self) -> bool:
        """Whether there is a wallet already."""
        return self.known is not None and self.known.state == State.DONE

    @property
    def makes_customer(self) -> bool:
        """Whether the customer has to be made first, for which the file is needed."""
        return self.customer_id is None and not self.is_done


@dataclass
class Findings:
    """What was found in a file.

    Args:
        lines: how many lines hold an order.
        orders: how many different ones.
        digest: the same for the same orders on the same lines.
        done: how many of them have a wallet already.
        customers: for how many a customer is made first.
        accounts: where the others go, and why: how many by account and reasons.
        problems: the bad lines.
    """

    lines: int = 0
    orders: int = 0
    digest: str = ""
    done: int = 0
    customers: int = 0
    accounts: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)
    problems: Problems = field(default_factory=Problems)


class BadLines(ConfigurationError):
    """Lines of a file are wrong, so nothing was sent.

    Args:
        name: what the file is called.
        problems: every bad line.
    """

    def __init__(self, name: str, problems: Problems) -> None:
        self.problems = problems
        self.is_long = problems.count > _SHOWN
        count = problems.count
        lines = [f"{name}, line {line}: {reason}" for line, reason in problems.first(_SHOWN)]
        if count > _SHOWN:
            lines.append(f"{name}: and {count - _SHOWN} more")
        head = f"{name}: {'1 line is' if count == 1 else f'{count} lines are'} wrong, so nothing was sent"
        super().__init__("\n".join([head, *lines]))


@dataclass(frozen=True, slots=True)
class _Told:
    """What the journal tells of some lines.

    Args:
        orders: the orders it knows, by identity.
        customers: who the users are, by user and account.
        currents: the wallets that are theirs.
        placed: the users for whom more than the routes says where they belong.
        of_nobody: what a choice needs to know for the others.
    """

    orders: Mapping[str, KnownOrder]
    customers: Mapping[tuple[str, str], str]
    currents: Mapping[Key, CurrentRow]
    placed: set[str]
    of_nobody: Known


class Checker:
    """Holds orders against everything that can be known without sending.

    Args:
        desk: knows accounts and routes.
        journal: knows orders and customers.
        seen: what the file has said so far.
    """

    def __init__(self, desk: Desk, journal: Journal, seen: Seen) -> None:
        self._desk = desk
        self._journal = journal
        self._seen = seen
        self._several = len(desk.accounts) > 1

    def check(self, file: OrderFile, advance: Callable[[int], None]) -> Findings:
        """Read a file once and tell what is in it.

        Args:
            file: the orders.
            advance: told how many bytes were read since it was last told.
        """
        found, digest, at = Findings(), hashlib.sha256(), 0
        for one in self.walk(file.records(), found.problems):
            digest.update(self.fingerprint(one))
            found.lines += 1
            if not self.is_first(one):
                continue
            found.orders += 1
            found.done += one.is_done
            found.customers += one.makes_customer
            if not one.is_done:
                found.accounts[one.account, one.reasons] += 1
            if one.line % _AT_ONCE == 0:
                advance(one.byte - at)
                at = one.byte
        found.digest = digest.hexdigest()
        return found

    def walk(self, records: Iterable[Record], problems: Problems | None = None) -> Iterator[CheckedOrder]:
        """Yield the good lines in their order, repeated ones too.

        Args:
            records: the lines.
            problems: takes the bad ones.
        """
        remaining = iter(records)
        while some := list(itertools.islice(remaining, _AT_ONCE)):
            read = [(record, *self._read(record)) for record in some]
            orders = [order for _, order, _ in read if isinstance(order, BulkOrder)]
            identities = [identity for _, _, identity in read if identity]
            told = self._journal.read(partial(self._told, orders, identities))
            for record, order, identity in read:
                checked: CheckedOrder | str = order if isinstance(order, str) else ""
                if isinstance(order, BulkOrder):
                    checked = self._hold(record, order, identity, told)
                if isinstance(checked, CheckedOrder):
                    yield checked
                elif problems is not None:
                    problems.add(record.line, checked)

    def is_first(self, one: CheckedOrder) -> bool:
        """Return whether no line before says the same order."""
        return self._seen.first(f"order {one.identity}", one.line, "")[0] == one.line

    @staticmethod
    def fingerprint(one: CheckedOrder) -> bytes:
        """Return what makes a line this line; what is said of a customer may be put right in the same file."""
        order = one.order
        said = (one.line, order.user, order.chain, order.asset, order.reference, order.account, order.customer_id)
        return json.dumps(said).encode()

    def _told(self, orders: list[BulkOrder], identities: list[str], connection: Transaction) -> _Told:
        """Return what the journal tells of some lines; a statement for each line would cost more than all else."""
        users = list({order.user for order in orders})
        return _Told(
            jobrows.known_orders(connection, identities),
            jobrows.customers_among(connection, users),
            currents.among(connection, users),
            jobrows.users_with_a_place(connection, users),
            self._desk.known_of_nobody(connection),
        )

    def _read(self, record: Record) -> tuple[BulkOrder | str, str]:
        """Return the order of a line with its identity, or what is wrong with it."""
        if record.values is None:
            return record.problem or "cannot be read", ""
        try:
            order = BulkOrder.model_validate(record.values)
        except ConfigurationError as error:
            return "; ".join(error.message.split("\n")), ""
        return order, identity_of("wallet", order.user, order.chain, order.asset, order.reference)

    def _hold(self, record: Record, order: BulkOrder, identity: str, told: _Told) -> CheckedOrder | str:
        """Return the order with what is known of it, or what is wrong."""
        if order.account is not None and order.account not in self._desk.accounts:
            return f"account: {unknown_name(order.account, self._desk.accounts, 'account')}"
        if order.customer_id is not None and order.account is None and self._several:
            return "customer_id is somebody's at one account: name it in the column account"
        known, current = told.orders.get(identity), told.currents.get((order.user, order.chain, order.asset))
        unanswered = why_unanswered(current, order.reference)
        if unanswered is not None:
            return unanswered
        order_id = None if known is None or known.state == State.REJECTED else known.id
        if current is not None and answered_by(current, order_id, order.reference) is not None:
            known, account = None, current.account
            reasons: tuple[str, ...] = ("the user has gone to this account since",)
        elif known is not None and known.state != State.REJECTED:
            account = known.account
            reasons = ("the journal knows the order, and it stays there",)
        else:
            try:
                decision = self._route(order, told)
            except WalletportError as error:
                return _sentence(error)
            account, reasons = decision.account, decision.reasons
        linked = told.customers.get((order.user, account))
        customer_id = linked or order.customer_id
        one = CheckedOrder(record.line, record.byte, order, identity, account, reasons, known, customer_id)
        problem = self._contradiction(one, linked)
        if problem:
            return problem
        return one if customer_id or one.is_done else self._who(order, account) or one

    def _route(self, order: BulkOrder, told: _Told) -> Decision:
        """Return where an order goes; one that nobody takes at the moment will wait, so it is no bad line."""
        asked = (order.user, order.chain, order.asset, order.account, None)
        known = None if order.user in told.placed else told.of_nobody
        try:
            return self._desk.route(*asked, known=known)
        except ProviderUnavailable as error:
            decision = self._desk.route(*asked, known=known, as_if_all_were_well=True)
            reasons = (*decision.reasons, f"it waits: {_sentence(error)}")
            return decision.model_copy(update={"reasons": reasons})

    def _contradiction(self, one: CheckedOrder, linked: str | None) -> str | None:
        """Return what speaks against a line: the journal, or a line before it."""
        order, account = one.order, one.account
        if order.customer_id is not None:
            if linked not in (None, order.customer_id):
                return f"user {order.user!r} is linked to customer {linked!r} at {account!r} already"
            who = f"customer {json.dumps([order.user, account])}"
            line, said = self._seen.first(who, one.line, order.customer_id)
            if said != order.customer_id:
                return f"line {line} says that this user is another customer at {account}"
        line, said = self._seen.first(f"account {one.identity}", one.line, order.account or "")
        if said != (order.account or ""):
            return f"line {line} is the same order for {said or 'no account by name'}: leave one of them out"
        return None

    def _who(self, order: BulkOrder, account: str) -> str | None:
        """Return why a user that is nobody yet at the account cannot be made a customer there."""
        create = self._desk.can_make_customer(account)
        if order.profile is not None and create.usable:
            return None
        if order.profile is not None:
            return f"the user has no customer at account {account} ({create.reason}): name it in customer_id"
        how = (
            "name it in customer_id, or give email and names to make one" if create.usable else "name it in customer_id"
        )
        return f"the user has no customer at account {account}: {how}"


def _sentence(error: WalletportError) -> str:
    return " ".join(error.message.split())
