"""Webhooks: who sent them, when, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from walletport.errors import UnsupportedOperation, WalletportError, WebhookRejected
from walletport.models import Event, EventType
from walletport.provider import read_json
from walletport.testing.bench import Bench, expect, fail
from walletport.testing.judging import UNHEARD_OF, changed, dumped, expect_time
from walletport.testing.scenario import scenario
from walletport.webhooks import parse_webhook

_DAY: Final = timedelta(days=1)


@dataclass
class _Delivery:
    """A webhook of a wallet that is there."""

    bench: Bench
    wallet_id: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def provable(self) -> bool:
        """Whether the vendor's signature is documented."""
        return self.bench.emulator.webhook_proof != "none"

    def parse(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        secrets: tuple[str, ...] | None = None,
        now: datetime | None = None,
        unverified: bool = False,
    ) -> Event:
        """Read it, with something changed."""
        return parse_webhook(
            self.bench.provider,
            self.headers if headers is None else headers,
            self.body if body is None else body,
            secrets or self.bench.emulator.webhook_secrets[:1],
            now=now or self.bench.clock.now(),
            unverified=unverified,
        )

    def read(self) -> Event:
        """Read it, proved where it can be proved."""
        return self.parse(unverified=not self.provable)

    def expect_rejected(self, what: str, **changes: object) -> None:
        """Expect that it is not taken for the vendor's."""
        try:
            self.parse(**changes)  # type: ignore[arg-type]  # the changes are parse's own arguments
        except (WebhookRejected, UnsupportedOperation):
            return
        except WalletportError as error:
            fail(f"{what} must be WebhookRejected, and was {error!r}")
        fail(f"{what} was accepted as the vendor's")


def _delivery(bench: Bench) -> _Delivery:
    wallet_id = bench.emulator.add_wallet(bench.emulator.default_customer)
    headers, body = bench.emulator.webhook(wallet_id, bench.emulator.webhook_secrets[0])
    return _Delivery(bench, wallet_id, headers, body)


@scenario("webhooks", modes=("sync",))
async def a_webhook_says_which_wallet_it_is_about(bench: Bench) -> None:
    """It names the wallet and its true holder, keeps the vendor's own event, and says whether it was proved."""
    delivery = _delivery(bench)
    event = delivery.read()
    booked = bench.booked(delivery.wallet_id)
    expect(
        event.wallet_id == booked.wallet_id, f"the webhook is about {booked.wallet_id!r}, and says {event.wallet_id!r}"
    )
    expect(
        event.customer_id in (None, booked.customer_id), f"the webhook names another customer: {event.customer_id!r}"
    )
    expect(event.verified == delivery.provable, f"verified is {event.verified}")
    expect(event.provider_type, "the vendor's own name of the event is lost")
    expect(dict(event.raw) == read_json(delivery.body), "raw is not the vendor's own event, unmodified")
    if event.wallet is not None:
        expect(event.wallet.id == booked.wallet_id, "the wallet in the webhook is another one")
    expect_time(event.occurred_at, bench.clock.now(), "occurred_at")


@scenario("webhooks", modes=("sync",))
async def a_webhook_read_twice_is_the_same_event(bench: Bench) -> None:
    """Its id, which repeats are told by, does not change from one reading to the next."""
    delivery = _delivery(bench)
    expect(delivery.read().id == delivery.read().id, "the same webhook has another id each time")


@scenario("webhooks", modes=("sync",))
async def a_webhook_with_a_wrong_signature_is_rejected(bench: Bench) -> None:
    """One that another secret signed, or nobody, is not the vendor's."""
    delivery = _delivery(bench)
    right, other = bench.emulator.webhook_secrets
    delivery.expect_rejected("a webhook that another secret signed", secrets=(other,))
    delivery.expect_rejected("a webhook without headers", headers={})
    if not delivery.provable:
        delivery.expect_rejected("a webhook that nothing can prove", secrets=(right,))
    for name in delivery.headers:
        for garbage in ("", "t=,v1=", "sha256=", "\xff"):
            spoilt = {**delivery.headers, name: garbage}
            try:
                event = delivery.parse(headers=spoilt)
            except (WebhookRejected, UnsupportedOperation):
                continue
            expect(event.verified and event.wallet_id == delivery.wallet_id, f"{name}: {garbage!r} changed the event")
    bare = {name: value for name, value in delivery.headers.items() if name.lower().startswith("content-")}
    delivery.expect_rejected("a webhook without its signature", headers=bare)


@scenario("webhooks", modes=("sync",))
async def a_webhook_whose_body_was_changed_is_rejected(bench: Bench) -> None:
    """The signature is over the raw bytes: one byte more, or the same JSON in another spelling, is not the vendor's."""
    delivery = _delivery(bench)
    _, other = bench.emulator.webhook_secrets
    foreign = bench.emulator.webhook(bench.emulator.add_wallet(bench.emulator.add_customer()), other)[1]
    respelt = dumped(read_json(delivery.body))
    for body in (delivery.body + b" ", foreign, respelt if respelt != delivery.body else b" " + respelt):
        delivery.expect_rejected("a webhook whose body was changed", body=body)


@scenario("webhooks", modes=("sync",))
async def an_old_webhook_is_rejected(bench: Bench) -> None:
    """A day later, or a day early, it may be a replay; a signature that covers no time cannot tell."""
    delivery = _delivery(bench)
    for moment in (bench.clock.now() + _DAY, bench.clock.now() - _DAY):
        if bench.emulator.webhook_proof == "body":
            expect(delivery.parse(now=moment).verified, "a signature that covers no time was refused for its age")
        else:
            delivery.expect_rejected("a webhook that was signed a day away from now", now=moment)


@scenario("webhooks", modes=("sync",))
async def a_secret_can_be_rotated(bench: Bench) -> None:
    """While two secrets are in use, either may have signed."""
    delivery = _delivery(bench)
    for secrets in (bench.emulator.webhook_secrets, bench.emulator.webhook_secrets[::-1]):
        if delivery.provable:
            expect(delivery.parse(secrets=secrets).verified, "a webhook was not proved by one of two secrets")
        else:
            delivery.expect_rejected("a webhook that nothing can prove", secrets=secrets)


@scenario("webhooks", modes=("sync",))
async def a_webhook_read_without_proof_says_so(bench: Bench) -> None:
    """Read as unverified, even a good one is not called verified."""
    event = _delivery(bench).parse(unverified=True)
    expect(not event.verified, "a webhook that was read without proof says that it was verified")


@scenario("webhooks", modes=("sync",))
async def an_event_nobody_documented_is_unknown(bench: Bench) -> None:
    """A new name of an event is kept, and is not taken for one of the known ones."""
    delivery = _delivery(bench)
    known = delivery.read().provider_type
    whole = read_json(delivery.body)
    renamed = changed(whole, lambda value: UNHEARD_OF if value == known else value)
    expect(renamed != whole, f"{known!r} is not the vendor's own name of the event")
    headers = {name: UNHEARD_OF if value == known else value for name, value in delivery.headers.items()}
    event = delivery.parse(headers=headers, body=dumped(renamed), unverified=True)
    expect(event.type is EventType.UNKNOWN, f"an event nobody documented was read as {event.type.value}")
    expect(event.provider_type == UNHEARD_OF, f"the vendor's name of the event was lost: {event.provider_type!r}")
