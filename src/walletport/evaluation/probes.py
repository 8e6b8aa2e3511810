"""The probes: each asks one question of an account by doing it, and brings the evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from walletport.errors import (
    Conflict,
    IdempotencyConflict,
    InvalidRequest,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    TransportError,
    UnsupportedOperation,
    WalletportError,
)
from walletport.evaluation.bench import Bench
from walletport.evaluation.orders import Order
from walletport.evaluation.report import Finding, Verdict
from walletport.models import Wallet
from walletport.transport.recording import Exchange

TRIES: Final = 2
"""How often a probe is begun anew after a failure that says nothing about its question."""
AT_ONCE: Final = 4
_WINDOW_SHARE: Final = 0.8
_REPLAY: Final = 300
_PASSING: Final = (TransportError, ProviderUnavailable, RateLimited)
_NO_KEYS: Final = "the provider takes no idempotency key"


@dataclass(frozen=True)
class Probe:
    """One question.

    Args:
        kind: what the finding is called.
        question: in words.
        creates: how many orders one try sends at most.
        run: asks it.
    """

    kind: str
    question: str
    creates: int
    run: Callable[[Bench], Awaitable[Finding]]


async def asked(probe: Probe, bench: Bench) -> Finding:
    """Ask one question; a failure in passing, which says nothing about it, begins it anew."""
    for left in reversed(range(TRIES)):
        mark = bench.driver.sent
        try:
            return await probe.run(bench)
        except _PASSING as error:
            if left:
                await asyncio.sleep(min(error.retry_after or 0.0, 5.0))
                continue
            why = f"{TRIES} tries ended in failures that say nothing about it, the last in {type(error).__name__}"
            return Finding(
                kind=probe.kind, verdict=Verdict.NOT_TRIED, sentence=why, evidence=bench.evidence(since=mark)
            )
        except UnsupportedOperation as error:
            return Finding(kind=probe.kind, verdict=Verdict.NOT_OFFERED, sentence=error.message)
        except WalletportError as error:
            why = f"it could not be asked: {told(error)}"
            return Finding(
                kind=probe.kind, verdict=Verdict.NOT_TRIED, sentence=why, evidence=bench.evidence(since=mark)
            )
        finally:
            bench.driver.keep_answers()
    raise AssertionError  # the last try returns


# --- idempotency ------------------------------------------------------------------------------------------------


async def same_key(bench: Bench) -> Finding:
    """Send the same order twice under the same key."""
    if not _takes_keys(bench):
        return finding("same_key", Verdict.NOT_OFFERED, _NO_KEYS)
    mark, order = bench.driver.sent, bench.orders.next()
    first = await bench.create(order)
    return await _repeated(bench, "same_key", order, first, mark=mark, when="at once")


async def key_window(bench: Bench) -> Finding:
    """Send the same order again when most of the declared window is over; only an emulator's clock can be moved."""
    window = bench.capabilities.idempotency.window
    if not _takes_keys(bench):
        return finding("key_window", Verdict.NOT_OFFERED, _NO_KEYS)
    if bench.subject.sandbox is None:
        return finding("key_window", Verdict.NOT_TRIED, f"it would take {window.total_seconds():g} s of waiting")
    mark, order = bench.driver.sent, bench.orders.next()
    first = await bench.create(order)
    later = window.total_seconds() * _WINDOW_SHARE
    bench.subject.sandbox.clock.advance(later)
    return await _repeated(
        bench, "key_window", order, first, mark=mark, when=f"{later:g} s later, by the emulator's clock"
    )


async def _repeated(bench: Bench, kind: str, order: Order, first: Wallet, *, mark: int, when: str) -> Finding:
    before = bench.driver.sent
    try:
        second = await bench.create(order)
    except _PASSING:
        raise
    except WalletportError as error:
        sentence = f"the same order under the same key, {when}, was refused: {told(error)}"
        return finding(kind, Verdict.BROKEN, sentence, bench.evidence(since=mark))
    evidence = bench.evidence(since=mark)
    if second.id != first.id:
        sentence = f"the same order under the same key, {when}, made a second wallet: {first.id} and {second.id}"
        return finding(kind, Verdict.BROKEN, sentence, evidence)
    refused = _refused_create(bench, before)
    if refused is not None:
        sentence = (
            f"the same order under the same key, {when}, was refused with {refused}; the adapter then found the wallet "
            "that exists, but the key did not answer for it"
        )
        return finding(kind, Verdict.BROKEN, sentence, evidence)
    return finding(kind, Verdict.HOLDS, f"the same order under the same key, {when}, gave the same wallet", evidence)


async def other_body(bench: Bench) -> Finding:
    """Send another order under a key that was used."""
    if not _takes_keys(bench):
        return finding("other_body", Verdict.NOT_OFFERED, _NO_KEYS)
    mark, order = bench.driver.sent, bench.orders.next()
    first = await bench.create(order)
    other = bench.orders.other(order)
    if other is None:
        return finding("other_body", Verdict.NOT_TRIED, "there is no other order to send: pass a second customer")
    try:
        second = await bench.create(other)
    except (Conflict, InvalidRequest) as error:
        known = "as a use of the key for something else" if isinstance(error, IdempotencyConflict) else "in general"
        sentence = f"another order under a used key was refused ({known}): {told(error)}"
        return finding("other_body", Verdict.HOLDS, sentence, bench.evidence(since=mark))
    except _PASSING:
        raise
    except WalletportError as error:
        sentence = f"another order under a used key was answered with something else than a refusal: {told(error)}"
        return finding("other_body", Verdict.BROKEN, sentence, bench.evidence(since=mark))
    what = "gave the first wallet, without a word" if second.id == first.id else "made another wallet"
    return finding("other_body", Verdict.BROKEN, f"another order under a used key {what}", bench.evidence(since=mark))


