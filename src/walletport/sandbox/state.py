"""What the parts of a sandbox share: emulators, clock, faults and the log of requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from walletport.provider import Response
from walletport.provider.emulation import EmulatedWallet, Emulator, IncomingRequest
from walletport.sandbox.clock import MovableClock
from walletport.sandbox.faults import Faults

_LONGEST_LOG: Final = 10_000


@dataclass
class SeenRequest:
    """One request that reached an emulator's address; never its query, headers or body.

    Args:
        provider: whose emulator it went to.
        method: the HTTP method.
        path: the path as it stood on the wire.
        status: the status of the answer; ``None`` where none was sent, or not yet.
        fault: the spelling of the fault that hit it, if one did.
    """

    provider: str
    method: str
    path: str
    status: int | None = None
    fault: str | None = None


@dataclass
class State:
    """A sandbox without its server.

    Args:
        emulators: by provider name.
        failed: why other installed providers could not be emulated, by name.
        clock: the emulators' time.
        faults: the faults in force.
        requests: what was asked, latest last; the oldest are dropped.
        lock: held while an emulator answers, and by whoever looks into one meanwhile.
    """

    emulators: Mapping[str, Emulator]
    failed: Mapping[str, str]
    clock: MovableClock
    faults: Faults
    requests: deque[SeenRequest] = field(default_factory=lambda: deque(maxlen=_LONGEST_LOG))
    lock: Lock = field(default_factory=Lock)

    def handle(self, provider: str, request: IncomingRequest) -> Response:
        """Let an emulator answer; one request at a time, so that emulators stay simple."""
        with self.lock:
            return self.emulators[provider].handle(request)

    def failure(self, provider: str, status: int, retry_after: int | None) -> Response:
        """Return an error in the vendor's own shape."""
        with self.lock:
            return self.emulators[provider].failure(status, retry_after)

    def wallets(self) -> dict[str, list[EmulatedWallet]]:
        """List every wallet ever made, by provider."""
        with self.lock:
            return {name: list(emulator.wallets()) for name, emulator in self.emulators.items()}
