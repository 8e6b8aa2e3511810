"""Conduit's emulator: it refuses what the vendor refuses, pages as the vendor does, and keeps the contract."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.support.contract import Contract
from walletport.provider import Response
from walletport.provider.emulation import IncomingRequest
from walletport_conduit.emulator import API_KEY, CUSTOMER, OTHER_API_KEY, READ_ONLY_API_KEY, ConduitEmulator

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
STRANGER = "cus_" + "S" * 22
WALLETS = ("customers", CUSTOMER, "wallets")
GOOD = {"x-api-key": API_KEY, "content-type": "application/json", "idempotency-key": "key-1"}


def said(method, path, body=None, *, query=None, emulator=None, **headers):
    """Ask an emulator directly and hold its answer against the contract."""
    emulator = emulator or ConduitEmulator(lambda: NOW)
    named = {**GOOD, **{name.replace("_", "-"): value for name, value in headers.items()}}
    sent = {name: value for name, value in named.items() if value is not None}
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    answer = emulator.handle(IncomingRequest(method, path, query or {}, sent, raw))
    if path[:1] == ("customers",) and all(not set(part) & set("/ .") for part in path):
        wire_path = "/v2/" + "/".join(path)
        Contract.load("conduit").check_response(method, wire_path, answer.status, answer.headers, answer.body)
    return answer


def code(answer: Response):
    return answer.status, json.loads(answer.body).get("type")


# --- the vendor's refusals --------------------------------------------------------------------------------------

CREATE = {"chain": "polygon", "clientReferenceId": "order-1"}


@pytest.mark.parametrize("key", ["", "ck_live_" + "0" * 64, None])
def test_nothing_is_answered_without_a_good_api_key(key):
    wanted = "API_KEY_INVALID" if key else "API_KEY_MISSING"
    assert code(said("GET", WALLETS, x_api_key=key)) == (401, wanted)
    assert code(said("POST", WALLETS, CREATE, x_api_key=key)) == (401, wanted)


def test_a_read_only_key_reads_and_does_no_more():
    assert said("GET", WALLETS, x_api_key=READ_ONLY_API_KEY).status == 200
    assert code(said("POST", WALLETS, CREATE, x_api_key=READ_ONLY_API_KEY)) == (403, "API_KEY_READ_ONLY")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/chain"),
        ({"chain": "arbitrum"}, "/chain"),
        ({"chain": "POLYGON"}, "/chain"),
        ({"chain": 7}, "/chain"),
        ({"chain": ["polygon"]}, "/chain"),
        ({"chain": "polygon", "asset": "usdc"}, "/asset"),
        ({"chain": "polygon", "clientReferenceId": "two words"}, "/clientReferenceId"),
        ({"chain": "polygon", "clientReferenceId": "r" * 256}, "/clientReferenceId"),
        ({"chain": "polygon", "clientReferenceId": ""}, "/clientReferenceId"),
        ({"chain": "polygon", "clientReferenceId": None}, "/clientReferenceId"),
        ([], "/"),
    ],
    ids=repr,
)
def test_a_body_that_is_not_as_documented_is_refused_with_the_place(body, pointer):
    refused = said("POST", WALLETS, body)
    assert code(refused) == (400, "VALIDATION_ERROR")
    assert [item["pointer"] for item in json.loads(refused.body)["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"body": b"{"}, (400, "MALFORMED_JSON")),
        ({"body": b""}, (400, "MALFORMED_JSON")),
        ({"body": b'{"chain":"polygon","chain":"base"}'}, (400, "MALFORMED_JSON")),
        ({"body": {"chain": [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}}, (400, "IDEMPOTENCY_BODY_TOO_NESTED")),
        ({"content_type": "text/plain"}, (415, "UNSUPPORTED_MEDIA_TYPE")),
        ({"content_type": None}, (415, "UNSUPPORTED_MEDIA_TYPE")),
        ({"idempotency_key": None}, (400, "IDEMPOTENCY_KEY_REQUIRED")),
        ({"idempotency_key": "k" * 129}, (400, "IDEMPOTENCY_KEY_INVALID")),
        ({"idempotency_key": "two words"}, (400, "IDEMPOTENCY_KEY_INVALID")),
    ],
    ids=repr,
)
def test_a_request_of_another_form_is_refused(changes, wanted):
    given = {"body": CREATE, **changes}
    assert code(said("POST", WALLETS, **given)) == wanted


@pytest.mark.parametrize(("scope", "count"), [("principal", 2), ("organisation", 1)])
def test_a_key_is_remembered_for_one_api_key_or_for_the_whole_organisation(scope, count):
    emulator = ConduitEmulator(lambda: NOW)
    emulator.key_scope = scope
    for api_key in (API_KEY, OTHER_API_KEY):
        assert said("POST", WALLETS, {"chain": "base"}, emulator=emulator, x_api_key=api_key).status == 201
    assert len(emulator.wallets()) == count


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (("customers", STRANGER, "wallets"), (404, "CUSTOMER_NOT_FOUND")),
        (("customers", STRANGER), (404, "CUSTOMER_NOT_FOUND")),
        (("customers", CUSTOMER, "wallets", "wlt_" + "0" * 22), (404, "WALLET_NOT_FOUND")),
        (("customers", CUSTOMER, "wallets", "0"), (400, "INVALID_OID_FORMAT")),
        (("customers", "a/../b", "wallets"), (400, "INVALID_OID_FORMAT")),
    ],
)
def test_what_is_not_there_is_not_found(path, wanted):
    assert code(said("GET", path)) == wanted


@pytest.mark.parametrize("path", [(), ("wallets",), ("wallets", "wlt_" + "0" * 22), ("customers", CUSTOMER, "x y")])
def test_a_path_the_vendor_does_not_have_is_a_404_in_its_shape(path):
    assert code(said("GET", path)) == (404, "NOT_FOUND")
    assert code(said("DELETE", path)) == (404, "NOT_FOUND")


def test_a_wallet_is_not_shown_below_another_customer():
    emulator = ConduitEmulator(lambda: NOW)
    other = emulator.add_customer()
    made = json.loads(said("POST", WALLETS, CREATE, emulator=emulator).body)
    path = ("customers", other, "wallets", made["id"])
    assert code(said("GET", path, emulator=emulator)) == (404, "WALLET_NOT_FOUND")


def test_a_customer_may_have_any_id_that_a_test_gives_it():
    emulator = ConduitEmulator(lambda: NOW)
    for name in ("a/b", "ü", "cus 1", "%2F"):
        assert emulator.add_customer(name) == name
        path = ("customers", name, "wallets")
        assert (
            said("POST", path, {"chain": "base"}, emulator=emulator, idempotency_key=name.encode().hex()).status == 201
        )
        assert said("GET", path, emulator=emulator).status == 200


@pytest.mark.parametrize("form", ["problem", "older"])
def test_every_planted_failure_keeps_the_contract(form):
    emulator = ConduitEmulator(lambda: NOW)
    emulator.error_form = form
    contract = Contract.load("conduit")
    for status, wait in ((429, None), (429, 7), (500, None)):
        answer = emulator.failure(status, wait)
        contract.check_response("POST", f"/v2/customers/{CUSTOMER}/wallets", status, answer.headers, answer.body)
    assert emulator.failure(429, 7).header("retry-after") == "7"
    assert emulator.failure(503).status == 503


def test_every_answer_is_traced_and_the_callers_own_trace_comes_back():
    answer = said("GET", WALLETS, x_client_correlation_id="mine")
    assert answer.header("x-client-correlation-id") == "mine"
    assert answer.header("x-correlation-id")


# --- pages ------------------------------------------------------------------------------------------------------


def filled(count=5):
    emulator = ConduitEmulator(lambda: NOW)
    for number in range(count):
        said("POST", WALLETS, {"chain": "base"}, emulator=emulator, idempotency_key=f"key-{number}")
    return emulator, [made.wallet_id for made in emulator.wallets()]


def cut(emulator, **query):
    answer = json.loads(said("GET", WALLETS, query=query, emulator=emulator).body)
    return [item["id"] for item in answer["data"]], answer["meta"]


def test_a_list_goes_forward_to_its_end():
    emulator, ids = filled()
    first, meta = cut(emulator, limit="2")
    assert (first, meta["previousCursor"], meta["total"], meta["mode"]) == (ids[:2], None, 5, "cursor")
    second, meta = cut(emulator, limit="2", cursor=meta["nextCursor"])
    third, meta = cut(emulator, limit="2", cursor=meta["nextCursor"])
    assert (second, third, meta["nextCursor"]) == (ids[2:4], ids[4:], None)


def test_a_list_goes_backward_from_a_cursor_and_from_the_end():
    emulator, ids = filled()
    last, meta = cut(emulator, limit="2", direction="backward")
    assert (last, meta["nextCursor"]) == (ids[3:], None)
    before, _ = cut(emulator, limit="2", direction="backward", cursor=meta["previousCursor"])
    assert before == ids[1:3]


def test_a_page_holds_twenty_unless_something_else_is_asked_for():
    emulator, ids = filled(25)
    assert cut(emulator)[0] == ids[:20]
    assert cut(emulator, limit="100")[0] == ids


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "101"}, {"limit": "ten"}, {"direction": "up"}, {"cursor": "nonsense"}, {"cursor": "é"}],
    ids=repr,
)
def test_a_query_that_is_not_as_documented_is_refused(query):
    assert code(said("GET", WALLETS, query=query)) == (400, "VALIDATION_ERROR")


def test_a_list_is_filtered_by_reference():
    emulator, _ = filled(3)
    order = {"chain": "tron", "clientReferenceId": "r"}
    made = json.loads(said("POST", WALLETS, order, emulator=emulator, idempotency_key="key-r").body)
    assert cut(emulator, clientReferenceId="r")[0] == [made["id"]]
    assert cut(emulator, clientReferenceId="q")[0] == []


def test_customers_are_listed_in_pages():
    emulator = ConduitEmulator(lambda: NOW)
    emulator.add_customer()
    answer = json.loads(said("GET", ("customers",), query={"limit": "1"}, emulator=emulator).body)
    assert [item["id"] for item in answer["data"]] == [CUSTOMER]
    assert answer["meta"]["nextCursor"]


def test_the_same_seed_makes_the_same_wallets():
    worlds = [ConduitEmulator(lambda: NOW, seed) for seed in (1, 1, 2)]
    for emulator in worlds:
        said("POST", WALLETS, CREATE, emulator=emulator)
    first, second, third = (emulator.wallets()[0].wallet_id for emulator in worlds)
    assert first == second != third
