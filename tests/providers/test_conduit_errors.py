"""Conduit: what every refusal means, and whether the order was applied all the same."""

from __future__ import annotations

import json

import pytest

from tests.support.conduit import CUSTOMER, ORDER, WALLET, WALLET_ID, Server, answer, client, problem
from walletport import errors

NOT_ELIGIBLE = errors.CustomerNotEligible

# Status and code as in the vendor's OpenAPI document, createWallet_v2 and claimNonCustodial_v2, and on its error
# pages; then what it is here, whether the order was applied, and whether the same request may help.
CREATE_TABLE = [
    (400, "INVALID_OID_FORMAT", errors.InvalidRequest, "not_applied", False),
    (400, "VALIDATION_ERROR", errors.InvalidRequest, "not_applied", False),
    (400, "MALFORMED_JSON", errors.InvalidRequest, "not_applied", False),
    (400, "IDEMPOTENCY_KEY_REQUIRED", errors.InvalidRequest, "not_applied", False),
    (400, "IDEMPOTENCY_KEY_INVALID", errors.InvalidRequest, "not_applied", False),
    (400, "IDEMPOTENCY_BODY_TOO_NESTED", errors.InvalidRequest, "not_applied", False),
    (401, "API_KEY_MISSING", errors.AuthenticationError, "not_applied", False),
    (401, "API_KEY_INVALID", errors.AuthenticationError, "not_applied", False),
    (401, "AUTH_INVALID_API_KEY", errors.AuthenticationError, "not_applied", False),
    (403, "API_KEY_READ_ONLY", errors.PermissionDenied, "not_applied", False),
    (403, "FEATURE_NOT_ENABLED", NOT_ELIGIBLE, "not_applied", False),
    (404, "CUSTOMER_NOT_FOUND", errors.NotFound, "not_applied", False),
    (409, "IDEMPOTENCY_KEY_CONFLICT", errors.IdempotencyConflict, "unknown", False),
    (409, "WALLET_PROVIDER_CONFLICT", errors.Conflict, "not_applied", False),
    (409, "WALLET_ACCOUNT_NOT_READY", errors.Conflict, "not_applied", True),
    (409, "WALLET_CUSTODY_NOT_CLAIMED", NOT_ELIGIBLE, "not_applied", False),
    (409, "WALLET_AWAITING_ADMIN_APPROVAL", errors.ApprovalPending, "unknown", False),
    (409, "CEREMONY_IN_FLIGHT", errors.RequestInProgress, "unknown", True),
    (409, "CONFLICT", errors.Conflict, "unknown", False),
    (409, "SOMETHING_NEW", errors.Conflict, "unknown", False),
    (415, "UNSUPPORTED_MEDIA_TYPE", errors.InvalidRequest, "not_applied", False),
    (422, "WALLET_NO_PROVIDER_ACCOUNT", NOT_ELIGIBLE, "not_applied", False),
    (422, "CUSTOMER_KYB_INCOMPLETE", NOT_ELIGIBLE, "not_applied", False),
    (422, "CRYPTO_FEATURE_NOT_APPROVED", NOT_ELIGIBLE, "not_applied", False),
    (422, "WALLET_PROVISIONING_REJECTED", errors.PermissionDenied, "not_applied", False),
    (422, "CRYPTO_WALLET_CONSENSUS_REQUIRED", errors.PermissionDenied, "not_applied", False),
    (422, "SOMETHING_NEW", errors.InvalidRequest, "not_applied", False),
    (429, "RATE_LIMITED", errors.RateLimited, "not_applied", True),
    (500, "INTERNAL_ERROR", errors.ProviderUnavailable, "unknown", True),
    (502, "SOMETHING_NEW", errors.ProviderUnavailable, "unknown", True),
    (503, "SERVICE_UNAVAILABLE", errors.ProviderUnavailable, "unknown", True),
]
ROTATE_TABLE = [
    (403, "API_KEY_READ_ONLY", errors.PermissionDenied, "not_applied", False),
    (404, "WALLET_NOT_FOUND", errors.NotFound, "not_applied", False),
    (409, "WALLET_NOT_ROTATABLE", errors.Conflict, "not_applied", False),
    (409, "WALLET_ROTATION_IN_PROGRESS", errors.RequestInProgress, "unknown", True),
    (409, "IDEMPOTENCY_KEY_CONFLICT", errors.IdempotencyConflict, "unknown", False),
    (409, "IDEMPOTENCY_KEY_REQUEST_IN_PROGRESS", errors.RequestInProgress, "unknown", True),
    (422, "WALLET_ROTATION_BLOCKED_BALANCE", errors.Conflict, "not_applied", False),
    (422, "WALLET_PROVISIONING_REJECTED", errors.PermissionDenied, "not_applied", False),
    (500, "INTERNAL_ERROR", errors.ProviderUnavailable, "unknown", True),
]


