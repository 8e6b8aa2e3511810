"""The sandbox: every vendor's emulator on this machine, to try things out and to test against.

The emulators are the vendors' own packages' business; here are only the server around them, the clock and the
faults. This is the only room that imports Starlette and uvicorn, and not before `Sandbox` is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from walletport.sandbox.clock import MovableClock
from walletport.sandbox.faults import KINDS, SPELLING, Fault, Faults
from walletport.sandbox.state import SeenRequest

if TYPE_CHECKING:
    from walletport.sandbox.control import Overview
    from walletport.sandbox.sandbox import Sandbox

__all__ = ["KINDS", "SPELLING", "Fault", "Faults", "MovableClock", "Overview", "Sandbox", "SeenRequest"]


_LATER = {"Overview": "walletport.sandbox.control", "Sandbox": "walletport.sandbox.sandbox"}


def __getattr__(name: str) -> object:
    """Load the server when it is first asked for."""
    if name not in _LATER:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value: object = getattr(importlib.import_module(_LATER[name]), name)
    return value
