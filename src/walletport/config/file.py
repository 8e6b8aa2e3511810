"""From a TOML file to a `Config`, or to every mistake in it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from walletport.config.account import COMMON_KEYS, Account, attempt, find_provider, make_account
from walletport.config.model import DEFAULT_JOURNAL, Config, check_journal, misnamed, namesakes, real_shadows, strangers
from walletport.config.secrets import reveal
from walletport.errors import ConfigurationError
from walletport.routing import Route
from walletport.settings import dotted, is_secret, unknown_name

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_TWICE: Final = re.compile(r"Cannot declare \('accounts', '([^']+)'\) twice (\(at .+\))")
_EXAMPLES: Final[Mapping[object, str]] = {bool: "true", int: "1", float: "1.5"}
_TEXT: Final = '"..."'


def load_config(path: str | os.PathLike[str]) -> Config:
    """Read a configuration file.

    A relative path in it, of the journal or of a secret's file, starts at the file's own folder.

    Args:
        path: the TOML file.

    Raises:
        ConfigurationError: a line for each mistake: the file, the dotted key, and what to type.
    """
    mistakes: list[str] = []
    table = attempt(mistakes, lambda: _parse(Path(path)))
    config = None if table is None else _Reader(Path(path).parent.absolute(), mistakes).read(table)
    if config is None:
        raise ConfigurationError("\n".join(f"{path}: {line}" for line in mistakes))
    return config


def _parse(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # some editors put a mark at the front
    except OSError as error:
        problem = f"cannot be read ({error.strerror or 'it is no file'}): name another file, or write this one"
    except UnicodeDecodeError:
        problem = "is not UTF-8: save it as UTF-8"
    except RecursionError:
        problem = "is not TOML: it is nested too deeply"
    except ValueError as error:
        twice = _TWICE.fullmatch(str(error))
        problem = f"is not TOML: {error}"
        if twice:
            problem = f"accounts.{twice[1]}: stands here twice {twice[2]}: give each account a name of its own"
    # Out here, because the decoder's own error holds the whole file.
    raise ConfigurationError(" ".join(problem.split()))


class _Reader:
    """Reads the tables of one file.

    Args:
        folder: where relative paths start.
        mistakes: takes a line for each mistake.
    """

    def __init__(self, folder: Path, mistakes: list[str]) -> None:
        self._folder = folder
        self._mistakes = mistakes

    def read(self, table: Mapping[str, object]) -> Config | None:
        """Return the configuration, or ``None`` where there is any mistake."""
        for key in table:
            if key not in Config.model_fields:
                self._note(dotted(key), unknown_name(key, Config.model_fields, "key"))
        journal = self._journal(table.get("journal", DEFAULT_JOURNAL))
        tables = table.get("accounts")
        if not isinstance(tables, Mapping) or not tables:
            self._note("accounts", "is missing: write [accounts.NAME], and the account's keys below it")
            tables = {}
        self._mistakes += misnamed(tables)
        accounts = {name: self._account(name, given) for name, given in tables.items()}
        made = {name: account for name, account in accounts.items() if account is not None}
        routes = self._routes(table.get("routes", []), tables, made)
        if self._mistakes or journal is None:
            return None
        return Config(accounts=made, routes=routes, journal=journal)

    def _note(self, key: str, text: str) -> None:
        self._mistakes.append(f"{key}: {text}")

    def _journal(self, given: object) -> str | None:
        how = f'write journal = "{DEFAULT_JOURNAL}"'
        found = attempt(self._mistakes, lambda: reveal(given, self._folder, secret=False, how=how), "journal: ")
        url = None if found is None else attempt(self._mistakes, lambda: check_journal(found))
        return None if url is None else _placed(url, self._folder)

    def _account(self, name: str, given: object) -> Account | None:
        place = dotted("accounts", name)
        if not isinstance(given, Mapping):
            self._note(place, f"must be a table: write [{place}], and the account's keys below it")
            return None
        mistakes: list[str] = []
        kind = attempt(mistakes, lambda: find_provider(given.get("provider")))
        fields = kind.settings_type.model_fields if kind else {}
        how_to_give = partial(_how_to_write, name, fields)
        revealed = dict(given)
        for key in given:
            if key not in COMMON_KEYS and (kind is None or key in fields):
                show = partial(reveal, given[key], self._folder, secret=is_secret(fields, key), how=how_to_give(key))
                revealed[key] = attempt(mistakes, show, f"{dotted(key)}: ")
        told = {key for key, value in revealed.items() if value is None}
        account = make_account(name, kind, revealed, mistakes=mistakes, how_to_give=how_to_give, told=told)
        self._mistakes += [f"{place}.{line}" for line in mistakes]
        return account

    def _routes(self, tables: object, accounts: Mapping[str, object], made: Mapping[str, Account]) -> tuple[Route, ...]:
        if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
            self._note("routes", "must be tables: write [[routes]] above the keys of each route")
            return ()
        routes = []
        for position, table in enumerate(tables, start=1):
            place = f"routes.{position}"
            route = attempt(self._mistakes, partial(Route.model_validate, table), f"{place}.")
            routes.append(route)
            self._mistakes += strangers(place, table, accounts)
            self._mistakes += [] if route is None else real_shadows(place, route, made)
        names = [table.get("name") for table in tables]
        self._mistakes += namesakes([name if isinstance(name, str) else None for name in names])
        return tuple(route for route in routes if route is not None)


def _how_to_write(account: str, fields: Mapping[str, FieldInfo], setting: str) -> str:
    """Return what to type for a setting: where the secret is, or the value itself."""
    if is_secret(fields, setting):
        variable = f"{account}_{setting}".upper().replace("-", "_")
        return f'write {setting} = {{ env = "{variable}" }} or {{ file = "PATH" }}'
    wanted = fields[setting].annotation if setting in fields else None
    return f"write {setting} = {_EXAMPLES.get(wanted, _TEXT)}"


def _placed(url: str, folder: Path) -> str:
    """Return the journal's URL with its file in this folder, unless it has a place of its own."""
    kind, _, rest = url.partition("://")
    file, mark, query = rest.removeprefix("/").partition("?")
    if not kind.startswith("sqlite") or file in ("", ":memory:") or file.startswith("file:"):
        return url
    return f"{kind}:///{folder / file}{mark}{query}"
