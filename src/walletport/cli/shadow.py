"""`walletport shadow`: what two accounts answered to the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from walletport.cli.opening import opened
from walletport.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, text
from walletport.cli.output import Output, errors_shown, print_json
from walletport.cli.records import provision_as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from walletport.provisioning.shadowing import Shadow

_SHOWN: Final = 100


def shadow(
    order_id: Annotated[
        str | None, typer.Argument(metavar="ID", callback=text, help="Only this order, or the order of this shadow.")
    ] = None,
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many at most.")] = _SHOWN,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Compare what two accounts answered to the same order.

    Without ID: the orders of shadow routes, newest first. With one: field by field.
    """
    with errors_shown(as_json=as_json), opened(config) as port:
        found = port.shadows(order=order_id, limit=limit)
    if as_json:
        print_json({"shadows": [_as_json(one) for one in found]})
        return
    output = Output()
    if not found:
        output.line("The journal holds no such order." if order_id is None else "This order has no shadow.")
    elif order_id is None:
        _show_list(output, found)
    else:
        for one in found:
            _show_fields(output, one)


def _as_json(one: Shadow) -> dict[str, object]:
    return {
        "order": provision_as_json(one.order),
        "shadow": provision_as_json(one.shadow),
        "settled": one.settled,
        "fields": [field.model_dump() for field in one.fields],
    }


def _show_list(output: Output, found: Sequence[Shadow]) -> None:
    rows = [
        [one.order.id, one.order.account, one.order.state.value, one.shadow.account, one.shadow.state.value, _told(one)]
        for one in found
    ]
    output.table(["order", "account", "state", "shadow at", "state", "differ in"], rows)
    output.line()
    output.line("`walletport shadow ID` shows an order field by field.")


def _told(one: Shadow) -> str:
    if not one.settled:
        return "(not settled yet)"
    return ", ".join(field.field for field in one.differing) or "-"


def _show_fields(output: Output, one: Shadow) -> None:
    output.line(f"Order {one.order.id} at {one.order.account}, and its shadow {one.shadow.id} at {one.shadow.account}:")
    rows = [
        [field.field, field.order or "-", field.shadow or "-", "" if field.same else "differs"]
        for field in one.fields
        if field.order is not None or field.shadow is not None
    ]
    output.table(["", one.order.account, one.shadow.account, ""], rows)
    output.line()
    output.line(
        "Ids, addresses and times are never alike; of them it counts whether both are there."
        if one.settled
        else "They are not both settled yet, so the fields may still change."
    )
