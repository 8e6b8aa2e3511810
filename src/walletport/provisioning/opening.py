"""`walletport.open` and `walletport.aopen`."""

from __future__ import annotations

from os import PathLike

from walletport.config import Config, load_config
from walletport.provisioning.async_port import AsyncPort
from walletport.provisioning.port import Port


def open_port(config: str | PathLike[str] | Config = "walletport.toml") -> Port:
    """Open the accounts and the journal of a configuration.

    Raises:
        ConfigurationError: with one line for each mistake, saying what to type.
    """
    return Port(config if isinstance(config, Config) else load_config(config))


def open_async_port(config: str | PathLike[str] | Config = "walletport.toml") -> AsyncPort:
    """Same as `open_port`, for programs that await: ``async with walletport.aopen(...) as port``."""
    return AsyncPort(config if isinstance(config, Config) else load_config(config))
