"""From a flow's request to bytes: ids are data, addresses are checked, headers cannot break out."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.transport.hand import START, Table, status
from tests.unit.transport.raw_server import Connection, raw_server
from tests.unit.transport.vendor import NO_KEY, Vendor, create, flow
from tests.unit.transport.wire import DRIVERS, engine_for, run
from walletport.capabilities import Idempotency
from walletport.errors import ConfigurationError
from walletport.provider import Credential, Effect, OutgoingRequest, Request
from walletport.transport.encoding import (
    Encoder,
    check_base_url,
    check_headers,
    check_idempotency_key,
    encode_json,
    encode_path,
    new_idempotency_key,
)

# ------------------------------------------------------------------------------------------------- where requests go


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.vendor.example", "https://api.vendor.example"),
        ("https://api.vendor.example/v1/", "https://api.vendor.example/v1"),
        ("https://api.vendor.example:8443/v1", "https://api.vendor.example:8443/v1"),
        ("HTTPS://api.vendor.example", "HTTPS://api.vendor.example"),
        ("http://localhost:8700/toy/v1", "http://localhost:8700/toy/v1"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.255.1.9", "http://127.255.1.9"),
        ("http://[::1]:8700", "http://[::1]:8700"),
        ("https://10.0.0.7", "https://10.0.0.7"),
    ],
)
def test_https_anywhere_and_http_to_this_machine_are_taken(url, kept):
    assert check_base_url(url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://api.vendor.example",
        "http://localhost.evil.com",
        "http://127.0.0.1.evil.com",
        "http://localhost.",
        "http://2130706433",
        "http://0x7f000001",
        "http://0177.0.0.1",
        "http://127.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://[::ffff:127.0.0.1]",
        "http://10.0.0.7",
        "http://127\u30020\u30020\u30021",
        "http://\uff11\uff12\uff17.0.0.1",
        "http://\u24dbocalhost",
        "http://127.0.0.1@evil.com",
        "http://127.0.0.1:80@evil.com",
        "http://127.0.0.1\\@evil.com",
        "http://evil.com\\@127.0.0.1",
        "http://evil.com#@127.0.0.1",
        "http://evil.com?@127.0.0.1",
        "https://api.vendor.example\\v1",
        "https://api.vendor.example/v1\\x",
        "https://user@api.vendor.example",
        "https://user:hush@api.vendor.example",
        "https://@api.vendor.example",
        "https://:@api.vendor.example",
        "https://api.vendor.example?key=1",
        "https://api.vendor.example/v1?",
        "https://api.vendor.example/v1#",
        "https://api.vendor.example/v1/../admin",
        "https://api.vendor.example/v1/./x",
        "https://api.vendor.example/%2e%2e/admin",
        "https://api.vendor.example/v 1",
        "https://api.vendor.example/v1\n",
        "ht\ntps://api.vendor.example",
        " https://api.vendor.example",
        "https://api.vendor.example/v1\x00",
        "https://bücher.example",
        "https://api.vendor.example:99999",
        "https://api.vendor.example:x",
        "https://[::1",
        "https://",
        "https:///v1",
        "https:api.vendor.example",
        "//api.vendor.example",
        "api.vendor.example",
        "ftp://api.vendor.example",
        "file:///etc/passwd",
        "",
    ],
)
def test_any_other_address_is_refused_before_anything_is_sent(url):
    with pytest.raises(ConfigurationError) as caught:
        check_base_url(url)
    assert "hush" not in str(caught.value)


# ----------------------------------------------------------------------------------------------------- ids are data

HOSTILE = [
    "a/b",
    "../../admin",
    "..",
    "a?b=c",
    "a%2Fb",
    "%",
    "%zz",
    "a#b",
    "a;b=c",
    "a\\b",
    "a\r\nX-Evil: 1",
    "a\x00b",
    " ",
    "a b",
    "a+b",
    "a@b:c",
    "!$&'()*+,;=:@-._~",
    '[]{}|^`<>"',
    "\u00e9",
    "e\u0301",
    "地址",
    "😀",
    "\u202eabc",
    "\ud7ff\ue000\ufffd\U0010ffff",
    "...",
    ".a",
    "~",
    "a" * 2000,
]
SENDABLE = [text for text in HOSTILE if text != ".."]


@pytest.mark.parametrize("segment", ["", ".", ".."])
@pytest.mark.parametrize("place", ["first", "last"])
def test_an_id_that_would_change_the_path_is_refused(segment, place):
    path = (segment, "x") if place == "first" else ("x", segment)
    with pytest.raises(ConfigurationError):
        encode_path(path)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_text_that_is_none_is_refused(text):
    with pytest.raises(ConfigurationError):
        encode_path((text,))
    with pytest.raises(ConfigurationError):
        encode_json({"a": text})
    assert Table().play(flow(Request("GET", ("x",), query=(("q", text),)))).sent == []


@given(st.lists(st.text(min_size=1).filter(lambda text: text not in (".", "..")), min_size=1, max_size=4))
def test_segments_survive_the_way_there_and_stay_apart(segments):
    try:
        path = encode_path(tuple(segments))
    except ConfigurationError:
        return  # lone surrogates
    assert path.isascii()
    assert [unquote(part) for part in path[1:].split("/")] == segments


def raw(text: str) -> str:
    """Percent-encode as the standard's strictest reader would: everything but unreserved characters."""
    safe = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    return "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in text.encode())


