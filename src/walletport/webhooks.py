"""Webhooks: prove who sent one, read it, and fold events and polled wallets into one state.

Vendors deliver at least once and in any order, so the fold gives the same state whatever the order or repetition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from walletport.addresses import check_address
from walletport.errors import ConfigurationError, UnsupportedOperation, WalletportError, WebhookRejected
from walletport.models import Event, Model, Wallet, WalletStatus
from walletport.plugins import load_provider

_LARGEST_BODY: Final = 1024 * 1024
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def parse_webhook(
    provider: str,
    headers: Mapping[str, str],
    body: bytes,
    secret: str | Iterable[str] | None,
    *,
    now: datetime | None = None,
    unverified: bool = False,
) -> Event:
    """Prove that a provider sent a webhook, then read it.

    Args:
        provider: the provider's installed name.
        headers: the request's headers, in any letter case.
        body: the request's raw bytes, exactly as received: a re-serialised body does not verify.
        secret: the signing secret, or all that may be in use while one is being rotated.
        now: the time, aware; the machine's by default.
        unverified: read it without proof, for a provider that documents no signature; never act on such an event
            without asking the provider.

    Raises:
        WebhookRejected: it is not proved to come from the provider, too old, or too large. Answer with a 4xx.
        MalformedResponse: it is proved, and cannot be read.
        UnsupportedOperation: the provider sends no webhooks.
        ConfigurationError: an argument is wrong.
    """
    kind = load_provider(provider)
    ability = kind.capabilities.webhooks
    if not ability.usable:
        raise UnsupportedOperation(ability.reason, provider=provider, operation="parse_webhook")
    secrets = _secrets(secret, unverified=unverified)
    moment = datetime.now(UTC) if now is None else now
    if moment.tzinfo is None:
        msg = "now must be aware: use datetime.now(UTC)"
        raise ConfigurationError(msg)
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        if len(body) > _LARGEST_BODY:
            msg = f"the webhook is larger than {_LARGEST_BODY} bytes"
            raise WebhookRejected(msg)
        event = kind.parse_webhook(lowered, body, secrets, moment, unverified=unverified)
        return _with_checked_addresses(event)
    except WalletportError as error:
        error.provider = provider
        error.operation = "parse_webhook"
        error.outcome = "not_applied"
        raise


def _secrets(secret: str | Iterable[str] | None, *, unverified: bool) -> tuple[str, ...]:
    given = (secret,) if isinstance(secret, str) else tuple(secret or ())
    if unverified:
        return given
    # HMAC takes an empty key without complaint, and everybody can sign with that.
    if not given or not all(isinstance(item, str) and item.strip() for item in given):
        msg = "the signing secret is empty: pass secret=, or unverified=True to read without proof"
        raise ConfigurationError(msg)
    return given


def _with_checked_addresses(event: Event) -> Event:
    wallet = event.wallet
    if wallet is None or not wallet.addresses:
        return event
    checked = tuple(check_address(address, wallet.chain) for address in wallet.addresses)
    return event.model_copy(update={"wallet": wallet.model_copy(update={"addresses": checked})})


class Seen(Model):
    """One value of a wallet, and when the provider said it."""

    at: datetime
    value: object

    def outranks(self, other: Seen) -> bool:
        """Return whether this value replaces the other: the later one does; at the same instant, the graver one."""
        if self.at != other.at:
            return self.at > other.at
        return _gravity(self.value) > _gravity(other.value)


_GRAVITY: Final = {status: rank for rank, status in enumerate(WalletStatus)}
_KEPT: Final = (
    "status",
    "provider_status",
    "addresses",
    "balances",
    "chain",
    "asset",
    "customer_id",
    "custody",
    "reference",
    "replaced_by",
    "created_at",
)


def _gravity(value: object) -> tuple[int, str]:
    """Order values said at the same instant by something both sides of a merge can see."""
    if isinstance(value, WalletStatus):
        return (-1, "") if value is WalletStatus.UNKNOWN else (_GRAVITY[value], "")
    return 0, repr(value)


class WalletHistory(Model):
    """What is known of one wallet from events and polls, as the newest value of each of its fields.

    Start with ``WalletHistory(provider=..., wallet_id=...)`` and add; every order and every repetition of the same
    additions gives the same history.

    Args:
        provider: the provider's name.
        wallet_id: the provider's id of the wallet.
        fields: by field name, the newest value that was said.
    """

    provider: str
    wallet_id: str
    fields: Mapping[str, Seen] = {}

    def with_event(self, event: Event) -> WalletHistory:
        """Return the history with a webhook added; one that carries no wallet, or another one, changes nothing."""
        if event.wallet is None:
            return self
        return self.with_wallet(event.wallet, seen_at=event.occurred_at or _NEVER)

    def with_wallet(self, wallet: Wallet, *, seen_at: datetime) -> WalletHistory:
        """Return the history with a wallet added, as it was read at that time.

        Args:
            wallet: as a provider's answer or a webhook gave it; another wallet changes nothing.
            seen_at: when it was read; counts only where the wallet does not say when it last changed.
        """
        if (wallet.provider, wallet.id) != (self.provider, self.wallet_id):
            return self
        at = wallet.updated_at or seen_at
        told = {name: getattr(wallet, name) for name in _KEPT}
        # An answer that does not tell a field takes nothing back.
        said = {name: Seen(at=at, value=value) for name, value in told.items() if value not in (None, (), "unknown")}
        return self._with(said)

    def merged(self, other: WalletHistory) -> WalletHistory:
        """Return what both histories know together."""
        return self._with(other.fields)

    def _with(self, additions: Mapping[str, Seen]) -> WalletHistory:
        fields = dict(self.fields)
        for name, said in additions.items():
            known = fields.get(name)
            if known is None or said.outranks(known):
                fields[name] = said
        return self.model_copy(update={"fields": fields})

    @property
    def wallet(self) -> Wallet:
        """The wallet as it is now, as far as it is known."""
        newest = max((said.at for said in self.fields.values()), default=None)
        known = {name: said.value for name, said in self.fields.items()}
        return Wallet.model_validate({"provider": self.provider, "id": self.wallet_id, "updated_at": newest, **known})
