"""Changes a vendor's answer in the ways answers go wrong: Hypothesis draws which, and shrinks what it finds."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Place = tuple[Any, Any]  # a container and a key or position in it

ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    10**30,
    1.5,
    "",
    " ",
    "0",
    "1e999999",
    "<script>alert(1)</script>",
    "ACTIVE",
    "\x00",
    "../..",
    "x" * 5_000,
    [],
    {},
    [[]],
    {"id": "other"},
)


def places(value: Any) -> list[Place]:
    """Return every place in a JSON value where something stands."""
    found: list[Place] = []
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            found.append((value, key))
            found += places(value[key])
    return found


@st.composite
def changed_value(draw: st.DrawFn, value: Any) -> Any:
    """Return a JSON value with one to three changes: a part dropped, retyped, renamed, wrapped or doubled."""
    changed = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        spots = places(changed)
        if not spots:
            return draw(st.sampled_from(ODD_VALUES))
        container, key = draw(st.sampled_from(spots))
        _CHANGES[draw(st.sampled_from(sorted(_CHANGES)))](draw, container, key)
    return changed


def _drop(_draw: st.DrawFn, container: Any, key: Any) -> None:
    del container[key]


def _retype(draw: st.DrawFn, container: Any, key: Any) -> None:
    container[key] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))


def _rename(draw: st.DrawFn, container: Any, key: Any) -> None:
    if isinstance(container, dict):
        container[draw(st.sampled_from([f"{key}X", str(key).upper(), f"_{key}", "id", "data"]))] = container.pop(key)


def _wrap(draw: st.DrawFn, container: Any, key: Any) -> None:
    container[key] = draw(st.sampled_from([[container[key]], {"value": container[key]}]))


def _nest_deeply(_draw: st.DrawFn, container: Any, key: Any) -> None:
    for _ in range(200):
        container[key] = [container[key]]


def _double(_draw: st.DrawFn, container: Any, key: Any) -> None:
    if isinstance(container, list):
        container.append(copy.deepcopy(container[key]))
    else:
        container[f"{key}2"] = copy.deepcopy(container[key])


def _any_text(draw: st.DrawFn, container: Any, key: Any) -> None:
    container[key] = draw(st.text(max_size=30))


_CHANGES: dict[str, Callable[[st.DrawFn, Any, Any], None]] = {
    "drop": _drop,
    "retype": _retype,
    "rename": _rename,
    "wrap": _wrap,
    "nest deeply": _nest_deeply,
    "double": _double,
    "any text": _any_text,
}


@st.composite
def changed_body(draw: st.DrawFn, body: bytes) -> bytes:
    """Return a body with its JSON changed, or its bytes."""
    if draw(st.integers(0, 3)):
        try:
            value = json.loads(body)
        except ValueError:
            return draw(st.binary(max_size=50))
        return json.dumps(draw(changed_value(value)), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    return _BYTES[draw(st.sampled_from(sorted(_BYTES)))](draw, body)


def _cut(draw: st.DrawFn, body: bytes) -> bytes:
    return body[: draw(st.integers(0, max(0, len(body) - 1)))]


def _other_encoding(draw: st.DrawFn, body: bytes) -> bytes:
    return body.decode("utf-8", "replace").encode(draw(st.sampled_from(["utf-16", "utf-32", "utf-8-sig", "utf-7"])))


def _bad_bytes(draw: st.DrawFn, body: bytes) -> bytes:
    at = draw(st.integers(0, len(body)))
    return body[:at] + draw(st.binary(min_size=1, max_size=4)) + body[at:]


def _name_twice(_draw: st.DrawFn, body: bytes) -> bytes:
    return body.replace(b"{", b'{"id":"another","id":"third",', 1)


def _huge_number(_draw: st.DrawFn, body: bytes) -> bytes:
    return body.replace(b":", b":" + b"9" * 6_000 + b',"n":', 1)


def _page(_draw: st.DrawFn, _body: bytes) -> bytes:
    return b"<!doctype html><title>502 Bad Gateway</title>"


def _swap_digits(_draw: st.DrawFn, body: bytes) -> bytes:
    return body.translate(bytes.maketrans(b"01", b"10"))


_BYTES: dict[str, Callable[[st.DrawFn, bytes], bytes]] = {
    "cut": _cut,
    "other encoding": _other_encoding,
    "bad bytes": _bad_bytes,
    "name twice": _name_twice,
    "huge number": _huge_number,
    "page": _page,
    "swap digits": _swap_digits,
}
