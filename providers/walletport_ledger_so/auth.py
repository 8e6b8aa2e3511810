"""Who is calling Ledger.so, and where it lives."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, SecretStr

from walletport.errors import ConfigurationError
from walletport.provider import (
    Credential,
    Environment,
    Flow,
    OutgoingRequest,
    ProviderSettings,
    refuse_key_of_other_environment,
)

# One host for both: the key decides (https://docs.ledger.so/get-started/authentication). Paths start with /v1.
ENVIRONMENTS: Final = {
    "sandbox": Environment({"api": "https://api.ledger.so"}),
    "production": Environment({"api": "https://api.ledger.so"}, production=True),
}

_PREFIXES: Final = {"sandbox": ("ld_test_",), "production": ("ld_live_",)}
# Keys of the API's first generation, which had another header and another sandbox
# (https://docs.ledger.so/authentication).
_OLDER_PREFIXES: Final = ("lk_test_", "lk_live_")


class LedgerSoSettings(ProviderSettings):
    """What a client of Ledger.so needs."""

    api_key: SecretStr = Field(
        min_length=1, description="Ledger.so's dashboard, API keys; starts with ld_test_ (sandbox) or ld_live_"
    )
    auth_header: Literal["bearer", "x-api-key"] = Field(
        default="bearer",
        description='which of the two documented headers carries the key: "bearer" (Authorization) or "x-api-key"',
    )


def check_settings(settings: LedgerSoSettings, environment: str) -> None:
    """Refuse a live key in the sandbox, the other way round, and a key of the API's first generation."""
    key = settings.api_key.get_secret_value()
    if key.startswith(_OLDER_PREFIXES):
        wanted = " or ".join(_PREFIXES.get(environment, ("ld_",)))
        msg = (
            "api_key is a key of Ledger.so's first API (lk_...), which is not spoken here: "
            f"make a new one in the dashboard, it starts with {wanted} for the environment {environment}"
        )
        raise ConfigurationError(msg)
    refuse_key_of_other_environment(key, environment, _PREFIXES, "api_key")


def authenticate(settings: LedgerSoSettings) -> Flow[Credential]:
    """Return the key itself: Ledger.so has no token call."""
    return Credential(settings.api_key)
    yield  # makes this a generator


def sign(request: OutgoingRequest, credential: Credential, settings: LedgerSoSettings) -> OutgoingRequest:
    """Return the attempt with the key, in the header that the settings name."""
    key = credential.token.get_secret_value()
    if settings.auth_header == "x-api-key":
        return request.with_headers({"X-API-Key": key})
    return request.with_headers({"Authorization": f"Bearer {key}"})
