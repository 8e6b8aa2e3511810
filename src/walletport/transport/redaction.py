"""Keeps credentials out of errors even where a vendor echoes them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import SecretStr

from walletport.errors import WalletportError
from walletport.provider import ProviderSettings

_MARK = "[redacted]"
_SHORTEST = 4  # a shorter "secret" would blank out ordinary words


class Redactor:
    """Knows the secrets of one client and takes them out of errors.

    Args:
        settings: the client's settings; every `SecretStr` in them is a secret.
    """

    def __init__(self, settings: ProviderSettings) -> None:
        self._secrets = {value for value in _secrets(settings) if len(value) >= _SHORTEST}

    def learn(self, secret: SecretStr) -> None:
        """Add a secret that was obtained later, such as a token."""
        value = secret.get_secret_value()
        if len(value) >= _SHORTEST:
            self._secrets.add(value)

    def clean(self, error: WalletportError) -> None:
        """Replace every secret in the error's own fields."""
        for name, value in list(error.__dict__.items()):
            if isinstance(value, str):
                setattr(error, name, self._text(value))
            elif isinstance(value, tuple):
                setattr(error, name, tuple(self._text(v) if isinstance(v, str) else v for v in value))
        error.args = tuple(self._text(value) if isinstance(value, str) else value for value in error.args)

    def _text(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, _MARK)
        return text


def _secrets(settings: ProviderSettings) -> Iterator[str]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
