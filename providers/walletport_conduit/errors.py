"""What Conduit's refusals mean: one table by machine code, and the HTTP status where there is no known code.

An error body is a problem with the code in ``type``, which is a word and not an address
(https://v2.docs.conduit.financial/errors). An older page has ``{statusCode, message, errors}`` instead, without a
code (https://v2.docs.conduit.financial/api-reference/overview). The codes are those of the operations
createWallet_v2, listWallets_v2, getWallet_v2, rotateWallet_v2 and claimNonCustodial_v2 in the vendor's OpenAPI
document.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Final

from walletport.errors import (
    AlreadyExists,
    ApprovalPending,
    AuthenticationError,
    Conflict,
    CustomerNotEligible,
    ErrorFacts,
    IdempotencyConflict,
    InvalidRequest,
    MalformedResponse,
    NotFound,
    Outcome,
    PermissionDenied,
    ProviderUnavailable,
    RateLimited,
    RequestInProgress,
    WalletportError,
    worse,
)
from walletport.provider import Json, JsonObject, Response, code_of, error_for_status, request_id_of

REQUEST_IN_PROGRESS: Final = "IDEMPOTENCY_KEY_REQUEST_IN_PROGRESS"
HOLDS_ONE_ALREADY: Final = "WALLET_CLIENT_REFERENCE_IMMUTABLE"
REFERENCE_IN_USE: Final = "DUPLICATE_CLIENT_REFERENCE_ID"

_LONGEST_WAIT: Final = 10**9


@dataclass(frozen=True, slots=True)
class Refusal:
    """What one code means; outcome and retryable are the class's own where they are ``None``."""

    kind: type[WalletportError]
    message: str
    outcome: Outcome | None = None
    retryable: bool | None = None
    missing: tuple[str, ...] = ()

    def error(self, facts: ErrorFacts) -> WalletportError:
        """Return the error, with what the answer told."""
        if self.kind is CustomerNotEligible:
            return CustomerNotEligible(self.message, missing=self.missing, **facts)
        return self.kind(self.message, **facts)


_INVALID: Final = Refusal(InvalidRequest, "the request was refused as invalid")
_BAD_KEY: Final = Refusal(AuthenticationError, "api_key was not accepted: it may belong to the other environment")
_NO_CLAIM: Final = Refusal(
    CustomerNotEligible,
    "no wallet account was claimed for this customer: make the non-custodial claim first, or let Conduit enable "
    "custodial wallets",
    missing=("claim",),
)

