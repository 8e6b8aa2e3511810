"""What an evaluation will do, said before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from walletport.errors import ConfigurationError
from walletport.evaluation.probes import IDEMPOTENCY, TRIES
from walletport.evaluation.refusals import REFUSALS
from walletport.evaluation.report import MOST_SAMPLES, Where
from walletport.evaluation.subject import Subject

PROBES: Final = (*IDEMPOTENCY, *REFUSALS)
QUESTIONS: Final = {
    **{probe.kind: probe.question for probe in PROBES},
    "lost_answers": "do answers to ordinary requests arrive?",
    "failures": "do ordinary requests succeed?",
    "readiness": "do wallets become usable?",
    "drift": "is everything in the answers documented?",
    "request_ids": "which refusals carry a request id?",
    "rate_limit": "what is seen of rate limits?",
    "latency": "is a create about as fast as elsewhere?",
}
"""What every kind of finding answers."""


@dataclass(frozen=True)
class Work:
    """How much is done.

    Args:
        samples: orders for a wallet, and reads, for each account.
        load: whether vendors' own servers are loaded as well; emulators always are.
        max_requests: how many requests are sent at most, to all accounts together.
        max_seconds: how long it takes at most.
        chain: the chain to ask for.
        asset: the asset to ask for.
        ready_within: how long a wallet is watched, in seconds, before it counts as not usable.
        slow: a median create that takes longer than this many seconds stands out; ``None`` to compare accounts only.
        seed: of the statistics.
        from_where: what the reader is to know of the machine.

    Raises:
        ConfigurationError: a number is out of range.
    """

    samples: int = 30
    load: bool = False
    max_requests: int = 5000
    max_seconds: float = 600.0
    chain: str = "polygon"
    asset: str = "usdc"
    ready_within: float = 60.0
    slow: float | None = None
    seed: int = 0
    from_where: str = ""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 1 <= self.samples <= MOST_SAMPLES:
            msg = f"samples must be a whole number from 1 to {MOST_SAMPLES}"
            raise ConfigurationError(msg)
        if self.max_requests < 1:
            msg = "max_requests must be a whole number above 0"
            raise ConfigurationError(msg)
        for name in ("max_seconds", "ready_within", "slow"):
            seconds = getattr(self, name)
            if seconds is not None and not 0 < seconds < float("inf"):
                msg = f"{name} must be a number of seconds above 0"
                raise ConfigurationError(msg)

    @property
    def most_wallets(self) -> int:
        """How many wallets one account makes at most."""
        return self.samples + sum(probe.creates for probe in PROBES) * TRIES

    def loads(self, subject: Subject) -> bool:
        """Return whether an account is loaded."""
        return self.load or subject.where == "emulator"


def check_subjects(subjects: Sequence[Subject], *, production: bool) -> None:
    """Refuse accounts that cannot be evaluated, and those where wallets are real unless that was said in so many words.

    Raises:
        ConfigurationError: the message says what to type.
    """
    if not subjects:
        msg = "there is no account to evaluate"
        raise ConfigurationError(msg)
    lines = [
        f"{one.account.name}: whose wallets are to be made? pass --customer {one.account.name}=ID, several times for "
        "several customers"
        for one in subjects
        if one.sandbox is None and not one.customers
    ]
    real = [one.account.name for one in subjects if one.where == "production"]
    if real and not production:
        lines.append(
            f"{', '.join(real)}: wallets made there are real: leave it out, name a sandbox account, or pass "
            "--production-accounts-make-real-wallets"
        )
    if lines:
        raise ConfigurationError("\n".join(lines))


_PLACES: Final[dict[Where, str]] = {
    "emulator": "the emulator on this machine",
    "sandbox": "the vendor's sandbox",
    "production": "PRODUCTION, where wallets are real",
    "another address": "an address that is not the vendor's",
}


def plan_lines(subjects: Sequence[Subject], work: Work) -> list[str]:
    """Return the plan in sentences: what is made where, and what it costs at most."""
    lines = []
    for one in subjects:
        place = _PLACES[one.where]
        load = "with load" if work.loads(one) else "without load"
        for_whom = f", for {len(one.customers)} of your customers" if one.sandbox is None else ""
        lines.append(f"{one.account.name}: at most {work.most_wallets} wallets at {place}{for_whom}; {load}")
    lines.append(f"In all at most {work.max_requests} requests and {work.max_seconds:g} s.")
    return lines
