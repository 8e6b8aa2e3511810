"""What Granary's refusals mean."""

from __future__ import annotations

from typing import Final

from walletport.errors import (
    CustomerNotEligible,
    ErrorFacts,
    IdempotencyConflict,
    MalformedResponse,
    RequestInProgress,
    WalletportError,
)
from walletport.provider import Json, JsonObject, Request, Response, code_of, error_for_status, request_id_of

_CARRIES_THE_RECORD: Final = ("vault_exists", "account_exists")


def error_of(request: Request, response: Response) -> WalletportError | None:
    """Return the error that an answer stands for, or ``None`` for a success.

    "Exists already" is an answer to whoever asked for it: it carries what exists. A code counts with its own status
    only, so that a 500 which repeats a refusal's code stays what it is: no proof that nothing was done.
    """
    if response.ok:
        return None
    body = _body(response)
    code = code_of(body.get("code"))
    facts: ErrorFacts = {
        "status_code": response.status,
        "provider_code": code,
        "request_id": request_id_of(body.get("traceId")),
    }
    match response.status, code:
        case 409, code if code in _CARRIES_THE_RECORD and response.status in request.accepts:
            return None
        case 409, "request_id_reused":
            return IdempotencyConflict("the request id was used before with another body", **facts)
        case 409, "request_running":
            return RequestInProgress("the first request with this id has not finished", **facts)
        case 403, "holder_not_cleared":
            missing = words_of(body.get("missing"))
            return CustomerNotEligible("Granary has not cleared this holder yet", missing=missing, **facts)
    return error_for_status(response, **facts)


def words_of(value: Json) -> tuple[str, ...]:
    """Return the codes in a list, and no stray text."""
    codes = [code_of(item) for item in value] if isinstance(value, list) else []
    return tuple(code for code in codes if code is not None)


def _body(response: Response) -> JsonObject:
    try:
        return response.json_object()
    except MalformedResponse:
        return {}