def refusal(*answers, **changes):
    """Return the error that a create ends in."""
    with client(Server(*answers), **changes) as conduit, pytest.raises(errors.WalletportError) as caught:
        conduit.create_wallet(**ORDER)
    return caught.value


@pytest.mark.parametrize(("status", "code", "kind", "outcome", "retryable"), CREATE_TABLE)
def test_every_code_of_a_create_has_its_meaning(status, code, kind, outcome, retryable):
    error = refusal(problem(status, code))
    assert type(error) is kind
    assert (error.outcome, error.retryable) == (outcome, retryable)
    assert (error.status_code, error.provider_code) == (status, code)
    assert (error.provider, error.operation) == ("conduit", "create_wallet")


@pytest.mark.parametrize(("status", "code", "kind", "outcome", "retryable"), ROTATE_TABLE)
def test_every_code_of_a_rotation_has_its_meaning(status, code, kind, outcome, retryable):
    server = Server(answer(200, WALLET), problem(status, code))
    with client(server) as conduit:
        wallet = conduit.get_wallet(WALLET_ID, customer_id=CUSTOMER)
        with pytest.raises(errors.WalletportError) as caught:
            conduit.rotate_wallet(wallet)
    assert type(caught.value) is kind
    assert (caught.value.outcome, caught.value.retryable) == (outcome, retryable)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "INVALID_CURSOR", errors.InvalidRequest),
        (403, "FEATURE_NOT_ENABLED", NOT_ELIGIBLE),
        (404, "CUSTOMER_NOT_FOUND", errors.NotFound),
    ],
)
def test_every_code_of_a_list_has_its_meaning(status, code, kind):
    with client(Server(problem(status, code))) as conduit, pytest.raises(kind) as caught:
        list(conduit.list_wallets(customer_id=CUSTOMER))
    assert caught.value.outcome == "not_applied"


@pytest.mark.parametrize(
    ("status", "code", "missing"),
    [
        (403, "FEATURE_NOT_ENABLED", ("crypto_wallet",)),
        (409, "WALLET_CUSTODY_NOT_CLAIMED", ("claim",)),
        (422, "WALLET_NO_PROVIDER_ACCOUNT", ("claim",)),
        (422, "CUSTOMER_KYB_INCOMPLETE", ("kyb",)),
        (422, "CRYPTO_FEATURE_NOT_APPROVED", ("crypto_wallet",)),
    ],
)
def test_a_customer_that_may_not_have_a_wallet_is_told_what_is_missing(status, code, missing):
    assert refusal(problem(status, code)).missing == missing


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        (400, errors.InvalidRequest, "not_applied"),
        (401, errors.AuthenticationError, "not_applied"),
        (403, errors.PermissionDenied, "not_applied"),
        (404, errors.NotFound, "not_applied"),
        (408, errors.ProviderUnavailable, "unknown"),
        (409, errors.Conflict, "unknown"),
        (429, errors.RateLimited, "not_applied"),
        (500, errors.ProviderUnavailable, "unknown"),
        (504, errors.ProviderUnavailable, "unknown"),
    ],
)
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>sorry</html>", b"{", b"[1]", b'"no"', b'{"type": 7}', b'{"type": "two words"}', b"\xff\xfe"],
    ids=["empty", "HTML", "cut", "list", "text", "number as type", "words as type", "no text"],
)
def test_a_body_that_is_no_problem_leaves_the_status_to_speak(status, kind, outcome, body):
    error = refusal(answer(status, body))
    assert type(error) is kind
    assert (error.outcome, error.provider_code) == (outcome, None)


