"""From orders at sandboxes, with faults planted at one account, to the sentence that names it."""

from __future__ import annotations

import contextlib
import re
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.experiment.orders import NOW, fill, lived
from tests.unit.port_site import Site
from walletport import CustomerLink, Route, errors
from walletport.experiment import Comparison, Experiment, experiment, run
from walletport.experiment.page import page_of
from walletport.experiment.reading import read
from walletport.experiment.words import method, verdicts
from walletport.journal import Journal, Life, lives
from walletport.pages import render
from walletport.sandbox import Sandbox

ROUTES = (Route(name="half", split={"ledger-so": 1, "polygon-oms": 1}),)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Sandbox(["ledger-so", "polygon-oms"]) as box:
        yield Site(box, tmp_path, {})


def ordered(site: Site, count: int) -> None:
    """Give an order for each of so many users; what fails has failed."""
    with site.port(routes=ROUTES) as port:
        users = [f"user-{number}" for number in range(count)]
        port.link_customers(
            CustomerLink(user=user, account=account, customer_id=site.box.emulators[account].add_customer())
            for user in users
            for account in port.accounts
        )
        for user in users:
            with contextlib.suppress(errors.WalletportError):
                port.provision(user=user, chain="polygon", asset="usdc", reference=user, wait=0)


def of(found: Experiment, measure: str) -> Comparison:
    (one,) = [one for one in found.comparisons if one.measure == measure]
    return one


def test_the_account_where_orders_fail_is_named(site: Site) -> None:
    """One account does its work and says that it failed; most of its users are served elsewhere before long.

    By intention they count for it all the same: as success, and not as its own.
    """
    site.box.faults.add("503:after:provider=ledger-so:method=POST:path=wallets")
    ordered(site, 60)
    site.box.clock.advance(48 * 3600)
    with site.port(routes=ROUTES) as port:
        port.recover(wait=0)
    found = experiment(site.config(routes=ROUTES))
    assert {one.account for one in found.accounts} == {"ledger-so", "polygon-oms"}
    assert (found.orders, found.drawn) == (60, True)
    own = of(found, "own success")
    assert own.better == "polygon-oms"
    assert own.corrected <= 0.05
    assert own.low is not None
    assert own.low > 0
    assert own.orders_needed is None
    assert (
        f"own success: polygon-oms is better than ledger-so (100.0 % against 0.0 %, corrected p {own.corrected:.3g})."
        in (text.replace("< 0.0001", f"{own.corrected:.3g}") for text in verdicts(found))
    )
    worse = next(one for one in found.accounts if one.account == "ledger-so")
    assert worse.needs_review > 0
    assert worse.done + worse.needs_review + worse.open + worse.rejected == worse.orders
    assert worse.own_success is not None
    assert worse.own_success.hits == 0


def test_the_account_that_is_slow_is_named(site: Site) -> None:
    """Every answer of one account is late; nothing fails."""
    site.box.faults.add("late:seconds=0.08:provider=polygon-oms:method=POST:path=wallets")
    ordered(site, 60)
    found = experiment(site.config(routes=ROUTES))
    assert of(found, "latency p50").better == "ledger-so"
    assert of(found, "success").better is None
    slow = next(one for one in found.accounts if one.account == "polygon-oms")
    assert slow.latency is not None
    assert slow.latency.p50 >= 0.08
    assert slow.latency.p50_low <= slow.latency.p50 <= slow.latency.p95 <= slow.latency.p99
    assert [text for text in verdicts(found) if text.startswith("latency p50: ledger-so is faster")]


# --------------------------------------------------------------------------------------------------- what counts where


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Experiment]]:
    """Say what the answer is to a journal that knows these orders."""
    with Journal.open(f"sqlite:///{tmp_path / 'empty.db'}") as journal:

        def answer(*known: Life, **asked: object) -> Experiment:
            monkeypatch.setattr("walletport.experiment.running.lives", lambda *_, **__: iter(known))
            return run(journal, **asked)

        yield answer


def test_an_order_counts_for_the_account_that_the_draw_gave(answered: Callable[..., Experiment]) -> None:
    """Though another account made its wallet; and the reader is told."""
    found = answered(lived("beta", drawn="alpha", failovers=1, sends=2), lived("alpha"), lived("beta"))
    alpha, beta = found.accounts
    assert (alpha.account, alpha.orders, alpha.done, alpha.failovers, alpha.retries) == ("alpha", 2, 2, 1, 1)
    assert (beta.account, beta.orders) == ("beta", 1)
    assert (alpha.success.value, alpha.own_success.value) == (1.0, 0.5)
    assert {one.measure for one in found.comparisons} >= {"success", "own success"}
    assert any("handed to another account" in text for text in found.cautions)
    assert method(found)[0].startswith("By intention")


def test_what_no_draw_assigned_is_left_out_and_told(answered: Callable[..., Experiment]) -> None:
    """Unless it is asked for, or there is nothing else; then it is no experiment, and the reader is told that."""
    orders = [lived("alpha"), lived("beta"), lived("beta", drawn=None)]
    found = answered(*orders)
    assert (found.orders, found.left_out, found.drawn) == (2, 1, True)
    assert found.cautions == ("Left out, because no draw assigned them: 1 more; --undrawn counts them.",)
    found = answered(*orders, undrawn=True)
    assert (found.orders, found.left_out, found.drawn) == (3, 0, False)
    assert found.cautions[0].startswith("No draw assigned 1 of these orders")
    found = answered(lived("alpha", drawn=None), lived("beta", drawn=None))
    assert (found.orders, found.drawn) == (2, False)
    assert found.cautions[0].startswith("No draw assigned any of these orders")


