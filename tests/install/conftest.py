"""What a user gets: the wheel, installed by pip into an environment of its own, away from this repository."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "example-plugin"


def run(*command: str | Path, cwd: Path, status: int = 0) -> str:
    """Run a command and return what it printed; its complaint is the test's."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == status, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def pip(python: Path, *arguments: str | Path, cwd: Path) -> None:
    """Run the environment's pip."""
    run(python, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check", cwd=cwd)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as a release would."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a clean environment, with the pip that this Python brings."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    pip(python, "install", wheel, cwd=folder)
    return python


@pytest.fixture(scope="module")
def example(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build the example plugin's own wheel and install it beside walletport, until its tests are over."""
    folder = tmp_path_factory.mktemp("example")
    pip(python, "wheel", "--no-deps", "--wheel-dir", folder, EXAMPLE, cwd=folder)
    built = next(folder.glob("walletport_granary-*.whl"))
    pip(python, "install", f"{built}[test]", cwd=folder)
    yield built
    pip(python, "uninstall", "--yes", "walletport-granary", cwd=folder)
