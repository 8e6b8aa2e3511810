"""Real sockets, real trouble: what is said of a create when the network or the server fails."""

from __future__ import annotations

import gzip
import itertools

import pytest

from tests.unit.transport.raw_server import Connection, raw_server, refused_port
from tests.unit.transport.vendor import READ, create, flow
from tests.unit.transport.wire import DRIVERS, engine_for, run, run_one
from walletport.errors import ConnectFailed, ConnectionLost, MalformedResponse, RequestTimedOut

BOTH = pytest.mark.parametrize("kind", DRIVERS)
CREATE = flow(create())
KEYLESS = flow(create(key=None))


def closes_at_once(connection: Connection) -> None:
    connection.sock.recv(1)
    connection.reset()


def closes_after_the_request(connection: Connection) -> None:
    connection.read_request()


def resets_after_the_request(connection: Connection) -> None:
    connection.read_request()
    connection.reset()


def closes_within_the_headers(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: appli")


def closes_after_the_headers(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")


def closes_within_the_body(connection: Connection) -> None:
    connection.read_request()
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id": "w1"}')


def cuts_the_chunks(connection: Connection) -> None:
    connection.read_request()
    connection.send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n{"id": "w1"}\r\n')


def cuts_within_a_chunk(connection: Connection) -> None:
    connection.read_request()
    connection.send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"id": "w1"}')


def speaks_something_else(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"220 mail.example ESMTP ready\r\n\r\n")


def names_a_length_that_is_none(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}")


@BOTH
@pytest.mark.parametrize(
    "handler",
    [
        closes_after_the_request,
        resets_after_the_request,
        closes_within_the_headers,
        closes_after_the_headers,
        closes_within_the_body,
        cuts_the_chunks,
        cuts_within_a_chunk,
        speaks_something_else,
        names_a_length_that_is_none,
    ],
    ids=lambda handler: handler.__name__,
)
def test_a_create_that_reached_the_server_is_in_doubt_and_was_sent_once(kind, handler):
    with raw_server(handler) as server:
        failure = run_one(kind, engine_for(server.url, max_attempts=4), KEYLESS).failure
    assert type(failure) is ConnectionLost
    assert failure.outcome == "unknown"
    assert len(server.requests) == 1


@BOTH
def test_a_server_that_hangs_up_while_the_request_arrives_leaves_doubt(kind):
    with raw_server(closes_at_once) as server:
        failure = run_one(kind, engine_for(server.url, max_attempts=4), KEYLESS).failure
    assert (type(failure), failure.outcome, server.connections) == (ConnectionLost, "unknown", 1)


@BOTH
def test_under_a_key_the_create_is_sent_again_over_a_new_connection(kind):
    def handler(connection: Connection) -> None:
        connection.read_request()
        if connection.number == 2:
            connection.answer()

    with raw_server(handler) as server:
        ended = run_one(kind, engine_for(server.url, max_attempts=2), CREATE)
    assert ended.result == "done"
    assert [server.headers(n)["idempotency-key"] for n in (0, 1)] == ["key-1", "key-1"]
    bodies = {request.partition(b"\r\n\r\n")[2] for request in server.requests}
    assert bodies == {b'{"chain":"polygon"}'}


@BOTH
def test_a_refused_port_was_never_reached(kind):
    failure = run_one(kind, engine_for(f"http://127.0.0.1:{refused_port()}"), CREATE).failure
    assert (type(failure), failure.outcome) == (ConnectFailed, "not_applied")


@BOTH
def test_a_name_that_does_not_exist_was_never_reached(kind):
    failure = run_one(kind, engine_for("https://api.vendor.invalid"), CREATE).failure
    assert (type(failure), failure.outcome) == (ConnectFailed, "not_applied")


@BOTH
def test_a_server_that_answers_too_late_leaves_doubt(kind):
    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.server.stop.wait(0.8)
        connection.answer()

    with raw_server(handler) as server:
        failure = run_one(kind, engine_for(server.url, timeout=0.3), CREATE).failure
    assert (type(failure), failure.outcome, len(server.requests)) == (RequestTimedOut, "unknown", 1)


@BOTH
def test_an_answer_that_drips_in_is_cut_off(kind):
    """Every single read is quick enough; only the whole is not."""

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{}")
        for _ in range(10):
            connection.server.stop.wait(0.1)
            connection.send(b" ")

    with raw_server(handler) as server:
        failure = run_one(kind, engine_for(server.url, timeout=0.5), CREATE).failure
    assert (type(failure), failure.outcome) == (RequestTimedOut, "unknown")


@pytest.mark.parametrize("kind", [kind for kind in DRIVERS if kind != "sync, httpx's own"])
def test_headers_that_drip_in_are_cut_off(kind):
    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not connection.server.stop.wait(0.05):
            connection.send(b"x")

    with raw_server(handler) as server:
        failure = run_one(kind, engine_for(server.url, timeout=0.3), CREATE).failure
    assert (type(failure), failure.outcome) == (RequestTimedOut, "unknown")


@BOTH
def test_a_kept_connection_that_the_server_closed_meanwhile_does_not_make_the_create_travel_twice(kind):
    """The second create meets a connection on which the server reads it and then hangs up: nobody may resend it."""

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.answer()
        connection.read_request()  # read, perhaps carried out, never answered

    with raw_server(handler) as server:
        first, second = run(kind, engine_for(server.url, max_attempts=3), KEYLESS, KEYLESS)
    assert first.result == "done"
    assert (type(second.failure), second.failure.outcome) == (ConnectionLost, "unknown")
    assert (len(server.requests), server.connections) == (2, 1)


@pytest.mark.parametrize("kind", [kind for kind in DRIVERS if kind != "async, httpx-aiohttp"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_not_even_a_method_that_http_calls_idempotent_is_sent_twice_behind_our_back(kind, method):
    """aiohttp would do that, and does it over httpx-aiohttp, which an application may bring.

    A repeat that the engine does not know of carries the nonce of the first.
    """
    request = create(key=None)
    request = type(request)(method, request.path, json=request.json, effect=request.effect)

    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.answer()
        connection.read_request()

    with raw_server(handler) as server:
        _, second = run(kind, engine_for(server.url, max_attempts=3), flow(request), flow(request))
    assert second.failure.outcome == "unknown"
    assert len(server.requests) == 2


@BOTH
def test_a_kept_connection_that_was_closed_in_good_time_is_simply_replaced(kind):
    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.answer(b"{}", "Connection: close")

    with raw_server(handler) as server:
        ended = run(kind, engine_for(server.url), KEYLESS, KEYLESS, KEYLESS)
    assert [one.result for one in ended] == ["done"] * 3
    assert server.connections == 3


@BOTH
def test_a_good_connection_is_kept(kind):
    def handler(connection: Connection) -> None:
        while connection.read_request():
            connection.answer()

    with raw_server(handler) as server:
        ended = run(kind, engine_for(server.url), *[KEYLESS] * 4)
    assert [one.result for one in ended] == ["done"] * 4
    assert server.connections == 1


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("surplus", ["an answer", "junk"])
def test_what_a_server_sends_beyond_its_answer_is_never_the_answer_to_the_next_request(kind, surplus):
    """It could be the wallet of another customer."""

    def start():
        return (yield READ).json()

    extra = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 9}' if surplus == "an answer" else b"\r\njunk"

    def handler(connection: Connection) -> None:
        while connection.read_request():
            mine = f'{{"a": {len(connection.server.requests)}}}'.encode()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(mine) + mine + extra)

    with raw_server(handler) as server:
        ended = run(kind, engine_for(server.url), start, start, start)
    for number, one in enumerate(ended, 1):
        if surplus == "junk" and kind == "async":  # aiohttp trusts nothing of it
            assert type(one.failure) is ConnectionLost
        else:
            assert one.result == {"a": number}


@BOTH
def test_after_a_broken_answer_the_next_operation_works(kind):
    turn = itertools.count()

    def handler(connection: Connection) -> None:
        while connection.read_request():
            if next(turn) == 0:
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
                return
            connection.answer()

    with raw_server(handler) as server:
        first, second = run(kind, engine_for(server.url), KEYLESS, KEYLESS)
    assert first.failure.outcome == "unknown"
    assert second.result == "done"


# ------------------------------------------------------------------------------------------------- hostile answers


def answers(*parts: bytes):
    def handler(connection: Connection) -> None:
        while connection.read_request():
            connection.send(*parts)

    return handler


BIG = 200_000


@BOTH
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (BIG + 1) + b" " * (BIG + 1),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b" " * 65536 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b" " * (BIG + 1),
    ],
    ids=["announced", "in chunks", "until it closes"],
)
def test_an_answer_larger_than_the_limit_is_refused(kind, answer):
    def handler(connection: Connection) -> None:
        connection.read_request()
        connection.send(answer)
        while b"chunked" in answer and not connection.server.stop.is_set():
            connection.send(b"10000\r\n" + b" " * 65536 + b"\r\n")

    with raw_server(handler) as server:
        failure = run_one(kind, engine_for(server.url, max_attempts=3), CREATE, max_body=BIG).failure
    assert (type(failure), failure.outcome) == (MalformedResponse, "unknown")
    assert len(server.requests) == 1


