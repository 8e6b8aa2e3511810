"""The closing report accounts for every customer."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.journal.orders import NOW
from tests.unit.switching.world import NEW, OLD, Town
from walletport import errors
from walletport.journal import CurrentRow, Journal, MoveRow, currents, moves
from walletport.provisioning.desk import Desk
from walletport.provisioning.wiring import desk_of
from walletport.switching.machine import MoveState
from walletport.switching.report import COLUMNS, STATUSES, status_of, write_report
from walletport.switching.run import SwitchRun
from walletport.switching.scope import Scope
from walletport.switching.walking import Candidate, Standing, Walker
from walletport.transport.engine import SystemClock

STATE = st.sampled_from([None, *MoveState])
PLACE = st.sampled_from(["old", NEW, "third"])
OUTCOMES = st.lists(st.tuples(STATE, PLACE, st.sampled_from(["usdc", None])), max_size=40)
Outcome = tuple[MoveState | None, str, str | None]
_numbers = itertools.count(1)


@pytest.fixture
def office(town: Town) -> Iterator[tuple[Desk, Journal]]:
    """A desk and its journal."""
    desk, journal = desk_of(town.config, SystemClock())
    with journal:
        yield desk, journal


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(outcomes=OUTCOMES, percent=st.sampled_from([100.0, 40.0]))
def test_whatever_became_of_customers_the_counts_add_up_to_all_of_them(
    office: tuple[Desk, Journal], tmp_path: Path, outcomes: list[Outcome], percent: float
) -> None:
    """Each customer stands in one line, whose status says where their wallet is; a source of its own each time."""
    (desk, journal), source = office, f"old-{next(_numbers)}"
    scope, folder = Scope(source, NEW, percent), tmp_path / source
    input_ = record(journal, source, outcomes)
    report = write_report(Walker(desk, journal, scope), journal, scope, folder, NOW)
    with (folder / "customers.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        lines = list(reader)
        assert tuple(reader.fieldnames or ()) == COLUMNS
    told = {(line["user"], line["asset"] or None): line for line in lines}
    assert len(lines) == len(told) == report.customers == sum(report.counts.values())
    assert told.keys() == input_.keys()
    assert Counter(line["status"] for line in lines) == report.counts
    assert report.counts.keys() <= STATUSES.keys()
    assert sum(report.reasons.values()) == report.counts.get("blocked", 0)
    for key, (state, account) in input_.items():
        status = told[key]["status"]
        assert (status == "cut_over") == (account == NEW and state == MoveState.CUT_OVER)
        assert (status == "elsewhere") == (account != source and status != "cut_over")
    assert f"of {report.customers:,} customers" in (folder / "index.html").read_text("utf-8")


def record(
    journal: Journal, source: str, outcomes: list[Outcome]
) -> dict[tuple[str, str | None], tuple[MoveState | None, str]]:
    """Write down outcomes, and return those of customers who have to do with the switch."""
    input_, held, moved = {}, [], []
    for number, (state, place, asset) in enumerate(outcomes):
        user, account = f"{source} user-{number}", source if place == "old" else place
        held.append(CurrentRow(user, "polygon", asset, account, f"w-{number}", None, None, None, NOW))
        if state is not None:
            moved.append(MoveRow(source, NEW, user, "polygon", asset, state, NOW, NOW, wallet_id=f"w-{number}"))
        if state is not None or account == source:
            input_[user, asset] = (state, account)
    journal.write(lambda connection: currents.first(connection, held)).result()
    journal.write(lambda connection: moves.add(connection, moved)).result()
    return input_


@pytest.mark.parametrize(("standing", "state"), [*itertools.product(Standing, [None, *MoveState])])
def test_every_outcome_has_a_status_that_is_explained(standing: Standing, state: MoveState | None) -> None:
    move = None if state is None else MoveRow(OLD, NEW, "ada", None, None, state, NOW, NOW)
    assert status_of(Candidate(1, ("ada", None, None), None, move, standing)) in STATUSES


def test_the_report_of_a_file_adds_up_to_its_lines_before_and_after(town: Town) -> None:
    """Who was not begun is accounted for, too."""
    known = town.box.emulators[NEW].add_customer()
    text = f"user,customer_id,chain,asset,target_customer_id\nada,c-1,polygon,usdc,{known}\nbob,c-2,polygon,usdc,\n"
    with town.customers(text) as file:
        scope = town.scope(customers=file)
        before = town.report(scope)
        assert (before.customers, before.counts) == (2, {"not_begun": 2})
        town.switch(scope)
        after = town.report(scope)
    assert (after.customers, after.counts) == (2, {"cut_over": 1, "blocked": 1})
    with Path(after.files[0]).open(encoding="utf-8", newline="") as lines:
        ada, bob = csv.DictReader(lines)
    assert (ada["status"], ada["address"]) == ("cut_over", town.current("ada").address)
    assert bob["reason"].startswith("no customer at polygon-oms")


def test_a_folder_that_cannot_be_written_to_is_found_before_anything_is_sent(town: Town) -> None:
    (town.folder / "file").write_text("")
    with pytest.raises(errors.ConfigurationError, match="the report cannot be written there"):
        SwitchRun.check_report(town.folder / "file")
