"""No credential ever gets into an error or a log, not even where the vendor echoes it."""

from __future__ import annotations

import copy
import logging
import pickle
import threading
import traceback
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from tests.unit.transport.hand import Table, status, token
from tests.unit.transport.raw_server import Connection, raw_server
from tests.unit.transport.vendor import API_KEY, API_SECRET, READ, Vendor, VendorSettings, create, flow
from tests.unit.transport.wire import DRIVERS, engine_for, run, run_one
from walletport.errors import (
    AlreadyExists,
    ApprovalPending,
    CustomerNotEligible,
    MalformedResponse,
    NotFound,
    OutcomeUnknown,
    ProviderError,
    WalletportError,
)
from walletport.provider import Credential, Flow, OutgoingRequest, ProviderSettings, Request, Response
from walletport.transport.redaction import Redactor

TOKEN = "tok-9-secretsecret"
SECRETS = (API_KEY, API_SECRET, TOKEN)


def walk(thing: object, seen: set[int] | None = None) -> Iterator[str]:
    """Yield every text that can be reached from an exception without looking into its traceback's frames."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, type):
        return
    seen.add(id(thing))
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, bytes | bytearray):
        yield bytes(thing).decode("latin-1")
    else:
        for part in parts(thing):
            yield from walk(part, seen)


def parts(thing: object) -> list[object]:
    """Return what hangs on an object."""
    if isinstance(thing, dict):
        return [*thing.keys(), *thing.values()]
    if isinstance(thing, list | tuple | set | frozenset):
        return list(thing)
    if isinstance(thing, BaseException):
        names = {*dir(thing), *vars(thing)} - {"__traceback__"}
        found = [getattr(thing, name, None) for name in names]
        return [str(thing), repr(thing), *(value for value in found if not callable(value))]
    return list(vars(thing).values()) if hasattr(thing, "__dict__") else []


def assert_clean(error: BaseException) -> None:
    texts = [*walk(error), pickle.dumps(error).decode("latin-1"), repr(copy.copy(error))]
    for secret in SECRETS:
        assert not [text for text in texts if secret in text]


def test_the_walk_finds_a_secret_wherever_it_hides():
    inner = ValueError({"deep": [API_KEY]})
    outer = NotFound("x")
    outer.__cause__ = inner
    for error in (outer, inner, NotFound("x", request_id=API_KEY), NotFound(API_KEY)):
        with pytest.raises(AssertionError):
            assert_clean(error)


ECHO = API_KEY.encode()


def echoing(code: int, secret: str = API_KEY) -> Response:
    return Response(
        code,
        {"x-request-id": secret, "x-echo": secret, "authorization": f"Bearer {secret}"},
        b'{"code": "%s", "message": "bad key %s"}' % (secret.encode(), secret.encode()),
    )


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 422, 429, 500, 302, 101])
def test_an_error_of_a_vendor_that_echoes_the_key_is_clean(code):
    failure = Table(max_attempts=1).play(flow(create()), echoing(code)).failure
    assert_clean(failure)
    if code == 400:
        assert (failure.provider_code, failure.request_id) == ("[redacted]", "[redacted]")


@pytest.mark.parametrize("secret", [API_SECRET, TOKEN])
def test_every_secret_counts_the_token_that_was_obtained_as_well(secret):
    played = Table(Vendor(logs_in=True)).play(flow(create()), echoing(400, secret), login=[token(TOKEN)])
    assert_clean(played.failure)


def test_a_secret_within_a_longer_word_is_cut_out():
    answer = Response(400, {"x-request-id": f"req-{API_KEY}-7"}, b"{}")
    assert Table().play(flow(create()), answer).failure.request_id == "req-[redacted]-7"


@pytest.mark.parametrize(
    "body",
    [
        ECHO,
        b'{"key": "' + ECHO,
        b'{"a": NaN, "b": "' + ECHO + b'"}',
        b'{"%s": 1, "%s": 2}' % (ECHO, ECHO),
        b"\xff" + ECHO,
    ],
    ids=["not json", "cut", "nan", "twice", "not utf-8"],
)
@pytest.mark.parametrize("operation", [create(), READ], ids=["create", "read"])
def test_an_answer_that_is_no_json_takes_its_body_with_it(operation, body):
    """The decoder's own exception holds the whole text; nothing of it may hang on ours."""
    failure = Table(max_attempts=1).play(flow(operation), Response(200, {}, body)).failure
    assert type(failure) is MalformedResponse
    assert_clean(failure)


