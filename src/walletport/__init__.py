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
    from walletport.config import Account, Config
    from walletport.errors import UnsupportedOperation, WalletportError
    from walletport.jobs.bulk import abulk, bulk
    from walletport.jobs.checking import BadLines
    from walletport.jobs.order import BulkOrder
    from walletport.jobs.record import Job
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
    from walletport.provisioning.async_port import AsyncPort
    from walletport.provisioning.current import CurrentWallet, WatchedAddress
    from walletport.provisioning.opening import open_async_port as aopen
    from walletport.provisioning.opening import open_port as open
    from walletport.provisioning.port import Port
    from walletport.provisioning.record import CustomerLink, Provision, Story, StoryEvent
    from walletport.provisioning.shadowing import Shadow
    from walletport.provisioning.standing import AccountEvent, AccountState, Pin
    from walletport.routing import Decision, Ramp, Route
    from walletport.switching.api import aswitch, plan_switch, roll_back_switch, switch
    from walletport.switching.planning import SwitchPlan
    from walletport.switching.rollback import Rollback
    from walletport.webhooks import WalletHistory, parse_webhook

__version__ = "0.1.0"

_HOMES = {
    "Account": "config",
    "AccountEvent": "provisioning.standing",
    "AccountState": "provisioning.standing",
    "Address": "models",
    "AsyncClient": "client",
    "AsyncPort": "provisioning.async_port",
    "BadLines": "jobs.checking",
    "Balance": "models",
    "BulkOrder": "jobs.order",
    "Chain": "models",
    "Checksum": "models",
    "Client": "client",
    "Config": "config",
    "CurrentWallet": "provisioning.current",
    "CustodyModel": "models",
    "Customer": "models",
    "CustomerLink": "provisioning.record",
    "CustomerProfile": "models",
    "CustomerStatus": "models",
    "Decision": "routing",
    "Event": "models",
    "EventType": "models",
    "InstalledProvider": "plugins",
    "Job": "jobs.record",
    "Pin": "provisioning.standing",
    "Port": "provisioning.port",
    "Provision": "provisioning.record",
    "Ramp": "routing",
    "Rollback": "switching.rollback",
    "Route": "routing",
    "Shadow": "provisioning.shadowing",
    "Story": "provisioning.record",
    "StoryEvent": "provisioning.record",
    "SwitchPlan": "switching.planning",
    "UnsupportedOperation": "errors",
    "Wallet": "models",
    "WalletHistory": "webhooks",
    "WalletStatus": "models",
    "WalletportError": "errors",
    "WatchedAddress": "provisioning.current",
    "abulk": "jobs.bulk",
    "aopen": "provisioning.opening:open_async_port",
    "aswitch": "switching.api",
    "bulk": "jobs.bulk",
    "errors": "",
    "open": "provisioning.opening:open_port",
    "parse_webhook": "webhooks",
    "plan_switch": "switching.api",
    "providers": "plugins",
    "roll_back_switch": "switching.api",
    "switch": "switching.api",
}

__all__ = [
    "Account",
    "AccountEvent",
    "AccountState",
    "Address",
    "AsyncClient",
    "AsyncPort",
    "BadLines",
    "Balance",
    "BulkOrder",
    "Chain",
    "Checksum",
    "Client",
    "Config",
    "CurrentWallet",
    "CustodyModel",
    "Customer",
    "CustomerLink",
    "CustomerProfile",
    "CustomerStatus",
    "Decision",
    "Event",
    "EventType",
    "InstalledProvider",
    "Job",
    "Pin",
    "Port",
    "Provision",
    "Ramp",
    "Rollback",
    "Route",
    "Shadow",
    "Story",
    "StoryEvent",
    "SwitchPlan",
    "UnsupportedOperation",
    "Wallet",
    "WalletHistory",
    "WalletStatus",
    "WalletportError",
    "WatchedAddress",
    "__version__",
    "abulk",
    "aopen",
    "aswitch",
    "bulk",
    "errors",
    "open",
    "parse_webhook",
    "plan_switch",
    "providers",
    "roll_back_switch",
    "switch",
]


def __getattr__(name: str) -> object:
    """Import a public name from its home, the first time it is used."""
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    if not _HOMES[name]:
        return importlib.import_module(f"{__name__}.{name}")
    home, _, known_as = _HOMES[name].partition(":")
    value: object = getattr(importlib.import_module(f"{__name__}.{home}"), known_as or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
