"""`ProviderConformance`: the kit as one pytest class."""

from __future__ import annotations

from collections.abc import Callable
from inspect import getattr_static
from typing import TYPE_CHECKING, Final

import pytest

from walletport.errors import ConfigurationError, WalletportError
from walletport.testing.catalogue import SCENARIOS
from walletport.testing.running import play, problem_of

if TYPE_CHECKING:
    from walletport.testing.scenario import Mode, Scenario
    from walletport.testing.subject import Subject

_SUMMARY: Final = "walletport-conformance-summary"
_PROPERTY: Final = "walletport-conformance"
_DODGES: Final = ("skip", "skipif", "xfail")


class ProviderConformance:
    """Every scenario of the kit as a test; subclass it and say what is put to the test.

    A subclass may add tests of its own. It may not replace or remove one of the kit's.
    """

    def subject(self) -> Subject:
        """Return the provider that is put to the test; the one thing to fill in."""
        msg = f"{type(self).__name__} must say what it tests: def subject(self): return Subject(provider=...)"
        raise ConfigurationError(msg)

    def __init_subclass__(cls) -> None:
        """Refuse a subclass that replaces a scenario, by itself or through another base."""
        replaced = sorted(name for name, own in _SEALED.items() if getattr_static(cls, name, None) is not own)
        if replaced:
            msg = f"{cls.__name__} replaces {', '.join(replaced)}: the kit's scenarios stay as they are"
            raise ConfigurationError(msg)

    @pytest.fixture(autouse=True)
    def _summary(self, request: pytest.FixtureRequest) -> None:
        """Let the run end with what was played."""
        plugins = request.config.pluginmanager
        if not plugins.has_plugin(_SUMMARY):
            plugins.register(_Summary(), _SUMMARY)

    def test_nothing_was_left_out(self, request: pytest.FixtureRequest) -> None:
        """Every scenario is there, unchanged, and part of this run."""
        kind = type(self)
        changed = [name for name, method in _METHODS.items() if getattr_static(kind, name, None) is not method]
        planned = {
            item.name
            for item in request.session.items
            if getattr(item, "cls", None) is kind and not any(item.get_closest_marker(mark) for mark in _DODGES)
        }
        wanted = {f"test_{one.name}[{mode}]" for one in SCENARIOS for mode in one.modes}
        missing = sorted({*changed, *(wanted - planned)})
        if missing:
            pytest.fail(f"left out of the kit: {', '.join(missing)}", pytrace=False)


def _method(scenario: Scenario) -> Callable[..., None]:
    def test(self: ProviderConformance, mode: Mode, record_property: Callable[[str, object], None]) -> None:
        subject, problem = self.subject(), None
        try:
            part = play(subject, scenario, mode)
        except (AssertionError, WalletportError) as error:
            # Where something must work, an error of ours is the finding; only what breaks otherwise has a traceback.
            problem = problem_of(error)
        if problem is not None:
            pytest.fail(f"{scenario.sentence}\n\n{problem}", pytrace=False)
        record_property(_PROPERTY, f"{subject.provider.name} {scenario.name} {part}")

    test.__name__ = f"test_{scenario.name}"
    test.__qualname__ = f"{ProviderConformance.__qualname__}.{test.__name__}"
    test.__doc__ = scenario.play.__doc__
    return pytest.mark.parametrize("mode", scenario.modes)(test)


_METHODS: Final = {f"test_{one.name}": _method(one) for one in SCENARIOS}
for _name, _made in _METHODS.items():
    setattr(ProviderConformance, _name, _made)
_SEALED: Final = _METHODS | {
    name: vars(ProviderConformance)[name] for name in ("test_nothing_was_left_out", "_summary")
}


class _Summary:
    """Adds to the end of a run what the kit played, a line for each provider."""

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the lines."""
        played: dict[str, dict[str, str]] = {}
        for report in terminalreporter.getreports("passed"):
            for name, value in report.user_properties:
                if name == _PROPERTY:
                    provider, scenario, part = str(value).split(" ", 2)
                    played.setdefault(provider, {})[scenario] = part
        if played:
            terminalreporter.section("walletport conformance")
        for provider, parts in sorted(played.items()):
            abilities = sorted({part.partition(" ")[0] for part in parts.values() if part != "works"})
            told = f", with the denial of {', '.join(abilities)} put to the test" if abilities else ""
            terminalreporter.write_line(f"{provider}: {len(parts)} of {len(SCENARIOS)} scenarios passed{told}")
