"""Faults on demand: what can go wrong, how a fault is spelt, and which request it hits."""

from __future__ import annotations

import hashlib
import math
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from threading import Lock
from typing import Final

from walletport.errors import ConfigurationError

KINDS: Final = {
    "drop-before": "connection dropped, work not done",
    "drop-after": "work done, then connection dropped",
    "late": "work done, answer late by seconds",
    "late-before": "late by seconds, then work done",
    "429": "too many requests, Retry-After: seconds; work not done",
    "500": "the vendor's 500; work not done, or done with :after",
    "503": "the vendor's 503, Retry-After where seconds are given; the same",
    "truncated": "work done, half of the body, Content-Length fits the half",
    "cut": "work done, connection broken in the middle of the body",
    "limit": "429 for what comes in a second beyond per_second requests",
    "html-502": "a gateway's HTML page; work not done, or done with :after",
}
"""Every kind of fault, and what it does."""

SPELLING: Final = (
    "kind[:rate=0.05][:times=2][:seconds=1.5][:per_second=200][:path=wallets][:method=POST][:provider=NAME][:after]"
)
_WORKING: Final = ("drop-after", "late", "late-before", "truncated", "cut")
_TWO_FORMS: Final = ("500", "503", "html-502")
_WITH_SECONDS: Final = ("late", "late-before", "429", "503", "limit")
_LONGEST: Final = 3600.0


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong at the vendor.

    Args:
        kind: one of `KINDS`.
        rate: how large a share of the matching requests is hit, from 0 to 1.
        times: how many requests are hit at most; ``None`` for no limit.
        seconds: how long an answer is late, or what ``Retry-After`` says (rounded up to whole seconds); 1 if absent.
        path: only requests whose path, as it stands on the wire, contains this.
        method: only requests with this method, in upper case.
        provider: only requests to this provider.
        after: the work is done before the failure; for the kinds that have both forms.
        per_second: how many matching requests are let through in any one second; for the kind ``limit``.

    Raises:
        ConfigurationError: there is no such fault; the message says what to write.
    """

    kind: str
    rate: float = 1.0
    times: int | None = None
    seconds: float | None = None
    path: str | None = None
    method: str | None = None
    provider: str | None = None
    after: bool = False
    per_second: float | None = None

    def __post_init__(self) -> None:
        """Check that there is such a fault."""
        if self.kind not in KINDS:
            msg = f"no fault is called {self.kind!r}: write one of {', '.join(KINDS)}"
            raise ConfigurationError(msg)
        problem = self._problem()
        if problem:
            msg = f"fault {self.kind}: {problem}"
            raise ConfigurationError(msg)

    def _problem(self) -> str | None:
        return self._problem_of_numbers() or self._problem_of_kind()

    def _problem_of_numbers(self) -> str | None:
        if not 0 <= self.rate <= 1:
            return "rate must be a number from 0 to 1, such as rate=0.05"
        if self.times is not None and self.times < 1:
            return "times must be a whole number from 1, such as times=2"
        if self.seconds is not None and not 0 <= self.seconds <= _LONGEST:
            return f"seconds must be a number from 0 to {_LONGEST:g}, such as seconds=1.5"
        if self.per_second is not None and self.per_second < 1:
            return "per_second must be a number from 1, such as per_second=200"
        return None

    def _problem_of_kind(self) -> str | None:
        if self.seconds is not None and self.kind not in _WITH_SECONDS:
            return f"leave seconds out: only {', '.join(_WITH_SECONDS)} take it"
        if self.after and self.kind not in _TWO_FORMS:
            return f"leave after out: only {', '.join(_TWO_FORMS)} take it"
        if (self.per_second is not None) is not (self.kind == "limit"):
            return "per_second belongs to the kind limit: write limit:per_second=200"
        return None

    @classmethod
    def parse(cls, spelling: str) -> Fault:
        """Read a fault from its spelling, such as ``drop-after:times=1:path=wallets``.

        Raises:
            ConfigurationError: it is misspelt; the message says what to write.
        """
        kind, *options = spelling.strip().split(":")
        given: dict[str, str] = {}
        for option in options:
            name, equals, value = option.partition("=")
            well_formed = not equals if name == "after" else bool(value)
            if name not in _OPTIONS or name in given or not well_formed:
                msg = f"{option!r} in fault {spelling!r} is not understood: write {SPELLING}"
                raise ConfigurationError(msg)
            given[name] = value
        return cls(
            kind,
            rate=1.0 if "rate" not in given else _number("rate", given["rate"]),
            times=None if "times" not in given else int(_number("times", given["times"], whole=True)),
            seconds=None if "seconds" not in given else _number("seconds", given["seconds"]),
            path=given.get("path"),
            method=given["method"].upper() if "method" in given else None,
            provider=given.get("provider"),
            after="after" in given,
            per_second=None if "per_second" not in given else _number("per_second", given["per_second"]),
        )

    def __str__(self) -> str:
        """Return the spelling that `parse` reads."""
        parts = [self.kind]
        for one in fields(self)[1:]:
            value = getattr(self, one.name)
            if value != one.default:
                parts.append("after" if one.name == "after" else f"{one.name}={value}")
        return ":".join(parts)

    @property
    def works(self) -> bool:
        """Whether the vendor does the work all the same."""
        return self.after or self.kind in _WORKING

    @property
    def delay(self) -> float:
        """How long an answer is late, in seconds."""
        return 1.0 if self.seconds is None else self.seconds

    @property
    def retry_after(self) -> int | None:
        """What ``Retry-After`` says, in whole seconds; ``None`` where there is no such header."""
        return None if self.status != HTTPStatus.TOO_MANY_REQUESTS and self.seconds is None else math.ceil(self.delay)

    @property
    def status(self) -> int | None:
        """The status of the vendor's own error that is answered; ``None`` for the kinds that answer otherwise."""
        return {"limit": 429, "429": 429, "500": 500, "503": 503}.get(self.kind)

    def matches(self, method: str, path: str, provider: str) -> bool:
        """Return whether a request is one that this fault may hit."""
        return (
            self.method in (None, method)
            and self.provider in (None, provider)
            and (self.path is None or self.path in path)
        )

    def hits(self, seed: int, number: int) -> bool:
        """Return whether the fault hits a request, which depends on nothing but the arguments and the fault.

        Args:
            seed: the sandbox's seed.
            number: which of the requests that match the fault this is; the first is 1.
        """
        digest = hashlib.sha256(f"{seed}|{self}|{number}".encode()).digest()
        return int.from_bytes(digest[:8]) / 2**64 < self.rate