OURS = pytest.mark.parametrize("kind", [kind for kind in DRIVERS if kind != "async, httpx-aiohttp"])


@OURS
def test_ids_and_values_arrive_byte_for_byte_as_one_segment_each(kind):
    """yarl and httpx both have opinions on URLs; a signature over the path must fit what the server sees."""
    signed: list[str] = []

    class Notes(Vendor):
        def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
            signed.append(request.url)
            return super().sign(request, credential)

    def handler(connection: Connection) -> None:
        while connection.read_request():
            connection.answer()

    requests = [Request("GET", ("customers", text, "wallets"), query=((text, text), ("b", ""))) for text in SENDABLE]
    with raw_server(handler) as server:
        ended = run(kind, engine_for(server.url, Notes()), *map(flow, requests))
    assert {one.result for one in ended} == {"done"}
    assert server.targets == [f"/v1/customers/{raw(text)}/wallets?{raw(text)}={raw(text)}&b=" for text in SENDABLE]
    assert [url.removeprefix(f"http://127.0.0.1:{server.port}") for url in signed] == server.targets


@OURS
def test_headers_and_body_arrive_as_they_were_made(kind):
    def handler(connection: Connection) -> None:
        while connection.read_request():
            connection.answer()

    post_without_body = Request("POST", ("x",), effect=Effect.APPLIES)
    with raw_server(handler) as server:
        run(kind, engine_for(server.url), flow(create()), flow(Request("GET", ("y",))), flow(post_without_body))
    post, get, empty = (server.headers(number) for number in range(3))
    assert server.requests[0].endswith(b'\r\n\r\n{"chain":"polygon"}')
    assert (post["content-type"], post["content-length"]) == ("application/json", "19")
    assert post["idempotency-key"] == "key-1"
    for headers in (post, get, empty):
        assert headers["host"] == f"127.0.0.1:{server.port}"
        assert headers["user-agent"] == "walletport"
        assert headers["accept-encoding"] == "gzip"
        assert headers["authorization"].startswith("Bearer vk_live")
        assert "transfer-encoding" not in headers
    assert "content-type" not in get
    assert "content-length" not in get
    assert (empty["content-length"], "content-type" in empty) == ("0", False)


# --------------------------------------------------------------------------------------------------------- headers


@pytest.mark.parametrize(
    "value",
    ["ab\r\nX-Evil: 1", "ab\ncd", "ab\rcd", "ab\x00cd", "ab\u00e9", "ab\x7f", "ab\tcd", " abcd", "abcd ", "ab\u2028"],
)
def test_a_header_value_that_could_break_out_is_refused(value):
    with pytest.raises(ConfigurationError) as caught:
        check_headers({"X-Key": value})
    assert "X-Key" in str(caught.value)
    assert value.strip() not in str(caught.value)


@pytest.mark.parametrize("name", ["", "X Key", "X:Key", "X\r\nEvil", "é", "X\x00"])
def test_a_header_name_that_is_no_word_is_refused(name):
    with pytest.raises(ConfigurationError):
        check_headers({name: "v"})


