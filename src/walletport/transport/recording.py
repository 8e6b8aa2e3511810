"""Keeps what travelled, without anything secret: evidence for whoever judges a provider."""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from pydantic import Field

from walletport.errors import ConnectionLost, MalformedResponse, WalletportError
from walletport.models import Model
from walletport.provider import Json, read_json
from walletport.transport.drivers import AsyncDriver
from walletport.transport.redaction import MARK

if TYPE_CHECKING:
    from walletport.provider import OutgoingRequest, Response
    from walletport.transport.effects import Send
    from walletport.transport.engine import Engine

_MOST_KEPT: Final = 64  # exchanges; a run may send thousands
_LARGEST_KEPT: Final = 64 * 1024
_LONGEST_BODY: Final = 2000
_LONGEST_TEXT: Final = 300  # of one string, of a path, of a header
_MOST_NAMES: Final = 100  # an answer can name a new header each time
_MOST_WAITS: Final = 100
_HEADERS: Final = frozenset(
    {"accept", "content-type", "date", "retry-after", "idempotency-key", "idempotent-replayed", "idempotency-replayed"}
)
_REQUEST_ID: Final = re.compile(r"(x-)?(request|correlation|trace)-id")
_LIMIT: Final = re.compile(r"(x-)?rate-?limit(-[a-z-]{1,40})?")
# Secrets, and what tells who a person is. A wallet's address is neither.
_PRIVATE: Final = re.compile(
    r"token|secret|password|credential|signature|authori[sz]ation|jwt|session|(api|access|private|secret)[-_]?key|"
    r"e-?mail|phone|(first|middle|last|full|given|family)[-_]?name|birth|nationality|passport|tax|ssn|street|postal",
    re.IGNORECASE,
)


class Exchange(Model):
    """One request and what came back, redacted and cut to a bearable length.

    Args:
        method: the HTTP method.
        path: path and query as they stood on the wire.
        sent_headers: the request's headers that are fit to be shown; never a credential.
        sent: the request's body.
        status: the answer's status; ``None`` where no whole answer came.
        headers: the answer's headers that are fit to be shown.
        body: the answer's body.
        seconds: how long it took.
        error: what kind of failure there was instead of an answer.
        thrown_away: whether the answer came, and was thrown away on purpose.
    """

    method: str
    path: str
    sent_headers: Mapping[str, str] = {}
    sent: str = ""
    status: int | None = None
    headers: Mapping[str, str] = {}
    body: str = ""
    seconds: float = Field(ge=0, allow_inf_nan=False)
    error: str | None = None
    thrown_away: bool = False


@dataclass(slots=True)
class _Kept:
    """An exchange as it was; it is made fit to be shown when somebody asks, because that takes time."""

    step: Send
    response: Response | None
    seconds: float
    error: str | None
    thrown_away: bool
    shown: Exchange | None = None


