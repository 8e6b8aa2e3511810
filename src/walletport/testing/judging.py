"""Comparing what an adapter says with the vendor's books, and changing the vendor's answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

from walletport.errors import MalformedResponse
from walletport.models import Address, Chain, Wallet
from walletport.provider import Json, Response, read_json
from walletport.testing.bench import expect

if TYPE_CHECKING:
    from walletport.provider.emulation import EmulatedWallet
    from walletport.testing.vendor import Exchange, Rewrite

Trouble: TypeAlias = str | Response
"""What can be planned for a vendor: a fault as the sandbox spells it, or an answer given instead of working."""

UNHEARD_OF: Final = "kit-unheard-of"
NONSENSE: Final[tuple[Trouble, ...]] = tuple(
    Response(200, {"content-type": "application/json"}, body) for body in (b"{}", b"null", b'{"kit":1}', b'"kit"')
)
"""Successes that hold nothing. An empty list is none of them: it can mean that there is nothing."""
UNREADABLE: Final[tuple[Trouble, ...]] = ("500", "html-502", "truncated", "drop-before", *NONSENSE)
_CLOSE: Final = timedelta(seconds=2)


def expect_same(wallet: Wallet, booked: EmulatedWallet) -> None:
    """Hold a wallet against the vendor's books."""
    expect(wallet.id == booked.wallet_id, f"the wallet's id is {wallet.id!r}; the vendor has {booked.wallet_id!r}")
    chain = None if booked.chain is None else Chain(booked.chain)
    asset = None if booked.asset is None else booked.asset.lower()
    for what, said, true in (
        ("chain", wallet.chain, chain),
        ("asset", wallet.asset, asset),
        ("reference", wallet.reference, booked.reference),
    ):
        expect(said == true, f"the wallet's {what} is {said!r}; the vendor has {true!r}")
    expect(
        wallet.customer_id in (None, booked.customer_id),
        f"the wallet's customer is {wallet.customer_id!r}; the vendor has {booked.customer_id!r}",
    )


def expect_addresses(said: Iterable[Address], wallet: Wallet, booked: EmulatedWallet) -> None:
    """Hold addresses, memos included, against the vendor's books."""
    told = {(str(one.chain or wallet.chain or ""), one.value, one.memo) for one in said}
    true = {(str(one.chain or booked.chain or ""), one.value, one.memo) for one in booked.addresses}
    expect(told == true, f"the addresses (chain, value, memo) are {sorted(told, key=str)}; the vendor has {true}")


def expect_time(told: datetime | None, true: datetime, what: str) -> None:
    """Hold a time against the clock; one that the vendor does not tell may be absent."""
    if told is None:
        return
    offset = told.utcoffset()
    expect(offset is not None, f"{what} has no time zone: {told.isoformat()}")
    expect(offset == timedelta(0), f"{what} is not in UTC: {told.isoformat()}")
    expect(abs(told - true) <= _CLOSE, f"{what} is {told.isoformat()}; at the vendor it was {true.isoformat()}")


def json_of(response: Response | None) -> Json:
    """Return an answer's JSON, or ``None`` where there is none."""
    try:
        return None if response is None else read_json(response.body)
    except MalformedResponse:
        return None


def objects(value: Json) -> Iterator[dict[str, Json]]:
    """Walk through every object in a JSON value."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(child)


def sent_objects(exchanges: Iterable[Exchange]) -> Iterator[dict[str, Json]]:
    """Walk through every object the vendor sent."""
    for exchange in exchanges:
        yield from objects(json_of(exchange.response))


def with_text(old: str, new: str) -> Rewrite:
    """Return a change that puts one text in the place of another wherever it stands as a whole value."""
    return changing(lambda value: new if value == old else value)


def with_field(name: str, value: str) -> Rewrite:
    """Return a change that adds a field to every object."""
    return changing(lambda found: {**found, name: value} if isinstance(found, dict) else found)


def changing(change: Callable[[Json], Json]) -> Rewrite:
    """Return a change of every value in an answer's JSON; other answers stay as they are."""

    def rewrite(_: Exchange, response: Response) -> Response:
        value = json_of(response)
        if value is None:
            return response
        return Response(response.status, response.headers, dumped(changed(value, change)))

    return rewrite


def changed(value: Json, change: Callable[[Json], Json]) -> Json:
    """Return a JSON value with every value in it changed, the innermost first."""
    if isinstance(value, dict):
        value = {name: changed(child, change) for name, child in value.items()}
    elif isinstance(value, list):
        value = [changed(child, change) for child in value]
    return change(value)


def dumped(value: Json) -> bytes:
    """Return JSON as bytes, with every fraction digit for digit."""
    return "".join(_parts(value)).encode()


def _parts(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        inner = ",".join(f"{json.dumps(name)}:{''.join(_parts(child))}" for name, child in value.items())
        yield f"{{{inner}}}"
    elif isinstance(value, list):
        yield f"[{','.join(''.join(_parts(child)) for child in value)}]"
    else:
        yield str(value) if isinstance(value, Decimal) else json.dumps(value)
