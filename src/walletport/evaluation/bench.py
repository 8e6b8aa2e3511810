"""One account at work: everything it answers passes through here, and what it tells is remembered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from walletport.errors import RateLimited, WalletportError
from walletport.evaluation.orders import Order, Orders
from walletport.models import Customer, Drift, Wallet, WalletStatus
from walletport.operations import Operations
from walletport.transport.account import engine_for
from walletport.transport.effects import Program
from walletport.transport.engine import SystemClock
from walletport.transport.limits import Limits
from walletport.transport.recording import Exchange, RecordingDriver

if TYPE_CHECKING:
    from collections.abc import Callable

    from walletport.evaluation.subject import Subject
    from walletport.provider import ProviderSettings

T = TypeVar("T")
_MOST_EVIDENCE: Final = 4
_MOST_DRIFT: Final = 50


@dataclass
class SeenDrift:
    """Something undocumented, how often it was seen, and where first."""

    drift: Drift
    count: int = 0
    evidence: tuple[Exchange, ...] = ()


@dataclass
class Times:
    """One kind of work."""

    attempts: int = 0
    samples: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    failed: list[Exchange] = field(default_factory=list)

    def succeed(self, seconds: float) -> None:
        """Count a success."""
        self.attempts += 1
        self.samples.append(seconds)

    def prove(self, evidence: Sequence[Exchange]) -> None:
        """Keep evidence of a failure; the first few are enough."""
        self.failed = [*self.failed, *evidence][:_MOST_EVIDENCE]

    def fail(self, name: str) -> None:
        """Count a failure by the name of its class."""
        self.attempts += 1
        self.errors[name] += 1


class Bench:
    """An account at work.

    Args:
        subject: the account.
        allow: called before each request; what it raises keeps the request from being sent.
        chain: the chain to ask for, where the provider takes one and can express it.
        asset: the asset to ask for, likewise.
        most_creates: how many orders may be sent.

    Attributes:
        orders: makes the orders.
        times: by kind of work.
        wallets: ids of all wallets that were seen to be made.
        drift: everything undocumented that was seen.
        creates: how many orders were sent.
        repeated: how many of the timed orders gave a wallet that an earlier one had given already.
        latest_is_new: whether the wallet of the latest order was seen for the first time.
        asked_to_wait: how long the last timed work was told to wait, in seconds, where it was refused for that.
        latest_failure: of timed work.
        request_ids: by the class of a refusal, whether it named a request id, and what travelled.
    """

    def __init__(
        self, subject: Subject, allow: Callable[[], None], *, chain: str, asset: str, most_creates: int
    ) -> None:
        self.subject = subject
        self.kind = subject.account.kind
        self.capabilities = self.kind.capabilities
        self.most_creates = most_creates
        self._allow = allow
        self.operations, self.driver = self.open_with(subject.account.settings)
        self.orders = Orders(subject, chain, asset)
        self.times: dict[str, Times] = {}
        self.wallets: set[str] = set()
        self.drift: dict[Drift, SeenDrift] = {}
        self.creates = 0
        self.repeated = 0
        self.latest_is_new = True
        self.asked_to_wait: float | None = None
        self.latest_failure: WalletportError | None = None
        self.request_ids: dict[str, tuple[bool, tuple[Exchange, ...]]] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self.driver.close()

    def open_with(self, settings: ProviderSettings) -> tuple[Operations, RecordingDriver]:
        """Return what talks to the account with these settings; the caller closes the driver."""
        account = self.subject.account
        # Once: what is judged is the provider, not how well this library gets over its failures.
        limits = Limits(timeout=account.timeout, max_attempts=1, repeats_creates=False)
        engine = engine_for(self.kind, settings, account.environment, account.base_url, limits, SystemClock())
        return Operations(engine), RecordingDriver(engine, self._allow)

    async def create(self, order: Order) -> Wallet:
        """Send an order once."""
        self.creates += 1
        if self.creates > self.most_creates:
            msg = "more wallets would be made than were announced"
            raise RuntimeError(msg)
        program = self.operations.create_wallet(order.customer_id, order.chain, order.asset, order.reference, order.key)
        wallet = await self.do(program)
        self.latest_is_new = wallet.id not in self.wallets
        self.wallets.add(wallet.id)
        return wallet

    async def look(self, wallet: Wallet) -> Wallet:
        """Read a wallet again, with its addresses, as far as the provider lets one."""
        if self.capabilities.get_wallet.usable:
            wallet = await self.do(self.operations.get_wallet(wallet.id, wallet.customer_id))
        if not wallet.addresses and self.capabilities.get_addresses.usable:
            addresses = await self.do(self.operations.get_addresses(wallet))
            wallet = wallet.model_copy(update={"addresses": addresses})
        return wallet

    async def do(self, program: Program[T]) -> T:
        """Carry out a program, and remember what its answer or its refusal tells."""
        try:
            result = await self.driver.drive(program)
        except WalletportError as error:
            self.note_refusal(error)
            raise
        if isinstance(result, Wallet):
            self._note_wallet(result)
        elif isinstance(result, Customer):
            self._note_drift(one.model_copy(update={"where": f"customer.{one.where}"}) for one in result.drift)
        return result

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        """Time one piece of work; a failure of the account's is counted, and ends the piece."""
        times = self.times_of(kind)
        started = time.perf_counter()
        self.asked_to_wait = None
        try:
            yield
        except WalletportError as error:
            self.latest_failure = error
            times.fail(type(error).__name__)
            times.prove(self.evidence(1))
            if isinstance(error, RateLimited):
                self.asked_to_wait = 1.0 if error.retry_after is None else error.retry_after
        else:
            times.succeed(time.perf_counter() - started)

    def times_of(self, kind: str) -> Times:
        """Return what is remembered of one kind of work."""
        return self.times.setdefault(kind, Times())

    @property
    def can_look(self) -> bool:
        """Whether a wallet can be watched growing ready."""
        return self.capabilities.get_wallet.usable

    # --- what is remembered ---------------------------------------------------------------------------------

    def evidence(self, most: int = _MOST_EVIDENCE, *, since: int | None = None) -> tuple[Exchange, ...]:
        """Return the latest exchanges, oldest first.

        Args:
            most: how many at most.
            since: only those after this mark.
        """
        fresh = most if since is None else self.driver.sent - since
        return self.driver.latest(min(most, fresh))

    def note_wallets(self, wallets: Iterable[Wallet]) -> None:
        """Look for what is undocumented in a list's wallets."""
        for wallet in wallets:
            self._note_wallet(wallet)

    def _note_wallet(self, wallet: Wallet) -> None:
        found = list(wallet.drift)
        told = any(one.what == "value" and one.seen == wallet.provider_status for one in found)
        if wallet.status is WalletStatus.UNKNOWN and wallet.provider_status is not None and not told:
            found.append(Drift(where="status", what="value", seen=wallet.provider_status[:40]))
        self._note_drift(found)

    def _note_drift(self, found: Iterable[Drift]) -> None:
        shown = self.driver.redacted  # a vendor can echo anything anywhere
        for one in (
            drift.model_copy(update={"where": shown(drift.where), "seen": shown(drift.seen)}) for drift in found
        ):
            if one in self.drift or len(self.drift) < _MOST_DRIFT:
                seen = self.drift.setdefault(one, SeenDrift(one))
                seen.count += 1
                seen.evidence = seen.evidence or self._showing(one.seen)

    def _showing(self, text: str) -> tuple[Exchange, ...]:
        """Return the latest exchange whose answer holds a text."""
        holding = [one for one in self.driver.exchanges if text in one.body]
        return tuple(holding[-1:])

    def note_refusal(self, error: WalletportError, evidence: tuple[Exchange, ...] | None = None) -> None:
        """Note whether a refusal names a request id."""
        if error.status_code is not None:
            name = type(error).__name__
            known = self.request_ids.get(name)
            if known is None or (error.request_id is not None and not known[0]):
                shown = self.evidence(1) if evidence is None else evidence
                self.request_ids[name] = (error.request_id is not None, shown)
