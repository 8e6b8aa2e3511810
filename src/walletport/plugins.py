"""Which providers are installed: the only file that imports stevedore.

Entry points are read from `importlib.metadata` each time and handed to stevedore, because stevedore's own list comes
from an on-disk cache that misses re-installed packages, forgets which distribution an entry came from, and
overlooks some duplicate names.
"""

from __future__ import annotations

import difflib
import importlib.metadata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, cast

from walletport.capabilities import Capabilities
from walletport.errors import ConfigurationError

if TYPE_CHECKING:
    from walletport.provider import WalletProvider

GROUP: Final = "walletport.providers"


@dataclass(frozen=True, slots=True)
class InstalledProvider:
    """One installed provider.

    Args:
        name: its entry-point name.
        distribution: the distribution that brings it; two names joined by a comma where they collide.
        version: that distribution's version.
        state: ``ok``, ``broken`` (it fails to import) or ``conflict`` (two distributions bring the name).
        reason: what is wrong, or an empty string.
        title: the vendor's name as people write it; empty unless ``ok``.
        capabilities: what it declares; ``None`` unless ``ok``.
    """

    name: str
    distribution: str
    version: str
    state: Literal["ok", "broken", "conflict"]
    reason: str = ""
    title: str = ""
    capabilities: Capabilities | None = None


def providers() -> list[InstalledProvider]:
    """List the installed providers by name, importing each; one that fails is listed with its reason."""
    return [_describe(name, found) for name, found in sorted(_entry_points().items())]


def load_provider(name: str) -> type[WalletProvider]:
    """Import one provider by name, and no other.

    Raises:
        ConfigurationError: it is not installed, fails to import, is not a provider, or two distributions bring it.
    """
    found = _entry_points()
    if name not in found:
        near = difflib.get_close_matches(name, found, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        msg = f"no provider is called {name!r}: {hint}installed are {', '.join(sorted(found)) or 'none'}"
        raise ConfigurationError(msg)
    entry_points = found[name]
    if len(entry_points) > 1:
        raise ConfigurationError(_conflict(name, entry_points))
    return _load(entry_points[0])


def _entry_points() -> dict[str, list[importlib.metadata.EntryPoint]]:
    """Return the entry points by name; more than one only where distributions really differ."""
    found: dict[str, dict[tuple[str, str], importlib.metadata.EntryPoint]] = {}
    for entry_point in importlib.metadata.entry_points(group=GROUP):
        # One distribution can be on the path twice, as an editable install beside its own build folder.
        found.setdefault(entry_point.name, {}).setdefault((_origin(entry_point)[0], entry_point.value), entry_point)
    return {name: list(entries.values()) for name, entries in found.items()}


def _origin(entry_point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    distribution = entry_point.dist
    return ("(unknown)", "") if distribution is None else (distribution.name, distribution.version)


def _conflict(name: str, entry_points: Iterable[importlib.metadata.EntryPoint]) -> str:
    owners = " and ".join(sorted({_origin(entry_point)[0] for entry_point in entry_points}))
    return f"two distributions bring a provider called {name!r}: {owners}; uninstall one of them"


@cache
def _load(entry_point: importlib.metadata.EntryPoint) -> type[WalletProvider]:
    from stevedore import driver, extension  # noqa: PLC0415 - listing and using other providers should not pay for it

    def give_up(_manager: object, _entry_point: object, error: BaseException) -> None:
        raise error

    extension.ExtensionManager.ENTRY_POINT_CACHE[GROUP] = [entry_point]
    name, (distribution, version) = entry_point.name, _origin(entry_point)
    try:
        manager: driver.DriverManager[WalletProvider] = driver.DriverManager(
            GROUP, name, on_load_failure_callback=give_up, warn_on_missing_entrypoint=False
        )
        loaded: object = manager.driver
    except Exception as error:
        msg = f"provider {name!r} of {distribution} {version} cannot be imported: {type(error).__name__}: {error}"
        raise ConfigurationError(msg) from error
    finally:
        extension.ExtensionManager.ENTRY_POINT_CACHE.pop(GROUP, None)
    if (
        not isinstance(loaded, type)
        or getattr(loaded, "name", None) != name
        or not isinstance(getattr(loaded, "capabilities", None), Capabilities)
    ):
        msg = (
            f"provider {name!r} of {distribution} {version} is no WalletProvider: its class must be called "
            f"{name!r} in `name` and declare `capabilities`"
        )
        raise ConfigurationError(msg)
    return cast("type[WalletProvider]", loaded)


def _describe(name: str, entry_points: list[importlib.metadata.EntryPoint]) -> InstalledProvider:
    owners = [_origin(entry_point) for entry_point in entry_points]
    distribution, version = (", ".join(part) for part in zip(*owners, strict=True))
    if len(entry_points) > 1:
        return InstalledProvider(name, distribution, version, "conflict", _conflict(name, entry_points))
    try:
        loaded = _load(entry_points[0])
    except ConfigurationError as error:
        return InstalledProvider(name, distribution, version, "broken", error.message)
    return InstalledProvider(name, distribution, version, "ok", "", loaded.title, loaded.capabilities)
