"""One credential for everybody who waits: cached, renewed ahead of its end, one token call at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from walletport.errors import MalformedResponse, WalletportError
from walletport.transport.effects import Program, Release, TakeCredentialLock
from walletport.transport.failures import place_of

if TYPE_CHECKING:
    from walletport.provider import Credential

_AHEAD: Final = 60.0
_AHEAD_OF_SHORT: Final = 0.1  # of its life, where the whole life is short


@dataclass(frozen=True, slots=True)
class Held:
    """A credential, the monotonic second at which to renew it, and whether a new one can be had by asking."""

    credential: Credential
    renew_at: float | None
    renewable: bool


class CredentialCache:
    """Holds the provider's credential.

    A task that waited while another's token call failed gets that failure: the vendor is not asked again by
    everybody in turn.

    Args:
        fetch: a program that obtains a credential, and says whether that took a call.
        monotonic: tells the monotonic time in seconds.
    """

    def __init__(self, fetch: Callable[[], Program[tuple[Credential, bool]]], monotonic: Callable[[], float]) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._held: Held | None = None
        self._fetches = 0
        self._last_failure: WalletportError | None = None

    def get(self, refused: Held | None = None) -> Program[Held]:
        """Return a credential that is good, and is not the one that was just refused."""
        held = self._good(refused)
        if held is not None:
            return held
        seen = self._fetches
        release: Release = yield TakeCredentialLock()
        try:
            held = self._good(refused)
            if held is not None:
                return held
            if self._fetches != seen and self._last_failure is not None:
                raise self._last_failure.copy()
            return (yield from self._renew())
        finally:
            release()

    def _good(self, refused: Held | None) -> Held | None:
        held = self._held
        if held is None or held is refused:
            return None
        return held if held.renew_at is None or self._monotonic() < held.renew_at else None

    def _renew(self) -> Program[Held]:
        asked_at = self._monotonic()
        try:
            credential, renewable = yield from self._fetch()
            held = Held(credential, _renew_at(credential, asked_at), renewable)
        except Exception as error:  # noqa: BLE001 - an adapter may fail in any way
            msg = f"the adapter could not obtain a credential ({place_of(error)})"
            failure = error if isinstance(error, WalletportError) else MalformedResponse(msg, retryable=False)
            self._last_failure = failure.copy()
            self._fetches += 1
            raise failure.with_traceback(None) from None  # whose frames hold the answer, perhaps with a token
        self._last_failure = None
        self._fetches += 1
        self._held = held
        return held


def _renew_at(credential: Credential, asked_at: float) -> float | None:
    if credential.expires_in is None:
        return None
    life = credential.expires_in.total_seconds()
    return asked_at + life - min(_AHEAD, life * _AHEAD_OF_SHORT)
