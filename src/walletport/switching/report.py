"""The closing report: every customer with what became of them, as CSV and as one page; its counts add up."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from walletport.errors import ConfigurationError
from walletport.journal import Transaction, currents
from walletport.models import Model, Wallet
from walletport.pages import Page, Section, Table, render, write_page
from walletport.provisioning.current import deposit_address
from walletport.switching.machine import MoveState
from walletport.switching.planning import checked
from walletport.switching.walking import Candidate, Standing, Walker

if TYPE_CHECKING:
    from walletport.journal import Journal
    from walletport.switching.scope import Scope

STATUSES: Final = {
    "cut_over": "the wallet at the target is theirs",
    "prepared": "there is a wallet at the target, and the one at the source is theirs",
    "in_progress": "begun, and not at its end",
    "blocked": "something is missing first",
    "rolled_back": "taken out",
    "elsewhere": "the current wallet is at a third account, or was changed since",
    "outside": "not in the part of the users that is meant",
    "not_begun": "new since the last run",
}
"""Every status of the report, and what it means."""
COLUMNS: Final = (
    "user",
    "chain",
    "asset",
    "status",
    "reason",
    "link",
    "old_wallet_id",
    "old_address",
    "customer_id",
    "wallet_id",
    "address",
    "order",
    "since",
)
CSV_NAME: Final = "customers.csv"
_AT_ONCE: Final = 500
_UNDER_WAY: Final = (MoveState.PLANNED, MoveState.CUSTOMER_READY, MoveState.PROVISIONED)
_BY_STANDING: Final = {
    Standing.CUT_OVER: "cut_over",
    Standing.ELSEWHERE: "elsewhere",
    Standing.OUTSIDE: "outside",
    Standing.ROLLED_BACK: "rolled_back",
    Standing.IMPOSSIBLE: "blocked",
}


class SwitchReport(Model):
    """What became of every customer.

    Args:
        source: the account that was left.
        target: the account they went to.
        customers: how many there are; the sum of ``counts``.
        counts: how many have each status.
        reasons: how many are blocked, by reason.
        at: when it was made.
        files: where it stands.
    """

    source: str
    target: str
    customers: int
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    at: datetime
    files: tuple[str, ...]


def write_report(walker: Walker, journal: Journal, scope: Scope, folder: Path, now: datetime) -> SwitchReport:
    """Write the report.

    Args:
        walker: walks through the customers.
        journal: where their wallets are.
        scope: who is meant.
        folder: where to; it is made if need be.
        now: the time.

    Raises:
        ConfigurationError: the folder cannot be written to, or Jinja is not installed.
    """
    counts, reasons = Counter[str](), Counter[str]()
    path = folder / CSV_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(COLUMNS)
            remaining = iter(checked(walker, scope))
            while some := list(itertools.islice(remaining, _AT_ONCE)):
                addresses = journal.read(partial(_old_addresses, account=scope.source, candidates=some))
                for one in some:
                    told = facts_of(one, addresses)
                    counts[str(told["status"])] += 1
                    if told["status"] == "blocked":
                        reasons[str(told["reason"])] += 1
                    table.writerow(["" if told[name] is None else told[name] for name in COLUMNS])
    except OSError as error:
        raise _cannot(folder, error) from None
    report = SwitchReport(
        source=scope.source,
        target=scope.target,
        customers=counts.total(),
        counts=dict(counts),
        reasons=dict(reasons.most_common()),
        at=now,
        files=(str(path), str(folder / "index.html")),
    )
    write_page(_page(report, scope), folder)
    return report


def check_folder(folder: Path) -> None:
    """Find out before hours of work whether the report can be written.

    Raises:
        ConfigurationError: the folder cannot be written to, or Jinja is not installed.
    """
    render(Page(title="", lead=[], sections=[], made=""))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / CSV_NAME).open("a", encoding="utf-8"):
            """It can be written."""
    except OSError as error:
        raise _cannot(folder, error) from None


def status_of(one: Candidate) -> str:
    """Return what became of a customer, as one of `STATUSES`."""
    told = _BY_STANDING.get(one.standing)
    if told is not None:
        return told
    state = None if one.move is None else MoveState(one.move.state)
    if state in _UNDER_WAY:
        return "in_progress"
    if state is MoveState.ADDRESS_KNOWN:
        return "prepared"
    return "blocked" if state is MoveState.BLOCKED else "not_begun"


def facts_of(one: Candidate, addresses: Mapping[str, str | None]) -> dict[str, object]:
    """Return what stands in a customer's line, by column.

    Args:
        one: the customer.
        addresses: of wallets at the source, by id.
    """
    user, chain, asset = one.key
    move, status = one.move, status_of(one)
    held = one.current if move is None else None
    old_id = move.old_wallet_id if move is not None else held and held.wallet_id
    old_address = move.old_address if move is not None else held and held.address
    return {
        "user": user,
        "chain": chain,
        "asset": asset,
        "status": status,
        "reason": _reason(one) if status in ("blocked", "elsewhere") else None,
        "link": None if move is None else move.link,
        "old_wallet_id": old_id,
        "old_address": addresses.get(old_id or "") or old_address,
        "customer_id": None if move is None else move.customer_id,
        "wallet_id": None if move is None else move.wallet_id,
        "address": None if move is None else move.address,
        "order": None if move is None else move.provision_id,
        "since": None if move is None else move.updated_at.isoformat(),
    }


def _cannot(folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{folder}: the report cannot be written there ({error.strerror}): name another folder")


def _reason(one: Candidate) -> str | None:
    return one.why or (None if one.move is None else one.move.reason)


def _old_addresses(connection: Transaction, account: str, candidates: Iterable[Candidate]) -> dict[str, str | None]:
    chains = {_old_id(one): one.key[1] for one in candidates}
    found = currents.documents(connection, account, [wallet_id for wallet_id in chains if wallet_id])
    return {
        wallet_id: deposit_address(Wallet.model_validate(document), chains[wallet_id])
        for wallet_id, document in found.items()
    }


def _old_id(one: Candidate) -> str:
    held = one.current if one.move is None else None
    wallet_id = one.move.old_wallet_id if one.move is not None else held and held.wallet_id
    return wallet_id or ""


def _page(report: SwitchReport, scope: Scope) -> Page:
    rows = [[name.replace("_", " "), f"{report.counts.get(name, 0):,}", meaning] for name, meaning in STATUSES.items()]
    total = ["all", f"{report.customers:,}", "every customer of this switch"]
    sections = [Section("Every customer", [Table(["status", "customers", "means"], [*rows, total], words=_MEANING)])]
    if report.reasons:
        why = [[reason, f"{number:,}"] for reason, number in report.reasons.items()]
        sections.append(Section("What is missing", [Table(["reason", "customers"], why)]))
    done = report.counts.get("cut_over", 0)
    return Page(
        title=f"From {report.source} to {report.target}",
        lead=[f"{done:,} of {report.customers:,} customers have their wallet at {report.target}."],
        sections=[*sections, Section("Each of them", [f"{CSV_NAME}, beside this page, has a line for each customer."])],
        made=f"walletport switch, {scope.name}, {report.at:%Y-%m-%d %H:%M} UTC",
    )


_MEANING: Final = frozenset({2})
