"""What each fault looks like to a caller over real HTTP, and whether the vendor did the work."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.toy import CUSTOMER, KEY, Toy
from walletport.sandbox import KINDS, Sandbox

WALLETS = f"/customers/{CUSTOMER}/wallets"
ORDER = {"chain": "polygon", "reference": "r-1"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([Toy]) as running:
        yield running


@pytest.fixture
def vendor(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A plain HTTP client that is logged in at the emulator."""
    with httpx.Client(base_url=sandbox.base_url("toy"), trust_env=False) as client:
        token = client.post("/token", json={"key": KEY}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def made(sandbox: Sandbox) -> int:
    return len(sandbox.emulators["toy"].wallets())


@pytest.mark.parametrize(("kind", "wallets"), [("drop-before", 0), ("drop-after", 1)])
def test_a_dropped_connection_gives_not_one_byte(sandbox: Sandbox, vendor: httpx.Client, kind: str, wallets: int):
    sandbox.faults.add(f"{kind}:times=1")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        vendor.post(WALLETS, json=ORDER)
    assert made(sandbox) == wallets
    assert vendor.post(WALLETS, json=ORDER).status_code == 201


def test_a_late_answer_comes_after_the_work_was_done(sandbox: Sandbox, vendor: httpx.Client):
    sandbox.faults.add("late:seconds=30")
    with pytest.raises(httpx.ReadTimeout):
        vendor.post(WALLETS, json=ORDER, timeout=0.2)
    assert made(sandbox) == 1


def test_a_late_answer_arrives_whole(sandbox: Sandbox, vendor: httpx.Client):
    sandbox.faults.add("late:seconds=0.2")
    before = time.monotonic()
    assert vendor.post(WALLETS, json=ORDER).json()["reference"] == "r-1"
    assert time.monotonic() - before >= 0.2


def test_late_work_is_done_although_the_caller_has_left(sandbox: Sandbox, vendor: httpx.Client):
    sandbox.faults.add("late-before:seconds=0.5:times=1")
    with pytest.raises(httpx.ReadTimeout):
        vendor.post(WALLETS, json=ORDER, timeout=0.1)
    assert made(sandbox) == 0
    deadline = time.monotonic() + 10
    while not made(sandbox) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert made(sandbox) == 1


def test_a_late_answer_keeps_nobody_else_waiting(sandbox: Sandbox, vendor: httpx.Client):
    sandbox.faults.add("late-before:seconds=30:times=1:method=POST")
    with pytest.raises(httpx.ReadTimeout):
        vendor.post(WALLETS, json=ORDER, timeout=0.1)
    assert vendor.get(WALLETS).status_code == 200


def test_429_says_when_to_come_back_and_does_nothing(sandbox: Sandbox, vendor: httpx.Client):
    sandbox.faults.add("429:seconds=1.5")
    answer = vendor.post(WALLETS, json=ORDER)
    assert (answer.status_code, answer.headers["retry-after"], made(sandbox)) == (429, "2", 0)
    assert answer.json()["error"]["code"] == "rate_limited"


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize(("form", "wallets"), [("", 0), (":after", 1)])
def test_a_failure_comes_in_the_vendors_shape_before_or_after_the_work(
    sandbox: Sandbox, vendor: httpx.Client, status: int, form: str, wallets: int
):
    sandbox.faults.add(f"{status}{form}")
    answer = vendor.post(WALLETS, json=ORDER)
    assert (answer.status_code, made(sandbox)) == (status, wallets)
    assert answer.json()["error"]["code"] == "server_error"
    assert "retry-after" not in answer.headers


def test_503_can_say_when_to_come_back(sandbox: Sandbox, vendor: httpx.Client):
    sandbox.faults.add("503:seconds=7")
    assert vendor.post(WALLETS, json=ORDER).headers["retry-after"] == "7"


def test_a_truncated_answer_looks_complete_and_is_no_json(sandbox: Sandbox, vendor: httpx.Client):
    sandbox.faults.add("truncated:times=1")
    answer = vendor.post(WALLETS, json=ORDER)
    assert (answer.status_code, made(sandbox)) == (201, 1)
    assert answer.headers["content-length"] == str(len(answer.content))
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    whole = vendor.get(f"{WALLETS}/{sandbox.emulators['toy'].wallets()[0].wallet_id}")
    assert whole.content.startswith(answer.content[:20])


def test_a_cut_answer_breaks_off_in_the_middle_of_the_body(sandbox: Sandbox, vendor: httpx.Client):
    sandbox.faults.add("cut:times=1")
    with vendor.stream("POST", WALLETS, json=ORDER) as answer:
        assert answer.status_code == 201
        promised = int(answer.headers["content-length"])
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            answer.read()
    assert answer.num_bytes_downloaded == promised // 2
    assert made(sandbox) == 1


@pytest.mark.parametrize(("form", "wallets"), [("", 0), (":after", 1)])
def test_a_gateways_page_is_html(sandbox: Sandbox, vendor: httpx.Client, form: str, wallets: int):
    sandbox.faults.add(f"html-502{form}")
    answer = vendor.post(WALLETS, json=ORDER)
    assert (answer.status_code, answer.headers["content-type"], made(sandbox)) == (502, "text/html", wallets)
    assert "<html>" in answer.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_leaves_no_line_in_the_log_and_the_next_request_is_well(
    sandbox: Sandbox,
    vendor: httpx.Client,
    kind: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
):
    caplog.set_level("WARNING")
    needed = {"late": ":seconds=0.01", "late-before": ":seconds=0.01", "limit": ":per_second=1:method=POST"}.get(
        kind, ""
    )
    sandbox.faults.add(f"{kind}{needed}:times=1")
    with contextlib.suppress(httpx.TransportError):
        vendor.post(WALLETS, json=ORDER)
    assert vendor.get(WALLETS).status_code == 200
    assert [record.getMessage() for record in caplog.records] == []
    assert capfd.readouterr() == ("", "")


def test_a_faulty_request_is_logged_with_its_fault(sandbox: Sandbox, vendor: httpx.Client):
    sandbox.faults.add("500:times=1:after")
    vendor.post(WALLETS, json=ORDER)
    sandbox.faults.add("drop-before:times=1")
    with pytest.raises(httpx.RemoteProtocolError):
        vendor.get(WALLETS)
    token, failed, dropped = sandbox.requests
    assert (token.method, token.path, token.status, token.fault) == ("POST", "/toy/v1/token", 200, None)
    assert (failed.path, failed.status, failed.fault) == (f"/toy/v1{WALLETS}", 500, "500:times=1:after")
    assert (dropped.method, dropped.status, dropped.fault) == ("GET", None, "drop-before:times=1")


@pytest.mark.parametrize("kind", ["drop-before", "drop-after", "429:seconds=0", "500", "500:after", "cut", "truncated"])
def test_a_client_gets_one_wallet_whatever_fails_once(sandbox: Sandbox, kind: str):
    sandbox.faults.add(f"{kind}:times=1:path=wallets")
    with sandbox.client("toy") as toy:
        wallet = toy.create_wallet(customer_id=CUSTOMER, chain="polygon")
    assert [each.wallet_id for each in sandbox.emulators["toy"].wallets()] == [wallet.id]
