"""`parse_webhook`: nothing is returned that was not proved, unless it was asked for by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.toy import Toy
from tests.unit.doubles import EVM, TRON, Puppet, puppet, wallet
from walletport import parse_webhook
from walletport.errors import ConfigurationError, MalformedResponse, UnsupportedOperation, WebhookRejected
from walletport.models import Address, Checksum, Event, EventType
from walletport.provider import no
from walletport.provider.emulation import IncomingRequest
from walletport.provider.signatures import sign_timestamped

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECRET = "whsec_5f0c"
BODY = b'{"id":"evt-1"}'


def heard(**changes: object) -> Event:
    """Return an event of Puppet's."""
    facts: dict[str, object] = {
        "provider": "puppet",
        "type": EventType.WALLET_UPDATED,
        "provider_type": "wallet.changed",
        "verified": True,
    }
    return Event.model_validate(facts | changes)


def hearing(answer: Any) -> type[Puppet]:
    """Return a Puppet that reads webhooks with this function, or returns this event, or raises this."""

    def parse(_cls: type, *given: Any, unverified: bool) -> Event:
        if isinstance(answer, Exception):
            raise answer
        return answer(*given, unverified) if callable(answer) else answer

    return type("Hearing", (puppet(),), {"parse_webhook": classmethod(parse)})


def toy_webhook() -> tuple[Mapping[str, str], bytes]:
    """Return a webhook as Toy sends it."""
    toy = Toy.emulator()(lambda: NOW)
    token = toy.handle(IncomingRequest("POST", ("token",), {}, {}, b'{"key": "%s"}' % toy.settings["key"].encode()))
    headers = {"authorization": f"Bearer {token.json_object()['token']}"}
    path = ("customers", toy.default_customer, "wallets")
    toy.handle(IncomingRequest("POST", path, {}, headers, b'{"chain": "polygon"}'))
    return toy.webhook(toy.wallets()[0].wallet_id, SECRET)


def test_a_signed_webhook_is_read() -> None:
    """With the secret as text or among several, the headers in any letter case."""
    headers, body = toy_webhook()
    for secret in (SECRET, ["old", SECRET], (item for item in (SECRET,))):
        event = parse_webhook(Toy, headers, body, secret, now=NOW)
        assert (event.verified, event.type, event.provider) == (True, EventType.WALLET_CREATED, "toy")
    shouted = {name.upper(): value for name, value in headers.items()}
    assert parse_webhook(Toy, shouted, body, SECRET, now=NOW) == event


def test_a_changed_stale_or_unsigned_webhook_is_rejected() -> None:
    """By one error, which carries the provider and leaves no doubt about any order."""
    headers, body = toy_webhook()
    attempts = [
        (headers, body + b" ", SECRET, NOW),
        (headers, body, "other", NOW),
        (headers, body, SECRET, NOW + timedelta(minutes=6)),
        ({}, body, SECRET, NOW),
    ]
    for given_headers, given_body, secret, now in attempts:
        with pytest.raises(WebhookRejected) as told:
            parse_webhook(Toy, given_headers, given_body, secret, now=now)
        assert (told.value.provider, told.value.operation) == ("toy", "parse_webhook")
        assert told.value.outcome == "not_applied"


def test_the_machines_clock_is_used_where_no_time_is_given() -> None:
    """A webhook signed just now passes, an old one does not."""
    headers, body = toy_webhook()
    with pytest.raises(WebhookRejected, match="300 s"):
        parse_webhook(Toy, headers, body, SECRET)
    fresh = {"toy-signature": sign_timestamped(body, SECRET, datetime.now(UTC))}
    assert parse_webhook(Toy, fresh, body, SECRET).verified


@pytest.mark.parametrize("secret", [None, "", "  ", [], [""], [SECRET, ""], [None], b"bytes", 5, [b"bytes"], {}])
def test_an_empty_or_senseless_secret_is_refused(secret: Any) -> None:
    """HMAC takes an empty key, and everybody can sign with that; no adapter ever sees one."""
    with pytest.raises(ConfigurationError, match="secret") as told:
        parse_webhook(hearing(heard()), {}, BODY, secret, now=NOW)
    assert told.value.provider == "puppet"


def test_unverified_must_be_asked_for_by_name() -> None:
    """Then no secret is needed, and the event says that nothing was proved."""
    headers, body = toy_webhook()
    event = parse_webhook(Toy, {}, body, None, now=NOW, unverified=True)
    assert event.verified is False
    for secret in ("", [""]):
        with pytest.raises(ConfigurationError, match="secret"):
            parse_webhook(Toy, headers, body, secret, now=NOW, unverified=True)


