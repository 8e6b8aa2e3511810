"""Who is calling Acme, and where it lives."""

from __future__ import annotations

from typing import Final

from pydantic import Field, SecretStr

from walletport.provider import Credential, Environment, Flow, OutgoingRequest, ProviderSettings
from walletport_acme.unwritten import unwritten

ENVIRONMENTS: Final = {
    "sandbox": Environment({"api": "https://sandbox.acme.example/v1"}),
    "production": Environment({"api": "https://api.acme.example/v1"}, production=True),
}


class AcmeSettings(ProviderSettings):
    """What a client of Acme needs."""

    api_key: SecretStr = Field(min_length=1, description="where a user finds it, such as: the dashboard, API keys")


def authenticate(settings: AcmeSettings) -> Flow[Credential]:
    """Return the credential: the key itself, or a token that is exchanged for it."""
    unwritten(
        "auth.py authenticate",
        "return Credential(settings.api_key), with a bare `yield` behind it where there is no call; or yield a Request "
        "with Effect.PREPARES and authenticated=False, and return the token with its life",
    )


def sign(request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
    """Return this attempt with its credential."""
    unwritten(
        "auth.py sign",
        "return request.with_headers(...) with credential.token.get_secret_value(), and with a signature over "
        "request.body where the vendor wants one",
    )