@pytest.mark.parametrize("value", ["", "a", "a b", "Bearer a.b-c_d~e+f/g==", "!#$%&'*+.^_`|~"])
def test_an_ordinary_header_is_taken(value):
    check_headers({"X-Key": value})


@pytest.mark.parametrize(
    "request_",
    [create(key="k\r\nX-Evil: 1"), Request("GET", ("x",), headers={"X-A": "b\nc"})],
    ids=["key", "header"],
)
def test_a_request_with_such_a_header_is_not_sent(request_):
    played = Table().play(flow(request_))
    assert (played.sent, type(played.failure), played.failure.outcome) == ([], ConfigurationError, "not_applied")


def test_a_credential_with_such_a_character_is_not_sent_and_not_shown():
    class Pasted(Vendor):
        def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
            return request.with_headers({"Authorization": "Bearer abcdef\n"})

    played = Table(Pasted()).play(flow(create()))
    assert (played.sent, type(played.failure)) == ([], ConfigurationError)
    assert "abcdef" not in str(played.failure)


# ------------------------------------------------------------------------------------------------ bodies and keys


def test_json_has_one_spelling():
    value = {"b": [1, None, True, "é/"], "a": Decimal("0.10")}
    assert encode_json(value) == '{"b":[1,null,true,"é/"],"a":"0.10"}'.encode()
    assert json.loads(encode_json(value))["a"] == "0.10"


@pytest.mark.parametrize("place", ["body", "none"])
def test_a_key_travels_in_the_header_only_where_the_vendor_reads_it_there(place):
    policy = Idempotency(place=place, name="Idempotency-Key") if place == "body" else NO_KEY
    sent = Encoder({"api": "https://a.example"}, policy).encode(create(), START)
    assert "key-1" not in sent.headers.values()


@pytest.mark.parametrize(
    ("policy", "shape"),
    [
        (Idempotency(place="header", name="K"), lambda key: str(uuid.UUID(key)) == key),
        (Idempotency(place="header", name="K", max_length=36), lambda key: len(key) == 36),
        (Idempotency(place="header", name="K", pattern="[0-9a-f]{32}"), lambda key: len(key) == 32),
        (Idempotency(place="header", name="K", pattern="[0-9A-F]{32}"), str.isupper),
        (Idempotency(place="header", name="K", pattern="[0-9]+"), str.isdigit),
        (Idempotency(place="header", name="K", max_length=32), lambda key: len(key) == 32 and "-" not in key),
    ],
)
def test_a_key_is_made_to_the_vendors_measure_and_keeps_all_its_chance(policy, shape):
    keys = {new_idempotency_key(policy) for _ in range(50)}
    assert len(keys) == 50
    for key in keys:
        assert shape(key)
        check_idempotency_key(key, policy)


@pytest.mark.parametrize("policy", [{"pattern": "order-[0-9]+"}, {"max_length": 8}])
def test_a_key_that_cannot_be_made_well_is_asked_for(policy):
    with pytest.raises(ConfigurationError, match="idempotency_key="):
        new_idempotency_key(Idempotency(place="header", name="K", **policy))


@pytest.mark.parametrize("key", ["", "a b", "a\n", "a\r\nb", "é", "a\x00", "x" * 256])
def test_a_callers_key_that_no_header_can_carry_is_refused(key):
    with pytest.raises(ConfigurationError):
        check_idempotency_key(key, Idempotency(place="header", name="K"))


def test_a_callers_key_is_held_against_the_vendors_measure():
    policy = Idempotency(place="header", name="K", max_length=10, pattern="[a-z]+")
    check_idempotency_key("abcdefghij", policy)
    for key in ("abcdefghijk", "ABC", "abc\n"):
        with pytest.raises(ConfigurationError):
            check_idempotency_key(key, policy)


def test_an_answer_is_sent_back_into_the_flow_whole():
    def start():
        response = yield Request("GET", ("x",))
        return response.status, response.header("X-Thing"), response.json()

    assert Table().play(start, status(200, {"x-thing": "t"}, b'{"a": 1}')).result == (200, "t", {"a": 1})
