"""`walletport journal`: what happened to orders, and settling what nobody could know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from walletport.cli.opening import opened
from walletport.cli.options import DEFAULT_CONFIG, DEFAULT_WAIT, AsJson, ConfigFile, OrderId, Wait, group, text
from walletport.cli.output import Output, errors_shown, print_json
from walletport.cli.records import (
    UNSETTLED,
    next_step,
    provision_as_json,
    show_events,
    show_next,
    show_provision,
    show_provisions,
)
from walletport.provisioning.machine import State

if TYPE_CHECKING:
    from walletport.provisioning.port import Port
    from walletport.provisioning.record import Provision

app = group("See what happened to orders, and settle them.")
_SHOWN: Final = 100


@app.command("list")
def list_orders(
    *,
    state: Annotated[
        State | None, typer.Option(metavar="S", help=f"Only orders that stand so: {', '.join(State)}.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="N", callback=text, help="Only orders of this account.")
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="U", callback=text, help="Only orders of this user.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="How many at most.")] = _SHOWN,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List orders, newest first."""
    with errors_shown(as_json=as_json), opened(config) as port:
        found = port.provisions(state=state, account=account, user=user, limit=limit + 1)
    shown, more = found[:limit], len(found) > limit
    if as_json:
        print_json({"provisions": [provision_as_json(one) for one in shown], "more": more})
        return
    output = Output()
    if not shown:
        output.line("The journal holds no such order.")
        return
    show_provisions(output, shown)
    if more:
        output.line()
        output.line(f"There are more: --limit {limit * 10} shows more of them.")


@app.command()
def show(order_id: OrderId, *, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Tell the whole story of an order, and what to do next.

    Decision, attempts, idempotency keys and the vendor's names of the requests.
    """
    with errors_shown(as_json=as_json), opened(config) as port:
        story = port.story(order_id)
    if as_json:
        events = [event.model_dump(mode="json") for event in story.events]
        print_json({"provision": provision_as_json(story.provision), "events": events})
        return
    output = Output()
    show_provision(output, story.provision)
    show_events(output, story.events)
    show_next(output, story.provision)


@app.command()
def recover(*, wait: Wait = DEFAULT_WAIT, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Settle everything that can be settled.

    Exit status 1 while something is left that needs time or a person.
    """
    with errors_shown(as_json=as_json), opened(config) as port:
        ended = port.recover(wait=wait)
        left = _left(port)
    waiting = [one for one in left if one.state is not State.AWAITING_APPROVAL]
    if as_json:
        print_json({"ended": ended, "left": [provision_as_json(one) for one in left]})
    else:
        output = Output()
        output.line(f"{ended} {'order has' if ended == 1 else 'orders have'} ended.")
        for one in left:
            output.line()
            output.line(f"{one.id} ({one.state}): {next_step(one)}.")
    if waiting:
        raise typer.Exit(1)


def _left(port: Port) -> list[Provision]:
    """Return what still needs time or a person; an order for a customer needs neither until it needs review.

    A shadow never does: nobody waits for it.
    """
    states = (*UNSETTLED, State.NEEDS_REVIEW, State.AWAITING_APPROVAL)
    found = [one for state in states for one in port.provisions(state=state, limit=_SHOWN)]
    return [one for one in found if one.kind == "wallet" or (one.kind, one.state) == ("customer", State.NEEDS_REVIEW)]


@app.command()
def resolve(
    order_id: OrderId,
    *,
    wallet_id: Annotated[
        str | None, typer.Option(metavar="W", callback=text, help="The wallet that the order made.")
    ] = None,
    absent: Annotated[bool, typer.Option("--absent", help="The provider made none; it is ordered anew.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Settle an order by what a person has found.

    Nothing is sent by this; a wallet is read from the provider and held against the order.
    """
    if absent is (wallet_id is not None):
        msg = "pass one of the two: --wallet-id W, or --absent where the provider made no wallet"
        raise typer.BadParameter(msg, param_hint="--wallet-id / --absent")
    with errors_shown(as_json=as_json), opened(config) as port:
        settled = port.resolve(order_id, wallet_id=wallet_id, absent=absent)
    if as_json:
        print_json(provision_as_json(settled))
        return
    output = Output()
    if settled.wallet is not None:
        output.line(f"Order {settled.id} is done: its wallet is {settled.wallet.id}.")
    else:
        output.line(f"Order {settled.id} made nothing so far, and is {settled.state}.")
    show_next(output, settled)
