"""Webhook signatures that several vendors use; every comparison takes the same time whatever it is given.

Each function returns nothing on success and raises `WebhookRejected` on anything else; the message never says how
close an attempt was.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from walletport.errors import WebhookRejected

TOLERANCE: Final = timedelta(minutes=5)


def verify_timestamped(
    header: str | None, body: bytes, secrets: Iterable[str], now: datetime, tolerance: timedelta = TOLERANCE
) -> None:
    """Check ``t=<unix seconds>,v1=<hex>[,v1=<hex>]``: HMAC-SHA256 over ``<t>.<body>``.

    Any ``v1`` may match any secret, because a vendor signs with both while a secret is rotated.

    Args:
        header: the signature header's value.
        body: the raw bytes.
        secrets: every secret that may be in use.
        now: aware UTC.
        tolerance: how old, or how far ahead, the signature may be.
    """
    parts = [part.strip().partition("=") for part in (header or "").split(",")]
    times = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not given:
        raise WebhookRejected(_MISSING)
    _check_age(times[0], now, tolerance)
    _match(given, [hmac_hex(f"{times[0]}.".encode() + body, secret) for secret in _usable(secrets)])


def verify_body_only(header: str | None, body: bytes, secrets: Iterable[str]) -> None:
    """Check ``sha256=<hex>``: HMAC-SHA256 over the body alone. It cannot tell a replay from the original."""
    name, _, value = (header or "").strip().partition("=")
    if name != "sha256" or not value:
        raise WebhookRejected(_MISSING)
    _match([value], [hmac_hex(body, secret) for secret in _usable(secrets)])


def verify_svix(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: datetime, tolerance: timedelta = TOLERANCE
) -> None:
    """Check Svix headers: base64 HMAC-SHA256 over ``<svix-id>.<svix-timestamp>.<body>``.

    The key is the base64 text behind ``whsec_``. Source: https://docs.svix.com/receiving/verifying-payloads/how-manual
    """
    message_id, moment = headers.get("svix-id", ""), headers.get("svix-timestamp", "")
    given = [part.partition(",")[2] for part in headers.get("svix-signature", "").split() if part.startswith("v1,")]
    if not message_id or not moment or not given:
        raise WebhookRejected(_MISSING)
    _check_age(moment, now, tolerance)
    signed = f"{message_id}.{moment}.".encode(errors="surrogatepass") + body
    expected = []
    for secret in secrets:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            continue
        if key:
            expected.append(base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode())
    _match(given, expected)


def hmac_hex(message: bytes, secret: str) -> str:
    """Return the HMAC-SHA256 of a message in hex, with the whole secret as the key."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def sign_timestamped(body: bytes, secret: str, now: datetime) -> str:
    """Return the header that `verify_timestamped` checks, for emulators."""
    moment = str(int(now.timestamp()))
    return f"t={moment},v1={hmac_hex(f'{moment}.'.encode() + body, secret)}"


_MISSING: Final = "the webhook carries no signature of a known form"


def _usable(secrets: Iterable[str]) -> list[str]:
    """Leave out empty secrets: HMAC takes an empty key without complaint, and everybody can sign with that."""
    return [secret for secret in secrets if secret.strip()]


def _check_age(moment: str, now: datetime, tolerance: timedelta) -> None:
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 12):  # noqa: PLR2004 - no date has more digits
        raise WebhookRejected(_MISSING)
    if abs(now.timestamp() - int(moment)) > tolerance.total_seconds():
        msg = f"the webhook was signed more than {tolerance.total_seconds():g} s away from now"
        raise WebhookRejected(msg)


def _match(given: list[str], expected: list[str]) -> None:
    found = False
    for wanted in expected:
        for signature in given:
            found |= hmac.compare_digest(signature.encode(errors="surrogatepass"), wanted.encode())
    if not found:
        msg = "the webhook's signature does not fit: check the signing secret"
        raise WebhookRejected(msg)
