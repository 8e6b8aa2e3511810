"""From a provider's class, its settings and an environment to an engine that can talk to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from walletport.errors import ConfigurationError
from walletport.transport.encoding import check_base_url
from walletport.transport.engine import Engine

if TYPE_CHECKING:
    from walletport.provider import ProviderSettings, WalletProvider
    from walletport.transport.engine import Clock
    from walletport.transport.limits import Limits


def engine_for(  # noqa: PLR0917 - who, with what, where, how
    kind: type[WalletProvider],
    settings: ProviderSettings,
    environment: str | None,
    base_url: object,
    limits: Limits,
    clock: Clock,
) -> Engine:
    """Return an engine for one account.

    Args:
        kind: the provider's class.
        settings: the provider's settings, checked.
        environment: one of the provider's environments; its first one by default.
        base_url: overrides the environment's address; a mapping where the provider has several hosts.
        limits: what one operation may cost.
        clock: tells the time.

    Raises:
        ConfigurationError: the environment or a base URL is wrong, or the settings belong to another environment.
    """
    provider = kind(settings)
    return Engine(provider, settings, _base_urls(provider, environment, base_url), limits, clock)


def _base_urls(provider: WalletProvider, environment: str | None, base_url: object) -> dict[str, str]:
    known = provider.environments
    name = environment if environment is not None else next(iter(known))
    if name not in tuple(known):
        msg = f"environment {name!r} is unknown: use one of {', '.join(known)}"
        raise ConfigurationError(msg, provider=provider.name)
    declared = known[name].base_urls
    if base_url is None:
        provider.check_settings(name)
        return {host: check_base_url(url) for host, url in declared.items()}
    given = base_url if isinstance(base_url, Mapping) else dict.fromkeys(declared, base_url)
    unknown = [str(host) for host in given if host not in declared]
    if unknown:
        msg = f"base_url names hosts that this provider does not have: {', '.join(unknown)}"
        raise ConfigurationError(msg, provider=provider.name)
    urls = {}
    for host, url in declared.items():
        chosen = given.get(host, url)
        if not isinstance(chosen, str):
            msg = "base_url must be a URL, or a mapping from host names to URLs"
            raise ConfigurationError(msg, provider=provider.name)
        urls[host] = check_base_url(chosen)
    return urls
