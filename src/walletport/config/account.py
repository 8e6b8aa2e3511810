"""One account: what may be said of any, what its provider wants to know, and whether the two fit together."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Annotated, Final, TypeVar

from pydantic import BeforeValidator, Field, PrivateAttr

from walletport.errors import ConfigurationError
from walletport.plugins import check_provider, load_provider
from walletport.provider import ProviderSettings, WalletProvider
from walletport.settings import CheckedModel, Flaw, describe_setting, dotted, examine_settings, unknown_name
from walletport.transport.encoding import check_base_url
from walletport.transport.limits import Limits
from walletport.transport.redaction import Redactor

T = TypeVar("T")


def _checked_urls(value: object) -> object:
    """Check the one base URL, or each of those by host."""
    if value is None:
        return None
    if isinstance(value, str):
        return _checked_url(value)
    if isinstance(value, Mapping) and value and all(isinstance(url, str) for url in value.values()):
        return {host: _checked_url(url) for host, url in value.items()}
    msg = 'must be a URL, or a table of hosts and their URLs: write base_url = "https://api.example.com/v1"'
    raise ValueError(msg)


def _checked_url(url: str) -> str:
    try:
        return check_base_url(url)
    except ConfigurationError as error:
        msg = error.message.removeprefix("base_url ")
    raise ValueError(msg)


class _Common(CheckedModel):
    """What may be said of any account, whatever its provider."""

    base_url: Annotated[str | Mapping[str, str] | None, BeforeValidator(_checked_urls)] = None
    timeout: Annotated[float, Field(strict=True, ge=0.001, allow_inf_nan=False)] = Field(
        default=Limits.timeout, description="a number of seconds above 0", examples=["timeout = 30"]
    )
    max_attempts: Annotated[int, Field(strict=True, ge=1)] = Field(
        default=Limits.max_attempts, description="a whole number above 0", examples=["max_attempts = 4"]
    )
    rate_limit: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="a number of requests per second above 0", examples=["rate_limit = 50"]
    )


COMMON_KEYS: Final = ("provider", "environment", "base_url", "timeout", "max_attempts", "rate_limit")
"""What an account may say, whatever its provider; all other keys are the provider's settings."""


class Account(_Common):
    """One configured set of credentials at a provider, in one of its environments.

    `Account.of` makes one and checks it. To make one from these fields is to say that they fit together already.

    Args:
        name: what routes call it.
        provider: the provider's name.
        environment: one of the provider's environments.
        base_url: overrides the environment's address; a mapping where the provider has several hosts.
        settings: the provider's own settings; they hold the credentials.
        timeout: for connecting and for each wait within one attempt, in seconds.
        max_attempts: how often one request is sent at most.
        rate_limit: requests per second that all processes together send at most; the provider's own by default, where
            it states one.
        production: whether wallets made here are real.
    """

    name: str
    provider: str
    environment: str
    settings: ProviderSettings = Field(exclude=True)
    production: bool
    _kind: type[WalletProvider] | None = PrivateAttr(default=None)

    @staticmethod
    def of(
        name: str,
        provider: str | type[WalletProvider],
        *,
        environment: str | None = None,
        base_url: str | Mapping[str, str] | None = None,
        timeout: float = Limits.timeout,
        max_attempts: int = Limits.max_attempts,
        rate_limit: float | None = None,
        **settings: object,
    ) -> Account:
        """Make an account, checked as one in a file is.

        Args:
            name: what routes call it.
            provider: the provider's installed name, or its class.
            environment: one of the provider's environments; its first one by default.
            base_url: overrides the environment's address; a mapping where the provider has several hosts.
            timeout: for connecting and for each wait within one attempt, in seconds.
            max_attempts: how often one request is sent at most.
            rate_limit: requests per second that all processes together send at most; the provider's own by default,
                where it states one.
            settings: the provider's settings, such as ``api_key="..."``.

        Raises:
            ConfigurationError: with a line for each mistake.
        """
        kind = load_provider(provider) if isinstance(provider, str) else check_provider(provider)
        common = {"environment": environment, "base_url": base_url, "timeout": timeout, "max_attempts": max_attempts}
        if rate_limit is not None:
            common["rate_limit"] = rate_limit
        mistakes: list[str] = []
        account = make_account(
            name, kind, common | settings, mistakes=mistakes, how_to_give=lambda setting: f'pass {setting}="..."'
        )
        if account is None:
            raise ConfigurationError("\n".join(f"{dotted(name)}.{line}" for line in mistakes))
        return account

    @property
    def kind(self) -> type[WalletProvider]:
        """The provider's class."""
        return self._kind or load_provider(self.provider)


