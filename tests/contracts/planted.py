"""Exchanges and events that a test plants, and what it takes to vary a sound one in a single point."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.contract import Contract

JSON = {"content-type": "application/json"}
Body: TypeAlias = dict[str, Any] | bytes | None


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Something a test holds against a contract: the variants of one sound example differ in one point."""

    body: Body = None
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)

    @property
    def raw(self) -> bytes:
        """The body as bytes, those given or the JSON of what is given."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def but(self, /, **members: object) -> Self:
        """Return a copy whose body has other or further members."""
        assert isinstance(self.body, dict)
        return replace(self, body={**self.body, **members})

    def lacking(self, *names: str) -> Self:
        """Return a copy whose body lacks some members."""
        assert isinstance(self.body, dict)
        return replace(self, body={name: self.body[name] for name in self.body if name not in names})

    def headed(self, **headers: str | None) -> Self:
        """Return a copy with other headers, or without those that are None; an underscore is a hyphen."""
        changed = dict(self.headers)
        for name, value in headers.items():
            changed.pop(name.replace("_", "-"), None)
            changed |= {} if value is None else {name.replace("_", "-"): value}
        return replace(self, headers=changed)

    def check(self, contract: Contract) -> object:
        """Hold this against the contract."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Sent(Planted):
    """A request."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)

    def check(self, contract: Contract) -> object:
        """Hold the request against the contract."""
        body = None if self.body is None else self.raw
        return contract.check_request(self.method, self.path, self.query, self.headers, body)


@dataclass(frozen=True, kw_only=True)
class Answered(Planted):
    """An answer."""

    method: str
    path: str
    status: int

    def check(self, contract: Contract) -> object:
        """Hold the answer against the contract."""
        return contract.check_response(self.method, self.path, self.status, self.headers, self.raw)


@dataclass(frozen=True, kw_only=True)
class Delivered(Planted):
    """A webhook event; its headers are checked where there are any."""

    def check(self, contract: Contract) -> object:
        """Hold the event against the contract."""
        return contract.check_webhook(self.raw, None if self.headers is JSON else self.headers)


Good: TypeAlias = dict[str, Planted]
Bad: TypeAlias = dict[str, tuple[Planted, str]]
