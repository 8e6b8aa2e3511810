"""What an HTTP status alone says: by RFC 9110, and never less doubt than there is."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.unit import strategies
from walletport import errors
from walletport.errors import ProviderError
from walletport.provider import Response, code_of, error_for_status, request_id_of

TABLE = {
    400: errors.InvalidRequest,
    401: errors.AuthenticationError,
    402: errors.InvalidRequest,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    405: errors.InvalidRequest,
    406: errors.InvalidRequest,
    408: errors.ProviderUnavailable,
    409: errors.Conflict,
    410: errors.NotFound,
    411: errors.InvalidRequest,
    413: errors.InvalidRequest,
    415: errors.InvalidRequest,
    418: errors.InvalidRequest,
    422: errors.InvalidRequest,
    423: errors.RequestInProgress,
    425: errors.RequestInProgress,
    429: errors.RateLimited,
    451: errors.InvalidRequest,
    500: errors.ProviderUnavailable,
    501: errors.ProviderUnavailable,
    502: errors.ProviderUnavailable,
    503: errors.ProviderUnavailable,
    504: errors.ProviderUnavailable,
    599: errors.ProviderUnavailable,
}
DOUBTFUL = {408, 409, 423, 425}


@pytest.mark.parametrize(("status", "kind"), TABLE.items())
def test_a_status_has_its_class(status: int, kind: type[ProviderError]) -> None:
    """The class that a caller catches."""
    assert type(error_for_status(Response(status))) is kind


def test_no_status_raises_or_claims_more_than_it_says() -> None:
    """Only a refusal that happened at the door is "not applied"; only what can help is retried."""
    for status in range(100, 1000):
        error = error_for_status(Response(status))
        assert isinstance(error, ProviderError)
        assert error.status_code == status
        at_the_door = 400 <= status < 500 and status not in DOUBTFUL
        assert error.outcome == ("not_applied" if at_the_door else "unknown"), status
        may_help = status in {408, 423, 425, 429} if 400 <= status < 500 else True
        assert error.retryable is may_help, status


def test_what_the_adapter_knows_better_counts() -> None:
    """Facts override the defaults, and an absent fact does not."""
    error = error_for_status(Response(409), outcome="not_applied", provider_code="BUSY", request_id="r", retryable=True)
    assert (error.outcome, error.provider_code, error.request_id, error.retryable) == ("not_applied", "BUSY", "r", True)
    assert error_for_status(Response(503), outcome=None, provider_code=None).outcome == "unknown"


@given(strategies.json_values)
def test_only_what_looks_like_a_code_is_a_code(value: object) -> None:
    """A vendor's sentence, a number or a secret with odd characters never gets into an error."""
    code = code_of(value)
    assert code is None or (code == value and code.isascii() and " " not in code and 1 <= len(code) <= 64)


@pytest.mark.parametrize("code", ["RATE_LIMITED", "wallet.not-ready", "a", "E" * 64])
def test_machine_codes_pass(code: str) -> None:
    """As vendors write them."""
    assert code_of(code) == code


@pytest.mark.parametrize("code", ["", "E" * 65, "two words", "1A", "A\n", "Ä", "a:b", None, 5, ["A"]])
def test_other_text_is_no_code(code: object) -> None:
    """A trailing line break counts as well."""
    assert code_of(code) is None


@pytest.mark.parametrize("value", ["req_1", "0HMVD5:00000001", "a/b=c", "!" * 128])
def test_request_ids_pass(value: str) -> None:
    """Any short printable word is one."""
    assert request_id_of(value) == value


@pytest.mark.parametrize("value", ["", "a b", "a\r\nb", "ü", "x" * 129, None, 5, "a\n"])
def test_other_text_is_no_request_id(value: object) -> None:
    """Nothing that could break a log line."""
    assert request_id_of(value) is None