def make_account(
    name: str,
    kind: type[WalletProvider] | None,
    given: Mapping[str, object],
    *,
    mistakes: list[str],
    how_to_give: Callable[[str], str],
    told: Container[str] = (),
) -> Account | None:
    """Return the account, or ``None`` where anything is wrong with it.

    Args:
        name: what routes call it.
        kind: the provider's class; ``None`` if it is not known, so that only the common keys can be looked at.
        given: everything the account says, by key.
        mistakes: takes a line for each mistake.
        how_to_give: says what to type for a setting.
        told: settings about which a line was written already.
    """
    said = {key: given[key] for key in ("base_url", "timeout", "max_attempts", "rate_limit") if key in given}
    common = attempt(mistakes, lambda: _Common.model_validate(said))
    if kind is None:
        return None
    own = {key: value for key, value in given.items() if key not in COMMON_KEYS}
    settings = attempt(mistakes, lambda: _read_settings(kind.settings_type, own, how_to_give, told))
    environment = attempt(mistakes, lambda: _known_environment(kind, given.get("environment")))
    base_url = given.get("base_url")
    if environment is not None and isinstance(base_url, Mapping):
        attempt(mistakes, lambda: _check_hosts(kind, environment, base_url))
    if environment is not None and settings is not None and base_url is None:
        attempt(mistakes, lambda: _check_fit(kind, settings, environment))
    if mistakes or common is None or settings is None or environment is None:
        return None
    production = _is_production(kind, environment, common.base_url)
    account = Account(
        **dict(common),
        name=name,
        provider=kind.name,
        environment=environment,
        settings=settings,
        production=production,
    )
    account._kind = kind  # noqa: SLF001 - our own
    return account


def attempt(mistakes: list[str], make: Callable[[], T], place: str = "") -> T | None:
    """Return what is made, or ``None`` and take down what is wrong with it, a line for each mistake.

    Args:
        mistakes: takes the lines.
        make: makes it.
        place: goes in front of each line.
    """
    try:
        return make()
    except ConfigurationError as error:
        mistakes += [f"{place}{line}" for line in error.message.split("\n") if line]
    return None


def find_provider(name: object) -> type[WalletProvider]:
    """Return the class of an installed provider.

    Raises:
        ConfigurationError: with one line, whose key is ``provider``.
    """
    if not isinstance(name, str):
        found = "is missing" if name is None else "must be a text"
        msg = f'provider: {found}: write provider = "NAME" (`walletport providers` lists the names)'
        raise ConfigurationError(msg)
    try:
        return load_provider(name)
    except ConfigurationError as error:
        msg = f"provider: {' '.join(error.message.split())}"
    raise ConfigurationError(msg)


def _known_environment(kind: type[WalletProvider], name: object) -> str:
    known = tuple(kind.environments)
    if name is None:
        return known[0]
    if isinstance(name, str) and name in known:
        return name
    msg = f'environment: must be one of {", ".join(known)}: write environment = "{known[0]}"'
    raise ConfigurationError(msg)


def _check_hosts(kind: type[WalletProvider], environment: str, named: Iterable[str]) -> None:
    hosts = kind.environments[environment].base_urls
    lines = [f"base_url.{dotted(host)}: {unknown_name(host, hosts, 'host')}" for host in named if host not in hosts]
    if lines:
        raise ConfigurationError("\n".join(lines))


def _read_settings(
    kind: type[ProviderSettings],
    given: Mapping[str, object],
    how_to_give: Callable[[str], str],
    told: Container[str],
) -> ProviderSettings:
    found = examine_settings(kind, given)
    if not isinstance(found, list):
        return found
    lines = {flaw.setting: _setting_line(kind, flaw, how_to_give) for flaw in found if flaw.setting not in told}
    raise ConfigurationError("\n".join(lines.values()))


def _setting_line(kind: type[ProviderSettings], flaw: Flaw, how_to_give: Callable[[str], str]) -> str:
    setting = flaw.setting
    if flaw.what == "unknown" and setting not in kind.model_fields:
        return f"{dotted(setting)}: {unknown_name(setting, (*kind.model_fields, *COMMON_KEYS), 'key')}"
    if setting not in kind.model_fields:
        return "settings: do not fit each other"
    problem = f"is {flaw.what}" if flaw.what in ("missing", "empty") else "cannot be used as given"
    return f"{setting}: {problem}: {how_to_give(setting)}{describe_setting(kind, setting)}"


def _check_fit(kind: type[WalletProvider], settings: ProviderSettings, environment: str) -> None:
    """Ask the provider whether these settings belong to this environment."""
    try:
        kind(settings).check_settings(environment)
    except ConfigurationError as error:
        Redactor(settings).clean(error)
        setting, _, problem = " ".join(error.message.split()).partition(" ")
    else:
        return
    named = setting in kind.settings_type.model_fields
    msg = f"{setting}: {problem}" if named else f"settings: {setting} {problem}"
    raise ConfigurationError(msg)


def _is_production(kind: type[WalletProvider], environment: str, base_url: str | Mapping[str, str] | None) -> bool:
    """Return whether wallets made there are real: by the environment, or because the address is that of a real one."""
    real, harmless = (
        {
            check_base_url(url)
            for known in kind.environments.values()
            if known.production is kept
            for url in known.base_urls.values()
        }
        for kept in (True, False)
    )
    used = set(base_url.values()) if isinstance(base_url, Mapping) else {base_url}
    return kind.environments[environment].production or not used.isdisjoint(real - harmless)
