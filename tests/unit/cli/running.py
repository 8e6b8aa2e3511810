"""The command line as a shell runs it: another process, with providers of the test's own installed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have told its background jobs to ignore Ctrl-C
from walletport.cli import main
main()
"""
COMMAND = (sys.executable, "-c", PROGRAM)
CHANGING = ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "PYTHONUNBUFFERED")
"""What the environment of the tests may hold that would change what is printed, or when."""


@dataclass
class Shell:
    """A shell in which distributions are installed.

    Args:
        site: the folder that is added to the path.
    """

    site: Path

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in CHANGING}
        path = [str(self.site), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {**kept, "PYTHONPATH": os.pathsep.join(path), **more}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=self.environment(**{"PYTHONIOENCODING": "utf-8", **environment}),
            timeout=25,
            check=False,
        )

    def python(self, code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program in a folder."""
        return subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=folder,
            env=self.environment(**environment),
            timeout=100,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
        )
