"""httpx over aiohttp, which carries several times the load of httpx's own async transport.

It sends the URL to the byte as it was encoded: given a plain string, as httpx-aiohttp does, aiohttp decodes ``%3B``,
``%40`` and others again, so that an id arrives as something else and a signature over the path no longer fits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import aiohttp
import httpx
import yarl

_CONNECTIONS: Final = 100
_CHUNK: Final = 64 * 1024


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends each request once, follows nothing, keeps no cookies, and takes nothing from the environment but CAs.

    What goes wrong comes out as aiohttp raised it.
    """

    def __init__(self) -> None:
        self._tls = httpx.create_ssl_context()
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the answer as soon as its headers are there."""
        limits = request.extensions["timeout"]
        answer = await self._open().request(
            request.method,
            yarl.URL(str(request.url), encoded=True),
            headers=[(name.decode("ascii"), value.decode("ascii")) for name, value in request.headers.raw],
            data=request.content or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                connect=limits["pool"], sock_connect=limits["connect"], sock_read=limits["read"]
            ),
        )
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer))

    async def aclose(self) -> None:
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


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer.content.iter_chunked(_CHUNK):
            yield chunk

    async def aclose(self) -> None:
        # Gives the connection back where the whole answer was read, and hangs up where it was not.
        self._answer.release()
        await self._answer.wait_for_close()
