"""`WalletProvider`: what a plugin says about one vendor, as pure functions.

A plugin never touches a socket, a clock, a database or the environment. It turns an order into requests and
responses into neutral values; the core decides about time, retries, keys, storage and routing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol

from walletport.capabilities import Capabilities
from walletport.errors import ConfigurationError, UnsupportedOperation, WalletportError
from walletport.models import Address, Balance, Customer, CustomerProfile, Event, Page, Wallet, WalletOrder
from walletport.provider.messages import Credential, Flow, OutgoingRequest, Request, Response
from walletport.provider.settings import Environment, ProviderSettings

if TYPE_CHECKING:
    from walletport.provider.emulation import Emulator


class WalletProvider(Protocol):
    """One vendor's API; subclass it, so that what you leave out refuses with the reason you declare.

    The class is registered under its ``name`` in the entry-point group ``walletport.providers``.
    """

    name: ClassVar[str]
    """The entry point's name, in lower case with dashes."""
    title: ClassVar[str]
    """The vendor's name as people write it."""
    capabilities: ClassVar[Capabilities]
    environments: ClassVar[Mapping[str, Environment]]
    """The vendor's environments by name; the first is the default and should be the harmless one."""
    settings_type: ClassVar[type[ProviderSettings]]

    def __init__(self, settings: ProviderSettings) -> None:
        """Keep the settings; do nothing else."""

    def check_settings(self, environment: str) -> None:
        """Refuse settings that cannot belong to this environment, such as a live key in the sandbox.

        Called only when no base URL was given by hand.

        Raises:
            ConfigurationError: they do not fit; the message says what to type.
        """
        return

    def authenticate(self) -> Flow[Credential]:
        """Return the credential: a constant for an API key, or the result of a token call.

        The core caches it, refreshes it ahead of its expiry and once after a 401, and makes one call however many
        tasks wait.
        """
        ...

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        """Return this attempt with its credential; called for every attempt, after the body is bytes."""
        ...

    def classify(self, request: Request, response: Response) -> WalletportError | None:
        """Return the error that an answer stands for, or ``None`` for a success.

        An answer of 400 and above is a refusal whatever this returns, unless the request ``accepts`` its status.

        Args:
            request: what was said.
            response: what came back, of any status; redirects never get here.

        Returns:
            An error whose ``outcome`` says whether the request was applied, and whose ``provider_code``,
            ``request_id`` and ``retry_after`` are filled as far as the answer tells. No text of the vendor's goes
            into its message.
        """
        ...

    def create_wallet(self, order: WalletOrder) -> Flow[Wallet]:
        """Make a wallet that satisfies the order, or adopt the one that exists already.

        An order that reaches this method carries what ``capabilities.order`` requires and nothing it refuses.
        """
        return self._unsupported("create_wallet")

    def get_wallet(self, wallet_id: str, customer_id: str | None) -> Flow[Wallet]:
        """Read one wallet."""
        return self._unsupported("get_wallet")

    def list_wallets(self, customer_id: str | None, cursor: str | None) -> Flow[Page[Wallet]]:
        """Read one page of the wallets of a customer, or of all where the vendor allows it.

        Args:
            customer_id: whose wallets; ``None`` for everybody's.
            cursor: ``None`` for the first page, then what the page before gave as ``next_cursor``.
        """
        return self._unsupported("list_wallets")

    def find_wallet(self, order: WalletOrder) -> Flow[Wallet | None]:
        """Find the wallet of an order whose answer was lost; ``None`` is proof that there is none.

        A look-up that cannot prove absence raises `OutcomeUnknown` instead of returning ``None``. Where the create
        ended in `ApprovalPending`, the order carries its ``approval_id``; until it is approved there is no wallet.
        """
        return self._unsupported("find_wallet")

    def get_balances(self, wallet: Wallet) -> Flow[tuple[Balance, ...]]:
        """Read what a wallet holds now."""
        return self._unsupported("get_balances")

    def get_addresses(self, wallet: Wallet) -> Flow[tuple[Address, ...]]:
        """Read a wallet's deposit addresses."""
        return self._unsupported("get_addresses")

    def rotate_wallet(self, wallet: Wallet, idempotency_key: str) -> Flow[Wallet]:
        """Replace a wallet by a new one with another address, and return the new one."""
        return self._unsupported("rotate_wallet")

    def create_customer(self, profile: CustomerProfile, idempotency_key: str) -> Flow[Customer]:
        """Make a customer."""
        return self._unsupported("create_customer")

    def get_customer(self, customer_id: str) -> Flow[Customer]:
        """Read a customer, and whether it may have a wallet."""
        return self._unsupported("get_customer")

    @classmethod
    def parse_webhook(
        cls,
        headers: Mapping[str, str],
        body: bytes,
        secrets: tuple[str, ...],
        now: datetime,
        *,
        unverified: bool,
    ) -> Event:
        """Prove that the vendor sent a webhook, then read it.

        Args:
            headers: names in lower case.
            body: the raw bytes.
            secrets: every secret that may have signed it; several while one is being rotated.
            now: aware UTC.
            unverified: the caller asked, by name, to read it without proof.

        Raises:
            WebhookRejected: it is not proved, or too old.
        """
        raise UnsupportedOperation(cls.capabilities.webhooks.reason or "webhooks are not supported", provider=cls.name)

    @classmethod
    def emulator(cls) -> type[Emulator] | None:
        """Return the vendor's emulator for the sandbox, or ``None``; import it here, not at the top."""
        return None

    def _unsupported(self, operation: str) -> NoReturn:
        reason = self.capabilities.ability(operation).reason or "this provider does not offer it"
        raise UnsupportedOperation(reason, provider=self.name, operation=operation)


def refuse_key_of_other_environment(
    value: str, environment: str, prefixes: Mapping[str, tuple[str, ...]], setting: str
) -> None:
    """Refuse a key whose prefix names another environment; a key with none of the prefixes is let through.

    Args:
        value: the key.
        environment: the environment in use.
        prefixes: by environment, the prefixes its keys start with.
        setting: the setting's name, for the message.

    Raises:
        ConfigurationError: the key belongs elsewhere.
    """
    owner = next((name for name, starts in prefixes.items() if value.startswith(starts)), environment)
    if owner != environment:
        msg = f"{setting} is a key for {owner}, but the environment is {environment}: say environment={owner!r}"
        raise ConfigurationError(msg)
