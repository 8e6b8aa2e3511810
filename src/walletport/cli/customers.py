"""`walletport customers`: who a user is at an account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from walletport.cli.linkfile import LinkFile, read_links
from walletport.cli.opening import opened
from walletport.cli.options import DEFAULT_CONFIG, Account, AsJson, ConfigFile, CustomerId, User, group
from walletport.cli.output import Output, errors_shown, print_error, print_json
from walletport.cli.progress import bar
from walletport.settings import unknown_name

if TYPE_CHECKING:
    from walletport.provisioning.port import Port
    from walletport.provisioning.record import CustomerLink

app = group("Say who a user is at an account.")
_AT_ONCE: Final = 500


@app.command()
def link(
    *,
    user: User,
    account: Account,
    customer_id: CustomerId,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Record who a user is at an account."""
    with errors_shown(as_json=as_json), opened(config) as port:
        port.link_customer(user=user, account=account, customer_id=customer_id)
    if as_json:
        print_json({"user": user, "account": account, "customer_id": customer_id})
    else:
        Output().line(f"User {user} is customer {customer_id} at {account}.")


@app.command("import")
def import_file(
    path: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Its first line is user,account,customer_id.")],
    *,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Record who many users are.

    Every line is checked before anything is written.
    """
    with errors_shown(as_json=as_json), opened(config) as port:
        found = read_links(path)
        _hold_against(port, found)
        if found.problems:
            told = [{"line": line, "reason": found.problems[line]} for line in sorted(found.problems)]
            print_error(found.error, as_json=as_json, more={"lines": told})
            raise typer.Exit(1)
        links = [one for _, one in found.links]
        with bar("Linking", len(links)) as advance:
            for start in range(0, len(links), _AT_ONCE):
                some = links[start : start + _AT_ONCE]
                port.link_customers(some)
                advance(len(some))
    if as_json:
        print_json({"file": str(path), "linked": len(links)})
    else:
        Output().line(f"{len(links)} {'line is' if len(links) == 1 else 'lines are'} linked.")


def _hold_against(port: Port, found: LinkFile) -> None:
    """Find the lines that contradict the configuration or the journal."""
    with bar("Checking", len(found.links)) as advance:
        for line, one in found.links:
            problem = _problem(port, one)
            if problem:
                found.problems[line] = problem
            advance(1)


def _problem(port: Port, one: CustomerLink) -> str | None:
    if one.account not in port.accounts:
        return unknown_name(one.account, port.accounts, "account")
    known = port.customer_id(user=one.user, account=one.account)
    if known not in (None, one.customer_id):
        return f"user {one.user!r} is linked to customer {known!r} at {one.account!r} already"
    return None
