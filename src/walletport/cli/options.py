"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

DEFAULT_CONFIG: Final = Path("walletport.toml")
DEFAULT_WAIT: Final = 60.0


def text(value: str | None) -> str | None:
    """Return a word of the command line, if it can be an id or a name."""
    if value is None:
        return None
    if not value.strip():
        msg = "must not be empty"
        raise typer.BadParameter(msg)
    try:
        value.encode()
    except UnicodeEncodeError:  # bytes that the terminal's encoding does not know
        msg = "holds characters that are no text"
        raise typer.BadParameter(msg) from None
    return value


def attributes_of(given: list[str] | None) -> dict[str, str]:
    """Return what is said of a user, from words like ``country=DE``."""
    found: dict[str, str] = {}
    for word in given or []:
        name, equals, value = word.partition("=")
        if not (name.strip() and equals and value.strip()):
            msg = f"{word!r} is no attribute: write NAME=VALUE, such as country=DE"
            raise typer.BadParameter(msg, param_hint="--attribute")
        if name in found:
            msg = f"{name!r} is given twice: a user has one value of each"
            raise typer.BadParameter(msg, param_hint="--attribute")
        found[name] = value
    return found


def group(about: str) -> typer.Typer:
    """Return a group of commands."""
    return typer.Typer(
        help=about,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines; errors too, on standard error.")]
ConfigFile = Annotated[Path, typer.Option("--config", metavar="FILE", help="Accounts, routes and journal.")]
Wait = Annotated[float, typer.Option(metavar="S", min=0, help="Start nothing later than this many seconds from now.")]

User = Annotated[str, typer.Option(metavar="U", callback=text, help="Your own id of the customer.")]
Account = Annotated[str, typer.Option(metavar="N", callback=text, help="The account's name in the configuration.")]
CustomerId = Annotated[str, typer.Option(metavar="C", callback=text, help="The provider's id of the customer.")]
ChainName = Annotated[
    str | None, typer.Option(metavar="C", callback=text, help="The chain the deposit address must be on.")
]
AssetCode = Annotated[str | None, typer.Option(metavar="A", callback=text, help="The asset the wallet must hold.")]
OrderId = Annotated[str, typer.Argument(metavar="ID", callback=text, help="The journal's id of the order.")]
Attributes = Annotated[
    list[str] | None,
    typer.Option("--attribute", metavar="NAME=VALUE", help="What routes may ask about the user; several are allowed."),
]
AccountName = Annotated[str, typer.Argument(metavar="NAME", callback=text, help="The account's name.")]
