"""What Ledger.so's refusals mean: one table by machine code, and the HTTP status where there is no known code.

The codes in upper case are the closed list of the vendor's OpenAPI document; those in lower case are of the API's
first generation (https://docs.ledger.so/errors), whose error bodies may still surface.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Final

from walletport.errors import (
    AuthenticationError,
    Conflict,
    CustomerNotEligible,
    ErrorFacts,
    InvalidRequest,
    MalformedResponse,
    NotFound,
    Outcome,
    PermissionDenied,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    WalletportError,
    worse,
)
from walletport.models import Customer
from walletport.provider import Json, JsonObject, Response, code_of, error_for_status, request_id_of

_LONGEST_WAIT_MS: Final = 10**12


@dataclass(frozen=True, slots=True)
class Refusal:
    """What one code means."""

    kind: type[ProviderError]
    message: str
    outcome: Outcome = "not_applied"
    retryable: bool = False


_INVALID: Final = Refusal(InvalidRequest, "the request was refused as invalid")
_BAD_KEY: Final = Refusal(AuthenticationError, "api_key was not accepted")

REFUSALS: Final[dict[str, Refusal]] = {
    "INVALID_REQUEST": _INVALID,
    "UNAUTHORIZED": _BAD_KEY,
    "NOT_FOUND": Refusal(NotFound, "Ledger.so knows no such customer, wallet or path under this key"),
    # The description of this answer speaks of an idempotency key that was used before, its sample message of a
    # resource that exists (OpenAPI, createWallet). Nothing can look up which it is.
    "CONFLICT": Refusal(
        Conflict,
        "the idempotency key was used before, or the resource exists: the answer does not say which",
        "unknown",
    ),
    "RATE_LIMITED": Refusal(RateLimited, "too many requests", retryable=True),
    "INTERNAL_ERROR": Refusal(ProviderUnavailable, "the provider failed", "unknown", retryable=True),
    # first generation
    "VALIDATION_FAILED": _INVALID,
    "INVALID_API_KEY": _BAD_KEY,
    "ACCESS_DENIED": Refusal(PermissionDenied, "this is not allowed to this API key"),
}

_NOT_ABOUT_THE_CUSTOMER: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.LOCKED,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)


def error_of(response: Response) -> WalletportError | None:
    """Return the error that an answer stands for, or ``None`` for a success.

    A success is a 2xx that says ``ok: true``; no page tells whether status and ``ok`` can disagree, so an answer in
    which they do is believed in neither.

    Raises:
        MalformedResponse: a 2xx is not JSON.
    """
    if response.ok:
        return _contradiction(response)
    body = _body(response)
    code = _code(body)
    facts: ErrorFacts = {
        "status_code": response.status,
        "provider_code": code,
        "request_id": _request_id(response, body),
        "retry_after": _retry_after(response, body),
    }
    by_status = error_for_status(response, **facts)
    refusal = REFUSALS.get((code or "").upper())
    if refusal is None:
        return by_status
    # A status that leaves doubt is not outdone by a code that leaves none.
    facts["outcome"] = worse(refusal.outcome, by_status.outcome)
    facts["retryable"] = refusal.retryable
    return refusal.kind(refusal.message, **facts)


def may_be_not_eligible(refusal: ProviderError) -> bool:
    """Tell whether a missing KYC may be behind a refused create; no page says what the vendor answers then."""
    status = refusal.status_code or 0
    return 400 <= status < 500 and status not in _NOT_ABOUT_THE_CUSTOMER  # noqa: PLR2004 - HTTP's own ranges


def not_eligible(refusal: ProviderError, customer: Customer) -> CustomerNotEligible:
    """Return the refusal again, now that the customer is known to lack something."""
    facts: ErrorFacts = {
        "outcome": refusal.outcome,
        "status_code": refusal.status_code,
        "provider_code": refusal.provider_code,
        "request_id": refusal.request_id,
        "retry_after": refusal.retry_after,
    }
    lacking = ", ".join(customer.missing)
    why = f"this customer still lacks: {lacking}" if lacking else "this customer may not be served"
    msg = f"the order was refused, and {why}"
    return CustomerNotEligible(msg, missing=customer.missing, link=customer.link, **facts)


def _contradiction(response: Response) -> MalformedResponse | None:
    body = response.json()
    members = body if isinstance(body, dict) else {}
    if members.get("ok") is True:
        return None
    msg = "the answer has the status of a success and does not say that it is one"
    return MalformedResponse(
        msg,
        retryable=False,
        status_code=response.status,
        provider_code=_code(members),
        request_id=_request_id(response, members),
    )


def _body(response: Response) -> JsonObject:
    try:
        return response.json_object()
    except MalformedResponse:
        return {}


def _code(body: JsonObject) -> str | None:
    """Return the machine code; where ``error`` is a text, only if the text is a known code."""
    error = body.get("error")
    if isinstance(error, dict):
        return code_of(error.get("code")) or code_of(error.get("type"))
    code = code_of(error)
    return code if code is not None and code.upper() in REFUSALS else None


def _request_id(response: Response, body: JsonObject) -> str | None:
    return request_id_of(body.get("request_id")) or request_id_of(response.header("x-request-id"))


def _retry_after(response: Response, body: JsonObject) -> float | None:
    """Return the body's ``retryAfter`` in seconds; the header, which the core reads, counts first.

    The header is in seconds, and the body's sample is 5000 (https://docs.ledger.so/authentication): milliseconds.
    """
    wait: Json = body.get("retryAfter")
    if response.header("retry-after") is not None or isinstance(wait, bool):
        return None
    if not isinstance(wait, int | Decimal) or not 0 <= wait <= _LONGEST_WAIT_MS:
        return None
    return float(wait) / 1000
