"""Webhook signatures: what proves a sender, and everything that does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletport.errors import WebhookRejected
from walletport.provider.signatures import (
    TOLERANCE,
    hmac_hex,
    sign_timestamped,
    verify_body_only,
    verify_svix,
    verify_timestamped,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECRET = "whsec_5f0c"
OTHER = "whsec_another"
BODY = b'{"id":"evt-1"}'
# The example of https://docs.svix.com/receiving/verifying-payloads/how-manual
SVIX_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SVIX_BODY = b'{"test": 2432232314}'
SVIX_HEADERS = {
    "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "svix-timestamp": "1614265330",
    "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
SVIX_NOW = datetime.fromtimestamp(1614265330, UTC)


def stamped(moment: str, body: bytes = BODY, secret: str = SECRET) -> str:
    """Sign as the vendors describe it, by the standard library alone."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def test_what_the_sender_signed_is_accepted() -> None:
    """Seconds, a dot and the body, with the whole secret as the key."""
    moment = str(int(NOW.timestamp()))
    verify_timestamped(f"t={moment},v1={stamped(moment)}", BODY, [SECRET], NOW)
    verify_timestamped(f" t={moment} , v1={stamped(moment)} ", BODY, [SECRET], NOW)
    assert sign_timestamped(BODY, SECRET, NOW) == f"t={moment},v1={stamped(moment)}"
    verify_body_only("sha256=" + hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest(), BODY, [SECRET])
    assert hmac_hex(b"Hi", "\x0b") == hmac.new(b"\x0b", b"Hi", "sha256").hexdigest()


def test_while_a_secret_is_rotated_any_of_both_sides_fits() -> None:
    """A vendor sends a signature by each secret; an application knows both for a while."""
    moment = str(int(NOW.timestamp()))
    both = f"t={moment},v1={stamped(moment, secret=OTHER)},v1={stamped(moment)},v0=unused"
    verify_timestamped(both, BODY, [SECRET], NOW)
    verify_timestamped(both, BODY, ["whsec_older", OTHER], NOW)
    verify_body_only(f"sha256={hmac_hex(BODY, OTHER)}", BODY, [SECRET, OTHER])


@pytest.mark.parametrize("header", [
    None,
    "",
    ",",
    "t=1",
    "v1=abc",
    "t=,v1=abc",
    "t=1,t=1780315200,v1=abc",
    "T=1780315200,V1=abc",
    "t=1780315200",
    "t=1780315200,v0=abc",
    "t=1780315200,v1=",
    "t=17803152x0,v1=abc",
    "t=-1780315200,v1=abc",
    "t= 1780315200,v1=abc",
    "t=1780315200.0,v1=abc",
    "t=١٧٨٠٣١٥٢٠٠,v1=abc",
    "t=999999999999,v1=abc",
    "t=" + "9" * 5000 + ",v1=abc",
    "t=1780315200,v1=\udcff",
    "t=1780315200,v1=é",
    "\x00" * 100,
    "=" * 100,
    "t=1780315200,v1=" + "a" * 10**6,
    "t=1780315200" + ",v1=a" * 10**4,
])  # fmt: skip
def test_any_other_header_is_rejected(header: str | None) -> None:
    """By one error, whatever the header holds: no TypeError for a letter with an accent, no crash on a huge time."""
    with pytest.raises(WebhookRejected):
        verify_timestamped(header, BODY, [SECRET], NOW)
    with pytest.raises(WebhookRejected):
        verify_body_only(header, BODY, [SECRET])


@pytest.mark.parametrize("header", ["sha1=abc", "sha256=", "sha256=é", "sha256", "SHA256=abc", "sha256=\udcff"])
def test_any_other_body_signature_is_rejected(header: str) -> None:
    """The scheme's name and the signature both have to be there."""
    with pytest.raises(WebhookRejected):
        verify_body_only(header, BODY, [SECRET])


def test_a_signature_by_another_secret_is_rejected() -> None:
    """And so is one where no secret is known at all."""
    header = sign_timestamped(BODY, OTHER, NOW)
    for secrets in ([SECRET], [], [""], ["  "]):
        with pytest.raises(WebhookRejected):
            verify_timestamped(header, BODY, secrets, NOW)


@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_an_empty_secret_proves_nothing(empty: str) -> None:
    """Everybody can sign with it."""
    with pytest.raises(WebhookRejected):
        verify_timestamped(sign_timestamped(BODY, empty, NOW), BODY, [empty], NOW)
    with pytest.raises(WebhookRejected):
        verify_body_only(f"sha256={hmac_hex(BODY, empty)}", BODY, [empty])


@pytest.mark.parametrize("away", [timedelta(minutes=5), -timedelta(minutes=5), timedelta(0)])
def test_five_minutes_either_way_are_accepted(away: timedelta) -> None:
    """Clocks differ and deliveries take a moment."""
    verify_timestamped(sign_timestamped(BODY, SECRET, NOW + away), BODY, [SECRET], NOW)
    assert timedelta(minutes=5) == TOLERANCE


@pytest.mark.parametrize("away", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1), timedelta(days=9)])
def test_what_is_older_or_of_the_future_is_rejected(away: timedelta) -> None:
    """A recording cannot be played again, and a clock cannot be run ahead."""
    with pytest.raises(WebhookRejected, match="300 s"):
        verify_timestamped(sign_timestamped(BODY, SECRET, NOW + away), BODY, [SECRET], NOW)
    verify_timestamped(sign_timestamped(BODY, SECRET, NOW + away), BODY, [SECRET], NOW, tolerance=timedelta(days=10))


