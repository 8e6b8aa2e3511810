"""Where a secret is kept: an environment variable or a file of its own. The only reader of both."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from walletport.errors import ConfigurationError

_LARGEST: Final = 64 * 1024  # bytes
# What is surely a variable's name, and no secret in the wrong place: words in capitals, each shorter than a key.
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]{0,14}(_[A-Z0-9]{1,15})*")


def is_reference(value: object) -> bool:
    """Return whether a value names a secret rather than being something itself."""
    return isinstance(value, Mapping) and bool(value) and value.keys() <= {"env", "file"}


def fetch(reference: object, folder: Path) -> str:
    """Return the secret that ``{ env = "NAME" }`` or ``{ file = "PATH" }`` names, without spaces around it.

    Args:
        reference: the table as it was typed.
        folder: where a relative path starts.

    Raises:
        ConfigurationError: there is no such secret, or it is empty. Neither the secret nor the path is shown: a
            secret may have been typed in place of either.
    """
    match reference:
        case {"env": str(name), **rest} if name and not rest:
            return _from_environment(name)
        case {"file": str(name), **rest} if name and not rest:
            return _from_file(name, folder)
    msg = 'must name where the secret is: write { env = "NAME" } or { file = "PATH" }'
    raise ConfigurationError(msg)


def reveal(value: object, folder: Path, *, secret: bool, how: str) -> object:
    """Return a setting's value, with every secret in the place of its name.

    Args:
        value: as it was typed.
        folder: where a relative path starts.
        secret: whether the setting is a secret, or a list of them.
        how: says what to type for it.

    Raises:
        ConfigurationError: a secret was typed where its name should be, or cannot be had.
    """
    if is_reference(value) or (secret and isinstance(value, Mapping)):
        return fetch(value, folder)
    if secret and isinstance(value, str):
        msg = f"a secret must not stand in this file: {how}"
        raise ConfigurationError(msg)
    if secret and isinstance(value, list):
        return [reveal(item, folder, secret=True, how=how) for item in value]
    return value


def _from_environment(name: str) -> str:
    shown = f"environment variable {name}" if _VARIABLE.fullmatch(name) else "environment variable named here"
    secret = os.environ.get(name)
    if secret is None:
        msg = f"the {shown} is not set: export it, or name another"
        raise ConfigurationError(msg)
    return _not_empty(secret, f"the {shown} is empty: give it the secret, or name another")


def _from_file(name: str, folder: Path) -> str:
    try:
        with (folder / name).open("rb") as file:
            content = file.read(_LARGEST + 1)
        secret = content.decode()
    except UnicodeDecodeError:
        problem = "it is not UTF-8"
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        problem = (error.strerror if isinstance(error, OSError) else None) or "it cannot be one"
    else:
        if len(content) <= _LARGEST:
            return _not_empty(secret, "the secret file is empty: write the secret into it, or name another")
        problem = f"it holds more than {_LARGEST // 1024} KiB"
    msg = f"the secret file cannot be read: {problem}; a relative path starts at {folder}"
    raise ConfigurationError(msg)


def _not_empty(secret: str, problem: str) -> str:
    stripped = secret.strip()
    if not stripped:
        raise ConfigurationError(problem)
    return stripped