def test_a_login_answer_that_cannot_be_read_takes_the_token_with_it():
    body = b'{"token": "%s", "life": ' % TOKEN.encode()
    played = Table(Vendor(logs_in=True), max_attempts=1).play(flow(create()), login=[Response(200, {}, body)])
    assert_clean(played.failure)


def test_what_an_adapter_raises_over_an_answer_is_clean():
    def start() -> Flow[object]:
        response = yield READ
        raise KeyError(response.body)

    assert_clean(Table().play(start, Response(200, {}, b'"%s"' % ECHO)).failure)


def test_what_an_adapter_raises_over_a_credential_is_clean():
    class Breaks(Vendor):
        def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
            raise UnicodeEncodeError("ascii", credential.token.get_secret_value(), 0, 1, "x")

    assert_clean(Table(Breaks()).play(flow(create())).failure)


def test_errors_of_ours_stay_in_the_chain_and_are_cleaned_there():
    class Tells(Vendor):
        def classify(self, request: Request, response: Response) -> WalletportError | None:
            return None if response.ok else AlreadyExists("it exists", provider_code=API_KEY)

    def start() -> Flow[object]:
        try:
            yield create()
        except AlreadyExists as error:
            try:
                int(API_KEY)
            except ValueError:
                msg = "nobody can say"
                raise OutcomeUnknown(msg) from error

    failure = Table(Tells()).play(start, status(409)).failure
    assert_clean(failure)
    assert type(failure.__cause__) is AlreadyExists
    assert failure.__cause__.provider_code == "[redacted]"


def test_what_is_not_ours_is_cut_off_the_chain_even_where_the_flow_names_it_as_the_cause():
    def start() -> Flow[object]:
        response = yield READ
        try:
            int(response.body)
        except ValueError as error:
            msg = "nobody can say"
            raise OutcomeUnknown(msg) from error

    failure = Table().play(start, Response(200, {}, b'"%s"' % ECHO)).failure
    assert_clean(failure)
    assert (failure.__cause__, failure.__context__) == (None, None)


def test_a_chain_that_bites_its_tail_is_cleaned_all_the_same():
    first, second = NotFound("a", request_id=API_KEY), NotFound("b", request_id=API_KEY)
    first.__cause__, second.__context__ = second, first
    Redactor(VendorSettings()).clean(first)
    assert_clean(first)
    assert_clean(second)


@pytest.mark.parametrize(
    "error",
    [
        CustomerNotEligible("x", missing=("kyc", API_KEY), link=f"https://x.example/?k={API_KEY}"),
        ApprovalPending("x", approval_id=API_KEY, approval_url=f"https://x.example/{API_KEY}"),
        ProviderError(f"the key {API_KEY} is bad", provider_code=API_KEY, request_id=API_KEY),
    ],
    ids=repr,
)
def test_every_field_of_every_kind_is_cleaned(error):
    Redactor(VendorSettings()).clean(error)
    assert_clean(error)


class OddSettings(ProviderSettings):
    plain: str = "visible"
    several: tuple[SecretStr, ...] = (SecretStr("first-hook"), SecretStr("second-hook"))
    named: dict[str, SecretStr] = {"a": SecretStr("named-hook")}  # noqa: RUF012 - pydantic copies defaults
    short: SecretStr = SecretStr("abc")
    word: SecretStr = SecretStr("unknown")
    longer: SecretStr = SecretStr("unknown-longer")
    absent: SecretStr | None = None


def test_secrets_in_lists_and_mappings_count_too():
    error = NotFound("first-hook second-hook named-hook visible abc")
    Redactor(OddSettings()).clean(error)
    assert error.message == "[redacted] [redacted] [redacted] visible abc"


def test_a_secret_that_is_an_ordinary_word_never_changes_what_is_known_of_the_order():
    error = ProviderError("x", outcome="unknown", provider="unknown", operation="unknown", provider_code="unknown")
    Redactor(OddSettings()).clean(error)
    assert (error.outcome, error.provider, error.operation) == ("unknown", "unknown", "unknown")
    assert error.provider_code == "[redacted]"


