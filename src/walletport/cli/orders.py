"""`walletport provision`, `walletport wallets` and `walletport route`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from walletport.cli.opening import opened
from walletport.cli.options import (
    DEFAULT_CONFIG,
    DEFAULT_WAIT,
    AsJson,
    AssetCode,
    Attributes,
    ChainName,
    ConfigFile,
    User,
    Wait,
    attributes_of,
    text,
)
from walletport.cli.output import Output, errors_shown, print_error, print_json
from walletport.cli.records import addresses, next_step, provision_as_json, show_provision, wallet_as_json
from walletport.errors import ConfigurationError, WalletportError
from walletport.models import CustomerProfile

if TYPE_CHECKING:
    from walletport.models import Wallet
    from walletport.provisioning.port import Port

_Personal = Annotated[
    str | None, typer.Option(metavar="TEXT", callback=text, help="Makes the customer where there is none.")
]


def provision(
    *,
    user: User,
    chain: ChainName = None,
    asset: AssetCode = None,
    account: Annotated[
        str | None, typer.Option(metavar="N", callback=text, help="This account, whatever the routes say.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="R", callback=text, help="Your own; tells two such orders apart.")
    ] = None,
    email: _Personal = None,
    first_name: _Personal = None,
    last_name: _Personal = None,
    attribute: Attributes = None,
    wait: Wait = DEFAULT_WAIT,
    ready: Annotated[
        bool, typer.Option("--ready", help="Wait, as long again, until it is active and has its address.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Carry out one order, exactly once.

    The same order again gives the same wallet, from any process.
    """
    personal = {"email": email, "first_name": first_name, "last_name": last_name}
    profile = CustomerProfile.model_validate(personal) if any(personal.values()) else None
    attributes = attributes_of(attribute)
    with errors_shown(as_json=as_json), opened(config, recovers=True) as port:
        try:
            made = port.provision(
                user=user,
                chain=chain,
                asset=asset,
                reference=reference,
                account=account,
                profile=profile,
                attributes=attributes,
                wait=wait,
            )
            if ready:
                made = port.wait_until_ready(made.id, timeout=wait)
        except WalletportError as error:
            if error.provision_id is not None:
                stuck = port.story(error.provision_id).provision
                more = {"provision": provision_as_json(stuck)}
                step = next_step(stuck) or ("the same command again waits on" if error.retryable else None)
            else:
                more, step = {}, _how_to_link(port, error, user, chain, asset, account)
            print_error(error, as_json=as_json, step=step, more=more)
            raise typer.Exit(1) from None
        if as_json:
            print_json(provision_as_json(made))
        else:
            show_provision(Output(), made)
        Output().flush()  # closing waits for whatever else goes on, such as a shadow


def _how_to_link(  # noqa: PLR0917 - an order, in the order of an order
    port: Port, error: WalletportError, user: str, chain: str | None, asset: str | None, account: str | None
) -> str | None:
    """Return the command that links a user who is nobody yet at the account, if that is what is missing."""
    if not isinstance(error, ConfigurationError):
        return None
    try:
        chosen = port.route(user=user, chain=chain, asset=asset, account=account).account
        if port.customer_id(user=user, account=chosen) is not None:
            return None
    except WalletportError:
        return None
    named = f"--user {shlex.quote(user)} --account {shlex.quote(chosen)}"
    return f"`walletport customers link {named} --customer-id C` with the customer's id at the provider"


def wallets(*, user: User, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List a user's wallets, as they were last seen."""
    with errors_shown(as_json=as_json), opened(config) as port:
        found = [(account, wallet) for account in port.accounts for wallet in port.wallets(user=user, account=account)]
        shown = {(wallet.provider, wallet.id) for _, wallet in found}
        found += [("-", one) for one in port.wallets(user=user) if (one.provider, one.id) not in shown]
    if as_json:
        told = [{"account": account if account != "-" else None, **wallet_as_json(wallet)} for account, wallet in found]
        print_json({"user": user, "wallets": told})
        return
    output = Output()
    if not found:
        output.line(f"The journal knows no wallet of user {user}.")
        return
    output.table(
        ["account", "wallet", "chain", "asset", "status", "address"],
        [[account, *_cells(wallet)] for account, wallet in found],
    )


def _cells(wallet: Wallet) -> list[str]:
    chains = {address.chain for address in wallet.addresses if address.chain}
    spans = wallet.chain or (f"{len(chains)} chains" if chains else "-")
    shown = addresses(wallet, wallet.chain)
    return [wallet.id, spans, wallet.asset or "-", wallet.status.value, shown]


def route(
    *,
    user: User,
    chain: ChainName = None,
    asset: AssetCode = None,
    attribute: Attributes = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say which account takes an order, and why."""
    attributes = attributes_of(attribute)
    with errors_shown(as_json=as_json), opened(config) as port:
        decision = port.route(user=user, chain=chain, asset=asset, attributes=attributes)
    if as_json:
        print_json({"user": user, "chain": chain, "asset": asset, **decision.model_dump(mode="json")})
        return
    output = Output()
    output.line(decision.account)
    for reason in decision.reasons:
        output.line(f"  - {reason}")
    if decision.failover:
        output.line(f"  - if it is known to have made none: {', then '.join(decision.failover)}")
    if decision.shadow:
        output.line(f"  - once more in shadow, for a wallet that nobody uses: {' and '.join(decision.shadow)}")
