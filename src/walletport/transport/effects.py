"""What a program asks its driver to do: the whole boundary between deciding and doing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from walletport.provider import OutgoingRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Send one attempt; the result is a `Response`, a failure is thrown as a `TransportError`.

    Args:
        request: what to send.
        timeout: of each wait, in seconds.
        signed: whether it carries a credential; one that does not may be about to get one.
    """

    request: OutgoingRequest
    timeout: float = field(kw_only=True)
    signed: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class TakeCredentialLock:
    """Wait for the one lock around the token call; the result is the function that gives it back."""


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Wait for work that another thread does, such as a commit; whoever stops waiting does not stop the work."""

    future: Future[Any]


@dataclass(frozen=True, slots=True)
class Together:
    """Carry out several programs at once; it is over when all of them are, and then throws what the first threw."""

    programs: Sequence[Program[None]]


Step: TypeAlias = Send | Sleep | TakeCredentialLock | WaitFor | Together
Release: TypeAlias = Callable[[], None]

Program: TypeAlias = Generator[Step, Any, T]
"""A generator of steps. What it is sent depends on the step, which the type system cannot say: hence `Any`."""
