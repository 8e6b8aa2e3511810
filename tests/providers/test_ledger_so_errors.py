"""Ledger.so: what every refusal means, in today's shape and in the older ones, and what it leaves in doubt."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ledger_so import (
    API_KEY,
    CREATE,
    CUSTOMER,
    ENTRIES,
    ORDER,
    READ_CUSTOMER,
    WALLET,
    WALLET_ID,
    Server,
    answer,
    client,
    created,
    customer,
    good,
    refused,
)
from walletport import errors
from walletport.provider import Request, Response
from walletport_ledger_so import LedgerSo
from walletport_ledger_so.auth import LedgerSoSettings

APPROVED = good(customer())
NO_KYC = good(customer(kycStatus="not_started", capabilities={}))


def typed(status: int, code: str, **headers: str) -> httpx.Response:
    """Return an error of the first generation (https://docs.ledger.so/errors)."""
    body = {"error": {"type": "some_error", "code": code, "message": "free text"}, "request_id": "req_9"}
    return answer(status, body, **headers)


# --- the documented codes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "kind", "outcome", "retryable"),
    [
        (400, "INVALID_REQUEST", errors.InvalidRequest, "not_applied", False),
        (401, "UNAUTHORIZED", errors.AuthenticationError, "not_applied", False),
        (404, "NOT_FOUND", errors.NotFound, "not_applied", False),
        (409, "CONFLICT", errors.Conflict, "unknown", False),
        (429, "RATE_LIMITED", errors.RateLimited, "not_applied", True),
        (500, "INTERNAL_ERROR", errors.ProviderUnavailable, "unknown", True),
    ],
)
def test_each_of_the_six_codes_has_its_meaning(status, code, kind, outcome, retryable):
    error, said = created(refused(status, code), APPROVED)
    assert type(error) is kind
    assert (error.outcome, error.retryable) == (outcome, retryable)
    assert (error.status_code, error.provider_code) == (status, code)
    assert (error.provider, error.operation) == ("ledger-so", "create_wallet")
    assert "free text" not in str(error)
    assert said == ([CREATE, READ_CUSTOMER] if status in (400, 404) else [CREATE])


@pytest.mark.parametrize(
    ("status", "code", "kind", "outcome"),
    [
        (400, "validation_failed", errors.InvalidRequest, "not_applied"),
        (401, "invalid_api_key", errors.AuthenticationError, "not_applied"),
        (403, "access_denied", errors.PermissionDenied, "not_applied"),
        (404, "not_found", errors.NotFound, "not_applied"),
        (409, "some_conflict", errors.Conflict, "unknown"),
        (500, "api_error", errors.ProviderUnavailable, "unknown"),
    ],
)
def test_the_first_generations_codes_are_understood_and_name_their_request(status, code, kind, outcome):
    error, _ = created(typed(status, code), APPROVED)
    assert type(error) is kind
    assert (error.outcome, error.provider_code, error.request_id) == (outcome, code, "req_9")


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (400, (errors.InvalidRequest, "not_applied", False)),
        (401, (errors.AuthenticationError, "not_applied", False)),
        (403, (errors.PermissionDenied, "not_applied", False)),
        (404, (errors.NotFound, "not_applied", False)),
        (408, (errors.ProviderUnavailable, "unknown", True)),
        (409, (errors.Conflict, "unknown", False)),
        (418, (errors.InvalidRequest, "not_applied", False)),
        (422, (errors.InvalidRequest, "not_applied", False)),
        (423, (errors.RequestInProgress, "unknown", True)),
        (425, (errors.RequestInProgress, "unknown", True)),
        (429, (errors.RateLimited, "not_applied", True)),
        (500, (errors.ProviderUnavailable, "unknown", True)),
        (502, (errors.ProviderUnavailable, "unknown", True)),
        (503, (errors.ProviderUnavailable, "unknown", True)),
        (504, (errors.ProviderUnavailable, "unknown", True)),
    ],
)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, None),
        (b"<html>no</html>", None),
        (b"[1, 2]", None),
        (b"\xff\xfe", None),
        (b'{"ok": false, "error"', None),
        ({"error": "text"}, None),
        ({"error": "Some free text."}, None),
        ({"ok": False, "error": {"code": "BRAND_NEW", "message": "m"}}, "BRAND_NEW"),
        ({"ok": False, "error": {"code": "free text with spaces", "message": "m"}}, None),
        ({"ok": False, "error": {"code": 7}}, None),
        ({"ok": False, "error": None}, None),
        ({"error": {"type": "brand_new", "message": "m"}}, "brand_new"),
        ({"ok": True, "data": WALLET}, None),
    ],
    ids=[
        "nothing",
        "HTML",
        "a list",
        "no UTF-8",
        "cut short",
        "one word",
        "a sentence",
        "a new code",
        "a code with spaces",
        "a code by number",
        "no error",
        "a type alone",
        "a wallet",
    ],
)
def test_a_refusal_without_a_known_code_is_judged_by_its_status(status, meaning, body, code):
    error, _ = created(answer(status, body), APPROVED)
    assert (type(error), error.outcome, error.retryable) == meaning
    assert (error.status_code, error.provider_code) == (status, code)


