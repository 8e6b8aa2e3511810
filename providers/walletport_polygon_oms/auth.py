"""Who is calling Polygon OMS, and where it lives."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field, SecretStr

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
from walletport.provider.wire import WireModel, read

ENVIRONMENTS: Final = {
    "sandbox": Environment({"api": "https://sandbox-api.polygon.technology/v0.9"}),
    "production": Environment({"api": "https://api.polygon.technology/v0.9"}, production=True),
}

TOKEN_PATH: Final = ("auth", "token")
# docs.polygon.technology/api-reference/auth/get-bearer-token: sk_live_, sk_sdbx_, and an infix for other
# deployments of the vendor, as in sk_dev_sdbx_ and sk_stg_live_.
_KEY_PREFIX: Final = re.compile(r"sk_(?:[A-Za-z0-9]+_)?(sdbx|live)_")
_ENVIRONMENT_OF: Final = {"sdbx": "sandbox", "live": "production"}
_TOKEN_LIFE: Final = timedelta(minutes=60)
_LONGEST_LIFE: Final = 10 * 365 * 24 * 3600


class PolygonOmsSettings(ProviderSettings):
    """What a client of Polygon OMS needs."""

    api_key: SecretStr = Field(
        min_length=1, description="the API key of your Polygon OMS project; starts with sk_sdbx_ or sk_live_"
    )
    api_secret: SecretStr = Field(min_length=1, description="shown once when the API key is created")
    token_exchange: bool = Field(
        default=True,
        description="false sends api_key itself as the bearer, as an older page of the vendor does",
    )


class Token(WireModel):
    """The answer to the token call; only the token itself is needed."""

    access_token: Annotated[str, Field(min_length=1)]
    expires_in: object = None


def check_settings(settings: PolygonOmsSettings, environment: str) -> None:
    """Refuse a live key in the sandbox and the other way round; an unknown prefix is let through."""
    key = settings.api_key.get_secret_value()
    prefix = _KEY_PREFIX.match(key)
    if prefix is not None:
        owner = _ENVIRONMENT_OF[prefix[1]]
        refuse_key_of_other_environment(key, environment, {owner: (prefix[0],)}, "api_key")


def authenticate(settings: PolygonOmsSettings) -> Flow[Credential]:
    """Exchange key and secret for a bearer token, or use the key itself where that is configured.

    Neither ``Authorization`` nor ``Idempotency-Key`` is sent, as in the vendor's quickstart.
    """
    if not settings.token_exchange:
        return Credential(settings.api_key)
    response = yield Request(
        "POST",
        TOKEN_PATH,
        json={
            "apiKey": settings.api_key.get_secret_value(),
            "apiSecret": settings.api_secret.get_secret_value(),
        },
        effect=Effect.PREPARES,
        repeatable=True,
        authenticated=False,
    )
    token = read(Token, response.json())
    return Credential(SecretStr(token.access_token), expires_in=_life(token.expires_in))


def _life(seconds: object) -> timedelta:
    """Read ``expiresIn``; where it is missing or senseless the documented 60 minutes count."""
    if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < _LONGEST_LIFE:
        return timedelta(seconds=seconds)
    return _TOKEN_LIFE


def sign(request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
    """Return the attempt with the bearer token."""
    return request.with_headers({"Authorization": f"Bearer {credential.token.get_secret_value()}"})
