"""What processes that share a limit tell each other: each says it once, and all of them hear it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.unit.journal.orders import NOW
from walletport.journal import Journal, RateRow, ShareRow, rates

UNTIL = NOW + timedelta(seconds=10)


def looked(journal: Journal) -> tuple[RateRow, list[ShareRow]]:
    return journal.write(lambda c: rates.look(c, "main", NOW)).result(20)


def said(journal: Journal, *shares: ShareRow) -> list[ShareRow]:
    for share in shares:
        journal.write(lambda c, share=share: rates.share(c, share)).result(20)
    return looked(journal)[1]


def test_of_a_limit_that_nobody_has_met_nothing_is_known(journal: Journal) -> None:
    assert looked(journal) == (RateRow("main", None, None, NOW), [])


def test_what_a_process_says_comes_back_as_it_was(journal: Journal) -> None:
    """And what it says next takes its place."""
    share = ShareRow("main", "a", UNTIL, 48.5, 60.0, 47.0, 240, 3)
    assert said(journal, share) == [share]
    changed = replace(share, until=UNTIL + timedelta(seconds=1), rate=None, wanted=None, refused=0)
    assert said(journal, changed) == [changed]


def test_accounts_do_not_share_a_limit(journal: Journal) -> None:
    here, there = ShareRow("main", "a", UNTIL, 10.0), ShareRow("other", "a", UNTIL, 20.0)
    assert said(journal, here, there) == [here]


def test_who_leaves_is_gone(journal: Journal) -> None:
    said(journal, ShareRow("main", "a", UNTIL), ShareRow("main", "b", UNTIL))
    journal.write(lambda c: rates.leave(c, "main", "a")).result(20)
    assert [one.owner for one in looked(journal)[1]] == ["b"]


def test_what_was_learned_comes_back_and_answers_are_counted_anew(journal: Journal) -> None:
    """Those that came before say nothing of the new rate."""
    said(journal, ShareRow("main", "a", UNTIL, 48.5, None, 47.0, 240, 3))
    learned = RateRow("main", 180.0, UNTIL, NOW + timedelta(seconds=1), rough=True)
    journal.write(lambda c: rates.learn(c, learned)).result(20)
    journal.write(lambda c: rates.count_anew(c, "main")).result(20)
    row, shares = looked(journal)
    assert row == learned
    assert shares == [ShareRow("main", "a", UNTIL, 48.5, None, 47.0, 0, 0)]


def test_a_person_can_end_a_pause(journal: Journal) -> None:
    looked(journal)
    journal.write(lambda c: rates.learn(c, RateRow("main", 180.0, UNTIL, NOW))).result(20)
    journal.write(lambda c: rates.reopen(c, "main")).result(20)
    assert looked(journal)[0] == RateRow("main", 180.0, None, NOW)
