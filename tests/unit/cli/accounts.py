"""A configuration file whose accounts are a sandbox's emulators, and a shell that knows their secrets."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.unit.cli.running import Shell
from tests.unit.port_site import Site
from walletport import Port
from walletport.provider import WalletProvider
from walletport.sandbox import Sandbox


@dataclass
class Desk:
    """Somebody at a shell, with accounts at a sandbox; an account is called as its provider.

    Args:
        shell: the shell.
        box: the sandbox.
        folder: where configuration and journal are.
        kinds: classes of providers that are installed in the shell only.
    """

    shell: Shell
    box: Sandbox
    folder: Path
    kinds: Mapping[str, type[WalletProvider]] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "walletport.toml"

    @property
    def secrets(self) -> dict[str, str]:
        """The environment in which the configuration finds its secrets."""
        return {
            f"{name}_{setting}".upper().replace("-", "_"): value
            for name, emulator in self.box.emulators.items()
            for setting, value in emulator.settings.items()
        }

    def configure(self, more: str = "") -> None:
        lines = ['journal = "sqlite:///journal.db"']
        for name, emulator in self.box.emulators.items():
            lines += [f"[accounts.{name}]", f'provider = "{name}"', f'base_url = "{self.box.base_url(name)}"']
            lines += ["timeout = 2"]
            lines += [
                f'{setting} = {{ env = "{f"{name}_{setting}".upper().replace("-", "_")}" }}'
                for setting in emulator.settings
            ]
        self.config.write_text("\n".join([*lines, more]), "utf-8")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command with the configuration."""
        return self.shell.run(*arguments, "--config", str(self.config), **{**self.secrets, **environment})

    def told(self, *arguments: str) -> dict[str, object]:
        """Run a command that must succeed, and return what it tells machines."""
        done = self.run(*arguments, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        told: dict[str, object] = json.loads(done.stdout)
        return told

    def refused(self, *arguments: str) -> dict[str, object]:
        """Run a command that must fail, and return what it tells machines."""
        done = self.run(*arguments, "--json")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        told: dict[str, object] = json.loads(done.stderr)
        return told

    def link(self, *accounts: str) -> None:
        """Tell the journal who user-1 is, as an application would."""
        with self.port() as port:
            for account in accounts:
                customer = self.box.emulators[account].default_customer
                port.link_customer(user="user-1", account=account, customer_id=customer)

    def port(self) -> Port:
        """Open the same accounts and the same journal in this process, which is quicker than a command."""
        return Site(self.box, self.folder, self.kinds).port()
