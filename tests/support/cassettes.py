"""Cassettes: recorded by a run against the sandbox, replayed without any server, never written by hand.

``pytest --record tests/providers/test_cassettes.py`` records them anew. A cassette holds no credential, no idempotency
key and no port, and its head says what it was recorded against.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import vcr
import yaml

from walletport.sandbox import Sandbox

FOLDER = Path(__file__).resolve().parents[2] / "cassettes"
NOWHERE = "http://127.0.0.1:9"
_SECRET_HEADERS = {"authorization", "x-api-key", "api-key", "idempotency-key", "user-agent", "date", "server"}
_SECRET_FIELDS = {"apiKey", "apiSecret", "accessToken"}
_HEAD = """\
# Recorded by tests/providers/test_cassettes.py against walletport's own emulator of {provider}.
# It shows that adapter and emulator agree; it is no evidence of what the vendor itself answers.
# Never edited by hand: record anew with `pytest --record`.
"""


class _Serializer:
    """YAML with a head that says where the recording comes from."""

    def __init__(self, provider: str) -> None:
        self._head = _HEAD.format(provider=provider)

    def serialize(self, cassette: Mapping[str, Any]) -> str:
        return self._head + yaml.safe_dump(cassette, sort_keys=False, width=110)

    def deserialize(self, text: str) -> Any:
        return yaml.safe_load(text)


def _clean_request(request: Any) -> Any:
    parts = urlsplit(request.uri)
    request.uri = urlunsplit(("http", "sandbox.invalid", parts.path, parts.query, ""))
    request.headers = {k: v for k, v in request.headers.items() if k.lower() not in _SECRET_HEADERS | {"host"}}
    request.body = _clean_body(request.body)
    return request


def _clean_response(response: Any) -> Any:
    headers = response["headers"]
    response["headers"] = {k: v for k, v in headers.items() if k.lower() not in _SECRET_HEADERS}
    response["body"]["string"] = _clean_body(response["body"]["string"])
    if "content-length" in {k.lower() for k in response["headers"]}:
        response["headers"] = {k: v for k, v in response["headers"].items() if k.lower() != "content-length"}
    return response


def _clean_body(body: Any) -> Any:
    if not body:
        return body
    raw = body if isinstance(body, bytes) else str(body).encode()
    try:
        value = json.loads(raw)
    except ValueError:
        return body
    if not isinstance(value, dict) or not _SECRET_FIELDS & set(value):
        return body
    return json.dumps({k: "[redacted]" if k in _SECRET_FIELDS else v for k, v in value.items()}).encode()


class Played:
    """One cassette in use.

    Args:
        base_url: where the client must point.
        cassette: vcrpy's own object.
    """

    def __init__(self, base_url: str, cassette: Any) -> None:
        self.base_url = base_url
        self._cassette = cassette

    @property
    def said(self) -> list[tuple[str, str]]:
        """Method and path of each recorded request, in order."""
        return [(request.method, urlsplit(request.uri).path) for request in self._cassette.requests]


@contextmanager
def cassette(provider: str, name: str, *, record: bool) -> Iterator[Played]:
    """Replay a cassette, or record it against a fresh sandbox.

    At the end every recorded exchange must have been played: a tail that nobody asks for any more is a failure.
    """
    path = FOLDER / provider / f"{name}.yaml"
    player = vcr.VCR(
        record_mode="all" if record else "none",
        match_on=("method", "path", "query", "body"),
        before_record_request=_clean_request,
        before_record_response=_clean_response,
    )
    player.register_serializer("headed", _Serializer(provider))
    if record:
        path.unlink(missing_ok=True)
        with Sandbox() as sandbox:
            mount = sandbox.emulators[provider].mount
            with player.use_cassette(str(path), serializer="headed") as tape:
                yield Played(sandbox.url + mount, tape)
        return
    mount = "/" + "/".join(_mount_of(path))
    with player.use_cassette(str(path), serializer="headed") as tape:
        yield Played(NOWHERE + mount, tape)
        assert tape.all_played, f"{path.name} holds exchanges that nobody asks for any more"


def _mount_of(path: Path) -> list[str]:
    """Return the part of the path that all recorded requests of a provider share below the host."""
    from walletport.plugins import load_provider  # noqa: PLC0415 - only needed where a cassette is replayed

    emulator = load_provider(path.parent.name).emulator()
    assert emulator is not None
    return emulator.mount.strip("/").split("/")
