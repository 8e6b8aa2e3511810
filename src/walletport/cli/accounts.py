"""`walletport accounts`, `pin`, `unpin` and `pins`: who gets new orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from walletport.cli.opening import opened
from walletport.cli.options import DEFAULT_CONFIG, Account, AccountName, AsJson, ConfigFile, User, group, text
from walletport.cli.output import Output, errors_shown, print_json
from walletport.cli.records import detail_of, moment

if TYPE_CHECKING:
    from walletport.provisioning.standing import AccountState

app = group("See how accounts stand, and take them out.")
_SHOWN: Final = 100

_Limit = Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="How many at most.")]


@app.command("list")
def list_accounts(*, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the accounts: who is paused, and how each is doing."""
    with errors_shown(as_json=as_json), opened(config) as port:
        found = port.account_states()
    if as_json:
        print_json({"accounts": [state.model_dump(mode="json") for state in found]})
        return
    Output().table(
        ["account", "paused", "condition", "why", "tried again (UTC)"],
        [
            [
                state.account,
                _pause(state),
                state.condition,
                state.why or "-",
                moment(state.retry_at) if state.retry_at else "-",
            ]
            for state in found
        ],
    )


def _pause(state: AccountState) -> str:
    return "-" if state.paused_at is None else f"since {moment(state.paused_at)}: {state.pause_reason}"


@app.command()
def show(
    name: AccountName, *, limit: _Limit = _SHOWN, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Tell what happened to an account, newest first."""
    with errors_shown(as_json=as_json), opened(config) as port:
        events = port.account_events(name, limit=limit)
        (state,) = (state for state in port.account_states() if state.account == name)
    if as_json:
        told = [event.model_dump(mode="json") for event in events]
        print_json({"account": state.model_dump(mode="json"), "events": told})
        return
    output = Output()
    output.line(f"{name} is {state.condition}{f': {state.why}' if state.why else ''}.")
    if state.paused_at is not None:
        output.line(f"It is paused {_pause(state)}.")
    if events:
        output.table(["when (UTC)", "what", "detail"], [[moment(e.at), e.what, detail_of(e.detail)] for e in events])


@app.command()
def pause(
    name: AccountName,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", callback=text, help="Shown wherever it matters.")],
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Give an account no new orders.

    What is committed there goes on.
    """
    with errors_shown(as_json=as_json), opened(config) as port:
        port.pause(name, reason=reason)
    if as_json:
        print_json({"account": name, "paused": True, "reason": reason})
    else:
        Output().line(f"{name} gets no new orders until `walletport accounts resume {name}`.")


@app.command()
def resume(name: AccountName, *, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Give an account orders again.

    It ends a pause, and closes an open breaker.
    """
    with errors_shown(as_json=as_json), opened(config) as port:
        changed = port.resume(name)
    if as_json:
        print_json({"account": name, "paused": False, "changed": changed})
    else:
        Output().line(f"{name} gets orders again." if changed else f"{name} was not taken out.")


def pin(*, user: User, account: Account, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Send a user's new orders to one account.

    Wallets that the user has stay where they are.
    """
    with errors_shown(as_json=as_json), opened(config) as port:
        port.pin(user=user, account=account)
    if as_json:
        print_json({"user": user, "account": account})
    else:
        Output().line(f"New orders of user {user} go to {account}.")


def unpin(*, user: User, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Let the routes decide about a user again."""
    with errors_shown(as_json=as_json), opened(config) as port:
        changed = port.unpin(user=user)
    if as_json:
        print_json({"user": user, "changed": changed})
    else:
        Output().line(f"The routes decide about user {user}." if changed else f"User {user} was not pinned.")


def pins(*, limit: _Limit = _SHOWN, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the users who are pinned to an account."""
    with errors_shown(as_json=as_json), opened(config) as port:
        found = port.pins(limit=limit + 1)
    shown, more = found[:limit], len(found) > limit
    if as_json:
        print_json({"pins": [one.model_dump(mode="json") for one in shown], "more": more})
        return
    output = Output()
    if not shown:
        output.line("No user is pinned.")
        return
    output.table(["user", "account", "since (UTC)"], [[one.user, one.account, moment(one.pinned_at)] for one in shown])
    if more:
        output.line()
        output.line(f"There are more: --limit {limit * 10} shows more of them.")
