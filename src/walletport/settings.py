"""What people type: models that answer a mistake with what to type instead, and the settings of a provider.

No value ever stands in a message, because any value may be a secret in the wrong place.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self, get_args

from pydantic import ModelWrapValidatorHandler, SecretStr, ValidationError, model_validator

from walletport.errors import ConfigurationError
from walletport.models import Model

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from walletport.provider import ProviderSettings, WalletProvider


class CheckedModel(Model):
    """Base of what people type; a mistake is a `ConfigurationError` with a line ``name: what to type`` for each.

    A field's ``description`` completes the sentence "it must be ..."; its first example is what to type. A validator
    that has better words raises `ValueError` with them, and shows no value either.
    """

    @model_validator(mode="wrap")
    @classmethod
    def _say_what_to_type(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            items = error.errors(include_input=False, include_url=False, include_context=False)
            lines = dict(_line(cls, item) for item in reversed(items))  # of two about one place, the first
        # Out here, so that pydantic's error, which holds what was typed, is not in the context.
        raise ConfigurationError("\n".join(f"{place}: {text}" for place, text in reversed(lines.items())))


def _line(kind: type[CheckedModel], item: ErrorDetails) -> tuple[str, str]:
    """Return the dotted place of a mistake, down to a list but not into it, and what to type."""
    place: list[str] = []
    for part in item["loc"]:
        if isinstance(part, int):
            break
        place.append(part)
    name = place[0] if place else "it"
    return dotted(*place) or name, _text(kind, name, item)


def _text(kind: type[CheckedModel], name: str, item: ErrorDetails) -> str:
    if item["type"] == "value_error":
        return item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        return unknown_name(name, kind.model_fields, "key")
    if name not in kind.model_fields:
        return "must be a table of names and values"
    field = kind.model_fields[name]
    example = f": write {field.examples[0]}" if field.examples else ""
    return f"is missing{example}" if item["type"] == "missing" else f"must be {field.description}{example}"


_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def dotted(*parts: str) -> str:
    """Return a key as TOML writes it: parts joined by dots, in quotes where they hold other characters."""
    return ".".join(part if _BARE.fullmatch(part) else json.dumps(part) for part in parts)


def unknown_name(name: str, known: Iterable[str], what: str) -> str:
    """Return a sentence about a name that is not among the known: which one it may be meant for, and all of them."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {dotted(near[0])}? " if near else ""
    return f"no such {what}: {hint}known are {', '.join(map(dotted, names)) or 'none'}"


class Flaw(NamedTuple):
    """One thing that is wrong with a provider's settings; no setting is named where they do not fit each other."""

    setting: str
    what: Literal["missing", "empty", "unknown", "wrong"]


def examine_settings(kind: type[ProviderSettings], given: Mapping[str, object]) -> ProviderSettings | list[Flaw]:
    """Return the settings, or everything that is wrong with them."""
    empty = [name for name, value in given.items() if name in kind.model_fields and _is_blank(value)]
    flaws = [Flaw(name, "empty") for name in empty]
    try:
        settings = kind.model_validate(given)
    except ValidationError as error:
        items = error.errors(include_input=False, include_url=False, include_context=False)
        return flaws + [flaw for flaw in map(_flaw, items) if flaw.setting not in empty]
    return flaws or settings


def _flaw(item: ErrorDetails) -> Flaw:
    setting = str(item["loc"][0]) if item["loc"] else ""
    if item["type"] in ("missing", "extra_forbidden") and len(item["loc"]) == 1:
        return Flaw(setting, "missing" if item["type"] == "missing" else "unknown")
    return Flaw(setting, "wrong")


def _is_blank(value: object) -> bool:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return isinstance(text, str) and not text.strip()


def read_settings(provider: type[WalletProvider], given: Mapping[str, object]) -> ProviderSettings:
    """Return the settings of a provider, checked.

    Raises:
        ConfigurationError: one is missing, empty, unknown or of the wrong type; no value is shown.
    """
    kind = provider.settings_type
    found = examine_settings(kind, given)
    if not isinstance(found, list):
        return found
    raise ConfigurationError("; ".join(_problem(kind, flaw) for flaw in found), provider=provider.name)


def _problem(kind: type[ProviderSettings], flaw: Flaw) -> str:
    setting, what = flaw
    fields = kind.model_fields
    if what == "unknown":
        near = difflib.get_close_matches(setting, fields, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        return f"{setting} is not a setting of this provider: {hint}it takes {', '.join(fields) or 'none'}"
    described = describe_setting(kind, setting)
    if what == "wrong":
        return f"{setting or 'the settings'} cannot be used as given{described}"
    return f'{setting} is {what}: pass {setting}="..."{described}'


def describe_setting(kind: type[ProviderSettings], setting: str) -> str:
    """Return what a setting says about itself, in brackets after a space, or nothing."""
    described = kind.model_fields[setting].description if setting in kind.model_fields else None
    return f" ({described})" if described else ""


def is_secret(fields: Mapping[str, FieldInfo], setting: str) -> bool:
    """Return whether a setting is a secret, or holds some; one that is not known is none."""
    return setting in fields and _holds_secret(fields[setting].annotation)


def _holds_secret(annotation: object) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, SecretStr):
        return True
    return any(_holds_secret(part) for part in get_args(annotation))
