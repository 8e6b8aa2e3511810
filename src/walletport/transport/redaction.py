"""Keeps credentials out of errors and logs even where a vendor echoes them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Final

from pydantic import SecretStr

from walletport.errors import WalletportError
from walletport.provider import ProviderSettings

MARK: Final = "[redacted]"
"""What stands in a secret's place."""
_SHORTEST: Final = 4  # a shorter "secret" would blank out ordinary words
_TOKENS_KEPT: Final = 16  # an answer can echo a token that was just replaced, not one of last week
_OURS: Final = frozenset({"outcome", "provider", "operation"})


class Redactor:
    """Knows the secrets of one client and takes them out of errors.

    Args:
        settings: the client's settings; every `SecretStr` in them is a secret.
    """

    def __init__(self, settings: ProviderSettings) -> None:
        found = {secret for name in type(settings).model_fields for secret in _secrets(getattr(settings, name))}
        # Replaced as a whole, never changed: another thread may be walking through it. The longest comes first,
        # because one secret can be part of another.
        self._settings = tuple(sorted((value for value in found if len(value) >= _SHORTEST), key=len, reverse=True))
        self._tokens: tuple[str, ...] = ()

    def learn(self, secret: SecretStr) -> None:
        """Add a secret that was obtained later, such as a token."""
        value = secret.get_secret_value()
        if len(value) >= _SHORTEST and value not in self._settings:
            self._tokens = (value, *(token for token in self._tokens if token != value))[:_TOKENS_KEPT]

    def clean(self, error: WalletportError) -> None:
        """Replace every secret in the error's own fields, and in the errors of ours that led to it.

        Other libraries' exceptions are cut off the chain: a decoder's holds the whole body, an HTTP client's the
        request with its headers.
        """
        seen: set[int] = set()
        pending: list[BaseException | None] = [error]
        while pending:
            found = pending.pop()
            if not isinstance(found, WalletportError) or id(found) in seen:
                continue
            seen.add(id(found))
            self._clean_fields(found)
            if not isinstance(found.__cause__, WalletportError):
                found.__cause__ = None
            if not isinstance(found.__context__, WalletportError):
                found.__context__ = None
            pending += [found.__cause__, found.__context__]

    def _clean_fields(self, error: WalletportError) -> None:
        for name, value in list(error.__dict__.items()):
            if isinstance(value, str) and name not in _OURS:
                setattr(error, name, self.text(value))
            elif isinstance(value, tuple):
                setattr(error, name, self._texts(value))
        error.args = self._texts(error.args)

    def _texts(self, values: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(self.text(value) if isinstance(value, str) else value for value in values)

    def text(self, text: str) -> str:
        """Return text with every secret replaced."""
        for secret in (*self._settings, *self._tokens):
            text = text.replace(secret, MARK)
        return text


def _secrets(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, Mapping):
        yield from _secrets(tuple(value.values()))
    elif isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from _secrets(item)


sending: Final = ContextVar("sending", default=False)
"""Set while an attempt of ours travels."""


def _first_word_only(record: logging.LogRecord) -> bool:
    """Keep what httpcore says that it does, and drop what it says it with: answers' headers, parts of requests."""
    if sending.get():
        record.msg, record.args = record.getMessage().partition(" ")[0], None
    return True


for _name in ("connection", "http11", "http2", "proxy", "socks"):
    logging.getLogger(f"httpcore.{_name}").addFilter(_first_word_only)