def test_a_secret_that_contains_another_leaves_nothing_of_itself():
    error = NotFound("unknown-longer")
    Redactor(OddSettings()).clean(error)
    assert error.message == "[redacted]"


def test_tokens_of_long_ago_are_forgotten_and_settings_never():
    redactor = Redactor(VendorSettings())
    for number in range(1000):
        redactor.learn(SecretStr(f"token-{number:04}"))
    error = NotFound(f"token-0000 token-0999 {API_KEY}")
    redactor.clean(error)
    assert error.message == "token-0000 [redacted] [redacted]"


def test_a_token_learned_in_another_thread_disturbs_no_cleaning():
    redactor = Redactor(VendorSettings())
    stop = threading.Event()

    def learn() -> None:
        number = 0
        while not stop.is_set():
            redactor.learn(SecretStr(f"token-{number}"))
            number += 1

    thread = threading.Thread(target=learn)
    thread.start()
    try:
        for _ in range(3000):
            redactor.clean(NotFound("x" * 50))
    finally:
        stop.set()
        thread.join()


class BadToken(Vendor):
    """Trips over its own login's answer, and its own headers."""

    def __init__(self, *, signs: bool) -> None:
        super().__init__(logs_in=True)
        self.signs = signs

    def authenticate(self) -> Flow[Credential]:
        credential = yield from super().authenticate()
        return credential if self.signs else self.unwrap(credential)

    def unwrap(self, credential: Credential) -> Credential:
        token = credential.token.get_secret_value()
        msg = f"the token has {len(token)} characters"
        raise MalformedResponse(msg)

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        return request.with_headers({"Authorization": f"Bearer {credential.token.get_secret_value()}\n"})


@pytest.mark.parametrize("signs", [True, False])
def test_not_even_the_frames_of_the_traceback_hold_a_credential(signs):
    """Error trackers show the variables of every frame."""
    failure = Table(BadToken(signs=signs)).play(flow(create()), login=[token(TOKEN)]).failure
    assert_clean_frames(failure)


def test_the_frames_of_an_answer_that_is_no_json_hold_no_body():
    assert_clean_frames(Table(max_attempts=1).play(flow(READ), Response(200, {}, ECHO)).failure)


def assert_clean_frames(error: BaseException) -> None:
    shown = [
        repr(frame.f_locals)
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if frame.f_code is not Table.play.__code__ and "test_redaction" not in frame.f_code.co_filename
    ]
    names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert shown
    assert "unwrap" not in names
    for secret in SECRETS:
        assert not [text for text in shown if secret in text]


# ------------------------------------------------------------------------------------------------------------ logs


def echoes_everywhere(connection: Connection) -> None:
    while request := connection.read_request():
        secret = request.split(b"Bearer ")[1].split(b"\r\n")[0].decode()
        connection.answer(
            f'{{"code": "{secret}"}}'.encode(), f"X-Request-Id: {secret}", f"Set-Cookie: k={secret}", status=400
        )


@pytest.fixture
def everything(caplog):
    for name in ("walletport", "httpx", "httpcore", "aiohttp", "asyncio", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.mark.parametrize("kind", DRIVERS)
def test_no_log_at_any_level_holds_a_secret_that_the_vendor_echoes(kind, everything):
    def breaks(connection: Connection) -> None:
        request = connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n" + request.split(b"Bearer ")[1][:30] + b"\r\n\r\n")

    for handler in (echoes_everywhere, breaks):
        with raw_server(handler) as server:
            failure = run_one(kind, engine_for(server.url), flow(create())).failure
        assert_clean(failure)
    told = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in everything.records)
    assert "vendor: attempt 1 ended in" in told
    assert not [secret for secret in SECRETS if secret in told]


def test_httpcore_still_says_what_it_does(everything):
    """And says all of it for the application's own requests."""
    with raw_server(echoes_everywhere) as server:
        run("sync", engine_for(server.url), flow(create()))
        told = [record.getMessage() for record in everything.records]
        assert "receive_response_headers.complete" in told
        everything.clear()
        import httpx  # noqa: PLC0415 - the application's, not ours

        httpx.get(server.url, headers={"Authorization": "Bearer mine"})
    assert any("mine" in record.getMessage() for record in everything.records)
