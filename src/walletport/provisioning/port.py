"""`Port`: several accounts behind one journal. Thin: `Desk` decides, drivers do."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Self

from walletport.config import Config
from walletport.models import CustomerProfile, Wallet
from walletport.provisioning.current import CurrentWallet, WatchedAddress, find_current, watched_pages
from walletport.provisioning.record import CustomerLink, Provision, Story
from walletport.provisioning.shadowing import Shadow
from walletport.provisioning.standing import AccountEvent, AccountState, Pin
from walletport.provisioning.wiring import desk_of
from walletport.routing import Decision
from walletport.transport.drivers import SyncDriver
from walletport.transport.engine import Clock, SystemClock
from walletport.transport.limits import Limits

if TYPE_CHECKING:
    from types import TracebackType

    from walletport.transport.drivers import SyncTransport
    from walletport.transport.effects import Program

DEFAULT_WAIT: Final = 60.0
DEFAULT_LIMIT: Final = 100


class Port:
    """Several accounts behind one journal, for programs that block; `walletport.open` makes one.

    Any number of threads and processes may work on the same journal at once. While it is open, threads of its own
    keep its claims alive and carry on what a dead process left behind.

    Args:
        config: accounts, routes and journal.
        transport: how requests travel; httpx's own by default.
        clock: tells the time; for tests.
        recovers: whether to carry on by itself what other processes left behind.
    """

    def __init__(
        self,
        config: Config,
        *,
        transport: SyncTransport | None = None,
        clock: Clock | None = None,
        recovers: bool = True,
    ) -> None:
        self._desk, self._journal = desk_of(config, clock or SystemClock(), blocking=True)
        self._driver = SyncDriver(transport, Limits.max_body)
        self._keeper = self._started("walletport-keeper", self._desk.keep())
        self._recovery = self._started("walletport-recovery", self._desk.keep_recovering()) if recovers else None

    def provision(
        self,
        *,
        user: str,
        chain: str | None = None,
        asset: str | None = None,
        reference: str | None = None,
        account: str | None = None,
        profile: CustomerProfile | None = None,
        attributes: Mapping[str, str] | None = None,
        wait: float = DEFAULT_WAIT,
    ) -> Provision:
        """Carry out one order exactly once, and return its record with the wallet.

        The same order again (same user, chain, asset and reference) gives the same record, from any process. One that
        was refused is tried anew. A user who has a wallet that satisfies the order gets that wallet, unless the order
        carries a reference or names an account.

        Args:
            user: the application's own id of its customer.
            chain: a chain's usual name, such as ``"polygon"``.
            asset: an asset's code, such as ``"usdc"``.
            reference: the application's own reference; tells two orders for the same chain and asset apart.
            account: skips routing.
            profile: makes the customer where the user has none at the account; never kept.
            attributes: what routes may ask about the user, such as ``{"country": "DE"}``; no provider is told, and
                nothing of it is kept but what the decision's reasons say.
            wait: how long to work on it at most, in seconds; what is not settled then goes on later.

        Raises:
            ConfigurationError: no account fits, the user has no customer there, or has a wallet that was made
                elsewhere; the message says what to do.
            ApprovalPending: the provider took the order, and a person must approve it.
            OutcomeUnknown: a person must look; it is never sent again by itself.
            WalletportError: it was refused, or is not settled yet: ``outcome`` says which. ``provision_id`` names the
                order for `story` and `resolve`.
        """
        return self._driver.drive(
            self._desk.provision(
                user, chain, asset, reference, account=account, profile=profile, attributes=attributes, wait=wait
            )
        )

    def wait_until_ready(self, provision_id: str, *, timeout: float = DEFAULT_WAIT) -> Provision:
        """Wait until an order's wallet can take deposits, and return its record with the wallet as it is then.

        It can once it is active and has its address on the order's chain. What is read on the way is kept in the
        journal, and the order's story says once when the wallet was ``ready``. Call it again at any time, from any
        process; one that is known to be ready is not asked for.

        Args:
            provision_id: the journal's id of the order.
            timeout: how long to wait at most, in seconds.

        Raises:
            ConfigurationError: there is no such order, or it is not done.
            RequestTimedOut: it is not ready yet; ``outcome`` is ``applied``, because there is a wallet.
            Conflict: the wallet is closed or was replaced, and will not become ready.
            UnsupportedOperation: the provider has no way to look at a wallet.
            WalletportError: the provider could not be asked.
        """
        return self._driver.drive(self._desk.wait_until_ready(provision_id, timeout))

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of the configured accounts."""
        return self._desk.accounts

    def route(
        self,
        *,
        user: str,
        chain: str | None = None,
        asset: str | None = None,
        account: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> Decision:
        """Say which account an order would go to, and why; nothing is done."""
        return self._desk.route(user, chain, asset, account, attributes)

    def pause(self, account: str, *, reason: str) -> None:
        """Give an account no new orders, in any process, until it is resumed; what is committed there goes on.

        Args:
            account: its name.
            reason: shown wherever it matters.

        Raises:
            ConfigurationError: there is no such account, or the reason is empty.
        """
        self._driver.drive(self._desk.pause(account, reason))

    def resume(self, account: str) -> bool:
        """Give an account orders again: end its pause, close its breaker, and wait for no ``Retry-After`` any more.

        Returns:
            Whether there was anything to end.

        Raises:
            ConfigurationError: there is no such account.
        """
        return self._driver.drive(self._desk.resume(account))

    def account_states(self) -> list[AccountState]:
        """Return how each configured account stands: whether it is paused, and how it is doing."""
        return self._desk.account_states()

    def account_events(self, account: str, *, limit: int = DEFAULT_LIMIT) -> list[AccountEvent]:
        """Return what happened to an account, newest first: pauses, and its breaker's openings and closings.

        Raises:
            ConfigurationError: there is no such account, or the limit is no whole number above 0.
        """
        return self._desk.account_events(account, limit)

    def pin(self, *, user: str, account: str) -> None:
        """Send a user's new orders to one account, whatever the routes say, in any process.

        Wallets that the user has stay where they are. A pause counts, and health does not. The user must have a
        customer there, as with any account.

        Raises:
            ConfigurationError: there is no such account, or the user is no text.
        """
        self._driver.drive(self._desk.pin(user, account))

    def unpin(self, *, user: str) -> bool:
        """Let the routes decide about a user again, and return whether the user was pinned."""
        return self._driver.drive(self._desk.unpin(user))

    def pins(self, *, limit: int = DEFAULT_LIMIT) -> list[Pin]:
        """Return the pinned users, by name.

        Raises:
            ConfigurationError: the limit is no whole number above 0.
        """
        return self._desk.pins(limit)

    def link_customer(self, *, user: str, account: str, customer_id: str) -> None:
        """Record who a user is at an account; a user stays who they are there.

        Raises:
            JournalError: the user is linked to another customer there.
        """
        self.link_customers([CustomerLink(user=user, account=account, customer_id=customer_id)])

    def link_customers(self, links: Iterable[CustomerLink]) -> None:
        """Record who users are at accounts, in one transaction: all of them, or none.

        An order for one of these customers that nobody could settle is settled by that.

        Raises:
            ConfigurationError: an account is not configured.
            JournalError: a user is linked to another customer there.
        """
        self._driver.drive(self._desk.link_customers(links))

    def customer_id(self, *, user: str, account: str) -> str | None:
        """Return who a user is at an account, or ``None`` if that is not known."""
        return self._desk.customer_id(user, account)

    def wallets(self, *, user: str, account: str | None = None) -> list[Wallet]:
        """Return the wallets the journal knows of a user, as they were last seen; of one account, or of all."""
        return self._desk.wallets(user, account)

    def current_wallet(self, *, user: str, chain: str | None = None, asset: str | None = None) -> CurrentWallet | None:
        """Return the wallet that is a user's for a chain and an asset, or ``None`` if the journal knows none.

        It is the first that was made for them, until a switch of custodians puts another in its place.

        Args:
            user: the application's own id of its customer.
            chain: as in the order.
            asset: as in the order.
        """
        return find_current(self._journal, user, chain, asset)

    def watched_addresses(self, *, account: str | None = None, user: str | None = None) -> Iterator[WatchedAddress]:
        """Yield the deposit addresses of wallets that were users' before another took their place, by user.

        Customers have them in their address books, so deposits may still come.

        Args:
            account: only those at this account.
            user: only those of this user.
        """
        for some in watched_pages(self._journal, account, user):
            yield from some

    def provisions(
        self,
        *,
        state: str | None = None,
        account: str | None = None,
        user: str | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> list[Provision]:
        """Return orders, newest first; those for customers, which orders for wallets needed first, are among them.

        Args:
            state: only those that stand so, such as ``"needs_review"``.
            account: only those of this account.
            user: only those of this user.
            limit: how many at most.

        Raises:
            ConfigurationError: there is no such state or account, or the limit is no whole number above 0.
        """
        return self._desk.provisions(state, account, user, limit)

    def story(self, provision_id: str) -> Story:
        """Return an order as it stands, and everything that happened to it.

        Raises:
            ConfigurationError: the journal holds no such order.
        """
        return self._desk.story(provision_id)

    def shadows(self, *, order: str | None = None, limit: int = DEFAULT_LIMIT) -> list[Shadow]:
        """Return orders of shadow routes with what another account answered to the same, newest first.

        Args:
            order: only the shadows of this order, by its id in the journal.
            limit: how many at most.

        Raises:
            ConfigurationError: the journal holds no such order, or the limit is no whole number above 0.
        """
        return self._desk.shadows(order, limit)

    def resolve(self, provision_id: str, *, wallet_id: str | None = None, absent: bool = False) -> Provision:
        """Settle an order that needs review by what a person has found at the provider.

        Give one of the two. Nothing is sent by this; a wallet is read from the provider and held against the order.

        Args:
            provision_id: the journal's id of the order.
            wallet_id: the provider's id of the wallet that the order made; the order is done by that. An order that
                awaits approval can be settled so, too.
            absent: the provider made no wallet. The order is then sent again, under a new key, by the next
                `provision` or `recover`, or by any program that has this journal open. One that awaits approval
                was refused it: it is rejected, and sent again only if it is given again.

        Raises:
            ConfigurationError: it does not need review, the wallet is not this order's, or no such order is known.
            UnsupportedOperation: the provider has no way to look at a wallet.
            LostClaim: somebody else has settled it meanwhile.
            WalletportError: the provider could not be asked; nothing was recorded.
        """
        return self._driver.drive(self._desk.resolve(provision_id, wallet_id, absent=absent))

    def recover(self, *, wait: float = DEFAULT_WAIT) -> int:
        """Carry on every order that nobody is at work on, and look for wallets that a person had to approve.

        Args:
            wait: start nothing later than this many seconds from now.

        Returns:
            How many orders have ended by that.
        """
        return self._driver.drive(self._desk.recover(wait))

    def close(self) -> None:
        """Stop keeping claims, write what is to be written, and close the connections."""
        self._desk.stop_recovering()
        if self._recovery is not None:
            self._recovery.join()  # its claims are kept until it has ended
        self._desk.stop()
        self._keeper.join()
        self._journal.close()
        self._driver.close()

    def _started(self, name: str, program: Program[None]) -> threading.Thread:
        thread = threading.Thread(target=self._driver.drive, args=(program,), name=name, daemon=True)
        thread.start()
        return thread

    def __enter__(self) -> Self:
        """Return the port."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self.close()
