"""Webhooks: prove who sent one, read it, and fold events and polled wallets into one state.

Vendors deliver at least once and in any order, so the fold gives the same state whatever the order or repetition.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from pydantic import JsonValue

from walletport.addresses import check_address
from walletport.errors import (
    ConfigurationError,
    MalformedResponse,
    UnsupportedOperation,
    WalletportError,
    WebhookRejected,
)
from walletport.models import CustodyModel, Event, Model, UtcTime, Wallet, WalletStatus
from walletport.plugins import check_provider, load_provider
from walletport.provider import WalletProvider

_LARGEST_BODY: Final = 1024 * 1024
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def parse_webhook(
    provider: str | type[WalletProvider],
    headers: Mapping[str, str],
    body: bytes,
    secret: str | Iterable[str] | None,
    *,
    now: datetime | None = None,
    unverified: bool = False,
) -> Event:
    """Prove that a provider sent a webhook, then read it.

    Args:
        provider: the provider's installed name, or its class.
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
    kind = load_provider(provider) if isinstance(provider, str) else check_provider(provider)
    try:
        ability = kind.capabilities.webhooks
        if not ability.usable:
            raise UnsupportedOperation(ability.reason or "this provider sends no webhooks")
        secrets = _secrets(secret, unverified=unverified)
        moment = _aware("now", now or datetime.now(UTC))
        if len(_bytes(body)) > _LARGEST_BODY:
            msg = f"the webhook is larger than {_LARGEST_BODY} bytes"
            raise WebhookRejected(msg)
        lowered = {name.lower(): value for name, value in headers.items()}
        event = _event(kind, lowered, body, secrets, moment, unverified=unverified)
        if not (event.verified or unverified):
            msg = "the adapter read the webhook without proving who sent it"
            raise WebhookRejected(msg)
        return _with_checked_addresses(event)
    except WalletportError as error:
        error.provider = kind.name
        error.operation = "parse_webhook"
        error.outcome = "not_applied"
        raise


def _event(
    kind: type[WalletProvider],
    headers: Mapping[str, str],
    body: bytes,
    secrets: tuple[str, ...],
    now: datetime,
    *,
    unverified: bool,
) -> Event:
    try:
        return kind.parse_webhook(headers, body, secrets, now, unverified=unverified)
    except WalletportError:
        raise
    except Exception as error:
        # Whoever receives webhooks answers by our errors; an adapter that trips must not look like a bug of theirs.
        msg = f"the adapter could not read the webhook ({type(error).__name__})"
        raise MalformedResponse(msg, retryable=False) from error


def _secrets(secret: object, *, unverified: bool) -> tuple[str, ...]:
    given = (secret,) if isinstance(secret, str) else tuple(secret) if isinstance(secret, Iterable) else ()
    # HMAC takes an empty key without complaint, and everybody can sign with that.
    usable = tuple(item for item in given if isinstance(item, str) and item.strip())
    if len(usable) != len(given) or not (usable or unverified):
        msg = "the signing secret must be text that is not empty; to read without proof, say unverified=True"
        raise ConfigurationError(msg)
    return usable


def _bytes(body: object) -> bytes:
    if not isinstance(body, bytes):
        msg = "body must be the request's raw bytes, exactly as received"
        raise ConfigurationError(msg)
    return body


def _aware(name: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        msg = f"{name} must be aware: use datetime.now(UTC)"
        raise ConfigurationError(msg)
    return moment


def _with_checked_addresses(event: Event) -> Event:
    wallet = event.wallet
    if wallet is None or not wallet.addresses:
        return event
    checked = tuple(check_address(address, wallet.chain) for address in wallet.addresses)
    return event.model_copy(update={"wallet": wallet.model_copy(update={"addresses": checked})})


class Seen(Model):
    """One value of a wallet, and when the provider said it.

    Args:
        at: when the wallet last changed, as the provider says; where it does not, when the value was read.
        gravity: decides between two values of the same instant: the graver one counts.
        read_at: decides between two that are still equal: the later one counts.
        value: as JSON shows it.
    """

    at: UtcTime
    gravity: int = 0
    read_at: UtcTime
    value: JsonValue

    def outranks(self, other: Seen) -> bool:
        """Return whether this value replaces the other; of two different ones, exactly one replaces the other."""
        return self._rank() > other._rank()

    def _rank(self) -> tuple[datetime, int, datetime, str]:
        return self.at, self.gravity, self.read_at, json.dumps(self.value, sort_keys=True)


_GRAVITY: Final = {status: rank for rank, status in enumerate(WalletStatus)} | {WalletStatus.UNKNOWN: -1}
_KEPT: Final = (
    "addresses",
    "balances",
    "chain",
    "asset",
    "customer_id",
    "custody",
    "reference",
    "replaced_by",
    "created_at",
    "updated_at",
)


class WalletHistory(Model):
    """What is known of one wallet from events and polls, as the newest value of each of its fields.

    Start with ``WalletHistory(provider=..., wallet_id=...)`` and add; every order and every repetition of the same
    additions gives the same history. It can be stored as JSON between two additions.

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
            seen_at: when it was read, aware; counts where the wallet does not say when it last changed, or says the
                same again.

        Raises:
            ConfigurationError: ``seen_at`` has no zone.
        """
        read_at = _aware("seen_at", seen_at)
        if (wallet.provider, wallet.id) != (self.provider, self.wallet_id):
            return self
        at = wallet.updated_at or read_at
        told: dict[str, JsonValue] = wallet.model_dump(mode="json", include=set(_KEPT))
        # An answer that does not tell a field takes nothing back.
        said = {
            name: Seen(at=at, read_at=read_at, value=value)
            for name, value in told.items()
            if value not in (None, []) and (name, value) != ("custody", CustodyModel.UNKNOWN.value)
        }
        if wallet.status is not WalletStatus.UNKNOWN or wallet.provider_status is not None:
            pair: JsonValue = {"status": wallet.status.value, "provider_status": wallet.provider_status}
            said["status"] = Seen(at=at, gravity=_GRAVITY[wallet.status], read_at=read_at, value=pair)
        return self._with(said)

    def merged(self, other: WalletHistory) -> WalletHistory:
        """Return what both histories know together; the history of another wallet changes nothing."""
        same = (other.provider, other.wallet_id) == (self.provider, self.wallet_id)
        return self._with(other.fields) if same else self

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
        known: dict[str, object] = {"provider": self.provider, "id": self.wallet_id}
        for name, said in self.fields.items():
            known |= said.value if isinstance(said.value, dict) else {name: said.value}
        return Wallet.model_validate(known)
