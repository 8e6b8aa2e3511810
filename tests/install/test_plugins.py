"""Plugins of strangers beside the wheel: the example from its own wheel, and a folder that was just begun."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.install.conftest import EXAMPLE, pip, run

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("install")]

KIT = ("-m", "pytest", "-q", "-rN", "-W", "error", "-p", "no:cacheprovider", "tests")


def listed(python: Path, folder: Path) -> dict[str, dict[str, str]]:
    """Return the installed providers by name, as the command line lists them."""
    told = json.loads(run(python.parent / "walletport", "providers", "--json", cwd=folder))
    return {one["name"]: one for one in told["providers"]}


def test_a_strangers_plugin_is_listed_and_used_like_any_other(python: Path, example: Path, tmp_path: Path) -> None:
    """By its entry point alone: listed, compared, and given the order of the demo."""
    walletport = python.parent / "walletport"
    granary = listed(python, tmp_path)["granary"]
    assert (granary["state"], granary["distribution"], granary["title"]) == ("ok", "walletport-granary", "Granary")
    told = json.loads(run(walletport, "capabilities", "granary", "--json", cwd=tmp_path))
    assert told["providers"][0]["capabilities"]["idempotency"]["name"] == "requestId"
    (row,) = json.loads(run(walletport, "demo", "granary", "--json", cwd=tmp_path))["providers"]
    assert (row["error"], row["wallet"]["status"]) == (None, "active")
    assert re.fullmatch(r"vlt_\w+:0", row["wallet"]["id"])
    assert [name for name in zipfile.ZipFile(example).namelist() if not name.startswith("walletport_granary")] == []


def test_the_strangers_own_tests_pass_where_it_is_installed(python: Path, example: Path, tmp_path: Path) -> None:
    """The conformance kit that comes with the wheel, and its own; with nothing of either repository in reach."""
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    told = run(python, *KIT, cwd=tmp_path)
    assert re.search(r"^granary: (\d+) of \1 scenarios passed", told, re.MULTILINE)
    assert re.search(r"^[0-9]{3,} passed", told, re.MULTILINE)


def test_a_new_provider_installs_and_its_tests_name_what_is_missing(
    python: Path, example: Path, tmp_path: Path
) -> None:
    """As the command says: written, installed in place, listed; each test that fails says what to write."""
    run(python.parent / "walletport", "new-provider", "blue-vault", "new", cwd=tmp_path)
    folder = tmp_path / "new"
    pip(python, "install", "--editable", ".[test]", cwd=folder)
    try:
        assert listed(python, tmp_path)["blue-vault"]["state"] == "ok"
        told = run(python, *KIT, cwd=folder, status=1)
    finally:
        pip(python, "uninstall", "--yes", "walletport-blue-vault", cwd=tmp_path)
    failures = re.split(r"^_{3,} .* _{3,}$", told.partition("= FAILURES =")[2], flags=re.MULTILINE)[1:]
    assert len(failures) > 100
    assert [failure for failure in failures if "still to be written" not in failure] == []
