"""A vendor in the same process: requests go to a function instead of a socket, whether the client blocks or awaits."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from walletport.provider import Response
from walletport.provider.emulation import IncomingRequest


class InProcessTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Hands each request to a function and brings its answer back.

    Args:
        answer: is given the request, whose path still begins with the base URL's own; what it raises comes out at the
            client, so an error of ours stands for a connection that broke.
    """

    def __init__(self, answer: Callable[[IncomingRequest], Response]) -> None:
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        target = request.url.raw_path.decode("ascii")
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._answer(IncomingRequest.from_wire(request.method, target, headers, request.read()))
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        return self.handle_request(request)