def test_an_adapter_that_forgets_to_verify_is_not_believed() -> None:
    """An event that was not proved never comes out unless the caller asked for one."""
    with pytest.raises(WebhookRejected, match="without proving"):
        parse_webhook(hearing(heard(verified=False)), {}, BODY, SECRET, now=NOW)
    assert parse_webhook(hearing(heard(verified=False)), {}, BODY, None, now=NOW, unverified=True).verified is False


def test_a_naive_time_is_refused() -> None:
    """Local time would shift the window by hours."""
    with pytest.raises(ConfigurationError, match="aware"):
        parse_webhook(hearing(heard()), {}, BODY, SECRET, now=NOW.replace(tzinfo=None))


@pytest.mark.parametrize("body", ["text", {"id": 1}, None, bytearray(BODY)])
def test_only_raw_bytes_can_be_verified(body: Any) -> None:
    """A body that was decoded and written again is another body."""
    with pytest.raises(ConfigurationError, match="raw bytes"):
        parse_webhook(hearing(heard()), {}, body, SECRET, now=NOW)


def test_a_webhook_of_more_than_a_mebibyte_is_rejected() -> None:
    """Before any time is spent on it."""
    largest = b"x" * 1024 * 1024
    assert parse_webhook(hearing(heard()), {}, largest, SECRET, now=NOW).verified
    with pytest.raises(WebhookRejected, match="larger than 1048576 bytes"):
        parse_webhook(hearing(lambda *_: pytest.fail("read")), {}, largest + b"x", SECRET, now=NOW)


def test_a_provider_without_webhooks_says_so() -> None:
    """With the reason it declares."""
    kind = hearing(lambda *_: pytest.fail("read"))
    kind.capabilities = kind.capabilities.model_copy(update={"webhooks": no("it sends none")})
    with pytest.raises(UnsupportedOperation, match="it sends none") as told:
        parse_webhook(kind, {}, BODY, SECRET)
    assert (told.value.provider, told.value.operation) == ("puppet", "parse_webhook")
    kind.capabilities = kind.capabilities.model_copy(update={"webhooks": no("")})
    with pytest.raises(UnsupportedOperation, match="sends no webhooks"):
        parse_webhook(kind, {}, BODY, SECRET)


def test_an_adapter_that_declares_webhooks_and_reads_none_refuses() -> None:
    """What it left out is refused by the protocol itself."""
    with pytest.raises(UnsupportedOperation, match="not supported"):
        parse_webhook(puppet(), {}, BODY, SECRET)


def test_an_unknown_provider_is_refused() -> None:
    """By name, and by class."""
    with pytest.raises(ConfigurationError, match="no provider is called 'nobody-offers-this'"):
        parse_webhook("nobody-offers-this", {}, BODY, SECRET)
    with pytest.raises(ConfigurationError, match="no WalletProvider"):
        parse_webhook(int, {}, BODY, SECRET)


@pytest.mark.parametrize("trip", [KeyError("wallet"), TypeError("x"), ZeroDivisionError(), RecursionError()])
def test_an_adapter_that_trips_is_a_malformed_webhook(trip: Exception) -> None:
    """Whoever receives webhooks has one family of errors to answer by."""
    with pytest.raises(MalformedResponse, match=type(trip).__name__) as told:
        parse_webhook(hearing(trip), {}, BODY, SECRET, now=NOW)
    assert (told.value.outcome, told.value.retryable) == ("not_applied", False)


@given(st.binary(max_size=60))
def test_any_proved_body_is_an_event_or_malformed(body: bytes) -> None:
    """Signed garbage is garbage, and no crash."""
    headers = {"toy-signature": sign_timestamped(body, SECRET, NOW)}
    with pytest.raises(MalformedResponse):
        parse_webhook(Toy, headers, body, SECRET, now=NOW)


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=40), max_size=4), st.binary(max_size=60))
def test_no_unsigned_request_is_accepted(headers: dict[str, str], body: bytes) -> None:
    """Whatever the headers and the body hold."""
    with pytest.raises(WebhookRejected):
        parse_webhook(Toy, headers, body, SECRET, now=NOW)


def test_addresses_in_an_event_are_checked() -> None:
    """As everywhere else: judged, by the wallet's chain where they name none, and refused where impossible."""
    event = heard(wallet=wallet(addresses=(Address(chain=None, value=EVM),)))
    read = parse_webhook(hearing(event), {}, BODY, SECRET, now=NOW)
    assert read.wallet.addresses[0].checksum is Checksum.ABSENT
    impossible = heard(wallet=wallet(addresses=(Address(chain="polygon", value=TRON),)))
    with pytest.raises(MalformedResponse, match="not an address"):
        parse_webhook(hearing(impossible), {}, BODY, SECRET, now=NOW)
    assert parse_webhook(hearing(heard(wallet=wallet())), {}, BODY, SECRET, now=NOW).wallet == wallet()
