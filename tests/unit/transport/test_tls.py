"""A server that cannot prove who it is never sees the request."""

from __future__ import annotations

import asyncio
import ssl

import httpx
import pytest

from tests.unit.transport.certificates import self_signed
from tests.unit.transport.raw_server import Connection, raw_server
from tests.unit.transport.vendor import create, flow
from tests.unit.transport.wire import DRIVERS, engine_for, run_one
from walletport.errors import ConnectFailed
from walletport.transport.drivers import AsyncDriver, SyncDriver
from walletport.transport.limits import Limits

CREATE = flow(create())


@pytest.fixture
def paper(tmp_path):
    return self_signed(tmp_path)


@pytest.fixture
def tls(paper):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*paper)
    return context


def answers(connection: Connection) -> None:
    while connection.read_request():
        connection.answer()


@pytest.mark.parametrize("kind", DRIVERS)
def test_an_untrusted_certificate_is_refused_before_anything_is_sent(kind, tls):
    with raw_server(answers, tls) as server:
        url = server.url.replace("http:", "https:")
        failure = run_one(kind, engine_for(url, max_attempts=2), CREATE).failure
    assert (type(failure), failure.outcome) == (ConnectFailed, "not_applied")
    assert server.connections == 2
    assert server.requests == []


def test_the_same_certificate_is_good_enough_for_an_application_that_trusts_it(paper, tls):
    trust = ssl.create_default_context(cafile=str(paper[0]))
    with raw_server(answers, tls) as server:
        engine = engine_for(server.url.replace("http:", "https:"))
        with SyncDriver(httpx.HTTPTransport(verify=trust), Limits.max_body) as driver:
            assert driver.drive(engine.run("create_wallet", CREATE)) == "done"

        async def scenario() -> object:
            driver = AsyncDriver(httpx.AsyncHTTPTransport(verify=trust), Limits.max_body)
            try:
                return await driver.drive(engine.run("create_wallet", CREATE))
            finally:
                await driver.close()

        assert asyncio.run(scenario()) == "done"
    assert len(server.requests) == 2


@pytest.mark.parametrize("kind", DRIVERS)
def test_a_server_that_speaks_no_tls_is_never_told_anything(kind):
    def plain(connection: Connection) -> None:
        connection.server.requests.append(connection.sock.recv(65536))
        connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with raw_server(plain) as server:
        failure = run_one(kind, engine_for(server.url.replace("http:", "https:")), CREATE).failure
    assert (type(failure), failure.outcome) == (ConnectFailed, "not_applied")
    assert b"polygon" not in b"".join(server.requests)
    assert b"Bearer" not in b"".join(server.requests)
