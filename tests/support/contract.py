"""Holds one HTTP exchange, or one webhook event, against the contract written from a vendor's fact sheet.

The contracts are the OpenAPI 3.1 documents in `tests/contracts`. openapi-core applies them, so neither the
rules nor their application come from those who write the adapters and the emulators. Added here are the
wording of the report and what OpenAPI leaves open: a query parameter or a body that nothing declares is a
violation, and so is JSON that repeats a name or holds NaN.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast
from urllib.parse import urlsplit

from jsonschema_path import SchemaPath
from jsonschema_path.readers import PathReader
from openapi_core.datatypes import RequestParameters
from openapi_core.deserializing.media_types.exceptions import MediaTypeDeserializeError
from openapi_core.templating.paths.exceptions import PathError
from openapi_core.templating.paths.finders import APICallPathFinder
from openapi_core.templating.responses.exceptions import ResponseNotFound
from openapi_core.validation.request import (
    V31RequestBodyValidator,
    V31RequestParametersValidator,
    V31RequestSecurityValidator,
    V31WebhookRequestBodyValidator,
    V31WebhookRequestParametersValidator,
)
from openapi_core.validation.request.exceptions import (
    MissingRequestBody,
    ParameterValidationError,
    SecurityValidationError,
)
from openapi_core.validation.response import V31ResponseValidator
from openapi_core.validation.response.exceptions import HeaderValidationError
from werkzeug.datastructures import Headers, ImmutableMultiDict

CONTRACTS = Path(__file__).resolve().parent.parent / "contracts"
METHODS = frozenset({"get", "put", "post", "delete", "patch"})
LONGEST_MESSAGE = 300

Operation: TypeAlias = tuple[str, str]
Query: TypeAlias = Mapping[str, str | Sequence[str]]


class Contract:
    """What one vendor documents, ready to be compared with what was really sent and answered.

    Paths are those on the wire, base path included: `/v2/customers` at Conduit, `/v1/customers` at Ledger.so,
    `/v0.9/customers` at Polygon OMS. Bodies are the bytes left after any decompression.
    """

    def __init__(self, vendor: str, document: Mapping[str, Any]) -> None:
        self.vendor = vendor
        self.document = document
        self._spec = SchemaPath.from_dict(cast("Any", document), resolved_cache_maxsize=1024)
        server = urlsplit(str(document["servers"][0]["url"]))
        self._host = f"{server.scheme}://{server.netloc}"
        self._base_path = server.path.rstrip("/")

    @classmethod
    def load(cls, vendor: str) -> Contract:
        """Return the contract of `conduit`, `ledger-so` or `polygon-oms`; each is read once per process."""
        return _load(vendor)

    @property
    def base_path(self) -> str:
        """The path of the vendor's base address, which every path starts with; empty at Ledger.so."""
        return self._base_path

    def operations(self, *tags: str) -> list[Operation]:
        """List every operation as method and path template, or only those that carry one of the tags."""
        return [
            (method.upper(), template)
            for template, item in self.document["paths"].items()
            for method, operation in item.items()
            if method in METHODS and (not tags or not set(tags).isdisjoint(operation["tags"]))
        ]

    def check_request(
        self, method: str, path: str, query: Query, headers: Mapping[str, str], body: bytes | None
    ) -> Operation:
        """Raise AssertionError unless the vendor documents such a request; return its operation."""
        title = f"the request {method.upper()} {path}"
        parameters = RequestParameters(query=_query(query), header=_headers(headers))
        call = _Call(self._host, path, method.lower(), parameters, _content_type(headers), body)
        found = self._find(title, call)
        self._settle(title, [*_undeclared(call, found), *self._request_violations(call)])
        return found.name

    def check_response(
        self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes | None
    ) -> Operation:
        """Raise AssertionError unless the vendor documents such an answer; return its operation."""
        title = f"the answer {status} to {method.upper()} {path}"
        call = _Call(self._host, path, method.lower(), RequestParameters())
        found = self._find(title, call)
        validator = V31ResponseValidator(self._spec, extra_media_type_deserializers=READERS)
        self._settle(title, _violations(validator.iter_errors(call, _Answer.of(status, headers, body))))
        return found.name

    def check_webhook(self, body: bytes, headers: Mapping[str, str] | None = None) -> str:
        """Raise AssertionError unless the vendor documents such an event; return the name of the webhook.

        The headers of the delivery are checked only where they are given. Where a vendor's pages describe two
        ways of delivery, its contract has two webhooks, and the event has to fit one of them.
        """
        names = list(map(str, self.document["webhooks"]))
        attempts = {name: self._webhook_violations(name, body, headers) for name in names}
        name = min(names, key=lambda each: len(attempts[each]))
        self._settle("the webhook event", attempts[name])
        return name

    def _find(self, title: str, call: _Call) -> _Found:
        """Return the operation a call belongs to; that there is none is a violation by itself."""
        try:
            found = APICallPathFinder(self._spec).find(call.method, call.host_url + call.path)
        except PathError as error:
            hint = f" (paths start with {self._base_path})" if self._base_path else ""
            raise self._broken(title, [f"{error}{hint}"]) from None
        return _Found((call.method.upper(), found.path_result.pattern), found.operation, found.path)

    def _request_violations(self, call: _Call) -> list[str]:
        """Check credentials, parameters and body apart, since openapi-core stops at missing credentials."""
        found: list[str] = []
        for kind in (V31RequestSecurityValidator, V31RequestParametersValidator, V31RequestBodyValidator):
            validator = kind(self._spec, extra_media_type_deserializers=READERS)
            found += _violations(validator.iter_errors(call))
        return found

    def _webhook_violations(self, name: str, body: bytes, headers: Mapping[str, str] | None) -> list[str]:
        event = _Event.of(name, body, headers or {})
        checked = V31WebhookRequestBodyValidator(self._spec, extra_media_type_deserializers=READERS)
        found = _violations(checked.iter_errors(event))
        if headers is not None:
            found += _violations(V31WebhookRequestParametersValidator(self._spec).iter_errors(event))
        return found

    def _settle(self, title: str, violations: Sequence[str]) -> None:
        if violations:
            raise self._broken(title, violations)

    def _broken(self, title: str, violations: Sequence[str]) -> AssertionError:
        lines = [f"{title} breaks the contract of {self.vendor}:", *(f"  - {line}" for line in violations)]
        return AssertionError("\n".join(lines))


