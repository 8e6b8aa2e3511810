"""The cut-over is one transaction: the current wallet is the old one or the new one, never none and never both."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.journal.orders import NOW
from tests.unit.switching.flipping import NEW, OLD, USERS, check, once, prepare
from walletport.journal import Journal, LostClaim, Transaction, currents, moves, rows
from walletport.switching.cutover import cut_over

ROOT = Path(__file__).parents[3]


def flipping(url: str) -> subprocess.Popen[str]:
    code = "import sys; from tests.unit.switching.flipping import flip; flip(sys.argv[1])"
    child = subprocess.Popen([sys.executable, "-c", code, url], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "flipping\n"
    return child


def kill_and_check(url: str, times: int) -> None:
    prepare(url)
    for _ in range(times):
        child = flipping(url)
        time.sleep(random.uniform(0.05, 0.4))
        child.kill()
        child.communicate()
        with Journal.open(url) as journal:
            check(journal)


def test_a_process_that_is_killed_around_a_cut_over_leaves_one_current_wallet(url: str) -> None:
    """It cuts over and rolls back as fast as it can, and is killed wherever it is."""
    kill_and_check(url, 2)


@pytest.mark.long
def test_however_often_it_is_killed(url: str) -> None:
    kill_and_check(url, 60)


def test_what_fails_half_way_through_a_cut_over_changes_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last thing that is written is the event."""
    prepare(url)
    with Journal.open(url) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(rows, "note", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                journal.write(lambda connection: once(connection, USERS[0])).result()
        assert check(journal) == [OLD] * len(USERS)
        journal.write(lambda connection: once(connection, USERS[0])).result()
        assert check(journal) == [NEW, *[OLD] * (len(USERS) - 1)]


def test_of_several_who_cut_over_at_once_one_does(url: str) -> None:
    """As does one who looked before somebody else has cut over."""
    prepare(url)
    key = (USERS[0], "polygon", "usdc")
    with Journal.open(url) as journal, ThreadPoolExecutor(4) as threads:
        seen = journal.read(lambda connection: moves.get(connection, OLD, NEW, key))

        def attempt(_: int) -> bool:
            try:
                journal.write(lambda connection: cut_over(connection, seen, NOW)).result()
            except LostClaim:
                return False
            return True

        assert sorted(threads.map(attempt, range(4))) == [False, False, False, True]
        assert check(journal) == [NEW, *[OLD] * (len(USERS) - 1)]


def test_a_cut_over_from_a_wallet_that_is_not_current_any_more_is_blocked(url: str) -> None:
    prepare(url)
    key = (USERS[0], "polygon", "usdc")

    def elsewhere(connection: Transaction) -> None:
        current = currents.get(connection, *key)
        assert currents.move(connection, current, replace(current, account="third", wallet_id=None), NOW)
        assert not currents.move(connection, current, replace(current, account="third", wallet_id=None), NOW)

    with Journal.open(url) as journal:
        journal.write(elsewhere).result()
        seen = journal.read(lambda connection: moves.get(connection, OLD, NEW, key))
        then = journal.write(lambda connection: cut_over(connection, seen, NOW)).result()
        assert then.state == "blocked"
        assert then.reason == "the user's current wallet is at third, and no more the one that was planned for"
        assert journal.read(lambda connection: currents.get(connection, *key)).account == "third"
