"""What `walletport` offers by name, and what it costs to import."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import walletport
from walletport import provider

SOURCE = Path(walletport.__file__).read_text("utf-8")
# As users are promised them.
PROMISED = [
    "Address",
    "AsyncClient",
    "Balance",
    "Chain",
    "Client",
    "CustomerProfile",
    "UnsupportedOperation",
    "Wallet",
    "WalletStatus",
    "WalletportError",
    "errors",
    "providers",
]
PROMISED_TO_AUTHORS = ["Capabilities", "Flow", "Request", "Response", "WalletProvider"]
PROMISED_METHODS = [
    "create_wallet",
    "get_wallet",
    "list_wallets",
    "get_balances",
    "get_addresses",
    "wait_until_ready",
]


def fresh(code: str) -> object:
    """Run code in a fresh interpreter and return what it prints as JSON."""
    ran = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


@pytest.mark.parametrize("module", [walletport, provider], ids=lambda module: module.__name__)
def test_every_public_name_is_listed_once_and_importable(module: object) -> None:
    """``__all__`` is what there is."""
    assert len(module.__all__) == len(set(module.__all__))
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_the_public_names_are_in_order() -> None:
    """So that a new one has one place to go."""
    assert list(walletport.__all__) == sorted(walletport.__all__)


def test_the_promised_names_exist() -> None:
    """For users, and for authors of plugins."""
    assert set(PROMISED) <= set(walletport.__all__)
    assert set(PROMISED_TO_AUTHORS) <= set(provider.__all__)
    for kind in (walletport.Client, walletport.AsyncClient):
        for name in PROMISED_METHODS:
            assert inspect.getdoc(getattr(kind, name)), name


def test_what_checkers_see_is_what_there_is() -> None:
    """The table of homes, the imports for type checkers and ``__all__`` agree."""
    seen = {}
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("walletport"):
            home = node.module.removeprefix("walletport").removeprefix(".")
            for alias in node.names:
                known_as = f":{alias.name}" if alias.asname not in (None, alias.name) else ""
                seen[alias.asname or alias.name] = home + known_as
    assert seen == walletport._HOMES
    assert sorted([*seen, "__version__"]) == list(walletport.__all__)


def test_a_name_is_the_same_wherever_it_is_taken_from() -> None:
    """Nothing is copied or wrapped on the way."""
    for name, home in walletport._HOMES.items():
        module, _, known_as = home.partition(":")
        if module:
            found = importlib.import_module(f"walletport.{module}")
            assert getattr(walletport, name) is getattr(found, known_as or name)
    assert walletport.errors is importlib.import_module("walletport.errors")


def test_errors_is_there_before_anybody_imported_it() -> None:
    """As an attribute, at its first use."""
    assert fresh("import json, walletport; print(json.dumps(walletport.errors.NotFound.__name__))") == "NotFound"


def test_dir_lists_the_public_names() -> None:
    """For completion at a prompt."""
    assert dir(walletport) == sorted(walletport.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As with any module."""
    with pytest.raises(AttributeError, match="has no attribute 'Wallets'"):
        walletport.Wallets  # noqa: B018 - the access is the test


def test_the_version_is_the_distributions() -> None:
    """One number, in two places that have to agree."""
    text = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8")
    assert f'version = "{walletport.__version__}"' in text


HEAVY = [
    "Crypto",
    "aiohttp",
    "base58",
    "httpx",
    "httpx_aiohttp",
    "pydantic",
    "rich",
    "sqlalchemy",
    "starlette",
    "stevedore",
    "typer",
]


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import walletport", []),
        ("import walletport; dir(walletport); walletport.__version__", []),
        ("from walletport import errors", []),
        ("from walletport import WalletportError", []),
        ("from walletport import Wallet", ["pydantic"]),
        ("import walletport.provider", ["pydantic"]),
        ("from walletport import Client, AsyncClient", ["httpx", "pydantic", "rich"]),
    ],
)
def test_a_program_pays_only_for_what_it_uses(statement: str, allowed: list[str]) -> None:
    """Heavy libraries are imported when something needs them. (httpx brings rich where that is installed.)"""
    loaded = fresh(f"import sys, json; {statement}; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))")
    assert set(loaded) <= set(allowed)


def test_star_import_brings_the_public_names() -> None:
    """And nothing else."""
    brought = fresh("import json; d = {}; exec('from walletport import *', d); print(json.dumps(sorted(d)))")
    assert set(brought) - {"__builtins__"} == set(walletport.__all__)