def test_a_text_that_is_a_known_code_is_taken_for_one():
    error, _ = created(answer(401, {"error": "invalid_api_key"}))
    assert type(error) is errors.AuthenticationError
    assert error.provider_code == "invalid_api_key"


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (500, "INVALID_REQUEST", "unknown"),
        (503, "RATE_LIMITED", "unknown"),
        (409, "NOT_FOUND", "unknown"),
        (400, "INTERNAL_ERROR", "unknown"),
        (400, "CONFLICT", "unknown"),
        (422, "INVALID_REQUEST", "not_applied"),
    ],
)
def test_where_status_and_code_disagree_the_doubt_of_either_counts(status, code, outcome):
    error, _ = created(refused(status, code), APPROVED)
    assert (error.outcome, error.status_code, error.provider_code) == (outcome, status, code)


def test_a_conflict_is_never_adopted_because_nothing_could_tell_whose_wallet_it_is():
    error, said = created(refused(409, "CONFLICT"))
    assert type(error) is errors.Conflict
    assert (error.outcome, error.retryable) == ("unknown", False)
    assert said == [CREATE]


@pytest.mark.parametrize(
    ("trouble", "kind", "outcome"),
    [
        (httpx.ConnectError("gone"), errors.ConnectFailed, "not_applied"),
        (httpx.ReadTimeout("slow"), errors.RequestTimedOut, "unknown"),
        (httpx.RemoteProtocolError("cut"), errors.ConnectionLost, "unknown"),
    ],
)
def test_a_create_that_is_not_answered_says_whether_it_may_have_worked(trouble, kind, outcome):
    error, _ = created(trouble)
    assert type(error) is kind
    assert error.outcome == outcome


# --- waiting ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        ({"error": "text", "retryAfter": 5000}, {}, 5.0),
        ({"error": "text", "retryAfter": 5000}, {"retry_after": "7"}, 7.0),
        ({"error": "text", "retryAfter": 0}, {}, 0.0),
        ({"error": "text", "retryAfter": 1500.5}, {}, 1.5005),
        ({"error": "text", "retryAfter": -1}, {}, None),
        ({"error": "text", "retryAfter": True}, {}, None),
        ({"error": "text", "retryAfter": "5000"}, {}, None),
        ({"error": "text", "retryAfter": 10**30}, {}, None),
        ({"ok": False, "error": {"code": "RATE_LIMITED", "message": "m"}}, {"retry_after": "3"}, 3.0),
        ({"ok": False, "error": {"code": "RATE_LIMITED", "message": "m"}}, {}, None),
    ],
)
def test_the_header_is_in_seconds_and_wins_over_the_body_in_milliseconds(body, headers, seconds):
    error, _ = created(answer(429, body, **headers))
    assert type(error) is errors.RateLimited
    assert error.retry_after == seconds


def test_a_request_id_in_a_header_is_kept_for_the_support_ticket():
    error, _ = created(refused(500, "INTERNAL_ERROR", x_request_id="req-7"))
    assert error.request_id == "req-7"


# --- a refusal that a missing KYC may explain ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (refused(400, "INVALID_REQUEST"), "INVALID_REQUEST"),
        (typed(403, "access_denied"), "access_denied"),
        (refused(422, "INVALID_REQUEST"), "INVALID_REQUEST"),
        (answer(418), None),
    ],
)
@pytest.mark.parametrize("kyc", ["not_started", "under_review", "incomplete", "rejected", "NOT_STARTED"])
def test_a_refused_create_says_that_the_kyc_is_not_approved_and_where_to_go(refusal, code, kyc):
    error, said = created(refusal, good(customer(kycStatus=kyc, capabilities={"wallets": False})))
    assert type(error) is errors.CustomerNotEligible
    assert (error.missing, error.link) == (("kyc",), "https://kyc.example/ada")
    assert (error.outcome, error.retryable) == ("not_applied", False)
    assert (error.status_code, error.provider_code) == (refusal.status_code, code)
    assert said == [CREATE, READ_CUSTOMER]


def test_a_capability_that_is_off_explains_a_refusal_as_well():
    looked_up = good(customer(capabilities={"cryptoWallets": False}))
    error, _ = created(refused(400, "INVALID_REQUEST"), looked_up)
    assert type(error) is errors.CustomerNotEligible
    assert (error.missing, error.link) == (("wallets",), None)