async def concurrent(bench: Bench) -> Finding:
    """Send the same order under the same key several times at once."""
    if not _takes_keys(bench):
        return finding("concurrent", Verdict.NOT_OFFERED, _NO_KEYS)
    mark, order = bench.driver.sent, bench.orders.next()
    answers = await asyncio.gather(*(_tried(bench, order) for _ in range(AT_ONCE)))
    made = {answer.id for answer in answers if isinstance(answer, Wallet)}
    refused = [answer for answer in answers if isinstance(answer, WalletportError)]
    evidence = bench.evidence(since=mark)
    if len(made) > 1:
        sentence = f"{AT_ONCE} equal orders at once made {len(made)} wallets: {', '.join(sorted(made))}"
        return finding("concurrent", Verdict.BROKEN, sentence, evidence)
    if not made:
        raise refused[0]
    others = f"; {len(refused)} were refused: {told(refused[0])}" if refused else ""
    sentence = f"{AT_ONCE} equal orders at once gave one wallet{others}"
    return finding("concurrent", Verdict.HOLDS, sentence, evidence)


async def _tried(bench: Bench, order: Order) -> Wallet | WalletportError:
    try:
        return await bench.create(order)
    except WalletportError as error:
        return error


# --- recovery ---------------------------------------------------------------------------------------------------


async def findable(bench: Bench) -> Finding:
    """Throw an answer away after the work was done, then look for the wallet without the key, and with it."""
    mark, order = bench.driver.sent, bench.orders.next()
    bench.driver.lose_next()
    try:
        await bench.create(order)
    except WalletportError:
        if not any(one.thrown_away for one in bench.evidence(since=mark)):
            raise
        answered = bench.driver.lost.decode("utf-8", "replace")
    else:
        return finding("findable", Verdict.NOT_TRIED, "no answer could be thrown away: the order sent only reads")
    found = await _found(bench, order)
    if isinstance(found, Wallet):
        right = found.id in answered
        what = "was found again by a look-up" if right else f"was not found: the look-up gave another one, {found.id}"
        verdict = Verdict.HOLDS if right else Verdict.BROKEN
        return finding("findable", verdict, f"the wallet behind a lost answer {what}", bench.evidence(since=mark))
    if not _takes_keys(bench):
        sentence = f"the wallet behind a lost answer cannot be found again: {found}"
        return finding("findable", Verdict.BROKEN, sentence, bench.evidence(since=mark))
    again = await bench.create(order)
    if again.id in answered:
        declared = not bench.capabilities.find_wallet.usable
        sentence = f"the wallet behind a lost answer came back only by repeating the key; by look-up: {found}"
        verdict = Verdict.HOLDS if declared else Verdict.BROKEN
    else:
        sentence = f"the wallet behind a lost answer is lost: the repeat made {again.id}; by look-up: {found}"
        verdict = Verdict.BROKEN
    return finding("findable", verdict, sentence, bench.evidence(since=mark))


async def _found(bench: Bench, order: Order) -> Wallet | str:
    """Return the wallet a look-up finds, or why there is none."""
    if not bench.capabilities.find_wallet.usable:
        return f"the provider has none ({bench.capabilities.find_wallet.reason or 'no reason is given'})"
    program = bench.operations.find_wallet(order.customer_id, order.chain, order.asset, order.reference)
    try:
        found = await bench.do(program)
    except (UnsupportedOperation, OutcomeUnknown) as error:
        return error.message
    return found or "it says that there is no such wallet"


# --- shared -----------------------------------------------------------------------------------------------------


def finding(kind: str, verdict: Verdict, sentence: str, evidence: Sequence[Exchange] = ()) -> Finding:
    """Return what a probe found."""
    return Finding(kind=kind, verdict=verdict, sentence=sentence, evidence=tuple(evidence))


def _takes_keys(bench: Bench) -> bool:
    return bench.capabilities.idempotency.place != "none"


def _refused_create(bench: Bench, since: int) -> int | None:
    """Return the status that the last create was refused with on the wire, whatever the adapter made of it."""
    fresh = bench.evidence(since=since)
    statuses = [one.status for one in fresh if one.method != "GET" and one.status is not None]
    return next((status for status in statuses if status >= _REPLAY and status != 401), None)  # noqa: PLR2004


def told(error: WalletportError) -> str:
    """Return an error in words, without the provider's name, which stands beside it."""
    facts = [f"status {error.status_code}" if error.status_code is not None else "", error.provider_code or ""]
    told = ", ".join(fact for fact in facts if fact)
    kind = type(error).__name__
    return f"{kind}, {error.message}" + (f" ({told})" if told else "") if isinstance(error, ProviderError) else kind


IDEMPOTENCY: Final = (
    Probe("same_key", "does the same idempotency key give the same wallet?", 2, same_key),
    Probe("key_window", "is a key remembered for as long as declared?", 2, key_window),
    Probe("other_body", "is another order under a used key refused?", 2, other_body),
    Probe("concurrent", "do equal orders at once make one wallet?", AT_ONCE, concurrent),
    Probe("findable", "is a wallet findable after a lost answer?", 2, findable),
)
