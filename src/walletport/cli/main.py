"""The commands."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from walletport import __version__
from walletport.cli import (
    accounts,
    bulk,
    customers,
    experiment,
    jobs,
    journal,
    listing,
    orders,
    scaffold,
    shadow,
    switching,
)
from walletport.cli import demo as trials
from walletport.cli.evaluate import evaluate
from walletport.cli.markdown import capabilities_as_markdown
from walletport.cli.options import AsJson
from walletport.cli.output import Output, errors_shown, print_json
from walletport.cli.serving import announce
from walletport.cli.worker import worker
from walletport.errors import ConfigurationError
from walletport.plugins import providers as installed_providers
from walletport.sandbox.faults import KINDS, SPELLING, Fault

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # what a user or a vendor wrote is never taken for markup
    context_settings={"help_option_names": ["-h", "--help"]},
)

Names = Annotated[list[str] | None, typer.Argument(metavar="PROVIDER", help="Only these; all by default.")]


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character must not end the program
    app(prog_name="walletport")


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --version: print it as JSON.")] = False,
) -> None:
    """One Python interface to every custodial-wallet provider."""
    if as_json and not version:
        msg = f"write it behind the command, as in: walletport {context.invoked_subcommand or 'providers'} --json"
        raise typer.BadParameter(msg, param_hint="--json")
    if version:
        print_json({"version": __version__}) if as_json else typer.echo(f"walletport {__version__}")
        raise typer.Exit


@app.command()
def demo(
    names: Names = None,
    *,
    chain: Annotated[str, typer.Option(help="The chain the deposit address must be on.")] = "polygon",
    asset: Annotated[str, typer.Option(help="The asset the wallet must hold.")] = "usdc",
    as_json: AsJson = False,
) -> None:
    """Order a wallet at every emulator and compare."""
    with errors_shown(as_json=as_json):
        from walletport.sandbox import Sandbox  # noqa: PLC0415 - a server is a lot to load for --version

        with Sandbox(names or None) as sandbox:
            tried = trials.run_trials(sandbox, chain, asset)
    if as_json:
        print_json(trials.as_json(tried, chain, asset))
    else:
        trials.show(Output(), tried, chain, asset)
    if any(trial.error for trial in tried):
        raise typer.Exit(1)


@app.command()
def providers(*, as_json: AsJson = False) -> None:
    """List the installed providers."""
    found = installed_providers()
    if as_json:
        print_json(listing.providers_as_json(found))
    else:
        listing.show_providers(Output(), found)


@app.command()
def capabilities(
    names: Names = None,
    *,
    as_json: AsJson = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a page in Markdown.")] = False,
) -> None:
    """Compare what the providers can do."""
    with errors_shown(as_json=as_json):
        found = listing.pick(names or [])
    if as_markdown:
        typer.echo(capabilities_as_markdown(found), nl=False)
    elif as_json:
        print_json(listing.capabilities_as_json(found))
    else:
        listing.show_capabilities(Output(), found)


def _read_fault(spelling: str) -> Fault:
    try:
        return Fault.parse(spelling)
    except ConfigurationError as error:
        raise typer.BadParameter(error.message) from None


_FAULT_HELP = "\n".join(
    [
        "\b",
        "FAULT is",
        *(f"  {line}" for line in SPELLING.replace("[:path", "\n    [:path").splitlines()),
        "and kind is",
        *(f"  {kind:<12} {meaning}" for kind, meaning in KINDS.items()),
    ]
)


@app.command(epilog=_FAULT_HELP)
def sandbox(
    names: Names = None,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 for any free one.")] = 8700,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option(help="Makes ids, addresses and faults reproducible.")] = 0,
    faults: Annotated[
        list[Fault] | None,
        typer.Option("--fault", metavar="FAULT", parser=_read_fault, help="What goes wrong; several are allowed."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the vendors' emulators on this machine until Ctrl-C."""
    with errors_shown(as_json=as_json):
        from walletport.sandbox import Sandbox  # noqa: PLC0415 - a server is a lot to load for --version

        running = Sandbox(names or None, host=host, port=port, seed=seed, faults=faults or [])
        running.serve(lambda: announce(running.overview(), as_json=as_json))


app.command()(scaffold.new_provider)
app.command()(orders.provision)
app.command()(orders.wallets)
app.command()(orders.route)
app.command()(accounts.pin)
app.command()(accounts.unpin)
app.command()(accounts.pins)
app.add_typer(accounts.app, name="accounts")
app.command()(experiment.experiment)
app.command()(shadow.shadow)
app.command()(bulk.bulk)
app.command()(worker)
app.command()(evaluate)
app.add_typer(customers.app, name="customers")
app.add_typer(jobs.app, name="jobs")
app.add_typer(journal.app, name="journal")
app.add_typer(switching.app, name="switch")
