"""When a request is sent again, and what is said of the order at the end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.transport.hand import OK, After, Answer, Table, status, token
from tests.unit.transport.vendor import NO_KEY, PREPARE, READ, Vendor, create, flow
from walletport.capabilities import Idempotency
from walletport.errors import (
    AlreadyExists,
    AuthenticationError,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    MalformedResponse,
    NotFound,
    ProviderUnavailable,
    RateLimited,
    RequestTimedOut,
    WalletportError,
)
from walletport.provider import Effect, Flow, Request, Response

LOST = ConnectionLost("the connection broke")
UNREACHED = ConnectFailed("the provider could not be reached")
PASSING: list[Answer] = [
    LOST,
    RequestTimedOut("no answer"),
    status(500),
    status(503),
    status(408),
    status(200, body=b"<html>"),
]
IN_DOUBT: list[Answer] = [
    *PASSING,
    status(409),
    status(302, {"location": "https://elsewhere.example/"}),
    status(101),
]
NOT_APPLIED: list[Answer] = [UNREACHED, status(429)]


@pytest.mark.parametrize("trouble", PASSING, ids=repr)
def test_an_unknown_outcome_is_repeated_under_the_same_key_with_the_same_bytes_and_a_new_nonce(trouble):
    played = Table().play(flow(create()), trouble, OK)
    first, second = played.sent
    assert played.result == "done"
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == "key-1"
    assert (first.method, first.url, first.body) == (second.method, second.url, second.body)
    assert first.headers["X-Nonce"] != second.headers["X-Nonce"]
    assert second.attempted_at > first.attempted_at


@pytest.mark.parametrize("trouble", IN_DOUBT, ids=repr)
@pytest.mark.parametrize(
    ("vendor", "request_"),
    [
        (Vendor(), create(key=None)),
        (Vendor(idempotency=NO_KEY), create(key="key-1")),
        (Vendor(), create(key="key-1", repeatable=False)),
    ],
    ids=["no key", "a key the vendor ignores", "the adapter says no"],
)
def test_an_unknown_outcome_is_never_repeated_without_an_honoured_key(vendor, request_, trouble):
    played = Table(vendor).play(flow(request_), trouble)
    assert len(played.sent) == 1
    assert played.failure.outcome == "unknown"


@pytest.mark.parametrize("trouble", NOT_APPLIED, ids=repr)
@pytest.mark.parametrize("vendor", [Vendor(), Vendor(idempotency=NO_KEY)], ids=["keys", "no keys"])
def test_what_was_certainly_not_applied_is_repeated_even_without_a_key(vendor, trouble):
    played = Table(vendor).play(flow(create(key=None)), trouble, trouble, OK)
    assert played.result == "done"
    assert len(played.sent) == 3


@pytest.mark.parametrize(
    ("later", "kind"),
    [
        (status(400), InvalidRequest),
        (status(401), AuthenticationError),
        (status(404), NotFound),
        (status(422), InvalidRequest),
        (status(429, {"retry-after": "3600"}), RateLimited),
    ],
)
def test_a_later_refusal_never_takes_back_an_earlier_doubt(later, kind):
    played = Table().play(flow(create()), LOST, later)
    assert type(played.failure) is kind
    assert played.failure.outcome == "unknown"


def test_a_connection_refused_later_never_takes_back_an_earlier_doubt():
    played = Table(max_attempts=3).play(flow(create()), LOST, UNREACHED, UNREACHED)
    assert type(played.failure) is ConnectFailed
    assert played.failure.outcome == "unknown"


def test_a_doubt_between_two_refusals_stays():
    played = Table(max_attempts=3).play(flow(create()), status(429), LOST, status(429))
    assert (type(played.failure), played.failure.outcome) == (RateLimited, "unknown")


def test_a_keyless_request_is_not_sent_again_after_a_doubt_even_where_the_latest_answer_is_a_clear_no():
    played = Table(Vendor(idempotency=NO_KEY)).play(flow(create()), status(429), LOST)
    assert (type(played.failure), played.failure.outcome, len(played.sent)) == (ConnectionLost, "unknown", 2)


@pytest.mark.parametrize("trouble", IN_DOUBT, ids=repr)
@pytest.mark.parametrize("request_", [READ, PREPARE], ids=["read", "prepare"])
def test_only_a_request_that_can_make_a_wallet_leaves_doubt(request_, trouble):
    played = Table(max_attempts=1).play(flow(request_), trouble)
    assert played.failure.outcome == "not_applied"


@pytest.mark.parametrize("trouble", PASSING, ids=repr)
def test_a_read_is_repeated_whatever_went_wrong(trouble):
    assert Table(Vendor(idempotency=NO_KEY)).play(flow(READ), trouble, OK).result == "done"


def test_a_preparation_is_not_repeated_after_a_doubt_unless_the_adapter_says_that_it_may():
    assert len(Table().play(flow(PREPARE), LOST).sent) == 1
    harmless = Request("POST", ("terms",), effect=Effect.PREPARES, repeatable=True)
    assert Table().play(flow(harmless), LOST, OK).result == "done"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_request_that_does_not_say_what_it_does_is_taken_for_a_create(method):
    """An adapter that forgets ``effect`` must not turn its create into something that is repeated at will."""
    played = Table().play(flow(Request(method, ("wallets",), json={})), LOST)
    assert (len(played.sent), played.failure.outcome) == (1, "unknown")
    assert Table().play(flow(Request("GET", ("wallets",))), LOST, OK).result == "done"


@pytest.mark.parametrize("trouble", PASSING, ids=repr)
def test_trouble_before_and_after_the_create_is_told_apart(trouble):
    before = Table(max_attempts=1).play(flow(READ, create()), trouble)
    after = Table(max_attempts=1).play(flow(create(), READ), OK, trouble)
    assert before.failure.outcome == "not_applied"
    assert after.failure.outcome == "unknown"


def test_a_refusal_after_a_successful_create_does_not_hide_the_wallet():
    played = Table().play(flow(create(), READ), OK, status(404))
    assert (type(played.failure), played.failure.outcome) == (NotFound, "unknown")


def test_an_error_that_the_flow_itself_raises_after_the_create_does_not_hide_the_wallet():
    def start() -> Flow[str]:
        yield create()
        msg = "the answer is another customer's"
        raise NotFound(msg)

    assert Table().play(start, OK).failure.outcome == "unknown"


def test_an_error_that_the_flow_itself_raises_before_the_create_leaves_no_doubt():
    def start() -> Flow[str]:
        yield READ
        msg = "the customer's record cannot be read"
        raise MalformedResponse(msg)

    assert Table().play(start, OK).failure.outcome == "not_applied"


def test_a_wallet_that_exists_already_is_known_to_exist():
    class Knows(Vendor):
        def classify(self, request: Request, response: Response) -> WalletportError | None:
            return AlreadyExists("it exists") if response.status == 409 else super().classify(request, response)

    def start() -> Flow[str]:
        try:
            yield create()
        except AlreadyExists:
            yield READ
        return "adopted"

    assert Table(Knows()).play(start, status(409), OK).result == "adopted"
    assert Table(Knows()).play(start, status(409), status(404)).failure.outcome == "applied"


@pytest.mark.parametrize(
    "refusal", [status(400), status(401), status(403), status(404), status(422), status(302), status(409)], ids=repr
)
def test_what_a_repeat_cannot_mend_is_not_repeated(refusal):
    assert len(Table().play(flow(create()), refusal).sent) == 1


def test_a_request_in_progress_is_asked_for_again_with_the_same_key():
    played = Table().play(flow(create()), status(425), OK)
    assert [request.headers["Idempotency-Key"] for request in played.sent] == ["key-1", "key-1"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (status(101), MalformedResponse),
        (status(302), MalformedResponse),
        (status(404), NotFound),
        (status(429), RateLimited),
    ],
    ids=repr,
)
def test_an_adapter_that_takes_everything_for_a_success_is_not_believed(answer, kind):
    class Credulous(Vendor):
        def classify(self, request: Request, response: Response) -> WalletportError | None:
            assert response.status not in (101, 302), "redirects never get here"
            return None

    assert type(Table(Credulous(), max_attempts=1).play(flow(create()), answer).failure) is kind


@pytest.mark.parametrize("code", [408, 409, 423, 425, 500, 502, 504, 599])
def test_a_status_that_does_not_say_what_happened_leaves_the_outcome_unknown(code):
    assert Table(max_attempts=1).play(flow(create()), status(code)).failure.outcome == "unknown"


# ------------------------------------------------------------------------------------------------------ the budget


def test_each_request_is_sent_at_most_so_often():
    played = Table(max_attempts=3).play(flow(create()), *[status(503)] * 3)
    assert (type(played.failure), len(played.sent)) == (ProviderUnavailable, 3)


def test_one_attempt_means_one():
    assert len(Table(max_attempts=1).play(flow(create()), UNREACHED).sent) == 1


def test_every_request_of_a_flow_has_its_attempts_but_all_share_the_time():
    answers = [After(25, UNREACHED), After(25, OK), After(25, UNREACHED)]
    played = Table(max_attempts=4, max_elapsed=60).play(flow(READ, create(key=None)), *answers)
    assert len(played.sent) == 3
    assert type(played.failure) is ConnectFailed


def test_no_attempt_starts_after_the_time_is_over():
    played = Table(max_attempts=100, max_elapsed=20).play(flow(create()), *[After(9.9, status(503))] * 2)
    assert len(played.sent) == 2


def test_waits_grow_and_stay_bounded():
    played = Table(max_attempts=12, max_elapsed=1000).play(flow(create(key=None)), *[UNREACHED] * 12)
    for position, wait in enumerate(played.slept):
        ceiling = min(8.0, 0.25 * 2**position)
        assert ceiling / 2 <= wait <= ceiling
    assert len(played.slept) == 11


def keyed(window: float) -> Vendor:
    return Vendor(idempotency=Idempotency(place="body", name="key", window=timedelta(seconds=window)))


def test_a_repeat_that_relies_on_the_key_stays_well_inside_its_window():
    """Ten seconds of memory are counted on for eight."""
    assert len(Table(keyed(10)).play(flow(create()), After(7, LOST), OK).sent) == 2
    played = Table(keyed(10)).play(flow(create()), After(8, LOST))
    assert (len(played.sent), played.failure.outcome) == (1, "unknown")


def test_a_wait_that_ends_outside_the_window_is_not_begun():
    played = Table(keyed(10)).play(flow(create()), status(503, {"retry-after": "9"}))
    assert (played.slept, played.failure.retry_after) == ([], 9)


def test_a_vendor_that_states_no_window_gets_no_repeat_after_a_doubt():
    assert len(Table(keyed(0)).play(flow(create()), After(0.1, LOST)).sent) == 1


def test_what_was_not_applied_needs_no_window():
    assert Table(keyed(10)).play(flow(create()), After(15, UNREACHED), OK).result == "done"


def test_a_slow_login_between_two_attempts_counts_against_the_window():
    table = Table(Vendor(logs_in=True, idempotency=keyed(40).capabilities.idempotency))
    login = [token("tok-1-abcdef", life=10), After(31, token("tok-2-abcdef"))]
    played = table.play(flow(create()), After(9.5, LOST), login=login)
    assert len(played.sent) == 1
    assert (type(played.failure), played.failure.outcome) == (ConnectionLost, "unknown")


def test_a_slow_login_between_two_attempts_counts_against_the_time():
    login = [token("tok-1-abcdef", life=10), After(61, token("tok-2-abcdef"))]
    played = Table(Vendor(logs_in=True)).play(flow(create()), After(9.5, UNREACHED), login=login)
    assert (len(played.sent), played.failure.outcome) == (1, "not_applied")


# -------------------------------------------------------------------------------------------------- logging in again


def test_a_401_brings_one_new_login_and_one_repeat_that_does_not_count():
    played = Table(Vendor(logs_in=True), max_attempts=1).play(
        flow(create(key=None)), status(401), OK, login=[token("tok-1-abcdef"), token("tok-2-abcdef")]
    )
    assert [request.headers["Authorization"] for request in played.sent] == [
        "Bearer tok-1-abcdef",
        "Bearer tok-2-abcdef",
    ]
    assert played.result == "done"


def test_the_repeat_after_a_401_leaves_all_other_attempts():
    played = Table(Vendor(logs_in=True), max_attempts=2).play(
        flow(create(key=None)), status(401), UNREACHED, OK, login=[token("tok-1-abcdef"), token("tok-2-abcdef")]
    )
    assert (played.result, len(played.sent)) == ("done", 3)


def test_a_second_401_is_raised():
    played = Table(Vendor(logs_in=True)).play(
        flow(create()), status(401), status(401), login=[token("tok-1-abcdef"), token("tok-2-abcdef")]
    )
    assert (type(played.failure), played.failure.outcome) == (AuthenticationError, "not_applied")


def test_a_constant_key_is_not_asked_for_again():
    played = Table().play(flow(create()), status(401))
    assert (len(played.sent), played.locks) == (1, 1)


def test_a_401_that_may_hide_a_wallet_is_not_followed_by_a_repeat_without_a_key():
    class Vague(Vendor):
        def classify(self, request: Request, response: Response) -> WalletportError | None:
            return AuthenticationError("no", outcome="unknown") if response.status == 401 else None

    vendor = Vague(logs_in=True, idempotency=NO_KEY)
    played = Table(vendor).play(flow(create()), status(401), login=[token()])
    assert (len(played.sent), played.failure.outcome) == (1, "unknown")


@pytest.mark.parametrize(
    ("login", "times"),
    [(status(503), 2), (LOST, 2), (status(200, body=b"junk"), 2), (status(401), 1), (status(302), 1)],
    ids=repr,
)
def test_a_login_that_fails_keeps_the_doubt_of_the_attempt_before(login, times):
    table = Table(Vendor(logs_in=True), max_attempts=2)
    played = table.play(flow(create()), LOST, status(401), login=[token(), *[login] * times])
    assert (len(played.sent), played.failure.outcome) == (2, "unknown")


@pytest.mark.parametrize("login", [status(503), LOST, status(200, body=b"junk")], ids=repr)
def test_a_login_that_fails_is_not_begun_anew_for_each_attempt(login):
    played = Table(Vendor(logs_in=True), max_attempts=3).play(flow(create()), login=[login] * 3)
    assert (played.sent, played.failure.outcome) == ([], "not_applied")


def test_the_operation_after_a_failed_login_tries_again():
    table = Table(Vendor(logs_in=True), max_attempts=1)
    assert table.play(flow(READ), login=[status(503)]).failure.outcome == "not_applied"
    assert table.play(flow(READ), OK, login=[token()]).result == "done"


def test_a_login_is_kept_until_shortly_before_its_end():
    table = Table(Vendor(logs_in=True))
    table.play(flow(READ), OK, login=[token(life=3600)])
    table.clock.seconds = 3539
    assert table.play(flow(READ), OK).locks == 0
    table.clock.seconds = 3541
    assert table.play(flow(READ), OK, login=[token("tok-2-abcdef")]).locks == 1


def test_the_life_of_a_login_counts_from_the_moment_it_was_asked_for():
    table = Table(Vendor(logs_in=True))
    table.play(flow(READ), OK, login=[After(50, token(life=100))])
    table.clock.seconds = 91
    assert table.play(flow(READ), OK, login=[token()]).locks == 1
