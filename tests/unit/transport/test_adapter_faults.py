"""What an adapter or a transport breaks must not break the promise: the error still says what may have happened."""

from __future__ import annotations

import pytest

from tests.unit.transport.hand import OK, Table, status, token
from tests.unit.transport.vendor import API_KEY, READ, Vendor, create, flow
from walletport.errors import (
    ConfigurationError,
    ConnectionLost,
    MalformedResponse,
    UnsupportedOperation,
    WalletportError,
)
from walletport.provider import Credential, Flow, OutgoingRequest, Request, Response

LOST = ConnectionLost("the connection broke")


class TripsOverAnswers(Vendor):
    def classify(self, request: Request, response: Response) -> WalletportError | None:
        raise KeyError(API_KEY)


class CannotSign(Vendor):
    fine = 0

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        self.fine -= 1
        if self.fine < 0:
            raise ValueError(credential.token.get_secret_value())
        return super().sign(request, credential)


class CannotLogIn(Vendor):
    def authenticate(self) -> Flow[Credential]:
        raise LookupError(API_KEY)


class LogsInWithNothing(Vendor):
    def authenticate(self) -> Flow[Credential]:
        return (yield from ())


def tells_where(error: WalletportError, kind: str) -> bool:
    return kind in error.message and "test_adapter_faults:" in error.message and API_KEY not in error.message


@pytest.mark.parametrize("answer", [OK, status(400), status(500)], ids=repr)
def test_an_adapter_that_trips_over_the_answer_to_a_create_leaves_it_in_doubt(answer):
    played = Table(TripsOverAnswers()).play(flow(create()), answer)
    assert (type(played.failure), played.failure.outcome) == (MalformedResponse, "unknown")
    assert (played.failure.status_code, len(played.sent)) == (answer.status, 1)
    assert tells_where(played.failure, "KeyError")


def test_a_flow_that_trips_over_the_answer_to_a_create_leaves_it_in_doubt():
    def start() -> Flow[object]:
        response = yield create()
        return response.json_object()["id"]

    played = Table().play(start, OK)
    assert (type(played.failure), played.failure.outcome) == (MalformedResponse, "unknown")
    assert tells_where(played.failure, "KeyError")


def test_a_flow_that_trips_before_the_create_leaves_nothing_in_doubt():
    def start() -> Flow[object]:
        response = yield READ
        return response.json_object()["id"]

    assert Table().play(start, OK).failure.outcome == "not_applied"


def test_a_flow_that_trips_over_the_refusal_of_a_create_keeps_its_doubt():
    def start() -> Flow[object]:
        try:
            yield create()
        except WalletportError as error:
            raise KeyError(error.provider_code) from error

    assert Table(max_attempts=1).play(start, status(500)).failure.outcome == "unknown"
    assert Table(max_attempts=1).play(start, status(422)).failure.outcome == "not_applied"


def test_an_adapter_that_cannot_sign_has_sent_nothing():
    played = Table(CannotSign()).play(flow(create()))
    assert (played.failure.outcome, played.failure.retryable) == ("not_applied", False)
    assert tells_where(played.failure, "ValueError")


def test_an_adapter_that_refuses_to_sign_has_sent_nothing_whatever_it_says():
    class Refuses(Vendor):
        def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
            msg = "the answer to the login makes no sense"
            raise MalformedResponse(msg)

    played = Table(Refuses()).play(flow(create()))
    assert (type(played.failure), played.failure.outcome, played.sent) == (MalformedResponse, "not_applied", [])
    assert played.slept == []


def test_an_adapter_that_cannot_sign_the_repeat_keeps_the_doubt():
    vendor = CannotSign()
    vendor.fine = 1
    assert Table(vendor).play(flow(create()), LOST).failure.outcome == "unknown"


@pytest.mark.parametrize("vendor", [CannotLogIn(), LogsInWithNothing()], ids=["raises", "returns nothing"])
def test_an_adapter_that_cannot_log_in_has_sent_nothing(vendor):
    played = Table(vendor).play(flow(create()))
    assert (type(played.failure), played.failure.outcome, played.sent) == (MalformedResponse, "not_applied", [])


def test_an_adapter_that_trips_over_the_second_login_keeps_the_doubt():
    played = Table(Vendor(logs_in=True)).play(
        flow(create()), LOST, status(401), login=[token(), status(200, body=b'{"token": "t"}')]
    )
    assert (type(played.failure), played.failure.outcome) == (MalformedResponse, "unknown")


@pytest.mark.parametrize("oddity", [RuntimeError("session is closed"), ValueError("x"), AssertionError("y")], ids=repr)
def test_a_transport_that_fails_in_its_own_way_may_have_sent_the_create(oddity):
    played = Table().play(flow(create()), oddity)
    assert (type(played.failure), played.failure.outcome) == (ConnectionLost, "unknown")
    assert type(oddity).__name__ in played.failure.message
    assert str(oddity) not in str(played.failure)


def test_a_transport_that_fails_in_its_own_way_loses_nothing_but_a_read():
    assert Table().play(flow(READ), RuntimeError()).failure.outcome == "not_applied"


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit()], ids=repr)
def test_an_interrupt_passes_through_and_closes_the_flow(stop):
    closed = []

    def start() -> Flow[str]:
        try:
            yield create()
        finally:
            closed.append(True)
        return "done"

    with pytest.raises(type(stop)):
        Table().play(start, stop)
    assert closed == [True]


def test_a_request_to_a_host_that_is_not_declared_is_not_sent():
    played = Table().play(flow(Request("GET", ("x",), host="files")))
    assert (played.sent, played.failure.outcome) == ([], "not_applied")


def test_a_value_that_is_no_json_is_not_sent_as_whatever_it_prints():
    request = Request("POST", ("x",), json={"at": object()})
    played = Table().play(flow(request))
    assert played.sent == []
    assert "TypeError" in played.failure.message


def test_what_a_flow_refuses_before_it_begins_is_told_with_provider_and_operation():
    def start() -> Flow[str]:
        msg = "the provider cannot"
        raise UnsupportedOperation(msg)

    failure = Table().play(start).failure
    assert (failure.provider, failure.operation, failure.outcome) == ("vendor", "create_wallet", "not_applied")


def test_an_id_that_cannot_be_sent_keeps_no_doubt_and_is_thrown_into_the_flow():
    def start() -> Flow[str]:
        try:
            yield Request("GET", ("customers", ".."))
        except ConfigurationError:
            return "caught"
        return "sent"

    assert Table().play(start).result == "caught"
