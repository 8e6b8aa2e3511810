"""Faults: how they are spelt, which request they hit, and what a misspelt one is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletport.errors import ConfigurationError
from walletport.sandbox import KINDS, Fault, Faults

WITH_SECONDS = {"late", "late-before", "429", "503", "limit"}
BOTH_FORMS = {"500", "503", "html-502"}


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    kind = draw(st.sampled_from(sorted(KINDS)))
    words = st.none() | st.text(st.characters(exclude_characters=":=", exclude_categories=["Z", "C"]), min_size=1)
    return Fault(
        kind,
        rate=draw(st.floats(0, 1)),
        times=draw(st.none() | st.integers(1, 10_000)),
        seconds=draw(st.none() | st.floats(0, 3600)) if kind in WITH_SECONDS else None,
        path=draw(words),
        method=draw(st.sampled_from([None, "GET", "POST"])),
        provider=draw(words),
        after=kind in BOTH_FORMS and draw(st.booleans()),
        per_second=draw(st.floats(1, 1e6)) if kind == "limit" else None,
    )


@given(faults())
def test_every_fault_can_be_written_down_and_read_back(fault: Fault):
    assert Fault.parse(str(fault)) == fault


def test_all_options_can_be_spelt():
    assert Fault.parse("503:rate=0.05:times=2:seconds=1.5:path=wallets:method=post:provider=toy:after") == Fault(
        "503", rate=0.05, times=2, seconds=1.5, path="wallets", method="POST", provider="toy", after=True
    )


def test_a_limit_lets_so_many_requests_through_in_any_second(monkeypatch: pytest.MonkeyPatch):
    """What it refuses does not count."""
    now = 100.0
    monkeypatch.setattr("walletport.sandbox.faults.time.monotonic", lambda: now)
    faults = Faults(0, ["toy"], ["limit:per_second=3:method=POST"])

    def let_through(method: str) -> bool:
        return faults.pick(method, "/toy", "toy") is None

    assert [let_through("POST") for _ in range(5)] == [True, True, True, False, False]
    assert all(let_through("GET") for _ in range(5))
    now += 0.99
    assert not let_through("POST")
    now += 0.01
    assert [let_through("POST") for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("spelling", ["limit", "limit:per_second=0.5", "429:per_second=5", "limit:per_second=many"])
def test_a_limit_says_how_many(spelling: str):
    with pytest.raises(ConfigurationError, match="per_second"):
        Fault.parse(spelling)


def test_a_fault_without_options_hits_every_request():
    fault = Fault.parse("drop-after")
    assert all(fault.hits(seed=0, number=number) for number in range(1, 100))


@pytest.mark.parametrize(
    ("spelling", "told"),
    [
        ("drop", "write one of drop-before, drop-after, late"),
        ("", "write one of drop-before"),
        ("500:rat=1", "'rat=1' in fault '500:rat=1' is not understood: write kind[:rate=0.05][:times=2]"),
        ("500:rate", "'rate' in fault"),
        ("500:rate=", "'rate=' in fault"),
        ("500:after=yes", "'after=yes' in fault"),
        ("429:times=1:times=2", "'times=2' in fault"),
        ("500:rate=2", "rate must be a number from 0 to 1, such as rate=0.05"),
        ("500:rate=nan", "rate must be a number"),
        ("500:rate=often", "rate must be a number, such as 0.5, not 'often'"),
        ("500:times=0", "times must be a whole number from 1"),
        ("500:times=1.5", "times must be a whole number, such as 2, not '1.5'"),
        ("late:seconds=-1", "seconds must be a number from 0 to 3600"),
        ("late:seconds=inf", "seconds must be a number"),
        ("drop-after:seconds=2", "leave seconds out: only late, late-before, 429, 503, limit take it"),
        ("drop-after:after", "leave after out: only 500, 503, html-502 take it"),
    ],
)
def test_a_misspelt_fault_is_told_what_to_write(spelling: str, told: str):
    with pytest.raises(ConfigurationError) as caught:
        Fault.parse(spelling)
    assert told in caught.value.message
    assert "\n" not in caught.value.message


def hits(fault: Fault, seed: int, requests: int) -> list[int]:
    return [number for number in range(1, requests + 1) if fault.hits(seed, number)]


def test_which_requests_are_hit_depends_on_the_seed_and_on_the_fault_only():
    fault = Fault("500", rate=0.3)
    assert hits(fault, 7, 200) == hits(Fault.parse("500:rate=0.3"), 7, 200)
    assert hits(fault, 7, 200) != hits(fault, 8, 200)
    assert hits(fault, 7, 200) != hits(Fault("503", rate=0.3), 7, 200)


def test_this_is_how_a_seed_chooses_so_that_a_recorded_run_can_be_repeated():
    assert hits(Fault("500", rate=0.3), 7, 20) == [4, 8, 9, 13, 14, 15, 17]


def test_about_the_stated_share_of_requests_is_hit():
    assert 400 < len(hits(Fault("late", rate=0.05), 0, 10_000)) < 600


def test_a_rate_of_zero_hits_nothing():
    assert hits(Fault("late", rate=0), 0, 1000) == []


def picks(faults: Faults, requests: list[tuple[str, str, str]]) -> list[str | None]:
    return [str(fault) if (fault := faults.pick(*request)) else None for request in requests]


def test_a_fault_hits_only_the_requests_it_is_meant_for():
    faults = Faults(0, ["toy", "acme"], ["500:path=wallets:method=POST:provider=toy"])
    assert picks(
        faults,
        [
            ("POST", "/toy/customers/1/wallets", "toy"),
            ("GET", "/toy/customers/1/wallets", "toy"),
            ("POST", "/toy/token", "toy"),
            ("POST", "/acme/wallets", "acme"),
        ],
    ) == ["500:path=wallets:method=POST:provider=toy", None, None, None]


def test_times_counts_the_requests_that_were_hit_and_others_do_not_use_it_up():
    faults = Faults(0, ["toy"], ["cut:times=2:method=POST"])
    asked = [("GET", "/", "toy"), ("POST", "/", "toy"), ("GET", "/", "toy"), ("POST", "/", "toy"), ("POST", "/", "toy")]
    assert [bool(fault) for fault in picks(faults, asked)] == [False, True, False, True, False]


def test_faults_that_want_the_same_request_take_turns():
    faults = Faults(0, ["toy"], ["429:times=1", "500:times=1"])
    assert picks(faults, [("GET", "/", "toy")] * 3) == ["429:times=1", "500:times=1", None]


def test_a_rate_does_not_depend_on_requests_that_another_fault_is_meant_for():
    alone, beside = Faults(3, ["toy"], ["500:rate=0.5:method=POST"]), Faults(3, ["toy"], ["500:rate=0.5:method=POST"])
    post, get = ("POST", "/", "toy"), ("GET", "/", "toy")
    mixed = picks(beside, [request for _ in range(50) for request in (get, post)])
    assert picks(alone, [post] * 50) == mixed[1::2]


def test_a_rate_does_not_depend_on_what_another_fault_has_taken_either():
    first, second = Fault("429", rate=0.5), Fault("500", rate=0.5)
    expected = [
        next((str(fault) for fault in (first, second) if fault.hits(3, number)), None) for number in range(1, 101)
    ]
    assert picks(Faults(3, ["toy"], [first, second]), [("GET", "/", "toy")] * 100) == expected


def test_faults_can_be_added_counted_and_taken_away():
    faults = Faults(0, ["toy"])
    faults.add(Fault("late", times=1))
    faults.pick("GET", "/", "toy")
    faults.pick("GET", "/", "toy")
    (count,) = faults
    assert (count.fault.kind, count.seen, count.hit) == ("late", 2, 1)
    faults.clear()
    assert list(faults) == []
    assert faults.pick("GET", "/", "toy") is None


def test_a_fault_for_a_provider_that_is_not_here_is_refused():
    with pytest.raises(ConfigurationError, match="no provider 'acme' is here: write one of toy"):
        Faults(0, ["toy"], ["500:provider=acme"])
