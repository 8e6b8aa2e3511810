"""`walletport experiment`: which account is better, as far as the journal can tell."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from walletport.cli.options import DEFAULT_CONFIG, AsJson, AssetCode, ChainName, ConfigFile, text
from walletport.cli.output import Output, errors_shown, print_json

if TYPE_CHECKING:
    from walletport.experiment import Experiment

_AGO: Final = re.compile(r"(\d{1,6})([hdw])")
_COLUMN: Final = 23
_UNITS: Final = {"h": "hours", "d": "days", "w": "weeks"}


def _moment(value: str) -> datetime:
    """Return a time that was typed: a date, a date with a time, or how long ago."""
    ago = _AGO.fullmatch(value)
    try:
        if ago:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        msg = "must be a date such as 2027-01-31, a time such as 2027-01-31T12:00 (UTC), or how long ago: 24h, 7d, 2w"
        raise typer.BadParameter(msg) from None


def experiment(
    *,
    since: Annotated[
        datetime | None,
        typer.Option(metavar="T", parser=_moment, help="Only orders from then on: 2027-01-31, or 24h, 7d, 2w ago."),
    ] = None,
    chain: ChainName = None,
    asset: AssetCode = None,
    route: Annotated[
        str | None, typer.Option(metavar="R", callback=text, help="Only orders of this route: its name or position.")
    ] = None,
    undrawn: Annotated[
        bool, typer.Option("--undrawn", help="Count orders too that no draw assigned to their account.")
    ] = False,
    least: Annotated[
        float,
        typer.Option(
            metavar="P", min=0.001, max=99, help="The smallest difference that matters, in percentage points."
        ),
    ] = 1.0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the page with plots into this folder.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Compare accounts by what became of their orders.

    Look as often as you like: the tests hold at every look.
    """
    from walletport.experiment import experiment as compare  # noqa: PLC0415 - a database is a lot to load for --version

    with errors_shown(as_json=as_json):
        found = compare(config, since=since, chain=chain, asset=asset, route=route, undrawn=undrawn, least=least / 100)
        page = None if out is None else _write(found, out)
    if as_json:
        print_json({**found.model_dump(mode="json"), "page": None if page is None else str(page)})
        return
    _show(Output(), found)
    if page is not None:
        Output().line(f"The page with plots is {page}.")


def _write(found: Experiment, folder: Path) -> Path:
    from walletport.experiment.page import page_of  # noqa: PLC0415 - plots are a lot to load
    from walletport.pages import write_page  # noqa: PLC0415

    return write_page(page_of(found), folder, "experiment.html")


def _show(output: Output, found: Experiment) -> None:
    from walletport.experiment import words  # noqa: PLC0415

    output.line(words.scope(found))
    if found.accounts:
        rows = [words.account_row(one) for one in found.accounts]
        names = [row[0] for row in rows]
        facts = {title: [row[n] for row in rows] for n, title in enumerate(words.ACCOUNT_TITLES) if n}
        output.side_by_side(names, facts, least=_COLUMN)
    if found.comparisons:
        output.table(words.PAIR_TITLES, [words.pair_row(one) for one in found.comparisons])
    output.line()
    for sentence in (*words.verdicts(found), *found.cautions):
        output.line(sentence)
    output.line()
    for sentence in words.method(found):
        output.line(sentence, style="dim")