def test_orders_of_one_route_are_looked_at_alone(answered: Callable[..., Experiment]) -> None:
    """Several routes, and weights that changed, are told: users or times may be what differs."""
    orders = [lived("alpha", route="a"), lived("beta", route="a"), lived("beta", route="b")]
    assert any("came by 2 routes" in text for text in answered(*orders).cautions)
    found = answered(*orders, route="a")
    assert (found.orders, found.cautions) == (2, ())
    changed = [lived("alpha"), lived("beta", weights={"alpha": 9, "beta": 1})]
    assert any("weights of route 1 changed" in text for text in answered(*changed).cautions)


def test_what_is_still_open_counts_in_no_rate(answered: Callable[..., Experiment]) -> None:
    states = ["done", "rejected", "needs_review", "planned", "sending", "in_doubt", "awaiting_approval"]
    (alpha,) = answered(*(lived("alpha", state) for state in states)).accounts
    assert (alpha.done, alpha.rejected, alpha.needs_review, alpha.open) == (1, 1, 1, 4)
    assert (alpha.success.hits, alpha.success.count) == (1, 3)


def test_times_are_told_of_those_orders_of_which_they_are_known(answered: Callable[..., Experiment]) -> None:
    """To half a per cent."""
    orders = [
        lived("alpha", took=float(number), ready=2.0 * number if number % 2 else None) for number in range(1, 101)
    ]
    (alpha,) = answered(*orders, lived("alpha", "rejected")).accounts
    assert (alpha.latency.count, alpha.address.count) == (100, 50)
    told = (alpha.latency.p50, alpha.latency.p95, alpha.latency.p99, alpha.address.p50)
    assert told == pytest.approx((50, 95, 99, 98), rel=0.006)


def test_pairs_are_corrected_for_their_number(answered: Callable[..., Experiment]) -> None:
    """By Holm: the best of three counts three times, the next twice."""
    rates = {"alpha": 95, "beta": 70, "gamma": 60}
    found = answered(
        *(lived(name, "done" if n < good else "rejected") for name, good in rates.items() for n in range(100))
    )
    pairs = sorted((one for one in found.comparisons if one.measure == "success"), key=lambda one: one.p_value)
    assert [one.corrected for one in pairs] == pytest.approx([3 * pairs[0].p_value, 2 * pairs[1].p_value, 1.0])
    assert {one.better for one in pairs} == {"alpha", None}


def test_what_is_undecided_says_how_many_orders_would_decide(answered: Callable[..., Experiment]) -> None:
    """Of the difference that was seen, or, where that is small, of the smallest that matters; never of none at all."""
    good = {"alpha": 190, "beta": 180}
    found = answered(*(lived(name, "done" if n < good[name] else "rejected") for name in good for n in range(200)))
    seen = of(found, "success")
    assert (seen.better, seen.supposed) == (None, None)
    assert 100 < seen.orders_needed < 2000
    alike = answered(*(lived(name, "done" if n < 190 else "rejected") for name in good for n in range(200)))
    small = of(alike, "success")
    assert small.supposed == 0.01
    assert small.orders_needed > 10_000
    assert of(alike, "latency p50").orders_needed is None
    assert [
        text for text in verdicts(alike) if text.endswith("as it looks, no number of orders would tell them apart.")
    ]


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ([], "The journal holds no such order."),
        ([lived("alpha")], "There is nothing to compare: all orders count for alpha."),
        ([lived("alpha", "planned"), lived("beta", "planned")], "There is nothing to compare yet"),
    ],
)
def test_too_little_is_a_sentence_and_a_page(answered: Callable[..., Experiment], known: list[Life], told: str) -> None:
    found = answered(*known)
    assert verdicts(found)[0].startswith(told)
    assert told in render(page_of(found))


def test_the_page_has_plots_with_their_numbers_and_shows_names_as_they_are(answered: Callable[..., Experiment]) -> None:
    """A name that is markup stays text."""
    rude = "<script>alert(1)</script>"
    found = answered(*(lived(name, took=took, ready=2 * took) for name in ("alpha", rude) for took in (1.0, 2.0, 3.0)))
    page = render(page_of(found))
    assert "<script" not in page
    assert page.count("<figure>") == page.count("<svg") == page.count("The numbers</summary>") == 3
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 10
    for text in (*verdicts(found), *method(found)):
        assert text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;") in page


def test_arguments_that_make_no_sense_are_a_sentence_each(site: Site) -> None:
    with pytest.raises(errors.ConfigurationError, match="least must be a share above 0 and below 1"):
        experiment(site.config(), least=1.0)
    with pytest.raises(errors.ConfigurationError, match="since must say its time zone"):
        experiment(site.config(), since=datetime(2027, 1, 1))  # noqa: DTZ001 - what is refused


def test_a_missing_library_is_a_sentence_that_says_what_to_install(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("walletport.experiment.")]:
        if name.endswith(("comparing", "statistics")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(errors.ConfigurationError, match=re.escape("pip install 'walletport[experiment]'")):
        experiment(site.config())


def test_memory_does_not_grow_with_the_number_of_orders(tmp_path: Path) -> None:
    """Four times as many need no more at once; the journal is read in windows."""
    peaks = {}
    with Journal.open(f"sqlite:///{tmp_path / 'many.db'}") as journal:
        known = 0
        for count in (500, 2_000):
            fill(journal, known, count)
            known = count
            read(lives(journal, until=NOW + timedelta(days=1), window=100), None)  # what is made once is made now
            tracemalloc.start()
            reading = read(lives(journal, until=NOW + timedelta(days=1), window=100), None)
            peaks[count] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert sum(arm.orders for arm in reading.drawn.values()) == count
    assert peaks[2_000] < 2 * peaks[500]
