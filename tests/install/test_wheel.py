"""What a user gets: the wheel, installed by pip into an environment of its own, away from this repository."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("install")]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command and return what it printed; its complaint is the test's."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as a release would."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a clean environment, with the pip that this Python brings."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=folder)
    return python


def test_the_wheel_holds_the_library_the_providers_and_their_types(wheel: Path) -> None:
    """Both source roots are in it, with py.typed and the journal's migrations, and no test is."""
    names = zipfile.ZipFile(wheel).namelist()
    for package in ("walletport", "walletport_conduit", "walletport_ledger_so", "walletport_polygon_oms"):
        assert f"{package}/py.typed" in names
    assert [name for name in names if "migrations/versions/" in name]
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
