"""From errors to what they mean for an order, and from the journal back to errors."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from walletport import errors
from walletport.errors import (
    ApprovalPending,
    AuthenticationError,
    CustomerNotEligible,
    MalformedResponse,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    TransportError,
    WalletportError,
)
from walletport.journal import ProvisionRow
from walletport.provisioning.machine import ApprovalAsked, Doubtful, Event, Refused, State
from walletport.routing.health import Signal

_FIRST_WAIT: Final = 0.25
_LONGEST_WAIT: Final = 30.0
_LONGEST_BEFORE_LOOK_UP: Final = 900.0
_LONGEST_ASKED_FOR: Final = 3600.0


def event_of(error: WalletportError, sends: int, at: datetime) -> Event:
    """Return what an attempt that ended in this error means for its order."""
    if isinstance(error, ApprovalPending) and error.outcome == "applied":
        return ApprovalAsked(at)
    wait = backoff(error.retry_after, sends)
    if error.outcome == "not_applied":
        return Refused(at, retryable=error.retryable, wait=wait)
    return Doubtful(at, applied=error.outcome == "applied", wait=wait)


def signal_of(error: WalletportError | None) -> Signal:
    """Return what the end of an attempt says about the account: what is refused because of the order says nothing."""
    match error:
        case None | ApprovalPending():
            return Signal.WORKED
        case RateLimited():
            return Signal.THROTTLED
        case AuthenticationError():
            return Signal.UNAUTHENTICATED
        case TransportError() | ProviderUnavailable() | MalformedResponse():
            return Signal.FAILED
        case _:
            return Signal.NOTHING


def backoff(retry_after: float | None, tries: int, longest: float = _LONGEST_WAIT) -> timedelta:
    """Return how long to wait before the next try: as the provider asks, or longer each time."""
    if retry_after is not None:
        return timedelta(seconds=min(retry_after, _LONGEST_ASKED_FOR))
    ceiling = min(longest, _FIRST_WAIT * 2.0 ** min(tries, 12))
    return timedelta(seconds=random.uniform(ceiling / 2, ceiling))  # noqa: S311 - spreads load, hides nothing


def backoff_of_look_up(retry_after: float | None, tries: int) -> timedelta:
    """Return how long to wait before the next look-up: they must outlast an outage, or each order needs a person."""
    return backoff(retry_after, tries, _LONGEST_BEFORE_LOOK_UP)


def stored(error: WalletportError) -> dict[str, object]:
    """Return what the journal keeps of an error: its kind and the vendor's codes, never a text of the vendor's."""
    kept: dict[str, object] = {
        "type": type(error).__name__,
        "message": error.message,
        "outcome": error.outcome,
        "retryable": error.retryable,
        "status_code": error.status_code,
        "provider_code": error.provider_code,
        "request_id": error.request_id,
    }
    if isinstance(error, CustomerNotEligible):
        kept |= {"missing": list(error.missing), "link": error.link}
    return {name: value for name, value in kept.items() if value is not None}


def restored(kept: Mapping[str, object], provider: str, message: str | None = None) -> WalletportError:
    """Return the error the journal kept, to be raised again to whoever asks for the same order."""
    kind = getattr(errors, str(kept.get("type")), WalletportError)
    if not (isinstance(kind, type) and issubclass(kind, WalletportError)):
        kind = WalletportError
    error = kind(message or str(kept.get("message", "the order failed")))
    error.provider, error.operation = provider, "provision"
    outcome = kept.get("outcome")
    if outcome in ("not_applied", "applied", "unknown"):
        error.outcome = outcome
    if isinstance(retryable := kept.get("retryable"), bool):
        error.retryable = retryable
    status, code, request_id = (kept.get(name) for name in ("status_code", "provider_code", "request_id"))
    error.status_code = status if isinstance(status, int) else None
    error.provider_code = code if isinstance(code, str) else None
    error.request_id = request_id if isinstance(request_id, str) else None
    if isinstance(error, CustomerNotEligible):
        missing, link = kept.get("missing"), kept.get("link")
        error.missing = tuple(str(item) for item in missing) if isinstance(missing, list) else ()
        error.link = link if isinstance(link, str) else None
    return error


def error_of(row: ProvisionRow, provider: str) -> WalletportError:
    """Return what stands in the way of an order that is not done, as its caller sees it."""
    state = State(row.state)
    if state is State.AWAITING_APPROVAL:
        error: WalletportError = ApprovalPending(
            "a person must approve this order first", approval_id=row.approval_id, approval_url=row.approval_url
        )
    elif state is State.REJECTED:
        error = restored(row.error or {}, provider)
        error.outcome = "not_applied"
    else:
        needs_review = state is State.NEEDS_REVIEW
        what = "a person must look and settle it" if needs_review else "it goes on by itself, or with recover()"
        msg = f"nobody can say yet whether order {row.id} made a wallet: {what}"
        error = OutcomeUnknown(msg) if needs_review else restored(row.error or {}, provider, msg)
        error.outcome = "unknown"
    error.provider, error.operation, error.provision_id = provider, "provision", row.id
    return error
