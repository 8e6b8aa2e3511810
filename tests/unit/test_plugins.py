"""Providers that are found as installed distributions: real ones, made for each test in a folder on the path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROVIDER = '''
"""A provider that can be loaded and no more."""
from walletport.provider import *
from walletport.provider import YES

class {cls}(WalletProvider):
    name = "{name}"
    title = "{title}"
    environments = {{"sandbox": Environment({{"api": "https://example.com"}})}}
    settings_type = ProviderSettings
    capabilities = Capabilities(
        **dict.fromkeys((
            "create_wallet", "get_wallet", "list_wallets", "find_wallet", "get_balances", "get_addresses",
            "rotate_wallet", "create_customer", "get_customer", "several_addresses", "webhooks", "approval",
        ), YES),
        order=OrderFields(chain=Need.OPTIONAL, asset=Need.OPTIONAL, reference=Need.OPTIONAL),
        idempotency=Idempotency(place="none"),
    )
'''


def provider(name: str, cls: str = "Acme", title: str = "Acme Custody") -> str:
    """Return the source of a provider's module."""
    return PROVIDER.format(name=name, cls=cls, title=title)


def install(
    site: Path, distribution: str, entries: Mapping[str, str], modules: Mapping[str, str], version: str = "1.0"
) -> Path:
    """Lay a distribution down as an installer would, and return its metadata folder."""
    site.mkdir(exist_ok=True)
    for module, source in modules.items():
        (site / f"{module}.py").write_text(source, "utf-8")
    info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", "utf-8")
    lines = [f"{name} = {target}" for name, target in entries.items()]
    (info / "entry_points.txt").write_text("\n".join(["[walletport.providers]", *lines, ""]), "utf-8")
    return info


def run(code: str, *sites: Path) -> object:
    """Run code in a fresh interpreter that finds these folders, and return what it prints as JSON."""
    path = os.pathsep.join(map(str, (*sites, ROOT / "src", ROOT / "providers")))
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", SETUP + code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "XDG_CACHE_HOME": str(sites[0] / "cache")},
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


SETUP = """
import json, sys
from walletport.plugins import load_provider, providers
from walletport.errors import ConfigurationError, WalletportError

def listed(*names):
    return {p.name: [p.distribution, p.version, p.state, p.reason, p.title] for p in providers() if p.name in names}

def refusal(name):
    try:
        load_provider(name)
    except ConfigurationError as error:
        return str(error)

def show(value):
    print(json.dumps(value))
"""


def test_an_installed_provider_is_listed_with_its_origin(tmp_path: Path) -> None:
    """Name, distribution, version, title and capabilities, sorted by name."""
    install(tmp_path, "acme-wallets", {"acme": "acme_wallets:Acme"}, {"acme_wallets": provider("acme")}, "1.2.3")
    install(tmp_path, "zeta", {"a-zeta": "zeta:Acme"}, {"zeta": provider("a-zeta")})
    shown = run(
        """
found = providers()
show([
    listed("acme"),
    [p.name for p in found] == sorted(p.name for p in found),
    next(p for p in found if p.name == "acme").capabilities.create_wallet.answer,
    load_provider("acme").__module__,
])
""",
        tmp_path,
    )
    assert shown == [{"acme": ["acme-wallets", "1.2.3", "ok", "", "Acme Custody"]}, True, "yes", "acme_wallets"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('the moon is wrong')", "RuntimeError: the moon is wrong"),
        ("import not_installed_anywhere", "ModuleNotFoundError: No module named 'not_installed_anywhere'"),
        ("assert False, 'never'", "AssertionError: never"),
        ("raise SystemExit('go away')", "SystemExit: go away"),
        ("def broken(:", "SyntaxError"),
        ("", "AttributeError"),
        ("import warnings; warnings.warn('old', DeprecationWarning)", "DeprecationWarning: old"),
    ],
    ids=["raises", "import missing", "assertion", "exits", "syntax", "no class", "warns under -W error"],
)
def test_a_provider_that_cannot_be_imported_is_listed_with_its_reason(tmp_path: Path, source: str, reason: str) -> None:
    """The others still load; loading the broken one says the same."""
    install(tmp_path, "broken", {"broken": "broken_module:Acme"}, {"broken_module": source}, "0.9")
    install(tmp_path, "acme", {"acme": "acme:Acme"}, {"acme": provider("acme")})
    shown, told, loaded = run(
        'show([listed("broken", "acme"), refusal("broken"), load_provider("acme").title])', tmp_path
    )
    assert shown["acme"][2] == "ok"
    assert shown["broken"][:3] == ["broken", "0.9", "broken"]
    assert reason in shown["broken"][3]
    assert "'broken' of broken 0.9 cannot be imported" in told
    assert reason in told
    assert loaded == "Acme Custody"


