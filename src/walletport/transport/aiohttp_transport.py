"""aiohttp, which carries several times the load of httpx's own async transport.

It sends the URL to the byte as it was encoded: given a plain string, as httpx-aiohttp does, aiohttp decodes ``%3B``,
``%40`` and others again, so that an id arrives as something else and a signature over the path no longer fits. And it
takes no detour over httpx's own request and answer, which would cost a fifth of the throughput.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Final

import aiohttp
import httpx
import yarl

if TYPE_CHECKING:
    from walletport.provider import OutgoingRequest

_CONNECTIONS: Final = 100
_CHUNK: Final = 64 * 1024


class AiohttpTransport:
    """Sends each request once, follows nothing, keeps no cookies, and takes nothing from the environment but CAs.

    What goes wrong comes out as aiohttp raised it.
    """

    def __init__(self) -> None:
        self._tls = httpx.create_ssl_context()
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: OutgoingRequest, timeout: float) -> AiohttpAnswer:  # noqa: ASYNC109 - of each wait
        """Send the request and return the answer as soon as its headers are there."""
        answer = await self._open().request(
            request.method,
            yarl.URL(request.url, encoded=True),
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(connect=timeout, sock_connect=timeout, sock_read=timeout),
        )
        return AiohttpAnswer(answer)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        """Return the session, which can only be made inside the event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls, limit=_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("Content-Type",),
            )
            # aiohttp sends PUT and DELETE again by itself when a kept connection turns out to be closed. Whether
            # that is safe is the engine's to decide, and there is no public switch.
            self._session._retry_connection = False  # noqa: SLF001
        return self._session


class AiohttpAnswer:
    """An answer whose headers are there.

    Args:
        answer: as aiohttp gives it.
    """

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.status: int = answer.status
        self.headers: Sequence[tuple[bytes, bytes]] = answer.raw_headers

    def chunks(self) -> AsyncIterator[bytes]:
        """Read the body as it comes."""
        return self._answer.content.iter_chunked(_CHUNK)

    async def close(self) -> None:
        """Give the connection back where the whole answer was read, and hang up where it was not."""
        self._answer.release()
        await self._answer.wait_for_close()
