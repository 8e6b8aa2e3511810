"""One account under evaluation: how to order from it, and what is remembered of everything it answered."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from walletport.errors import ConfigurationError, RateLimited, WalletportError
from walletport.evaluation.report import Evidence, Where
from walletport.models import Chain, Drift, Wallet, WalletStatus
from walletport.operations import Operations
from walletport.provider import Need
from walletport.transport.account import engine_for
from walletport.transport.effects import Program
from walletport.transport.encoding import new_idempotency_key
from walletport.transport.engine import SystemClock
from walletport.transport.limits import Limits
from walletport.transport.recording import Exchange, RecordingDriver

if TYPE_CHECKING:
    from collections.abc import Callable

    from walletport.config import Account
    from walletport.provider import ProviderSettings
    from walletport.provider.emulation import Emulator
    from walletport.sandbox import Sandbox

T = TypeVar("T")
_MOST_EVIDENCE: Final = 4
_MOST_DRIFT: Final = 50
_CHAINS: Final = ("polygon", "base", "ethereum")
_ASSETS: Final = ("usdc", "usdt")


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
        return "production" if self.account.production else "sandbox"

    @property
    def emulator(self) -> Emulator | None:
        """The emulator."""
        return None if self.sandbox is None else self.sandbox.emulators[self.account.provider]


def subjects_of(sandbox: Sandbox) -> list[Subject]:
    """Return an account at every emulator of a running sandbox."""
    return [Subject(sandbox.account(name), sandbox=sandbox) for name in sandbox.emulators]


@dataclass(frozen=True)
class Order:
    """What one create asks for."""

    customer_id: str
    chain: str | None
    asset: str | None
    reference: str | None
    key: str


@dataclass
class SeenDrift:
    """Something undocumented, how often it was seen, and where first."""

    drift: Drift
    count: int = 0
    evidence: tuple[Evidence, ...] = ()


@dataclass
class Times:
    """One kind of work."""

    attempts: int = 0
    samples: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    failed: list[Evidence] = field(default_factory=list)

    def succeed(self, seconds: float) -> None:
        """Count a success."""
        self.attempts += 1
        self.samples.append(seconds)

    def fail(self, name: str) -> None:
        """Count a failure by the name of its class."""
        self.attempts += 1
        self.errors[name] += 1


class Bench:
    """An account at work; everything it answers passes through here.

    Args:
        subject: the account.
        allow: called before each request; what it raises keeps the request from being sent.
        chain: the chain to ask for, where the provider takes one and can express it.
        asset: the asset to ask for, likewise.
        most_creates: how many orders may be sent.

    Attributes:
        times: by kind of work.
        wallets: ids of all wallets that were seen to be made.
        drift: everything undocumented that was seen.
        creates: how many orders were sent.
        asked_to_wait: how long the last timed work was told to wait, in seconds, where it was refused for that.
        latest_failure: of timed work.
        request_ids: by the class of a refusal, whether it named a request id.
    """

    def __init__(
        self, subject: Subject, allow: Callable[[], None], *, chain: str, asset: str, most_creates: int
    ) -> None:
        self.subject = subject
        self.kind = subject.account.kind
        self.capabilities = self.kind.capabilities
        self.most_creates = most_creates
        self._allow = allow
        self.operations, self.driver = self._open(subject.account.settings)
        self.chain, self.asset = self._expressible(chain, asset)
        self._customers = self._customer_ids()
        self.customers: set[str] = set()
        self.times: dict[str, Times] = {}
        self.wallets: set[str] = set()
        self.drift: dict[Drift, SeenDrift] = {}
        self.creates = 0
        self.asked_to_wait: float | None = None
        self.latest_failure: WalletportError | None = None
        self.request_ids: dict[str, bool] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self.driver.close()

    def open_with(self, settings: ProviderSettings) -> tuple[Operations, RecordingDriver]:
        """Return what talks to the same account with other settings; the caller closes the driver."""
        return self._open(settings)

    def _open(self, settings: ProviderSettings) -> tuple[Operations, RecordingDriver]:
        account = self.subject.account
        # Once: what is judged is the provider, not how well this library gets over its failures.
        limits = Limits(timeout=account.timeout, max_attempts=1, repeats_creates=False)
        engine = engine_for(self.kind, settings, account.environment, account.base_url, limits, SystemClock())
        return Operations(engine), RecordingDriver(engine, self._allow)

    # --- ordering -------------------------------------------------------------------------------------------

    def order(self) -> Order:
        """Return a fresh order: for a customer that has no wallet yet as long as there is one, under a new key."""
        customer = next(self._customers)
        self.customers.add(customer)
        key = self.new_key()
        takes_reference = self.capabilities.order.reference is not Need.REFUSED
        reference = f"evaluation-{key[:8].lower()}{self.creates}" if takes_reference else None
        return Order(customer, self.chain, self.asset, reference, key)

    def other(self, order: Order) -> Order | None:
        """Return an order under the same key that the provider must not take for the same one; ``None`` if none is."""
        fields = self.capabilities.order
        chain = _another(order.chain, (*fields.chains, *_CHAINS), fixed=fields.chains_fixed)
        if chain is not None:
            return replace(order, chain=chain)
        asset = _another(order.asset, (*fields.assets, *_ASSETS), fixed=fields.assets_fixed)
        if asset is not None:
            return replace(order, asset=asset)
        if order.reference is not None:
            return replace(order, reference=f"{order.reference}-b")
        customer = next(self._customers)
        return replace(order, customer_id=customer) if customer != order.customer_id else None

    def new_key(self) -> str:
        """Return a fresh idempotency key."""
        return new_idempotency_key(self.capabilities.idempotency)

    async def create(self, order: Order) -> Wallet:
        """Send an order once."""
        self.creates += 1
        if self.creates > self.most_creates:
            msg = "more wallets would be made than were announced"
            raise RuntimeError(msg)
        program = self.operations.create_wallet(order.customer_id, order.chain, order.asset, order.reference, order.key)
        wallet = await self.do(program)
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
            times.failed = [*times.failed, *self.evidence(1)][:_MOST_EVIDENCE]
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

    def evidence(self, most: int = _MOST_EVIDENCE, *, since: int | None = None) -> tuple[Evidence, ...]:
        """Return the latest exchanges, oldest first.

        Args:
            most: how many at most.
            since: only those after this mark.
        """
        kept = list(self.driver.exchanges)
        if since is not None:
            fresh = self.driver.sent - since
            kept = kept[-fresh:] if fresh else []
        return as_evidence(kept[-most:])

    def note_wallets(self, wallets: Iterable[Wallet]) -> None:
        """Look for what is undocumented in a list's wallets."""
        for wallet in wallets:
            self._note_wallet(wallet)

    def _note_wallet(self, wallet: Wallet) -> None:
        found = list(wallet.drift)
        told = any(one.what == "value" and one.seen == wallet.provider_status for one in found)
        if wallet.status is WalletStatus.UNKNOWN and wallet.provider_status is not None and not told:
            found.append(Drift(where="status", what="value", seen=wallet.provider_status[:40]))
        for one in found:
            if one in self.drift or len(self.drift) < _MOST_DRIFT:
                seen = self.drift.setdefault(one, SeenDrift(one))
                seen.count += 1
                seen.evidence = seen.evidence or self._showing(one.seen)

    def _showing(self, text: str) -> tuple[Evidence, ...]:
        """Return the latest exchange whose answer holds a text."""
        holding = [one for one in self.driver.exchanges if text in one.body]
        return as_evidence(holding[-1:])

    def note_refusal(self, error: WalletportError) -> None:
        """Note whether a refusal names a request id."""
        if error.status_code is not None:
            name = type(error).__name__
            self.request_ids[name] = self.request_ids.get(name, False) or error.request_id is not None

    # --- what there is to order -----------------------------------------------------------------------------

    def _customer_ids(self) -> Iterator[str]:
        sandbox, emulator = self.subject.sandbox, self.subject.emulator
        if sandbox is None or emulator is None:
            return itertools.cycle(self.subject.customers)
        return _made_customers(sandbox, emulator)

    def _expressible(self, chain: str, asset: str) -> tuple[str | None, str | None]:
        """Return chain and asset as this provider can be asked for them: the wanted ones, or the first it declares."""
        fields = self.capabilities.order
        chains: Sequence[str | None] = [None] if fields.chain is Need.REFUSED else [Chain(chain), *fields.chains]
        assets: Sequence[str | None] = [None] if fields.asset is Need.REFUSED else [asset.lower(), *fields.assets]
        for one in chains:
            for other in assets:
                if fields.why_not(None if one is None else Chain(one), other, "-" if self._keeps_reference else None):
                    continue
                return one, other
        msg = f"{self.subject.account.name}: no order for chain {chain} and asset {asset} can be expressed"
        raise ConfigurationError(msg)

    @property
    def _keeps_reference(self) -> bool:
        return self.capabilities.order.reference is not Need.REFUSED


def _another(used: str | None, known: Sequence[str], *, fixed: bool) -> str | None:
    """Return another value that is really sent: where the provider has no word for it, the body would not differ."""
    return None if used is None or fixed else next((one for one in known if one != used), None)


def _made_customers(sandbox: Sandbox, emulator: Emulator) -> Iterator[str]:
    while True:
        with sandbox.lock:
            made = emulator.add_customer()
        yield made


def as_evidence(exchanges: Sequence[Exchange]) -> tuple[Evidence, ...]:
    """Return exchanges as the report shows them."""
    return tuple(
        Evidence(
            method=one.method,
            path=one.path,
            sent_headers=one.sent_headers,
            sent=one.sent,
            status=one.status,
            headers=one.headers,
            body=one.body,
            seconds=round(one.seconds, 6),
            error=one.error,
            thrown_away=one.thrown_away,
        )
        for one in exchanges
    )