REFUSALS: Final[dict[str, Refusal]] = {
    # 400 and 415
    "INVALID_OID_FORMAT": Refusal(InvalidRequest, "the id of the customer or the wallet is malformed"),
    "VALIDATION_ERROR": _INVALID,
    "MALFORMED_JSON": _INVALID,
    "INVALID_CURSOR": Refusal(InvalidRequest, "the list's cursor is malformed or has expired: start the list again"),
    "IDEMPOTENCY_KEY_REQUIRED": Refusal(InvalidRequest, "the idempotency key is missing"),
    "IDEMPOTENCY_KEY_INVALID": Refusal(InvalidRequest, "the idempotency key is malformed"),
    "IDEMPOTENCY_BODY_TOO_NESTED": _INVALID,
    "UNSUPPORTED_MEDIA_TYPE": _INVALID,
    # 401: the pages name the second differently (https://v2.docs.conduit.financial/errors)
    "API_KEY_MISSING": _BAD_KEY,
    "API_KEY_INVALID": _BAD_KEY,
    "AUTH_INVALID_API_KEY": _BAD_KEY,
    # 403
    "API_KEY_READ_ONLY": Refusal(PermissionDenied, "api_key is read-only, as new keys are: make a read-write one"),
    "FEATURE_NOT_ENABLED": Refusal(
        CustomerNotEligible, "crypto wallets are not enabled for this organisation", missing=("crypto_wallet",)
    ),
    # 404
    "CUSTOMER_NOT_FOUND": Refusal(NotFound, "this organisation has no such customer"),
    "WALLET_NOT_FOUND": Refusal(NotFound, "this customer has no such wallet"),
    # 409 and 422: who may have a wallet
    "WALLET_CUSTODY_NOT_CLAIMED": _NO_CLAIM,
    "WALLET_NO_PROVIDER_ACCOUNT": _NO_CLAIM,
    "CUSTOMER_KYB_INCOMPLETE": Refusal(CustomerNotEligible, "the customer's KYB is not complete", missing=("kyb",)),
    "CRYPTO_FEATURE_NOT_APPROVED": Refusal(
        CustomerNotEligible, "the customer's crypto wallet feature is not approved", missing=("crypto_wallet",)
    ),
    "WALLET_PROVISIONING_REJECTED": Refusal(PermissionDenied, "the custody provider refused; nothing was made"),
    "CRYPTO_WALLET_CONSENSUS_REQUIRED": Refusal(
        PermissionDenied, "this needs an admin's approval, which a key cannot ask for; nothing was made"
    ),
    # 409: the key
    "IDEMPOTENCY_KEY_CONFLICT": Refusal(
        IdempotencyConflict, "the idempotency key was used before with another request", "unknown"
    ),
    REQUEST_IN_PROGRESS: Refusal(
        RequestInProgress,
        "the first request with this key is unfinished, or stopped before its result was recorded",
        "unknown",
    ),
    # 409: what exists
    HOLDS_ONE_ALREADY: Refusal(AlreadyExists, "the customer holds a wallet on this chain already", "applied"),
    REFERENCE_IN_USE: Refusal(AlreadyExists, "the reference stands on a wallet already", "unknown"),
    "WALLET_AWAITING_ADMIN_APPROVAL": Refusal(
        ApprovalPending, "a wallet of this customer waits for an admin's approval", "unknown"
    ),
    "CEREMONY_IN_FLIGHT": Refusal(
        RequestInProgress, "another wallet of the same account is being made: EVM chains share one", "unknown"
    ),
    "WALLET_ACCOUNT_NOT_READY": Refusal(
        Conflict, "the customer's wallet account is still being set up", "not_applied", retryable=True
    ),
    "WALLET_PROVIDER_CONFLICT": Refusal(
        Conflict, "the customer's wallet account is suspended, frozen or in error: ask Conduit", "not_applied"
    ),
    "CONFLICT": Refusal(Conflict, "the request conflicts with something that exists", "unknown"),
    # rotation, 409 and 422
    "WALLET_NOT_ROTATABLE": Refusal(Conflict, "only an active wallet can be rotated", "not_applied"),
    "WALLET_ROTATION_IN_PROGRESS": Refusal(
        RequestInProgress, "a rotation of this wallet is running already", "unknown"
    ),
    "WALLET_ROTATION_BLOCKED_BALANCE": Refusal(
        Conflict, "the wallet holds more than dust: empty it before the rotation", "not_applied"
    ),
    # 429 and 5xx
    "RATE_LIMITED": Refusal(RateLimited, "too many requests", "not_applied"),
    "INTERNAL_ERROR": Refusal(ProviderUnavailable, "the provider failed", "unknown"),
    "CHAIN_ACTIVATION_UNAVAILABLE": Refusal(
        ProviderUnavailable, "the wallet was recorded, and its account on the chain was not opened yet", "applied"
    ),
}


def error_of(response: Response) -> WalletportError | None:
    """Return the error that an answer stands for, or ``None`` for a success."""
    if response.ok:
        return None
    body = _body(response)
    code = _code(body)
    facts: ErrorFacts = {
        "status_code": response.status,
        "provider_code": code,
        "request_id": request_id_of(body.get("correlationId")) or request_id_of(response.header("x-correlation-id")),
        "retry_after": _retry_after(response, body),
    }
    refusal = REFUSALS.get(code.upper()) if code is not None else None
    if refusal is None:
        return error_for_status(response, **facts)
    facts["outcome"], facts["retryable"] = refusal.outcome, refusal.retryable
    error = refusal.error(facts)
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # No documented 5xx says that nothing was done, so neither does one with the code of a refusal.
        error.outcome = worse(error.outcome, "unknown")
    return error


def _body(response: Response) -> JsonObject:
    try:
        return response.json_object()
    except MalformedResponse:
        return {}


def _code(body: JsonObject) -> str | None:
    """Return the machine code; the older form has none, unless its message is one."""
    code = code_of(body.get("type"))
    if code is None:
        message = code_of(body.get("message"))
        code = message if message in REFUSALS else None
    return code


def _retry_after(response: Response, body: JsonObject) -> float | None:
    """Return ``retryAfterSeconds``; the header, which the core reads, says the same and counts first."""
    seconds: Json = body.get("retryAfterSeconds")
    if response.header("retry-after") is not None or isinstance(seconds, bool):
        return None
    if not isinstance(seconds, int | Decimal) or not 0 <= seconds <= _LONGEST_WAIT:
        return None
    return float(seconds)
