"""Everything that is configured, as one value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from walletport.config.account import Account
from walletport.errors import ConfigurationError
from walletport.routing import Route
from walletport.settings import CheckedModel, dotted, unknown_name

DEFAULT_JOURNAL: Final = "sqlite:///walletport.db"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_JOURNAL: Final = re.compile(r"(sqlite|postgresql)(\+[a-z0-9_]+)?://(.*)", re.DOTALL)


def check_journal(url: object) -> str:
    """Return the URL of a journal, if it names a kind of database that can be one.

    Raises:
        ConfigurationError: it does not; the URL is not shown, because it may hold a password.
    """
    found = _JOURNAL.fullmatch(url) if isinstance(url, str) else None
    if found is None:
        msg = (
            f'journal: must be the URL of an SQLite or PostgreSQL database: write journal = "{DEFAULT_JOURNAL}", or '
            '"postgresql+psycopg://USER@HOST/DATABASE"'
        )
        raise ConfigurationError(msg)
    if found[1] == "sqlite" and found[3] and not found[3].startswith("/"):
        msg = f'journal: needs three slashes: write journal = "{DEFAULT_JOURNAL}"'
        raise ConfigurationError(msg)
    return found[0]


class Config(CheckedModel):
    """Everything that is configured.

    Args:
        accounts: by name.
        routes: who gets which orders; the first that matches counts. None at all is fine with exactly one account.
        journal: the URL of the database where everything is recorded; it may hold a password, so it is never shown.
    """

    accounts: Mapping[str, Account] = Field(
        min_length=1, description="at least one account", examples=['{"main": Account.of("main", ...)}']
    )
    routes: tuple[Route, ...] = Field(default=(), description="routes", examples=["(Route(split=...),)"])
    journal: Annotated[str, BeforeValidator(check_journal)] = Field(default=DEFAULT_JOURNAL, repr=False, exclude=True)

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        lines = misnamed(self.accounts)
        lines += [
            f"accounts.{dotted(name)}: must stand under its own name, {dotted(account.name)}"
            for name, account in self.accounts.items()
            if name != account.name
        ]
        for position, route in enumerate(self.routes, start=1):
            lines += strangers(f"routes.{position}", route.model_dump(), self.accounts)
            lines += real_shadows(f"routes.{position}", route, self.accounts)
        lines += namesakes([route.name for route in self.routes])
        if lines:
            raise ConfigurationError("\n".join(lines))
        return self


def misnamed(accounts: Iterable[str]) -> list[str]:
    """Return a line for each account whose name could not be typed everywhere, such as in a list with commas."""
    return [
        f"accounts.{dotted(name)}: must be named with letters, digits, - and _: write [accounts.main]"
        for name in accounts
        if not _NAME.fullmatch(name)
    ]


def real_shadows(key: str, route: Route, accounts: Mapping[str, Account]) -> list[str]:
    """Return a line for each shadow account that would make real wallets, where nobody said that it may.

    Args:
        key: the route's place.
        route: the route.
        accounts: the configured accounts by name.
    """
    return [
        f"{key}.shadow: {name} makes real wallets, and one more for each order: name a sandbox account, or write "
        "shadow_in_production = true"
        for name in route.shadow
        if not route.shadow_in_production and name in accounts and accounts[name].production
    ]


def strangers(key: str, route: Mapping[str, object], accounts: Mapping[str, object]) -> list[str]:
    """Return a line for each account that a route names and nobody has configured.

    Args:
        key: the route's place.
        route: what it says, as it was typed.
        accounts: the configured accounts by name.
    """
    split, ramp = route.get("split"), route.get("ramp")
    named = [(dotted("split", name), name) for name in (split if isinstance(split, Mapping) else {})]
    named += [("ramp.account", ramp.get("account"))] if isinstance(ramp, Mapping) else []
    for key_of, listed in ((place, route.get(place)) for place in ("failover", "shadow")):
        named += [(key_of, name) for name in (listed if isinstance(listed, list | tuple) else ())]
    return [
        f"{key}.{place}: {unknown_name(name, accounts, 'account')}"
        for place, name in named
        if isinstance(name, str) and name not in accounts
    ]


def namesakes(names: Iterable[object]) -> list[str]:
    """Return a line for each route whose name an earlier one has: a decision must say which it was.

    Args:
        names: the routes' names in their order; ``None`` for one without.
    """
    seen: dict[object, int] = {}
    return [
        f"routes.{position}.name: route {seen[name]} has this name already: give each a name of its own"
        for position, name in enumerate(names, start=1)
        if name is not None and seen.setdefault(name, position) != position
    ]
