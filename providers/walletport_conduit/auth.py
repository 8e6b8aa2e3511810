"""Who is calling Conduit, and where it lives."""

from __future__ import annotations

from typing import Final

from pydantic import Field, SecretStr

from walletport.provider import (
    Credential,
    Environment,
    Flow,
    OutgoingRequest,
    ProviderSettings,
    refuse_key_of_other_environment,
)

ENVIRONMENTS: Final = {
    "sandbox": Environment({"api": "https://api.sandbox.conduit.financial/v2"}),
    "production": Environment({"api": "https://api.conduit.financial/v2"}, production=True),
}

# https://v2.docs.conduit.financial/authentication
_PREFIXES: Final = {"sandbox": ("ck_sandbox_",), "production": ("ck_live_",)}


class ConduitSettings(ProviderSettings):
    """What a client of Conduit needs."""

    api_key: SecretStr = Field(
        min_length=1,
        description="Conduit's dashboard, API keys; starts with ck_sandbox_ or ck_live_, and must be read-write: "
        "new keys are read-only",
    )


def check_settings(settings: ConduitSettings, environment: str) -> None:
    """Refuse a live key in the sandbox and the other way round."""
    refuse_key_of_other_environment(settings.api_key.get_secret_value(), environment, _PREFIXES, "api_key")


def authenticate(settings: ConduitSettings) -> Flow[Credential]:
    """Return the key itself: Conduit has no token call."""
    return Credential(settings.api_key)
    yield  # makes this a generator


def sign(request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
    """Return the attempt with the key, in the header ``x-api-key``."""
    return request.with_headers({"x-api-key": credential.token.get_secret_value()})
