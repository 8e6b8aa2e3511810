"""Who is calling Granary, and where it lives."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from walletport.errors import ConfigurationError
from walletport.provider import (
    Credential,
    Effect,
    Environment,
    Flow,
    OutgoingRequest,
    ProviderSettings,
    Request,
    refuse_key_of_other_environment,
)
from walletport.provider.signatures import hmac_hex
from walletport.provider.wire import WireModel, read

ENVIRONMENTS: Final = {
    "sandbox": Environment(
        {"api": "https://api.sandbox.granary.example/v3", "login": "https://login.sandbox.granary.example/v3"}
    ),
    "production": Environment(
        {"api": "https://api.granary.example/v3", "login": "https://login.granary.example/v3"}, production=True
    ),
}
_PREFIXES: Final = {"sandbox": ("test_",), "production": ("live_",)}


class GranarySettings(ProviderSettings):
    """What a client of Granary needs."""

    client_id: str = Field(min_length=1, description="Granary's console, under Access; starts with test_ or live_")
    client_secret: SecretStr = Field(min_length=1, description="shown once, when the client id is made")


class Session(WireModel):
    """The answer to the login."""

    session: Annotated[SecretStr, Field(min_length=1)]
    valid_for: Annotated[int, Field(gt=0, le=10**6)]


def check_settings(settings: GranarySettings, environment: str) -> None:
    """Refuse a live client in the sandbox and the other way round."""
    refuse_key_of_other_environment(settings.client_id, environment, _PREFIXES, "client_id")


def authenticate(settings: GranarySettings) -> Flow[Credential]:
    """Open a session at the other host; one too many does no harm, so the call may be repeated."""
    response = yield Request(
        "POST",
        ("sessions",),
        json={"clientId": settings.client_id, "clientSecret": settings.client_secret.get_secret_value()},
        host="login",
        effect=Effect.PREPARES,
        repeatable=True,
        authenticated=False,
    )
    session = read(Session, response.json())
    return Credential(session.session, timedelta(seconds=session.valid_for))


def sign(settings: GranarySettings, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
    """Sign this attempt: the core calls this for each, with a nonce of its own, once the body is bytes."""
    url = urlsplit(request.url)
    _, version, below = url.path.partition("/v3/")
    if not version:
        msg = "base_url must end in /v3: Granary's signature covers the path from there on"
        raise ConfigurationError(msg)
    target = version + below + (f"?{url.query}" if url.query else "")
    signed = signed_text(request.method, target, request.nonce, request.body)
    return request.with_headers(
        {
            "Granary-Session": credential.token.get_secret_value(),
            "Granary-Nonce": request.nonce,
            "Granary-Signature": hmac_hex(signed, settings.client_secret.get_secret_value()),
        }
    )


def signed_text(method: str, target: str, nonce: str, body: bytes) -> bytes:
    """Return what the signature is over."""
    return f"{method}\n{target}\n{nonce}\n".encode() + body