def test_a_server_error_with_the_code_of_a_refusal_does_not_say_that_nothing_was_done():
    assert refusal(problem(500, "WALLET_ACCOUNT_NOT_READY")).outcome == "unknown"


def test_a_later_refusal_does_not_take_back_an_earlier_doubt():
    error = refusal(
        problem(500, "INTERNAL_ERROR", {"retry_after": "0"}), problem(403, "API_KEY_READ_ONLY"), max_attempts=2
    )
    assert type(error) is errors.PermissionDenied
    assert error.outcome == "unknown"


# --- what an error tells ------------------------------------------------------------------------------------


def test_the_request_id_is_the_bodys_and_else_the_headers():
    trace = {"x_correlation_id": "from-header"}
    assert refusal(problem(404, "CUSTOMER_NOT_FOUND", trace)).request_id == "11111111-2222-3333-4444-555555555555"
    assert refusal(problem(404, "CUSTOMER_NOT_FOUND", trace, correlationId=None)).request_id == "from-header"
    assert refusal(answer(404, b"<html>", x_correlation_id="from-header")).request_id == "from-header"
    assert refusal(answer(404, b"<html>", x_correlation_id="two words")).request_id is None


def test_the_wait_is_the_headers_and_else_the_bodys():
    assert refusal(problem(429, "RATE_LIMITED", {"retry_after": "7"}, retryAfterSeconds=9)).retry_after == 7
    assert refusal(problem(429, "RATE_LIMITED", retryAfterSeconds=9)).retry_after == 9
    assert refusal(problem(429, "RATE_LIMITED", retryAfterSeconds=1.5)).retry_after == 1.5


@pytest.mark.parametrize("seconds", [-1, True, "9", None, 10**12, [9]])
def test_a_senseless_wait_is_left_out(seconds):
    assert refusal(problem(429, "RATE_LIMITED", retryAfterSeconds=seconds)).retry_after is None


def test_a_code_in_small_letters_is_the_same_code_and_kept_as_it_came():
    error = refusal(problem(409, "wallet_provider_conflict"))
    assert (error.outcome, error.provider_code) == ("not_applied", "wallet_provider_conflict")


def test_a_code_that_is_the_message_of_an_older_error_is_found():
    error = refusal(answer(422, {"statusCode": 422, "message": "WALLET_NO_PROVIDER_ACCOUNT"}))
    assert type(error) is NOT_ELIGIBLE
    assert error.provider_code == "WALLET_NO_PROVIDER_ACCOUNT"


# --- repeats ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "WALLET_ACCOUNT_NOT_READY"),
        (409, "CEREMONY_IN_FLIGHT"),
        (409, "IDEMPOTENCY_KEY_REQUEST_IN_PROGRESS"),
        (429, "RATE_LIMITED"),
        (500, "INTERNAL_ERROR"),
        (503, "CHAIN_ACTIVATION_UNAVAILABLE"),
    ],
)
def test_what_may_pass_is_sent_again_byte_for_byte_under_the_same_key(status, code):
    server = Server(problem(status, code, {"retry_after": "0"}), answer(201, WALLET))
    with client(server, max_attempts=2) as conduit:
        assert conduit.create_wallet(**ORDER, idempotency_key="order-42").id == WALLET_ID
    first, second = server.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "order-42"
    assert first.content == second.content
    assert json.loads(first.content)["chain"] == "polygon"
