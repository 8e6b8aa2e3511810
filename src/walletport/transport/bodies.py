"""Reading an answer's body within bounds: of size after decompression, and of time."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

from walletport.errors import MalformedResponse, RequestTimedOut

_GZIP: Final = 16 + zlib.MAX_WBITS


class PlainBody:
    """Collects a body that is not compressed.

    Args:
        limit: largest size, in bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Take the next chunk; raises `MalformedResponse` past the limit."""
        self._size += len(chunk)
        if self._size > self._limit:
            msg = f"the answer is larger than {self._limit} bytes"
            raise MalformedResponse(msg, retryable=False)
        self._chunks.append(chunk)

    def whole(self) -> bytes:
        """Return the body."""
        return b"".join(self._chunks)


class GzipBody(PlainBody):
    """Collects a compressed body, and stops unpacking at the limit: a small answer can hold gigabytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._gzip = zlib.decompressobj(_GZIP)
        self._begun = False

    def feed(self, chunk: bytes) -> None:
        """Unpack the next chunk; raises `MalformedResponse` past the limit or where it is not one gzip stream."""
        if not chunk:
            return
        self._begun = True
        try:
            unpacked = self._gzip.decompress(chunk, self._limit - self._size + 1)
        except zlib.error:
            msg = "the answer says it is gzip and is not"
            raise MalformedResponse(msg) from None
        super().feed(unpacked)
        if self._gzip.unused_data:
            # zlib would hoard whatever follows, however long it is.
            msg = "the compressed answer goes on behind its end"
            raise MalformedResponse(msg, retryable=False)

    def whole(self) -> bytes:
        """Return the body; raises `MalformedResponse` if the stream was cut short.

        An answer without any body can name an encoding all the same.
        """
        if self._begun and not self._gzip.eof:
            msg = "the compressed answer was cut short"
            raise MalformedResponse(msg)
        return super().whole()


def body_for(content_encoding: str | None, limit: int) -> PlainBody:
    """Return the collector for an answer's ``Content-Encoding``.

    Raises:
        MalformedResponse: it is one that was not asked for.
    """
    encoding = (content_encoding or "identity").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        return GzipBody(limit)
    if encoding in ("identity", ""):
        return PlainBody(limit)
    msg = "the answer is compressed in a way that was not asked for"
    raise MalformedResponse(msg, retryable=False)


class Deadline:
    """Cuts off an answer that drips in.

    Args:
        seconds: how long the whole answer may take.
        monotonic: tells the time.
    """

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._ends = monotonic() + seconds

    def check(self) -> None:
        """Raise `RequestTimedOut` once the time is over."""
        if self._monotonic() > self._ends:
            msg = "no whole answer came back in time"
            raise RequestTimedOut(msg)