@BOTH
def test_an_answer_of_exactly_the_limit_is_read(kind):
    body = b"{}" + b" " * (BIG - 2)
    with raw_server(answers(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG + body)) as server:
        assert run_one(kind, engine_for(server.url), CREATE, max_body=BIG).result == "done"


def gzipped(packed: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


@BOTH
def test_a_gzipped_answer_is_unpacked(kind):
    with raw_server(answers(gzipped(gzip.compress(b'{"a": 1}')))) as server:
        assert run_one(kind, engine_for(server.url), CREATE).result == "done"
    assert server.headers(0)["accept-encoding"] == "gzip"


@BOTH
@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"{}")[:-3], b"not gzip", gzip.compress(b"{}" + b" " * BIG), gzip.compress(b"{}") + b"more"],
    ids=["cut short", "something else", "a bomb", "with a tail"],
)
def test_a_gzipped_answer_that_is_not_right_is_refused(kind, packed):
    with raw_server(answers(gzipped(packed))) as server:
        failure = run_one(kind, engine_for(server.url), CREATE, max_body=BIG).failure
    assert (type(failure), failure.outcome) == (MalformedResponse, "unknown")


@BOTH
@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "exotic"])
def test_an_encoding_that_was_not_asked_for_is_refused(kind, encoding):
    answer = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 2\r\n\r\n".encode() + b"{}"
    with raw_server(answers(answer)) as server:
        failure = run_one(kind, engine_for(server.url), CREATE).failure
    assert (type(failure), failure.outcome) == (MalformedResponse, "unknown")


@BOTH
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_its_target_is_nowhere_told(kind, code):
    def handler(connection: Connection) -> None:
        while connection.read_request():
            where = f"Location: http://127.0.0.1:{connection.server.port}/v1/trap?token=hush"
            connection.answer(b"", where, status=code)

    with raw_server(handler) as server:
        failure = run_one(kind, engine_for(server.url, max_attempts=3), CREATE).failure
    assert (type(failure), failure.outcome, failure.status_code) == (MalformedResponse, "unknown", code)
    assert len(server.requests) == 1
    assert "trap" not in str(failure.__dict__)
    assert "hush" not in repr(failure) + str(failure)


@BOTH
def test_a_cookie_is_never_sent_back(kind):
    def handler(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(b"{}", "Set-Cookie: session=abc; Path=/", "Set-Cookie: other=def")

    with raw_server(handler) as server:
        run(kind, engine_for(server.url), CREATE, CREATE)
    assert len(server.requests) == 2
    if kind != "async, httpx-aiohttp":  # whose own session keeps a jar
        assert "cookie" not in server.headers(1)