@pytest.mark.parametrize("status", ["suspended", "rejected"])
def test_a_customer_who_is_not_served_explains_a_refusal_as_well(status):
    error, _ = created(refused(400, "INVALID_REQUEST"), good(customer(status=status)))
    assert type(error) is errors.CustomerNotEligible
    assert error.missing == ()


@pytest.mark.parametrize(
    "looked_up",
    [
        APPROVED,
        good(customer(kycStatus="some_new_word", capabilities={})),
        good({name: value for name, value in customer().items() if name not in ("kycStatus", "capabilities")}),
        good(customer(id="cus_other", kycStatus="not_started")),
        good({**customer(), "kycStatus": 7}),
        refused(404, "NOT_FOUND"),
        refused(500, "INTERNAL_ERROR"),
        answer(200, b"<html>"),
        answer(200, {"ok": False, "data": customer(kycStatus="not_started")}),
        httpx.ReadTimeout("slow"),
    ],
    ids=[
        "approved",
        "a new word",
        "nothing said",
        "another customer",
        "not as documented",
        "not found",
        "failed",
        "HTML",
        "ok false",
        "slow",
    ],
)
def test_a_refusal_that_the_customer_does_not_explain_stays_what_it_was(looked_up):
    error, said = created(refused(400, "INVALID_REQUEST"), looked_up)
    assert type(error) is errors.InvalidRequest
    assert (error.outcome, error.provider_code) == ("not_applied", "INVALID_REQUEST")
    assert said == [CREATE, READ_CUSTOMER]


@pytest.mark.parametrize("status", [401, 408, 409, 423, 425, 429, 500, 503])
def test_a_refusal_that_is_not_about_the_customer_is_not_looked_into(status):
    error, said = created(answer(status))
    assert isinstance(error, errors.ProviderError)
    assert said == [CREATE]


def test_a_refusal_after_a_doubtful_attempt_leaves_the_doubt():
    server = Server(answer(503, retry_after="0"), refused(400, "INVALID_REQUEST"), NO_KYC)
    with client(server, max_attempts=2) as ledger, pytest.raises(errors.CustomerNotEligible) as caught:
        ledger.create_wallet(**ORDER)
    assert caught.value.outcome == "unknown"


# --- whatever comes -----------------------------------------------------------------------------------------

NAMES = [
    *(*WALLET, "chain", "address", "walletType", "items", "nextCursor", "balance", "walletId"),
    *(*customer(), "wallets", "cryptoWallets"),
    *("ok", "data", "error", "code", "type", "message", "request_id", "retryAfter"),
]
odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from([WALLET_ID, CUSTOMER, "active", "CONFLICT", "-0.00", "2026-06-01T12:00:00Z"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=8,
        )
    ),
    max_leaves=12,
)


@given(
    status=st.sampled_from([400, 401, 403, 404, 408, 409, 418, 422, 429, 500, 503]),
    body=st.binary() | odd.map(lambda value: json.dumps(value).encode()),
)
def test_every_refusal_becomes_an_error(status, body):
    provider = LedgerSo(LedgerSoSettings(api_key=API_KEY))
    error = provider.classify(Request("POST", ("v1", "crypto-wallets")), Response(status, {}, body))
    assert isinstance(error, errors.WalletportError)
    assert error.status_code == status
    if status >= 500 or status in (408, 409):
        assert error.outcome == "unknown"


@given(changes=st.dictionaries(st.sampled_from([*WALLET, "chain", "address", "walletType"]), odd))
def test_every_success_becomes_a_wallet_that_can_be_the_ordered_one_or_an_error(changes):
    body = {**WALLET, **changes}
    answers = {"POST": good(body), "GET": good(ENTRIES)}
    with client(lambda request: answers[request.method]) as ledger:
        try:
            wallet = ledger.create_wallet(**ORDER)
        except errors.WalletportError as error:
            assert error.outcome != "not_applied"  # noqa: PT017 - either end is right, and each has its own promise
        else:
            assert wallet.id == body["id"]
            assert wallet.customer_id == CUSTOMER
            assert wallet.chain in (None, "polygon")


@given(answered=odd)
def test_every_answer_to_a_read_becomes_a_value_or_an_error(answered):
    body = answer(200, {"ok": True, "data": answered})
    with client(lambda _: body) as ledger:
        for read in (
            lambda: ledger.get_wallet(WALLET_ID),
            lambda: list(ledger.list_wallets(customer_id=CUSTOMER)),
            lambda: ledger.get_customer(CUSTOMER),
        ):
            try:
                read()
            except errors.WalletportError as error:
                assert error.outcome == "not_applied"  # noqa: PT017 - as above
