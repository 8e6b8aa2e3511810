"""From a configuration, or a journal, to the answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from walletport.config import Config, load_config
from walletport.errors import ConfigurationError
from walletport.experiment.reading import Reading, read
from walletport.experiment.report import Experiment
from walletport.journal import Journal, lives
from walletport.models import Chain

if TYPE_CHECKING:
    from os import PathLike

    from walletport.experiment.arms import Arm

DEFAULT_LEAST: Final = 0.01


def experiment(
    config: str | PathLike[str] | Config = "walletport.toml",
    *,
    since: datetime | None = None,
    chain: str | None = None,
    asset: str | None = None,
    route: str | None = None,
    undrawn: bool = False,
    least: float = DEFAULT_LEAST,
) -> Experiment:
    """Compare the accounts by what the journal of a configuration knows of their orders.

    An order counts for the account that the draw gave its user, whichever account carried it out in the end.

    Args:
        config: the configuration, or the name of its file.
        since: only orders committed then or later.
        chain: only orders for this chain.
        asset: only orders for this asset.
        route: only orders of this route.
        undrawn: count orders as well that no draw assigned, for the account that carries them out.
        least: the smallest difference of two success rates that matters, as a share; ``0.01`` is one percentage point.

    Raises:
        ConfigurationError: a library is missing, or an argument is not right; the message says what to type.
        JournalError: the database failed.
    """
    found = config if isinstance(config, Config) else load_config(config)
    with Journal.open(found.journal) as journal:
        return run(journal, since=since, chain=chain, asset=asset, route=route, undrawn=undrawn, least=least)


def run(
    journal: Journal,
    *,
    since: datetime | None = None,
    chain: str | None = None,
    asset: str | None = None,
    route: str | None = None,
    undrawn: bool = False,
    least: float = DEFAULT_LEAST,
) -> Experiment:
    """Same as `experiment`, of a journal that is open."""
    if not 0 < least < 1:
        msg = "least must be a share above 0 and below 1: 0.01 is one percentage point"
        raise ConfigurationError(msg)
    if since is not None and since.tzinfo is None:
        msg = "since must say its time zone: datetime(2027, 1, 31, tzinfo=UTC)"
        raise ConfigurationError(msg)
    try:
        from walletport.experiment.comparing import comparisons_of, result_of  # noqa: PLC0415 - comes with an extra
    except ImportError:
        msg = "comparing accounts needs SciPy: pip install 'walletport[experiment]'"
        raise ConfigurationError(msg) from None
    until = datetime.now(UTC)
    since = None if since is None else since.astimezone(UTC)
    named = None if chain is None else Chain(chain)
    found = lives(journal, until=until, since=since, chain=named, asset=None if asset is None else asset.lower())
    reading = read(found, route)
    arms = reading.arms(undrawn=undrawn)
    others = sum(arm.orders for arm in reading.others.values())
    return Experiment(
        since=since,
        until=until,
        chain=named,
        asset=asset,
        route=route,
        orders=sum(arm.orders for arm in arms.values()),
        left_out=others if reading.drawn and not undrawn else 0,
        drawn=bool(reading.drawn) and (not undrawn or not others),
        accounts=tuple(result_of(account, arm) for account, arm in arms.items()),
        comparisons=tuple(comparisons_of(arms, least)),
        cautions=tuple(_cautions(reading, arms, others, undrawn=undrawn)),
    )


def _cautions(reading: Reading, arms: dict[str, Arm], others: int, *, undrawn: bool) -> list[str]:
    """Return what a reader must know, a sentence each."""
    found = []
    counted_others = others and (undrawn or not reading.drawn)
    if counted_others:
        which = "any" if not reading.drawn else f"{others:,}"
        found.append(
            f"No draw assigned {which} of these orders, so whatever else tells the accounts' users apart may be what "
            "differs."
        )
    elif others:
        found.append(f"Left out, because no draw assigned them: {others:,} more; --undrawn counts them.")
    if len(reading.routes) > 1:
        found.append(
            f"The orders came by {len(reading.routes)} routes, whose users may differ: --route looks at one of them."
        )
    if reading.weights_changed:
        named = ", ".join(sorted(reading.weights_changed))
        found.append(
            f"The weights of route {named} changed meanwhile, so the accounts' orders are of different times: --since "
            "looks at the time after."
        )
    if any(arm.failovers for arm in arms.values()):
        found.append(
            "Some orders were handed to another account; they count for the account that the draw gave, and 'own "
            "success' counts only wallets made there."
        )
    return found
