"""How plans, rollbacks and reports of switches are shown to people."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from walletport.cli.output import Output
from walletport.cli.records import moment

if TYPE_CHECKING:
    from walletport.provisioning.current import WatchedAddress
    from walletport.switching.planning import SwitchPlan
    from walletport.switching.report import SwitchReport
    from walletport.switching.rollback import Rollback

_A_TABLE: Final = 500


def show_plan(output: Output, plan: SwitchPlan) -> None:
    """Print what a switch would do."""
    first = sum(plan.follow_up.values())
    output.line(
        f"From {plan.source} to {plan.target}: {plan.customers:,} customers, {plan.to_switch:,} to switch"
        f"{f', {first:,} need follow-up first' if first else ''}; nothing was written or sent."
    )
    rows = [
        *_row(plan.exist, "to switch", f"customers of {plan.target} already"),
        *_row(plan.can_be_made, "to switch", f"can be made customers of {plan.target}"),
        *_rows(plan.follow_up, "follow-up first"),
        *_rows(plan.impossible, "not possible"),
        *_row(plan.cut_over, "done", f"the wallet at {plan.target} is theirs"),
        *_row(plan.rolled_back, "rolled back", "left out; --again takes them up"),
        *_row(plan.elsewhere, "elsewhere", "the current wallet is at a third account, or was changed since"),
        *_row(plan.outside, "outside", "not in the part of the users that is meant"),
        [f"{plan.customers:,}", "all", ""],
    ]
    output.table(["customers", "", "why"], rows)
    notes = [
        *_row(plan.addresses_change, "deposit addresses change"),
        *_row(plan.addresses_unknown, "of them not known, so that they cannot be watched"),
        *_rows(plan.no_successor, f"wallets at {plan.source} take deposits where {plan.target} will take none:"),
        *_row(plan.unsettled, f"orders at {plan.source} have not ended; what they make is not in this plan"),
        *_row(plan.others, f"wallets at {plan.source} are nobody's current one, and stay as they are"),
    ]
    for number, *told in notes:
        output.line(f"{number} {' '.join(told)}")


def show_rollback(output: Output, told: Rollback, *, dry: bool) -> None:
    """Print what came of a rollback, or would come."""
    done = "would be" if dry else "were"
    output.line(f"From {told.source} to {told.target}: {told.customers:,} customers.")
    rows = [
        *_row(told.taken_back, f"{done} taken back", f"the wallet at {told.source} is theirs again"),
        *_row(told.taken_out, f"{done} taken out", f"the wallet at {told.source} stays theirs"),
        *_row(told.rolled_back, "had been rolled back before", ""),
        *_row(told.elsewhere, "stay as they are", "they have gone on to another wallet since"),
    ]
    output.table(["customers", "", ""], rows)


def show_report(output: Output, told: SwitchReport) -> None:
    """Print the counts of a report, and where it is."""
    rows = [[f"{number:,}", name.replace("_", " ")] for name, number in sorted(told.counts.items())]
    output.table(["customers", "status"], [*rows, [f"{told.customers:,}", "all"]])
    for file in told.files:
        output.line(file)


def show_watched(output: Output, found: Iterator[WatchedAddress]) -> None:
    """Print addresses, a table for some hundred at a time: there may be as many as customers."""
    some = list(itertools.islice(found, _A_TABLE))
    if not some:
        output.line("No wallet of a user was replaced.")
    while some:
        rows = [
            [
                one.address or "(not known)",
                one.chain or "-",
                one.user,
                one.account,
                one.wallet_id or "(made elsewhere)",
                moment(one.since),
            ]
            for one in some
        ]
        output.table(["address", "chain", "user", "account", "wallet", "replaced (UTC)"], rows)
        some = list(itertools.islice(found, _A_TABLE))


def _row(number: int, *told: str) -> Iterable[list[str]]:
    return [[f"{number:,}", *told]] if number else []


def _rows(numbers: Mapping[str, int], what: str) -> Iterable[list[str]]:
    return [[f"{number:,}", what, why] for why, number in numbers.items()]