class RecordingDriver(AsyncDriver):
    """Carries out the programs of one account, keeps what travelled, and can lose an answer.

    Args:
        engine: whose programs these are; it knows the secrets.
        allow: called before each request; what it raises keeps the request from being sent.

    Attributes:
        lost: the body of the answer that was thrown away last.
        sent: how many requests were sent in all.
        limit_headers: names and latest values of the headers about rate limits that were seen.
        retry_after: what ``Retry-After`` said, as it was written.
        too_many: how many answers were 429.
    """

    def __init__(self, engine: Engine, allow: Callable[[], None]) -> None:
        super().__init__(None, engine.limits.max_body)
        self.redacted = engine.redacted
        self._allow = allow
        declared = engine.provider.capabilities
        self._declared = frozenset(name.lower() for name in declared.rate_limit.headers)
        key_header = declared.idempotency.name if declared.idempotency.place == "header" else None
        self._shown = _HEADERS | self._declared | ({key_header.lower()} if key_header else set())
        self._to_lose = 0
        self._kept: deque[_Kept] = deque(maxlen=_MOST_KEPT)
        self.lost = b""
        self.sent = 0
        self.limit_headers: dict[str, str] = {}
        self.retry_after: deque[str] = deque(maxlen=_MOST_WAITS)
        self.too_many = 0

    def lose_next(self) -> None:
        """Throw away the next answer to a request that is no read, as a network would, after the work is done."""
        self._to_lose = 1

    def keep_answers(self) -> None:
        """Take `lose_next` back, where nothing was lost yet."""
        self._to_lose = 0

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The latest exchanges, oldest first."""
        return self.latest(_MOST_KEPT)

    def latest(self, most: int) -> tuple[Exchange, ...]:
        """Return at most so many of the latest exchanges, oldest first."""
        kept = list(self._kept)[-most:] if most else []
        return tuple(self._as_shown(one) for one in kept)

    async def _send(self, step: Send) -> Response:
        self._allow()
        started = time.perf_counter()
        try:
            response = await super()._send(step)
        except WalletportError as error:
            self._keep(_Kept(step, None, time.perf_counter() - started, type(error).__name__, thrown_away=False))
            raise
        seconds = time.perf_counter() - started
        self._note_limits(response)
        lost = bool(self._to_lose) and step.signed and step.request.method != "GET"
        self._keep(_Kept(step, response, seconds, None, thrown_away=lost))
        if lost:
            self._to_lose, self.lost = 0, response.body
            msg = "the answer was thrown away on purpose"
            raise ConnectionLost(msg)
        return response

    def _note_limits(self, response: Response) -> None:
        if response.status == 429:  # noqa: PLR2004 - the meaning of the digits is HTTP's
            self.too_many += 1
        waits = response.header("retry-after")
        if waits is not None:
            self.retry_after.append(self._line(waits))
        for name, value in response.headers.items():
            known = name in self.limit_headers or len(self.limit_headers) < _MOST_NAMES
            if known and (name in self._declared or _LIMIT.fullmatch(name)):
                self.limit_headers[name] = self._line(value)

    def _keep(self, kept: _Kept) -> None:
        self.sent += 1
        response = kept.response
        if response is not None and len(response.body) > _LARGEST_KEPT:
            kept.response = replace(response, body=f"(not kept: {len(response.body)} bytes)".encode())
        self._kept.append(kept)

    def _as_shown(self, kept: _Kept) -> Exchange:
        if kept.shown is None:
            request, response, signed = kept.step.request, kept.response, kept.step.signed
            # Without a credential it may be a login: what goes out and what comes back are secrets, under any name.
            hidden = None if signed else f"(not kept: a request without a credential, {len(request.body)} bytes)"
            kept.shown = Exchange(
                method=request.method,
                path=self._path(request),
                sent_headers=self._headers(request.headers.items()),
                sent=hidden or self._body(request.body),
                status=None if response is None else response.status,
                headers={} if response is None else self._headers(response.headers.items()),
                body="" if response is None else self._answer(response, signed=signed),
                seconds=round(kept.seconds, 6),
                error=kept.error,
                thrown_away=kept.thrown_away,
            )
        return kept.shown

    def _answer(self, response: Response, *, signed: bool) -> str:
        if not signed and response.ok:
            return f"(not kept: it may be a credential, {len(response.body)} bytes)"
        return self._body(response.body)

    def _headers(self, headers: Iterable[tuple[str, str]]) -> dict[str, str]:
        named = ((name.lower(), value) for name, value in headers)
        return {name: self._line(value) for name, value in named if self._is_shown(name)}

    def _is_shown(self, name: str) -> bool:
        return name in self._shown or bool(_REQUEST_ID.fullmatch(name) or _LIMIT.fullmatch(name))

    def _path(self, request: OutgoingRequest) -> str:
        """Return path and query as they travel; decoded where a secret hides in the encoding."""
        parts = urlsplit(request.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        decoded = unquote(path)
        return self._line(path if self.redacted(decoded) == decoded else decoded)

    def _line(self, text: str) -> str:
        return _shortened(self.redacted(text), _LONGEST_TEXT)

    def _body(self, body: bytes) -> str:
        if not body:
            return ""
        try:
            shown = json.dumps(self._masked(read_json(body)), ensure_ascii=False, indent=1, default=str)
        except MalformedResponse:
            # What is no JSON cannot be searched for names, so no more than its beginning is kept.
            return _shortened(self.redacted(body.decode("utf-8", "replace")), _LONGEST_TEXT)
        return _shortened(shown, _LONGEST_BODY)

    def _masked(self, value: Json) -> Json:
        """Return a value without secrets, and without what names like a secret's or a person's stand for."""
        if isinstance(value, dict):
            return {
                self.redacted(name): MARK if _PRIVATE.search(name) and item else self._masked(item)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._masked(item) for item in value]
        return self.redacted(value) if isinstance(value, str) else value


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"
