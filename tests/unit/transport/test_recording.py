"""What travelled is kept as evidence, with nothing in it that must not be shown."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from tests.support.toy import Toy
from tests.unit.transport.raw_server import Connection, raw_server
from walletport.errors import ConnectionLost
from walletport.provider import OutgoingRequest
from walletport.provider.messages import Method
from walletport.settings import read_settings
from walletport.transport.account import engine_for
from walletport.transport.effects import Program, Send
from walletport.transport.engine import SystemClock
from walletport.transport.limits import Limits
from walletport.transport.recording import Exchange, RecordingDriver

KEY = 'toy_key_"odd" \\ key/00'  # with what JSON and URLs write differently
PASSWORD = "hunter2-hunter2"
BODY = {
    "id": "wallet-1",
    "address": "0xabc",
    "echo": f"you sent {KEY}",
    KEY: 1,
    "accessToken": PASSWORD,
    "nested": [{"client_secret": PASSWORD, "email": "ada@example.com", "lastName": "Example", "status": "active"}],
}


def sending(request: OutgoingRequest, *, signed: bool) -> Program[object]:
    return (yield Send(request, timeout=5, signed=signed))


async def driven(url: str, *, signed: bool = True, method: Method = "POST", lose: bool = False) -> RecordingDriver:
    """Send one request with a secret in every place, and return the driver that kept it."""
    settings = read_settings(Toy, {"key": KEY})
    driver = RecordingDriver(engine_for(Toy, settings, None, url, Limits(), SystemClock()), lambda: None)
    headers = {"Authorization": f"Bearer {PASSWORD}", "X-Api-Key": PASSWORD, "Idempotency-Key": "k-1"}
    sent = json.dumps({"password": PASSWORD, "chain": "polygon", "note": KEY}).encode()
    target = f"{url}/customers/c%2F1?key={quote(KEY, safe='')}"
    request = OutgoingRequest(method, target, headers, sent, datetime.now(UTC), "nonce")
    if lose:
        driver.lose_next()
    try:
        await driver.drive(sending(request, signed=signed))
    except ConnectionLost:
        assert lose
    finally:
        await driver.close()
    return driver


def kept(body: bytes, *headers: str, signed: bool = True, status: int = 200) -> Exchange:
    def serve(connection: Connection) -> None:
        connection.read_request()
        connection.answer(body, *headers, status=status)

    with raw_server(serve) as server:
        (one,) = asyncio.run(driven(server.url, signed=signed)).exchanges
    return one


def test_no_secret_and_no_person_is_kept_and_everything_else_is() -> None:
    """In path, headers and bodies, on the way out and on the way back, whatever the spelling."""
    one = kept(json.dumps(BODY).encode(), f"X-Echo: {PASSWORD}", "Set-Cookie: session=1", "X-Request-Id: r-1")
    whole = repr(one)
    for hidden in (PASSWORD, "toy_key", quote(KEY, safe=""), "ada@example.com", "Example", "session=1"):
        assert hidden not in whole
    assert one.headers == {"x-request-id": "r-1"}
    assert one.sent_headers == {"idempotency-key": "k-1"}
    assert json.loads(one.sent) == {"password": "[redacted]", "chain": "polygon", "note": "[redacted]"}
    body = json.loads(one.body)
    assert (body["id"], body["address"], body["nested"][0]["status"]) == ("wallet-1", "0xabc", "active")
    assert body["accessToken"] == "[redacted]"


def test_an_id_stays_in_the_path_as_it_travelled() -> None:
    """Only where a secret hides in the encoding the path is shown decoded."""

    def serve(connection: Connection) -> None:
        connection.read_request()
        connection.answer()

    with raw_server(serve) as server:
        (one,) = asyncio.run(driven(server.url)).exchanges
    assert one.path == "/v1/customers/c/1?key=[redacted]"


def test_what_may_be_a_login_is_kept_without_its_bodies() -> None:
    """Under whatever name a vendor gives a token; a refused login says why, and that stays."""
    one = kept(b'{"thing": "fresh-token-fresh-token"}', signed=False)
    assert "fresh-token" not in repr(one)
    assert "polygon" not in one.sent
    refused = kept(b'{"error": "bad_key"}', signed=False, status=401)
    assert "bad_key" in refused.body


@pytest.mark.parametrize(
    ("body", "longest"),
    [
        pytest.param(json.dumps({"a": ["x" * 100] * 500}).encode(), 2100, id="many-texts"),
        pytest.param(json.dumps({"a": "x" * 100_000}).encode(), 100, id="one-text"),
        pytest.param(b"<html>" + b"x" * 10_000, 400, id="html"),
        pytest.param(b"\xff\xfe\x00" * 1000, 400, id="bytes"),
    ],
)
def test_what_is_kept_of_an_answer_is_short(body: bytes, longest: int) -> None:
    """A report stays a report."""
    assert len(kept(body).body) <= longest


def test_headers_about_limits_are_noted_and_429s_counted() -> None:
    """By name; what else a vendor calls its headers is not shown."""

    def serve(connection: Connection) -> None:
        connection.read_request()
        headers = ("X-RateLimit-Remaining: 0", "RateLimit-Policy: 10;w=1", "Retry-After: 3", "X-Secret: 1")
        connection.answer(b"{}", *headers, status=429)

    with raw_server(serve) as server:
        driver = asyncio.run(driven(server.url))
    assert driver.limit_headers == {"x-ratelimit-remaining": "0", "ratelimit-policy": "10;w=1"}
    assert list(driver.retry_after) == ["3"]
    assert driver.too_many == 1


def test_an_answer_can_be_lost_after_the_work_was_done() -> None:
    """The request arrives and is answered; the program sees a broken connection; a read is never hit."""

    def serve(connection: Connection) -> None:
        connection.read_request()
        connection.answer(b'{"id": "wallet-1"}')

    with raw_server(serve) as server:
        (one,) = asyncio.run(driven(server.url, lose=True)).exchanges
        assert one.thrown_away
        assert one.status == 200
        assert "wallet-1" in one.body
        (read,) = asyncio.run(driven(server.url, method="GET", lose=True)).exchanges
        assert not read.thrown_away
        assert len(server.requests) == 2


def test_a_request_that_is_not_allowed_is_not_sent() -> None:
    """What `allow` raises comes out before a byte leaves."""

    def serve(connection: Connection) -> None:
        connection.read_request()

    class Stop(BaseException):
        pass

    def stop() -> None:
        raise Stop

    async def scenario(url: str) -> None:
        engine = engine_for(Toy, read_settings(Toy, {"key": KEY}), None, url, Limits(), SystemClock())
        driver = RecordingDriver(engine, stop)
        request = OutgoingRequest("GET", url, {}, b"", datetime.now(UTC), "nonce")
        with pytest.raises(Stop):
            await driver.drive(sending(request, signed=True))
        await driver.close()

    with raw_server(serve) as server:
        asyncio.run(scenario(server.url))
        assert server.connections == 0
