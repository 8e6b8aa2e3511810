"""The report as data: what `report.json` holds, published as a JSON Schema and checked when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from walletport.capabilities import Answer
from walletport.errors import ConfigurationError
from walletport.models import Model
from walletport.transport.recording import Exchange

SCHEMA_VERSION: Final = 1
LARGEST_REPORT: Final = 64 * 1024 * 1024  # bytes
MOST_SAMPLES: Final = 10_000

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class Verdict(StrEnum):
    """What a finding comes to. ``NOT_TRIED`` is no good news: nobody looked."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNDECLARED = "undeclared"
    STANDS_OUT = "stands out"
    OBSERVED = "observed"
    NOT_OFFERED = "not offered"
    NOT_TRIED = "not tried"

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong."""
        return self in (Verdict.BROKEN, Verdict.UNDECLARED, Verdict.STANDS_OUT)


class Finding(Model):
    """What one probe, or a look at all that was measured, has found.

    Args:
        kind: which question was asked, such as ``same_key``.
        verdict: the answer.
        sentence: the answer in words; for ``not tried`` the reason.
        evidence: what travelled.
    """

    kind: str
    verdict: Verdict
    sentence: str
    evidence: tuple[Exchange, ...] = ()


class Estimate(Model):
    """A figure and the interval that holds the true one in 95 of 100 runs; no interval where too little was seen."""

    value: Finite
    low: Finite | None = None
    high: Finite | None = None


class Timing(Model):
    """How long one kind of work took, in seconds, where it succeeded.

    Args:
        attempts: how often it was tried.
        samples: each duration, in the order they were taken.
        p50: the median.
        p95: the 95th percentile; with fewer than 20 samples it is close to the largest.
        p99: the 99th percentile; with fewer than 100 samples it is close to the largest.
        errors: failures by the name of their class.
        success: which share succeeded; ``None`` where nothing was tried.
    """

    attempts: Count
    samples: Annotated[tuple[Seconds, ...], Field(max_length=MOST_SAMPLES)] = ()
    p50: Estimate | None = None
    p95: Estimate | None = None
    p99: Estimate | None = None
    errors: Mapping[str, Count] = {}
    success: Estimate | None = None


class Level(Model):
    """Reads with so many in flight at once.

    Args:
        concurrency: how many.
        requests: how many were sent.
        seconds: how long all of them took.
        per_second: how many succeeded in a second.
        errors: failures by the name of their class.
        too_many: how many answers were 429.
    """

    concurrency: Annotated[int, Field(ge=1)]
    requests: Count
    seconds: Seconds
    per_second: Finite
    errors: Mapping[str, Count] = {}
    too_many: Count = 0


class RateLimits(Model):
    """What was seen of rate limits.

    Args:
        headers: names and latest values of headers that tell of limits.
        declared_unseen: headers that the adapter declares and no answer had.
        too_many: how many answers were 429.
        retry_after: what ``Retry-After`` said, as it was written, latest last.
    """

    headers: Mapping[str, str] = {}
    declared_unseen: tuple[str, ...] = ()
    too_many: Count = 0
    retry_after: tuple[str, ...] = ()


class Ability(Model):
    """One of the five honest answers, and its reason."""

    answer: Answer
    reason: str = ""


Where = Literal["emulator", "sandbox", "production", "another address"]


class AccountReport(Model):
    """Everything about one account.

    Args:
        name: its name in the configuration.
        provider: its provider's name.
        title: the vendor's name as people write it.
        version: of the distribution that brings the adapter.
        environment: the provider's environment.
        where: whether an emulator on this machine answered, the vendor's sandbox, the real thing, or whatever is at
            an address that is not the vendor's.
        abilities: what the adapter declares, by ability.
        declared: what else it declares, in words.
        customers: how many customers the wallets were made for.
        creates: how many orders for a wallet were sent.
        repeated: how many of the timed orders gave a wallet that an earlier one had given already.
        wallets: how many different wallets were seen to be made.
        requests: how many requests were sent.
        seconds: how long it took.
        complete: whether everything that was planned was done.
        trouble: why the account could not be used at all.
        timings: by kind of work: ``create``, ``ready`` (from the order to an active wallet with an address), ``read``,
            ``list``.
        levels: throughput at rising concurrency.
        rate_limits: what was seen of rate limits.
        findings: what was found.
    """

    name: str
    provider: str
    title: str
    version: str = ""
    environment: str
    where: Where
    abilities: Mapping[str, Ability]
    declared: Mapping[str, str] = {}
    customers: Count = 0
    creates: Count = 0
    repeated: Count = 0
    wallets: Count = 0
    requests: Count = 0
    seconds: Seconds = 0.0
    complete: bool = True
    trouble: str = ""
    timings: Mapping[str, Timing] = {}
    levels: tuple[Level, ...] = ()
    rate_limits: RateLimits = RateLimits()
    findings: tuple[Finding, ...] = ()

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that say something is wrong."""
        return tuple(found for found in self.findings if found.verdict.is_fault)

    def finding(self, kind: str) -> Finding | None:
        """Return the finding of a kind; the first, where there are several."""
        return next((found for found in self.findings if found.kind == kind), None)