@cache
def _load(vendor: str) -> Contract:
    document, _ = PathReader(CONTRACTS / f"{vendor}.yaml").read()
    return Contract(vendor, document)


# --- what openapi-core reads --------------------------------------------------------------------------------


def strict_json(value: bytes, **_: str) -> Any:
    """Read UTF-8 JSON as RFC 8259 means it: no NaN, no Infinity and no name twice in one object."""
    return json.loads(value.decode(), parse_constant=_no_constant, object_pairs_hook=_no_repeats)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return members


JSON = "application/json"
READERS: dict[str, Callable[[bytes], Any]] = {JSON: strict_json}


@dataclass
class _Call:
    """A request in the form of openapi-core's protocol."""

    host_url: str
    path: str
    method: str
    parameters: RequestParameters
    content_type: str = ""
    body: bytes | None = None


@dataclass
class _Event:
    """A webhook delivery in the form of openapi-core's protocol."""

    name: str
    method: str
    parameters: RequestParameters
    content_type: str
    body: bytes | None

    @classmethod
    def of(cls, name: str, body: bytes, headers: Mapping[str, str]) -> _Event:
        return cls(name, "post", RequestParameters(header=_headers(headers)), JSON, body)


@dataclass
class _Answer:
    """A response in the form of openapi-core's protocol."""

    status_code: int
    headers: Headers
    content_type: str
    data: bytes | None

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes | None) -> _Answer:
        return cls(status, _headers(headers), _content_type(headers), body)


