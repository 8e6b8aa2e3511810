"""The sandbox as a program and a person meet it: addresses, clock, pages, start and stop."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar

import httpx
import pytest

from tests.support.toy import CUSTOMER, KEY, Toy, ToyEmulator
from walletport.errors import ConfigurationError
from walletport.models import WalletStatus
from walletport.provider import Response
from walletport.provider.emulation import Emulator, IncomingRequest
from walletport.sandbox import Sandbox, SeenRequest


class EchoEmulator(ToyEmulator):
    """Keeps what it is asked and answers with what it is told to."""

    mount: ClassVar[str] = "/echo"

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.asked: list[IncomingRequest] = []
        self.answer: Response | Exception = Response(200, {"content-type": "text/plain"}, b"well")

    def handle(self, request: IncomingRequest) -> Response:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Echo(Toy):
    name = "echo"

    @classmethod
    def emulator(cls) -> type[Emulator]:
        return EchoEmulator


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([Toy, Echo]) as running:
        yield running


@pytest.fixture
def echo(sandbox: Sandbox) -> EchoEmulator:
    emulator = sandbox.emulators["echo"]
    assert isinstance(emulator, EchoEmulator)
    return emulator


def call(method: str, url: str, **options: object) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.request(method, url, **options)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------ what an emulator is given


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("", ()),
        ("/", ()),
        ("/a/b", ("a", "b")),
        ("/a%2Fb/c", ("a/b", "c")),
        ("/x%2F..%2F..%2Fetc/c", ("x/../../etc", "c")),
        ("/%2e%2e/c", ("..", "c")),
        ("/caf%C3%A9%20%3F%23", ("café ?#",)),
        ("/a//b/", ("a", "", "b", "")),
    ],
)
def test_a_path_is_split_before_it_is_decoded(
    sandbox: Sandbox, echo: EchoEmulator, path: str, segments: tuple[str, ...]
):
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(f"GET /echo{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert raw.recv(20).startswith(b"HTTP/1.1 200")
    assert echo.asked[0].path == segments


def test_an_emulator_sees_query_headers_and_body_as_they_were_sent(sandbox: Sandbox, echo: EchoEmulator):
    call(
        "PATCH",
        f"{sandbox.url}/echo/a?x=1&x=2&empty=&y=%C3%A9+b",
        headers=[("X-One", "a"), ("X-One", "b")],
        content=b"\x00\xff",
    )
    asked = echo.asked[0]
    assert (asked.method, asked.query, asked.body) == ("PATCH", {"x": "2", "empty": "", "y": "é b"}, b"\x00\xff")
    assert asked.headers["x-one"] == "a, b"


def test_an_answer_travels_as_the_emulator_gave_it(sandbox: Sandbox, echo: EchoEmulator):
    echo.answer = Response(418, {"content-type": "application/x-tea", "x-rate-left": "7"}, b"\x00\xff")
    answer = call("GET", f"{sandbox.url}/echo")
    assert (answer.status_code, answer.content) == (418, b"\x00\xff")
    assert answer.headers["content-type"] == "application/x-tea"
    assert answer.headers["x-rate-left"] == "7"
    assert "server" not in answer.headers


def test_an_answer_without_a_body_promises_none(sandbox: Sandbox, echo: EchoEmulator):
    echo.answer = Response(204)
    answer = call("DELETE", f"{sandbox.url}/echo/1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers


def test_answers_are_dated_by_the_moved_clock(sandbox: Sandbox):
    sandbox.clock.advance(timedelta(days=400).total_seconds())
    year = sandbox.clock().strftime("%Y")
    assert year in call("GET", f"{sandbox.url}/echo").headers["date"]


def test_an_emulator_that_fails_answers_500_and_says_so_in_the_log(
    sandbox: Sandbox, echo: EchoEmulator, caplog: pytest.LogCaptureFixture
):
    echo.answer = ZeroDivisionError("one by nought")
    answer = call("GET", f"{sandbox.url}/echo")
    assert (answer.status_code, "nought" in answer.text) == (500, False)
    assert [record.getMessage() for record in caplog.records] == ["the emulator of echo failed"]
    echo.answer = Response(200)
    assert call("GET", f"{sandbox.url}/echo").status_code == 200


def test_a_mount_is_matched_by_whole_segments(sandbox: Sandbox, echo: EchoEmulator):
    answer = call("GET", f"{sandbox.url}/echoes")
    assert (answer.status_code, answer.json()) == (404, {"error": "nothing is here: GET / says what is where"})
    assert echo.asked == []


def test_an_emulator_answers_one_request_at_a_time(sandbox: Sandbox):
    with sandbox.lock, pytest.raises(httpx.ReadTimeout):
        call("GET", f"{sandbox.url}/echo", timeout=0.2)
    assert call("GET", f"{sandbox.url}/echo").status_code == 200


def test_many_callers_at_once_are_all_answered(sandbox: Sandbox):
    with sandbox.client("toy") as toy:
        threads = [
            threading.Thread(target=lambda: toy.create_wallet(customer_id=CUSTOMER, chain="base")) for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({wallet.wallet_id for wallet in sandbox.wallets()["toy"]}) == 20


# ------------------------------------------------------------------------------------------------------------- clock


def test_time_can_be_moved_so_that_a_wallet_grows_active_without_waiting(sandbox: Sandbox):
    emulator = sandbox.emulators["toy"]
    assert isinstance(emulator, ToyEmulator)
    emulator.activation_delay = timedelta(hours=1)
    with sandbox.client("toy") as toy:
        wallet = toy.create_wallet(customer_id=CUSTOMER, chain="polygon")
        assert wallet.status is WalletStatus.PENDING
        sandbox.clock.advance(3600)
        assert toy.get_wallet(wallet.id, customer_id=CUSTOMER).status is WalletStatus.ACTIVE


def test_a_token_that_ended_meanwhile_is_renewed(sandbox: Sandbox):
    with sandbox.client("toy") as toy:
        list(toy.list_wallets(customer_id=CUSTOMER))
        sandbox.clock.advance(3600)
        list(toy.list_wallets(customer_id=CUSTOMER))
    assert [(seen.path.rpartition("/")[2], seen.status) for seen in sandbox.requests] == [
        ("token", 200),
        ("wallets", 200),
        ("wallets", 401),
        ("token", 200),
        ("wallets", 200),
    ]


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e300])
def test_the_clock_goes_ahead_by_sensible_steps_only(sandbox: Sandbox, seconds: float):
    with pytest.raises(ConfigurationError, match="moved ahead by a number of seconds, such as 300"):
        sandbox.clock.advance(seconds)
    assert sandbox.clock.offset == timedelta(0)


# ------------------------------------------------------------------------------------------------- its own pages


def test_the_first_page_says_where_everything_is_and_what_it_accepts(sandbox: Sandbox):
    page = call("GET", f"{sandbox.url}/").json()
    assert page == sandbox.overview()
    assert page["url"] == sandbox.url
    assert page["providers"]["toy"] == {
        "base_url": f"{sandbox.url}/toy/v1",
        "settings": {"key": KEY},
        "customer_id": CUSTOMER,
    }
    assert f"{sandbox.url}/_sandbox/faults" in page["control"]


def test_the_clock_can_be_moved_over_http(sandbox: Sandbox):
    url = f"{sandbox.url}/_sandbox/clock"
    assert call("GET", url).json()["offset_seconds"] == 0
    assert call("POST", url, json={"advance_seconds": 90.5}).json()["offset_seconds"] == 90.5
    assert sandbox.clock.offset == timedelta(seconds=90.5)


def test_faults_can_be_changed_over_http(sandbox: Sandbox):
    url = f"{sandbox.url}/_sandbox/faults"
    added = call("POST", url, json={"fault": "500:times=1:path=echo"}).json()
    assert added == {"faults": [{"fault": "500:times=1:path=echo", "seen": 0, "hit": 0}]}
    assert [call("GET", f"{sandbox.url}/echo").status_code for _ in range(2)] == [500, 200]
    assert call("GET", url).json() == {"faults": [{"fault": "500:times=1:path=echo", "seen": 2, "hit": 1}]}
    assert call("DELETE", url).json() == {"faults": []}


@pytest.mark.parametrize(
    ("page", "body", "told"),
    [
        ("clock", b'{"advance_seconds": "300"}', 'send {"advance_seconds": 300}'),
        ("clock", b'{"advance_seconds": true}', 'send {"advance_seconds": 300}'),
        ("clock", b'{"advance_seconds": -1}', "such as 300"),
        ("clock", b'{"advance_seconds": NaN}', "such as 300"),
        ("clock", b"[]", 'send {"advance_seconds": 300}'),
        ("clock", b"{", 'send {"advance_seconds": 300}'),
        ("clock", b"\xff", 'send {"advance_seconds": 300}'),
        ("faults", b"{}", 'send {"fault": "drop-after:times=1"}'),
        ("faults", b'{"fault": "drop"}', "write one of drop-before"),
        ("faults", b'{"fault": "500:provider=acme"}', "write one of toy, echo"),
    ],
)
def test_what_cannot_be_done_is_answered_with_what_to_send(sandbox: Sandbox, page: str, body: bytes, told: str):
    answer = call("POST", f"{sandbox.url}/_sandbox/{page}", content=body)
    assert answer.status_code == 400
    assert told in answer.json()["error"]


def test_the_request_log_shows_no_query_header_or_body(sandbox: Sandbox):
    call("POST", f"{sandbox.url}/echo/a?secret=query", headers={"X-Secret": "header"}, content=b"body")
    logged = call("GET", f"{sandbox.url}/_sandbox/requests")
    assert logged.json() == {
        "requests": [{"provider": "echo", "method": "POST", "path": "/echo/a", "status": 200, "fault": None}]
    }
    assert sandbox.requests == (SeenRequest("echo", "POST", "/echo/a", 200, None),)


def test_every_wallet_ever_made_is_counted(sandbox: Sandbox):
    with sandbox.client("toy") as toy:
        wallet = toy.create_wallet(customer_id=CUSTOMER, chain="tron", asset="usdt", reference="r-1")
    assert call("GET", f"{sandbox.url}/_sandbox/wallets").json()["providers"]["toy"] == {
        "count": 1,
        "wallets": [
            {
                "customer_id": CUSTOMER,
                "wallet_id": wallet.id,
                "chain": "tron",
                "asset": "usdt",
                "reference": "r-1",
                "addresses": [{"chain": "tron", "value": sandbox.wallets()["toy"][0].addresses[0].value, "memo": None}],
            }
        ],
    }
    assert call("GET", f"{sandbox.url}/_sandbox/wallets?counts").json()["providers"]["toy"] == {"count": 1}


# ---------------------------------------------------------------------------------------------------- start and stop


def test_a_port_in_use_is_one_clear_sentence(sandbox: Sandbox):
    port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(ConfigurationError) as caught, Sandbox([Toy], port=port):
        pass
    assert caught.value.message == f"port {port} on 127.0.0.1 is in use: take another one, or 0 for any free one"


@pytest.mark.parametrize(
    ("host", "port", "told"),
    [
        ("127.0.0.1", 65536, "port must be a number from 0 to 65535"),
        ("127.0.0.1", -1, "port must be a number from 0 to 65535"),
        ("198.51.100.7", 0, "not an address of this machine"),
        ("host..invalid", 0, "not an address of this machine"),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_one_clear_sentence(host: str, port: int, told: str):
    with pytest.raises(ConfigurationError, match=told), Sandbox([Toy], host=host, port=port):
        pass


def test_it_listens_on_this_machine_only_unless_told_otherwise():
    with Sandbox([Toy]) as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
    with Sandbox([Toy], host="0.0.0.0") as everywhere:
        assert everywhere.url.startswith("http://127.0.0.1:")
        assert call("GET", everywhere.url).status_code == 200


def test_stopping_waits_for_nobody():
    """A connection kept alive and an answer that is an hour late both end with the sandbox."""
    with httpx.Client(trust_env=False, timeout=20) as idle, httpx.Client(trust_env=False, timeout=20) as late:
        ended: list[str] = []

        def wait_for_the_late_answer() -> None:
            try:
                late.get(f"{url}/toy/v1/late")
            except httpx.RemoteProtocolError as error:
                ended.append(str(error))

        with Sandbox([Toy], faults=["late:seconds=3600:path=late"]) as sandbox:
            url = sandbox.url
            idle.get(f"{url}/toy/v1/x")
            waiting = threading.Thread(target=wait_for_the_late_answer)
            waiting.start()
            while len(sandbox.requests) < 2:
                time.sleep(0.01)
        waiting.join(timeout=20)
        assert ended == ["Server disconnected without sending a response."]
        with pytest.raises(httpx.ConnectError):
            late.get(url)


def test_no_thread_is_left_behind():
    before = threading.active_count()
    for _ in range(3):
        with Sandbox([Toy]) as sandbox:
            call("GET", sandbox.url)
    assert threading.active_count() == before


def test_a_sandbox_that_is_not_running_says_so():
    with pytest.raises(ConfigurationError, match="not running: use it as `with Sandbox"):
        _ = Sandbox([Toy]).url


def test_a_sandbox_runs_once_at_a_time(sandbox: Sandbox):
    with pytest.raises(ConfigurationError, match="running already"), sandbox:
        pass
    assert call("GET", sandbox.url).status_code == 200


def test_what_the_emulators_know_outlives_a_restart():
    sandbox = Sandbox([Toy])
    with sandbox, sandbox.client("toy") as toy:
        wallet = toy.create_wallet(customer_id=CUSTOMER, chain="base")
    with sandbox, sandbox.client("toy") as toy:
        assert toy.get_wallet(wallet.id, customer_id=CUSTOMER).id == wallet.id


def test_in_the_foreground_it_tells_when_it_is_ready_and_ends_with_its_caller():
    sandbox = Sandbox([Toy])

    def ready() -> None:
        assert call("GET", sandbox.url).status_code == 200
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sandbox.serve(ready)
    with pytest.raises(ConfigurationError, match="not running"):
        _ = sandbox.url


def test_the_same_seed_makes_the_same_wallets():
    def wallets(seed: int) -> list[str]:
        with Sandbox([Toy], seed=seed) as sandbox, sandbox.client("toy") as toy:
            return [toy.create_wallet(customer_id=CUSTOMER, chain="base").id for _ in range(2)]

    assert wallets(1) == wallets(1) != wallets(2)
