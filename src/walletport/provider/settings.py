"""How a provider says which credentials and hosts it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


class ProviderSettings(BaseModel):
    """Base of a provider's settings: declare a field for each; a secret is a `pydantic.SecretStr`.

    A field's ``description`` tells the user where to find the value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Environment:
    """One of a provider's environments, such as its sandbox.

    Args:
        base_urls: by host name, the URL below which paths start; most providers have just ``api``.
        production: whether wallets made here are real.
    """

    base_urls: Mapping[str, str]
    production: bool = False
