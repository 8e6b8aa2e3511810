"""What the parts of a sandbox share: emulators, clock, faults and the log of requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from walletport.plugins import load_provider
from walletport.provider import Response, WalletProvider
from walletport.provider.emulation import EmulatedWallet, Emulator, IncomingRequest
from walletport.sandbox.clock import MovableClock
from walletport.sandbox.faults import Fault, Faults

CONTROL: Final = "/_sandbox"
_LONGEST_LOG: Final = 10_000


@dataclass
class SeenRequest:
    """One request that reached an emulator's address; never its headers or body.

    Args:
        provider: whose emulator it went to.
        method: the HTTP method.
        path: the path as it stood on the wire, without the query.
        status: the status that was sent back; ``None`` where none was, or not yet.
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
        kinds: the providers' classes, by name.
        failed: what kept installed providers out, by name.
        clock: the emulators' time.
        faults: the faults in force.
        requests: what was asked, latest last; the oldest are dropped.
        lock: held while an emulator answers, and by whoever looks into one meanwhile.
    """

    emulators: Mapping[str, Emulator]
    kinds: Mapping[str, type[WalletProvider]]
    failed: Mapping[str, str]
    clock: MovableClock
    faults: Faults
    requests: deque[SeenRequest] = field(default_factory=lambda: deque(maxlen=_LONGEST_LOG))
    lock: Lock = field(default_factory=Lock)

    def handle(self, provider: str, request: IncomingRequest) -> Response:
        """Let an emulator answer, one request at a time."""
        with self.lock:
            return self.emulators[provider].handle(request)

    def failure(self, provider: str, status: int, retry_after: int | None) -> Response:
        """Return an error in the vendor's shape."""
        with self.lock:
            return self.emulators[provider].failure(status, retry_after)

    def wallets(self) -> dict[str, list[EmulatedWallet]]:
        """List every wallet ever made, by provider."""
        with self.lock:
            return {name: list(emulator.wallets()) for name, emulator in self.emulators.items()}


def make_state(wanted: Iterable[str | type[WalletProvider]] | None, seed: int, faults: Iterable[Fault | str]) -> State:
    """Find the emulators and set everything up.

    Args:
        wanted: names or classes of providers; ``None`` for every installed one that has an emulator.
        seed: makes ids, addresses and the choice of faulty requests reproducible.
        faults: the faults to begin with.

    Raises:
        ConfigurationError: a wanted provider is not there or has no emulator; none is there at all; two want the
            same address; a fault is misspelt.
    """
    clock, failed = MovableClock(), {}
    if wanted is None:
        kinds, failed = _installed()
        emulated = {name: kind for name, kind in kinds.items() if name not in failed and kind.emulator()}
    else:
        found = [load_provider(item) if isinstance(item, str) else item for item in wanted]
        emulated = {kind.name: kind for kind in found}
    emulators = {name: _make(kind, clock, seed) for name, kind in emulated.items()}
    _check_mounts(emulators)
    return State(emulators, emulated, failed, clock, Faults(seed, emulators, faults))