def test_a_rejection_says_nothing_about_the_secret() -> None:
    """Neither the secret nor the wanted signature is in the message."""
    moment = str(int(NOW.timestamp()))
    with pytest.raises(WebhookRejected) as told:
        verify_timestamped(f"t={moment},v1={'0' * 64}", BODY, [SECRET], NOW)
    assert SECRET not in str(told.value)
    assert stamped(moment) not in str(told.value)


@given(st.binary(min_size=1, max_size=40), st.data())
def test_a_flipped_bit_in_the_body_is_rejected(body: bytes, data: st.DataObject) -> None:
    """Not one bit of the body may differ from what was signed."""
    header = sign_timestamped(body, SECRET, NOW)
    verify_timestamped(header, body, [SECRET], NOW)
    flipped = flip(body, data)
    with pytest.raises(WebhookRejected):
        verify_timestamped(header, flipped, [SECRET], NOW)
    with pytest.raises(WebhookRejected):
        verify_body_only(f"sha256={hmac_hex(body, SECRET)}", flipped, [SECRET])


@given(st.data())
def test_a_flipped_bit_in_the_header_is_rejected(data: st.DataObject) -> None:
    """Not one bit of the time or the signature either; a capital letter in the digest is another digest."""
    header = flip(sign_timestamped(BODY, SECRET, NOW).encode(), data).decode("latin-1")
    with pytest.raises(WebhookRejected):
        verify_timestamped(header, BODY, [SECRET], NOW)
    header = flip(f"sha256={hmac_hex(BODY, SECRET)}".encode(), data).decode("latin-1")
    with pytest.raises(WebhookRejected):
        verify_body_only(header, BODY, [SECRET])


@given(st.text(st.characters()), st.binary(max_size=20))
def test_no_header_is_accepted_by_chance(header: str, body: bytes) -> None:
    """Anything may stand in a header, lone surrogates included; it is rejected and nothing else."""
    with pytest.raises(WebhookRejected):
        verify_timestamped(header, body, [SECRET], NOW)
    with pytest.raises(WebhookRejected):
        verify_svix({"svix-id": header, "svix-timestamp": "1780315200", "svix-signature": f"v1,{header}"}, body, [
            SVIX_SECRET
        ], NOW)  # fmt: skip


def test_svix_own_example_is_accepted() -> None:
    """Id, time and body, signed with the bytes behind the prefix."""
    verify_svix(SVIX_HEADERS, SVIX_BODY, [SVIX_SECRET], SVIX_NOW)
    several = SVIX_HEADERS | {"svix-signature": f"v1a,xxx v1,AAAA {SVIX_HEADERS['svix-signature']}"}
    verify_svix(several, SVIX_BODY, ["whsec_" + base64.b64encode(b"old").decode(), SVIX_SECRET], SVIX_NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"svix-id": "msg_other"},
        {"svix-id": ""},
        {"svix-timestamp": "1614265331"},
        {"svix-timestamp": "1614265330.0"},
        {"svix-timestamp": ""},
        {"svix-signature": ""},
        {"svix-signature": "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"svix-signature": "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"svix-signature": "v1,é"},
        {"svix-signature": "v1,\udcff"},
        {"svix-id": "\udcff"},
        {"svix-id": "a\ud800"},
    ],
)
def test_svix_with_anything_changed_is_rejected(change: dict[str, str]) -> None:
    """Each of the three headers counts."""
    with pytest.raises(WebhookRejected):
        verify_svix(SVIX_HEADERS | change, SVIX_BODY, [SVIX_SECRET], SVIX_NOW)


@pytest.mark.parametrize("header", SVIX_HEADERS)
def test_svix_with_a_header_missing_is_rejected(header: str) -> None:
    """All three have to be there."""
    rest = {name: value for name, value in SVIX_HEADERS.items() if name != header}
    with pytest.raises(WebhookRejected):
        verify_svix(rest, SVIX_BODY, [SVIX_SECRET], SVIX_NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_====", "whsec_not base64!", "whsec_é", "\udcff"])
def test_a_svix_secret_without_key_proves_nothing(secret: str) -> None:
    """Behind the bare prefix lies an empty key, with which everybody can sign."""
    signed = f"{SVIX_HEADERS['svix-id']}.{SVIX_HEADERS['svix-timestamp']}.".encode() + SVIX_BODY
    forged = base64.b64encode(hmac.new(b"", signed, hashlib.sha256).digest()).decode()
    with pytest.raises(WebhookRejected):
        verify_svix(SVIX_HEADERS | {"svix-signature": f"v1,{forged}"}, SVIX_BODY, [secret], SVIX_NOW)


def test_an_old_svix_message_is_rejected() -> None:
    """The same five minutes."""
    with pytest.raises(WebhookRejected, match="300 s"):
        verify_svix(SVIX_HEADERS, SVIX_BODY, [SVIX_SECRET], SVIX_NOW + timedelta(minutes=6))


@given(st.data())
def test_a_flipped_bit_in_a_svix_message_is_rejected(data: st.DataObject) -> None:
    """In the body, or in any of the headers."""
    with pytest.raises(WebhookRejected):
        verify_svix(SVIX_HEADERS, flip(SVIX_BODY, data), [SVIX_SECRET], SVIX_NOW)
    name = data.draw(st.sampled_from(sorted(SVIX_HEADERS)))
    flipped = flip(SVIX_HEADERS[name].encode(), data).decode("latin-1")
    with pytest.raises(WebhookRejected):
        verify_svix(SVIX_HEADERS | {name: flipped}, SVIX_BODY, [SVIX_SECRET], SVIX_NOW)


def flip(value: bytes, data: st.DataObject) -> bytes:
    """Return the value with one bit changed."""
    bit = data.draw(st.integers(0, len(value) * 8 - 1))
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