@dataclass
class _Found:
    """The operation and the path item that a call belongs to."""

    name: Operation
    operation: SchemaPath
    item: SchemaPath


def _query(query: Query) -> ImmutableMultiDict[str, str]:
    values = {name: [value] if isinstance(value, str) else list(value) for name, value in query.items()}
    return ImmutableMultiDict(values)


def _headers(headers: Mapping[str, str]) -> Headers:
    return Headers(list(headers.items()))


def _content_type(headers: Mapping[str, str]) -> str:
    return str(_headers(headers).get("content-type", "")).lower()


# --- what OpenAPI leaves open -------------------------------------------------------------------------------


def _undeclared(call: _Call, found: _Found) -> Iterator[str]:
    """Name the query parameters and the body that nothing declares; `x-open-query` marks a list cut short."""
    if "x-open-query" not in found.operation:
        for name in sorted(set(call.parameters.query) - _declared_query(found)):
            yield f"query {name}: is not documented"
    if call.body and "requestBody" not in found.operation:
        yield "body: none is documented"


def _declared_query(found: _Found) -> set[str]:
    return {
        (parameter / "name").read_str()
        for owner in (found.operation, found.item)
        if "parameters" in owner
        for parameter in owner / "parameters"
        if (parameter / "in").read_str() == "query"
    }


# --- what the reader of a failed test sees ------------------------------------------------------------------


class _SchemaError(Protocol):
    """The part of jsonschema's error that is read here."""

    message: str
    validator: str
    validator_value: object
    json_path: str
    schema_path: Sequence[str | int]
    context: Sequence[_SchemaError]


def _violations(errors: Iterable[Exception]) -> list[str]:
    """Put errors into words; an optional body that is absent is none."""
    return [line for error in errors if not isinstance(error, MissingRequestBody) for line in _lines(error)]


def _lines(error: Exception) -> Iterator[str]:
    where = _where(error)
    schema_errors: Sequence[_SchemaError] = getattr(error.__cause__, "schema_errors", ())
    for leaf in (leaf for each in schema_errors for leaf in _leaves(each)):
        yield f"{where}{leaf.json_path.removeprefix('$')}: {leaf.message[:LONGEST_MESSAGE]}"
    if not schema_errors:
        yield f"{where}: {_reason(error)[:LONGEST_MESSAGE]}"


def _where(error: Exception) -> str:
    if isinstance(error, ParameterValidationError):
        return f"{error.location} {error.name}"
    if isinstance(error, HeaderValidationError):
        return f"header {error.name}"
    if isinstance(error, SecurityValidationError):
        return "credentials"
    return "status" if isinstance(error, ResponseNotFound) else "body"


def _reason(error: Exception) -> str:
    if isinstance(error, ResponseNotFound):
        return f"{error.http_status} is not documented, only {', '.join(error.availableresponses)}"
    if isinstance(error.__cause__, MediaTypeDeserializeError):
        return f"is not valid {error.__cause__.mimetype}: {error.__cause__.__context__}"
    return str(error.__cause__ or error)


def _leaves(error: _SchemaError) -> list[_SchemaError]:
    """Go down from "fits none of the allowed forms" to what is wrong with the form that comes closest."""
    if error.validator not in {"anyOf", "oneOf"} or not error.context:
        return [error]
    forms: dict[str | int, list[_SchemaError]] = defaultdict(list)
    for inner in error.context:
        forms[inner.schema_path[0]] += _leaves(inner)
    return min(forms.values(), key=lambda errors: _distance(error, errors))


def _distance(whole: _SchemaError, errors: Sequence[_SchemaError]) -> tuple[int, int]:
    """Count what is wrong; a value of another kind is further away than any number of wrong members."""
    kinds = [
        each
        for each in errors
        if each.validator == "type"
        and (each.json_path == whole.json_path or each.validator_value in {"object", "array"})
    ]
    return len(kinds), len(errors)
