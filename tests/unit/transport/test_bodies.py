"""Bodies are read within bounds, whatever the server packs into them."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletport.errors import MalformedResponse, RequestTimedOut
from walletport.transport.bodies import Deadline, GzipBody, PlainBody, body_for

LIMIT = 100_000


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def read(encoding: str | None, chunks: list[bytes], limit: int = LIMIT) -> bytes:
    body = body_for(encoding, limit)
    for chunk in chunks:
        body.feed(chunk)
    return body.whole()


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_a_body_comes_out_as_it_went_in_however_it_is_cut(data, size):
    assert read(None, pieces(data, size)) == data
    assert read("gzip", pieces(gzip.compress(data), size)) == data


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip "])
def test_gzip_is_known_under_its_names(encoding):
    assert read(encoding, [gzip.compress(b"abc")]) == b"abc"


@pytest.mark.parametrize("encoding", [None, "", "identity", "Identity"])
def test_no_encoding_is_known_under_its_names(encoding):
    assert read(encoding, [b"abc"]) == b"abc"


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "gzip,identity", "x"])
def test_any_other_encoding_is_refused_for_good(encoding):
    with pytest.raises(MalformedResponse) as caught:
        body_for(encoding, LIMIT)
    assert (caught.value.outcome, caught.value.retryable) == ("unknown", False)
    assert encoding not in str(caught.value)


@pytest.mark.parametrize("kind", [PlainBody, GzipBody])
def test_the_limit_is_the_limit(kind):
    def feed(size: int) -> bytes:
        body = kind(LIMIT)
        data = b"x" * size
        for chunk in pieces(gzip.compress(data) if kind is GzipBody else data, 5000):
            body.feed(chunk)
        return body.whole()

    assert len(feed(LIMIT)) == LIMIT
    with pytest.raises(MalformedResponse) as caught:
        feed(LIMIT + 1)
    assert caught.value.retryable is False


@pytest.mark.parametrize("cut", [1, 5, 11, 20])
def test_a_gzip_stream_cut_anywhere_is_noticed(cut):
    packed = gzip.compress(b'{"id": "w1"}')
    with pytest.raises(MalformedResponse):
        read("gzip", [packed[:-cut]])


@given(st.integers(0, 30), st.integers(1, 255))
def test_a_corrupted_gzip_stream_is_noticed_or_was_only_a_flag(position, change):
    packed = bytearray(gzip.compress(b'{"id": "w1"}', mtime=0))
    packed[position] ^= change
    try:
        assert read("gzip", [bytes(packed)]) == b'{"id": "w1"}'
    except MalformedResponse as error:
        assert error.outcome == "unknown"  # noqa: PT017 - most changes are noticed, some touch nothing but a flag


def test_an_empty_answer_may_name_an_encoding():
    """Servers name one on a 204 or an error without a body, too."""
    assert read("gzip", []) == b""
    assert read("gzip", [b""]) == b""


@pytest.mark.parametrize("tail", [b"x", b"\x00" * 100, gzip.compress(b"more")], ids=["text", "zeros", "gzip"])
def test_what_follows_the_end_of_a_gzip_stream_is_refused(tail):
    with pytest.raises(MalformedResponse):
        read("gzip", [gzip.compress(b"{}") + tail])
    with pytest.raises(MalformedResponse):
        read("gzip", [gzip.compress(b"{}"), tail])


def peak_while(feed) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(MalformedResponse):
            feed()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_stays_flat_under_a_gzip_bomb():
    """A hundred megabytes of blanks, in a hundred kilobytes."""
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b" " * 1_000_000) for _ in range(100)) + packer.flush()
    assert len(bomb) < LIMIT
    assert peak_while(lambda: read("gzip", pieces(bomb, 16384))) < 10 * LIMIT


def test_memory_stays_flat_under_an_endless_tail():
    small = gzip.compress(b"{}")

    def feed() -> None:
        body = body_for("gzip", LIMIT)
        body.feed(small)
        for _ in range(1000):
            body.feed(b"x" * 10_000)

    assert peak_while(feed) < 10 * LIMIT


def test_memory_stays_flat_under_an_endless_answer():
    def feed() -> None:
        body = body_for(None, LIMIT)
        for _ in range(1000):
            body.feed(bytes(10_000))

    assert peak_while(feed) < 10 * LIMIT


def test_a_deadline_passes_once():
    now = [0.0]
    deadline = Deadline(5.0, lambda: now[0])
    now[0] = 5.0
    deadline.check()
    now[0] = 5.1
    with pytest.raises(RequestTimedOut):
        deadline.check()
