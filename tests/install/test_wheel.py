"""The wheel by itself, in a clean environment."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.install.conftest import run

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("install")]


def test_the_wheel_holds_the_library_the_providers_and_their_types(wheel: Path) -> None:
    """Both source roots are in it, with py.typed, the journal's migrations and the template, and no test is."""
    names = zipfile.ZipFile(wheel).namelist()
    for package in ("walletport", "walletport_conduit", "walletport_ledger_so", "walletport_polygon_oms"):
        assert f"{package}/py.typed" in names
    assert [name for name in names if "migrations/versions/" in name]
    assert "walletport/cli/provider-template/pyproject.toml" in names
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "docs", "cassettes", "providers/"))]


def test_the_demo_runs_from_an_installed_wheel(python: Path, tmp_path: Path) -> None:
    """One order gives a wallet at each of the three, with nothing of the repository in reach."""
    told = json.loads(run(python.parent / "walletport", "demo", "--json", cwd=tmp_path))
    assert [row["provider"] for row in told["providers"]] == ["conduit", "ledger-so", "polygon-oms"]
    assert all(row["wallet"]["addresses"] for row in told["providers"])


def test_every_public_name_is_there_after_an_install(python: Path, tmp_path: Path) -> None:
    """Whatever the package says it offers can be imported from the installed wheel."""
    line = "import walletport as w; print([name for name in w.__all__ if not hasattr(w, name)])"
    assert run(python, "-c", line, cwd=tmp_path).strip() == "[]"
