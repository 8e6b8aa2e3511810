"""Strongbox: a provider with every kind of setting, installed for the tests of the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field, SecretStr

from tests.unit.doubles import ABLE
from walletport.capabilities import Capabilities
from walletport.config import load_config
from walletport.errors import ConfigurationError
from walletport.provider import Environment, ProviderSettings, WalletProvider
from walletport.provider.protocol import refuse_key_of_other_environment

KEY = "test_4f1c9a"
BOX = """
[accounts.box]
provider = "strongbox"
api_key = { env = "BOX_KEY" }
"""


class StrongboxSettings(ProviderSettings):
    """What a client of Strongbox needs."""

    api_key: SecretStr = Field(min_length=4, description="the dashboard, under Keys")
    pin: SecretStr | None = None
    older_keys: tuple[SecretStr, ...] = ()
    region: str = Field(default="eu", description="eu or us")
    strict: bool = False


class Strongbox(WalletProvider):
    """A vendor with two hosts, whose keys tell their environment."""

    name: ClassVar[str] = "strongbox"
    title: ClassVar[str] = "Strongbox"
    environments: ClassVar[Mapping[str, Environment]] = {
        "sandbox": Environment({"api": "https://api.test.strongbox.example", "auth": "https://auth.strongbox.example"}),
        "production": Environment(
            {"api": "https://api.strongbox.example/v1", "auth": "https://auth.strongbox.example"}, production=True
        ),
    }
    settings_type: ClassVar[type[ProviderSettings]] = StrongboxSettings
    capabilities: ClassVar[Capabilities] = ABLE

    def __init__(self, settings: StrongboxSettings) -> None:
        self._own = settings

    def check_settings(self, environment: str) -> None:
        """Refuse a live key in the sandbox; and be so rude as to repeat a wrong PIN."""
        key = self._own.api_key.get_secret_value()
        refuse_key_of_other_environment(key, environment, {"sandbox": ("test_",), "production": ("live_",)}, "api_key")
        if self._own.pin is not None and self._own.pin.get_secret_value().startswith("bad"):
            msg = f"no PIN looks like {self._own.pin.get_secret_value()}"
            raise ConfigurationError(msg)


@contextmanager
def installed(site: Path) -> Iterator[None]:
    """Lay Strongbox down as an installer would, and beside it a provider that cannot be imported."""
    info = site / "strongbox_wallets-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strongbox-wallets\nVersion: 1.0\n", "utf-8")
    entry = f"[walletport.providers]\nstrongbox = {__name__}:Strongbox\ntorn = torn_wallets:Torn\n"
    (site / "torn_wallets.py").write_text("raise ImportError('two\\nlines')\n", "utf-8")
    (info / "entry_points.txt").write_text(entry, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        yield


def write(folder: Path, text: str) -> Path:
    """Write a configuration file."""
    path = folder / "walletport.toml"
    path.write_text(text, "utf-8")
    return path


def refused(path: Path) -> list[str]:
    """Return the mistakes in a file, each without the file's name in front."""
    with pytest.raises(ConfigurationError) as told:
        load_config(path)
    lines = str(told.value).split("\n")
    assert all(line.startswith(f"{path}: ") for line in lines), lines
    return [line.removeprefix(f"{path}: ") for line in lines]