class Conditions(Model):
    """Under which conditions all this was seen.

    Args:
        from_where: the machine, as far as it matters, or what the reader was told to know of it.
        started_at: when it began, aware UTC.
        ended_at: when it ended.
        walletport: the library's version.
        seed: of the statistics.
        chain: the chain that was asked for, where a provider takes one.
        asset: the asset that was asked for, likewise.
        samples: how many orders and reads were planned for each account.
        max_requests: the budget for all accounts together.
        max_seconds: the time for all accounts together.
        stopped_by: what ended the run before everything was done: ``None`` if nothing did.
    """

    from_where: str
    started_at: datetime
    ended_at: datetime
    walletport: str
    seed: int = 0
    chain: str
    asset: str
    samples: Count
    max_requests: Count
    max_seconds: Seconds
    stopped_by: Literal["the request budget", "the time limit", "an interrupt"] | None = None


class Criterion(Model):
    """One of the reader's criteria.

    Args:
        name: a kind of finding, an ability, or a measurement such as ``create_p50``.
        weight: what the reader gave it.
        points: by account, from 0 to 1; ``None`` where nobody looked, which counts as 0.
    """

    name: str
    weight: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    points: Mapping[str, Share | None]


class Score(Model):
    """The accounts in points of 100, by the reader's own weights."""

    criteria: tuple[Criterion, ...]
    totals: Mapping[str, Annotated[float, Field(ge=0, le=100)]]


class Report(Model):
    """A vendor comparison.

    Args:
        schema_version: of this form.
        conditions: when, from where, how much.
        accounts: in the order they were named.
        score: only where the reader gave weights.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    conditions: Conditions
    accounts: tuple[AccountReport, ...]
    score: Score | None = None

    @property
    def complete(self) -> bool:
        """Whether everything that was planned was done."""
        return self.conditions.stopped_by is None and all(account.complete for account in self.accounts)


def read_report(path: Path) -> Report:
    """Read a ``report.json``.

    Raises:
        ConfigurationError: it cannot be read, or is no report of this version; one sentence says what is wrong.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_REPORT + 1)
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror or 'it is no file'}): name a report.json"
        raise ConfigurationError(msg) from None
    if len(content) > LARGEST_REPORT:
        msg = f"{path} is larger than any report: name a report.json"
        raise ConfigurationError(msg)
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError):
        msg = f"{path} is not JSON: name a report.json that `walletport evaluate` wrote"
        raise ConfigurationError(msg) from None
    _check_version(path, value)
    try:
        return Report.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "(whole)"
        problem = first["msg"]
    msg = f"{path} is not a report of version {SCHEMA_VERSION}: {place}: {problem}"
    raise ConfigurationError(msg)


def _check_version(path: Path, value: object) -> None:
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version == SCHEMA_VERSION:
        return
    problem = (
        f"is a report of version {version}, and this walletport reads version {SCHEMA_VERSION}: evaluate anew, or use "
        "the walletport that wrote it"
        if isinstance(version, int)
        else "is no report: name a report.json that `walletport evaluate` wrote"
    )
    msg = f"{path} {problem}"
    raise ConfigurationError(msg)


def schema() -> dict[str, object]:
    """Return the JSON Schema of a report."""
    made = Report.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
