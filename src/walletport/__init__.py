"""One Python interface to every custodial-wallet provider.

Names are looked up on first use, so importing this package costs next to nothing and a program pays only for what
it uses.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from walletport import errors as errors
    from walletport.client import AsyncClient, Client
    from walletport.errors import UnsupportedOperation, WalletportError
    from walletport.models import (
        Address,
        Balance,
        Chain,
        Checksum,
        CustodyModel,
        Customer,
        CustomerProfile,
        CustomerStatus,
        Event,
        EventType,
        Wallet,
        WalletStatus,
    )
    from walletport.plugins import InstalledProvider, providers
    from walletport.webhooks import WalletHistory, parse_webhook

__version__ = "0.1.0"

_HOMES = {
    "Address": "models",
    "AsyncClient": "client",
    "Balance": "models",
    "Chain": "models",
    "Checksum": "models",
    "Client": "client",
    "CustodyModel": "models",
    "Customer": "models",
    "CustomerProfile": "models",
    "CustomerStatus": "models",
    "Event": "models",
    "EventType": "models",
    "InstalledProvider": "plugins",
    "UnsupportedOperation": "errors",
    "Wallet": "models",
    "WalletHistory": "webhooks",
    "WalletStatus": "models",
    "WalletportError": "errors",
    "errors": "",
    "parse_webhook": "webhooks",
    "providers": "plugins",
}

__all__ = [
    "Address",
    "AsyncClient",
    "Balance",
    "Chain",
    "Checksum",
    "Client",
    "CustodyModel",
    "Customer",
    "CustomerProfile",
    "CustomerStatus",
    "Event",
    "EventType",
    "InstalledProvider",
    "UnsupportedOperation",
    "Wallet",
    "WalletHistory",
    "WalletStatus",
    "WalletportError",
    "__version__",
    "errors",
    "parse_webhook",
    "providers",
]


def __getattr__(name: str) -> object:
    """Import a public name from its home, the first time it is used."""
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    if not _HOMES[name]:
        return importlib.import_module(f"{__name__}.{name}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