_OPTIONS: Final = frozenset(one.name for one in fields(Fault)[1:])


def _number(name: str, value: str, *, whole: bool = False) -> float:
    try:
        number = float(int(value)) if whole else float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        kind = "whole number, such as 2" if whole else "number, such as 0.5"
        msg = f"{name} must be a {kind}, not {value!r}"
        raise ConfigurationError(msg)
    return number


@dataclass
class FaultCount:
    """A fault in force.

    Args:
        fault: the fault.
        seen: how many requests matched it so far.
        hit: how many it hit.
        let_through: when requests were let through in the last second; kept for a limit only.
    """

    fault: Fault
    seen: int = 0
    hit: int = 0
    let_through: deque[float] = field(default_factory=deque, repr=False)

    def hits(self, seed: int, now: float) -> bool:
        """Return whether the fault hits the request that was counted last.

        Args:
            seed: the sandbox's seed.
            now: the monotonic time in seconds.
        """
        if self.fault.times is not None and self.hit >= self.fault.times:
            return False
        return self._exceeds(self.fault.per_second, now) if self.fault.per_second else self.fault.hits(seed, self.seen)

    def _exceeds(self, per_second: float, now: float) -> bool:
        while self.let_through and self.let_through[0] <= now - 1:
            self.let_through.popleft()
        if len(self.let_through) >= per_second:
            return True
        self.let_through.append(now)
        return False


class Faults:
    """The faults in force; the first that hits a request is the one it gets.

    Args:
        seed: makes the choice of requests reproducible.
        providers: names that a fault may be limited to.
        faults: the faults to begin with.
    """

    def __init__(self, seed: int, providers: Iterable[str], faults: Iterable[Fault | str] = ()) -> None:
        self._seed = seed
        self._providers = tuple(providers)
        self._counts: list[FaultCount] = []
        self._lock = Lock()
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault | str) -> Fault:
        """Put a fault in force, from its spelling or as it is.

        Raises:
            ConfigurationError: it is misspelt, or names a provider that is not here.
        """
        fault = Fault.parse(fault) if isinstance(fault, str) else fault
        if fault.provider is not None and fault.provider not in self._providers:
            here = ", ".join(self._providers)
            msg = f"fault {fault.kind}: no provider {fault.provider!r} is here: write one of {here}"
            raise ConfigurationError(msg)
        with self._lock:
            self._counts.append(FaultCount(fault))
        return fault

    def clear(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._counts.clear()

    def __iter__(self) -> Iterator[FaultCount]:
        """Walk through the faults in force."""
        with self._lock:
            return iter(tuple(self._counts))

    def pick(self, method: str, path: str, provider: str) -> Fault | None:
        """Return the fault that hits this request, and count."""
        with self._lock:
            picked: FaultCount | None = None
            for count in self._counts:
                if not count.fault.matches(method, path, provider):
                    continue
                count.seen += 1
                if picked is None and count.hits(self._seed, time.monotonic()):
                    picked = count
            if picked is None:
                return None
            picked.hit += 1
            return picked.fault
