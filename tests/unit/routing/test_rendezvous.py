"""Where a user belongs: everywhere the same, in the shares that were asked for, and moved no more than needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletport.routing.rendezvous import draw, fraction

ROOT = Path(__file__).resolve().parents[3]
VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))
USERS = [f"user-{number}" for number in range(100_000)]

accounts = st.text(st.sampled_from("abcdefgh-_0123456789"), min_size=1, max_size=8)
splits = st.dictionaries(accounts, st.integers(1, 1_000_000_000), min_size=1, max_size=6)
users = st.text(min_size=1, max_size=40)


@pytest.mark.parametrize(
    "case", VECTORS["fractions"], ids=lambda case: f"{case['user'][:12]} at {case['account'][:12]}"
)
def test_a_user_and_an_account_have_one_number_in_every_version(case: dict[str, object]) -> None:
    """Worked out without this library; see the file."""
    assert fraction(case["user"], case["account"]) == case["numerator"] / 2**53


def test_a_user_belongs_to_one_account_in_every_version() -> None:
    """Worked out without this library; see the file."""
    wrong = [case for case in VECTORS["draws"] if draw(case["user"], case["weights"]) != case["account"]]
    assert wrong == []
    assert len({case["account"] for case in VECTORS["draws"]}) > 6


def test_every_process_draws_alike() -> None:
    """Python's own hashes differ from process to process; these do not."""
    code = """
import json, sys
from walletport.routing.rendezvous import draw
users = [f"user-{number}" for number in range(2000)]
print(json.dumps([draw(user, {name: 1 for name in sorted({"a", "b", "c"}, key=hash)}) for user in users]))
"""
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "src")},
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(printed) == 1
    assert json.loads(printed.pop()) == [draw(user, {"a": 1, "b": 1, "c": 1}) for user in USERS[:2000]]


@pytest.mark.parametrize(
    "weights",
    [
        {"main": 90, "spare": 10},
        {"main": 1, "spare": 1},
        {"main": 80, "spare": 20},
        {"a": 50, "b": 30, "c": 20},
        {"a": 99, "b": 1},
        {"w": 1, "x": 2, "y": 3, "z": 4},
        {"main": 900_000, "spare": 100_000},
    ],
    ids=str,
)
def test_every_account_gets_its_share(weights: dict[str, int]) -> None:
    """Of 100,000 users each account gets its weight's share, within one percentage point."""
    counted = Counter(draw(user, weights) for user in USERS)
    for account, weight in weights.items():
        assert counted[account] / len(USERS) == pytest.approx(weight / sum(weights.values()), abs=0.01)


def test_shares_of_two_splits_are_independent_of_each_other() -> None:
    """Who belongs to one account of a first split is spread over a second split like everybody else."""
    first = [user for user in USERS if draw(user, {"main": 50, "spare": 50}) == "main"]
    assert sum(draw(user, {"red": 50, "blue": 50}) == "red" for user in first) / len(first) == pytest.approx(
        0.5, abs=0.01
    )


def test_a_change_of_weights_moves_only_the_share_that_must_move() -> None:
    """From 90/10 to 80/20 a tenth of the users go to the account that gained, and nobody goes the other way."""
    before = [draw(user, {"main": 90, "spare": 10}) for user in USERS]
    after = [draw(user, {"main": 80, "spare": 20}) for user in USERS]
    moves = Counter(pair for pair in zip(before, after, strict=True) if pair[0] != pair[1])
    assert set(moves) == {("main", "spare")}
    assert moves["main", "spare"] / len(USERS) == pytest.approx(0.10, abs=0.01)


def test_an_account_that_leaves_moves_only_its_own_users() -> None:
    """Everybody else stays, and those who move are shared by weight."""
    before = {user: draw(user, {"a": 50, "b": 30, "c": 20}) for user in USERS}
    after = {user: draw(user, {"a": 50, "b": 30}) for user in USERS}
    assert all(after[user] == before[user] for user in USERS if before[user] != "c")
    moved = Counter(after[user] for user in USERS if before[user] == "c")
    assert moved["a"] / moved.total() == pytest.approx(50 / 80, abs=0.02)


def test_an_account_that_joins_takes_users_only_to_itself() -> None:
    """Nobody moves between two accounts that were there before."""
    before = [draw(user, {"a": 50, "b": 50}) for user in USERS]
    after = [draw(user, {"a": 50, "b": 50, "c": 25}) for user in USERS]
    assert {now for was, now in zip(before, after, strict=True) if was != now} == {"c"}
    assert after.count("c") / len(USERS) == pytest.approx(0.2, abs=0.01)


@given(users, splits, st.randoms(use_true_random=False))
def test_the_order_of_the_accounts_does_not_matter(user: str, weights: dict[str, int], random) -> None:
    """A split is a table, and tables have no order."""
    shuffled = list(weights.items())
    random.shuffle(shuffled)
    assert draw(user, dict(shuffled)) == draw(user, weights)


@given(users, splits, st.data())
def test_more_weight_never_loses_a_user(user: str, weights: dict[str, int], data) -> None:
    """Whoever belongs to an account still does when only that account's weight grows."""
    account = draw(user, weights)
    grown = data.draw(st.integers(weights[account], 2_000_000_000))
    assert draw(user, {**weights, account: grown}) == account


@given(users, accounts)
def test_a_fraction_is_never_at_an_end(user: str, account: str) -> None:
    """Neither end has a logarithm that could be divided by."""
    assert 0 < fraction(user, account) < 1


def test_where_the_user_ends_and_the_account_begins_is_part_of_the_hash() -> None:
    """User ab at account c is not user a at account bc."""
    assert fraction("ab", "c") != fraction("a", "bc")