@pytest.mark.parametrize("between", [{}, {"acme-between": "one:Between"}], ids=["alone", "another name between"])
def test_two_distributions_with_one_name_are_a_conflict(tmp_path: Path, between: dict[str, str]) -> None:
    """Neither is chosen, nothing of either is imported, and the message names both."""
    raising = {"one": "raise RuntimeError('imported')"}
    install(tmp_path, "first-acme", {"acme": "one:Acme", **between}, raising)
    install(tmp_path / "second", "other-acme", {"acme": "two:Acme"}, {"two": "raise RuntimeError('imported')"}, "2.0")
    install(tmp_path / "third", "mid-between", {"acme-a": "three:Acme"}, {"three": provider("acme-a")})
    shown, told, loaded, imported = run(
        """
told = refusal("acme")
loaded = load_provider("acme-a").name
show([listed("acme"), told, loaded, [m for m in ("one", "two") if m in sys.modules]])
""",
        tmp_path,
        tmp_path / "third",
        tmp_path / "second",
    )
    assert set(shown["acme"][0].split(", ")) == {"first-acme", "other-acme"}
    assert set(shown["acme"][1].split(", ")) == {"1.0", "2.0"}
    assert shown["acme"][2] == "conflict"
    for text in (shown["acme"][3], told):
        assert "first-acme and other-acme" in text
        assert "uninstall" in text
    assert loaded == "acme-a"
    assert imported == []


def test_a_fork_with_the_same_version_and_module_is_a_conflict(tmp_path: Path) -> None:
    """What counts is who brings the name."""
    for site, distribution in (("a", "acme"), ("b", "acme-fork")):
        install(tmp_path / site, distribution, {"acme": "acme:Acme"}, {"acme": provider("acme")})
    shown, told = run('show([listed("acme"), refusal("acme")])', tmp_path / "a", tmp_path / "b")
    assert shown["acme"][2] == "conflict"
    assert "acme and acme-fork" in told


def test_one_distribution_twice_on_the_path_is_no_conflict(tmp_path: Path) -> None:
    """An editable install beside its own build folder; the spelling of the name does not matter."""
    install(tmp_path / "a", "acme-wallets", {"acme": "acme:Acme"}, {"acme": provider("acme")})
    install(tmp_path / "b", "Acme_Wallets", {"acme": "acme:Acme"}, {"acme": provider("acme")}, "0.9")
    shown = run('show([listed("acme"), refusal("acme")])', tmp_path / "a", tmp_path / "b")
    assert shown == [{"acme": ["acme-wallets", "1.0", "ok", "", "Acme Custody"]}, None]


def test_clients_and_webhooks_find_a_provider_by_its_name(tmp_path: Path) -> None:
    """The same one, whoever asks."""
    install(tmp_path, "acme", {"acme": "acme:Acme"}, {"acme": provider("acme")})
    code = """
import walletport
client = walletport.Client("acme", base_url="http://localhost:1")
try:
    walletport.parse_webhook("acme", {}, b"{}", "secret")
except WalletportError as error:
    show([client.provider, type(error).__name__, error.provider])
"""
    assert run(code, tmp_path) == ["acme", "UnsupportedOperation", "acme"]


def test_using_one_provider_imports_no_other(tmp_path: Path) -> None:
    """A program pays, and trusts, only what it names; an unknown name imports nothing."""
    install(tmp_path, "two", {"one-a": "mod_a:Acme", "one-b": "mod_b:Acme"}, {
        "mod_a": provider("one-a"), "mod_b": "raise RuntimeError('imported')"
    })  # fmt: skip
    shown = run(
        """
refusal("one-c")
before = [m for m in ("mod_a", "mod_b", "stevedore") if m in sys.modules]
load_provider("one-a")
show([before, [m for m in ("mod_a", "mod_b") if m in sys.modules]])
""",
        tmp_path,
    )
    assert shown == [[], ["mod_a"]]


