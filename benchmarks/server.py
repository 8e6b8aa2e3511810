"""A vendor that answers at once, or after a set time, and is otherwise the fastest server we can write.

So the client's side is what is measured. Each request gets a wallet with an id of its own, as a journal expects it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

_WALLET = json.dumps(
    {
        "id": "wlt_" + "0" * 22,
        "chain": "polygon",
        "address": "0x1111111111111111111111111111111111111111",
        "status": "active",
        "balances": [],
        "createdAt": "2026-06-01T12:00:00.000Z",
        "updatedAt": "2026-06-01T12:00:00.000Z",
    }
).encode()
_BEFORE, _AFTER = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(_WALLET), _WALLET)
).split(b"0" * 22)
_numbers = itertools.count(os.getpid() * 10**12)  # two vendors at once give no wallet the same id


class VendorProtocol(asyncio.Protocol):
    """Answers each whole request with a wallet.

    Args:
        delay: how late, in seconds.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        self._transport = cast("asyncio.Transport", transport)
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole by now."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            start = head.find(b"content-length:")
            length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            answer = self.answer(head)
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer)
            else:
                self._transport.write(answer)

    def answer(self, head: bytes) -> bytes:  # noqa: ARG002 - for those who look at it
        """Return the answer to a request, whose head is given in lower case."""
        return b"%b%022d%b" % (_BEFORE, next(_numbers), _AFTER)


def _serve(port: multiprocessing.Queue[int], delay: float) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: VendorProtocol(delay), "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def vendor(delay: float = 0.0) -> Iterator[str]:
    """Run the vendor in a process of its own and give its base URL.

    Args:
        delay: how late it answers, in seconds.
    """
    context = multiprocessing.get_context("spawn")
    port: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=_serve, args=(port, delay), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port.get(timeout=30)}"
    finally:
        process.terminate()
        process.join()
