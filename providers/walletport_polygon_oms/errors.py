"""What Polygon OMS's refusals mean: by HTTP status alone, because no page documents an error body or code."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from walletport.errors import (
    AuthenticationError,
    CustomerNotEligible,
    ErrorFacts,
    MalformedResponse,
    ProviderError,
    WalletportError,
)
from walletport.provider import Json, Request, Response, code_of, error_for_status, request_id_of

MAY_BE_NOT_ELIGIBLE: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY})
"""Refusals of a create that a missing endorsement may be behind; which one it is, no page says."""

_CODE_FIELDS: Final = ("code", "error", "type")


def error_of(request: Request, response: Response) -> WalletportError | None:
    """Return the error that an answer stands for, or ``None`` for a success.

    A 409 is a `Conflict` of unknown outcome: it may be a key that was used before, a request that still runs, or
    an asset that the customer holds on this chain already.
    """
    if response.ok:
        return None
    code, request_id = _code(response), request_id_of(response.header("x-request-id"))
    if response.status == HTTPStatus.UNAUTHORIZED and not request.authenticated:
        return AuthenticationError(
            "api_key and api_secret were not accepted",
            status_code=response.status,
            provider_code=code,
            request_id=request_id,
        )
    return error_for_status(response, provider_code=code, request_id=request_id)


def not_eligible(refusal: ProviderError, missing: tuple[str, ...]) -> CustomerNotEligible:
    """Return the refusal again, now that the customer is known to lack an endorsement."""
    facts: ErrorFacts = {
        "outcome": refusal.outcome,
        "status_code": refusal.status_code,
        "provider_code": refusal.provider_code,
        "request_id": refusal.request_id,
        "retry_after": refusal.retry_after,
    }
    msg = "the order was refused, and the endorsement cryptoCustody is not granted to this customer"
    return CustomerNotEligible(msg, missing=missing, **facts)


def _code(response: Response) -> str | None:
    """Return what looks like a machine code in an error body of any shape."""
    try:
        body = response.json()
    except MalformedResponse:
        return None
    return _code_in(body) or (_code_in(body.get("error")) if isinstance(body, dict) else None)


def _code_in(value: Json) -> str | None:
    if not isinstance(value, dict):
        return None
    return next((code for name in _CODE_FIELDS if (code := code_of(value.get(name)))), None)