def test_what_is_installed_later_is_seen_at_once(tmp_path: Path) -> None:
    """Even where stevedore's own list, in memory and on disk, was filled before."""
    info = install(tmp_path, "acme", {"acme": "first:Acme"}, {"first": provider("acme", title="First")})
    second = provider("acme", title="Second") + provider("another", cls="Another")
    code = f"""
import pathlib, stevedore
stevedore.ExtensionManager("walletport.providers").list_entry_points()
first = load_provider("acme").title
pathlib.Path({str(tmp_path / "second.py")!r}).write_text({second!r})
points = "[walletport.providers]\\nacme = second:Acme\\nanother = second:Another\\n"
pathlib.Path({str(info / "entry_points.txt")!r}).write_text(points)
show([first, load_provider("acme").title, load_provider("another").name])
"""
    assert run(code, tmp_path) == ["First", "Second", "another"]
    again = run('show(listed("acme", "another"))', tmp_path)
    assert again["acme"][4] == "Second"
    assert again["another"][2] == "ok"


def test_a_removed_provider_is_gone_at_once(tmp_path: Path) -> None:
    """The list is read each time."""
    info = install(tmp_path, "acme", {"acme": "acme:Acme"}, {"acme": provider("acme")})
    code = f"""
load_provider("acme")
import pathlib, shutil
shutil.rmtree(pathlib.Path({str(info)!r}))
show(refusal("acme"))
"""
    assert "no provider is called 'acme'" in run(code, tmp_path)


def test_an_unknown_name_suggests_the_near_one(tmp_path: Path) -> None:
    """And lists what is installed."""
    install(tmp_path, "acme", {"acme-wallets": "acme:Acme"}, {"acme": provider("acme-wallets")})
    near, far = run('show([refusal("acme_walets"), refusal("qqq")])', tmp_path)
    assert "did you mean 'acme-wallets'?" in near
    assert "did you mean" not in far
    assert "acme-wallets" in far


WRONG = {
    "another name": (provider("other"), "called 'other'"),
    "no class": ("Acme = 5", "must be a class"),
    "a function": ("def Acme(settings): ...", "must be a class"),
    "no declarations": ("class Acme:\n    name = 'acme'", "declare title, capabilities, environments, settings_type"),
    "no capabilities": (provider("acme") + "    capabilities = {}", "declare capabilities"),
    "no title": (provider("acme") + "    title = None", "declare title"),
    "no environment": (provider("acme") + "    environments = {}", "at least one of environments"),
}


@pytest.mark.parametrize(("source", "reason"), WRONG.values(), ids=WRONG)
def test_what_is_no_provider_of_that_name_is_refused(tmp_path: Path, source: str, reason: str) -> None:
    """Whoever answers to a name must carry it; the message says what is wrong and where it came from."""
    install(tmp_path, "acme-wallets", {"acme": "acme:Acme"}, {"acme": source})
    shown, told = run('show([listed("acme"), refusal("acme")])', tmp_path)
    assert shown["acme"][2] == "broken"
    assert reason in shown["acme"][3]
    assert reason in told
    assert "acme-wallets 1.0" in told


@pytest.mark.parametrize("target", ["not a target!", "acme:", ":Acme", "acme:Acme.Missing", "acme"])
def test_a_malformed_entry_point_is_a_broken_provider(tmp_path: Path, target: str) -> None:
    """It breaks nobody else."""
    install(tmp_path, "acme", {"acme": target}, {"acme": provider("acme")})
    install(tmp_path, "fine", {"fine": "fine:Acme"}, {"fine": provider("fine")})
    shown = run('show(listed("acme", "fine"))', tmp_path)
    assert shown["acme"][2] == "broken"
    assert shown["fine"][2] == "ok"


def test_an_interrupted_install_breaks_nothing(tmp_path: Path) -> None:
    """Metadata without name and version, as an installer that was killed leaves it behind."""
    info = install(tmp_path, "half", {"half": "half:Acme"}, {"half": provider("half")})
    (info / "METADATA").unlink()
    install(tmp_path, "fine", {"fine": "fine:Acme"}, {"fine": provider("fine")})
    shown = run('show([listed("half", "fine"), load_provider("fine").name])', tmp_path)
    assert shown[0]["fine"][2] == "ok"
    assert shown[0]["half"][:3] == ["(unknown)", "(unknown)", "ok"]
    assert shown[1] == "fine"


def test_threads_may_load_different_providers_at_once(tmp_path: Path) -> None:
    """Each gets the one it named."""
    names = [f"acme-{number}" for number in range(8)]
    for number, name in enumerate(names):
        slow = "import time; time.sleep(0.02)\n" + provider(name)
        install(tmp_path, name, {name: f"module_{number}:Acme"}, {f"module_{number}": slow})
    code = f"""
from concurrent.futures import ThreadPoolExecutor
names = {names!r}
with ThreadPoolExecutor(8) as pool:
    show([kind.name for kind in pool.map(load_provider, names)])
"""
    assert run(code, tmp_path) == names
