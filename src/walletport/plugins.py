"""Which providers are installed: the only file that imports stevedore.

Entry points are read from `importlib.metadata` each time and handed to stevedore, because stevedore's own list comes
from an on-disk cache that misses re-installed packages, forgets which distribution an entry came from, and
overlooks some duplicate names.
"""

from __future__ import annotations

import difflib
import importlib.metadata
from collections.abc import Iterable, Mapping
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


def check_provider(kind: object, name: str | None = None, origin: str = "") -> type[WalletProvider]:
    """Return a class that may stand for a provider, whether it came by entry point or by hand.

    Args:
        kind: the class.
        name: what it must be called; anything where absent.
        origin: words for the message that say where it came from.

    Raises:
        ConfigurationError: it is no class, is called something else, or lacks a declaration.
    """
    lacking = [part for part, wanted in _DECLARED.items() if not isinstance(getattr(kind, part, None), wanted)]
    called = getattr(kind, "name", None)
    if not isinstance(kind, type):
        problem = "it must be a class" if name else "give an installed provider's name, or a class"
    elif lacking:
        problem = f"it must declare {', '.join(lacking)}"
    elif name not in (None, called):
        problem = f"it is called {called!r} in `name`"
    elif not getattr(kind, "environments", None):
        problem = "it must have at least one of environments"
    else:
        return cast("type[WalletProvider]", kind)
    msg = f"provider {name or called or kind!r}{origin} is no WalletProvider: {problem}"
    raise ConfigurationError(msg)


_DECLARED: Final[dict[str, type]] = {
    "name": str,
    "title": str,
    "capabilities": Capabilities,
    "environments": Mapping,
    "settings_type": type,
}


def _entry_points() -> dict[str, list[importlib.metadata.EntryPoint]]:
    """Return the entry points by name; more than one only where distributions really differ."""
    found: dict[str, dict[tuple[str, str], importlib.metadata.EntryPoint]] = {}
    for entry_point in importlib.metadata.entry_points(group=GROUP):
        # One distribution can be on the path twice, as an editable install beside its own build folder.
        found.setdefault(entry_point.name, {}).setdefault((_origin(entry_point)[0], entry_point.value), entry_point)
    return {name: list(entries.values()) for name, entries in found.items()}


def _origin(entry_point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    """Return the name and version of the distribution; an interrupted install leaves one without either."""
    distribution = entry_point.dist
    try:
        name, version = (None, None) if distribution is None else (distribution.name, distribution.version)
    except KeyError:  # Python 3.11 answers None instead
        name, version = None, None
    return name or "(unknown)", version or "(unknown)"


def _conflict(name: str, entry_points: Iterable[importlib.metadata.EntryPoint]) -> str:
    owners = " and ".join(sorted({_origin(entry_point)[0] for entry_point in entry_points}))
    return f"more than one distribution brings a provider called {name!r}: {owners}; uninstall all but one"


@cache
def _load(entry_point: importlib.metadata.EntryPoint) -> type[WalletProvider]:
    from stevedore import driver  # noqa: PLC0415 - listing and using other providers should not pay for it

    class OnlyThis(driver.DriverManager["type[WalletProvider]"]):
        """Loads the entry point it is given, whatever stevedore's own list says."""

        def list_entry_points(self) -> list[importlib.metadata.EntryPoint]:
            return [entry_point]

    name, origin = entry_point.name, " of {} {}".format(*_origin(entry_point))
    try:
        loaded: object = OnlyThis(GROUP, name).driver
    except (Exception, SystemExit) as error:  # a plugin may fail in any way while it is imported
        msg = f"provider {name!r}{origin} cannot be imported: {type(error).__name__}: {error}"
        raise ConfigurationError(msg) from error
    return check_provider(loaded, name, origin)


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
