"""The report as a page: verdicts first, then plots, then findings with their evidence, then method and limits."""

from __future__ import annotations

import json
from typing import Final

from walletport.capabilities import Answer
from walletport.evaluation.plan import QUESTIONS
from walletport.evaluation.plots import figures
from walletport.evaluation.report import AccountReport, Estimate, Finding, Report, Verdict
from walletport.evaluation.words import milliseconds
from walletport.evaluation.workload import WAITED_FOR
from walletport.pages import Code, Details, Heading, Note, Page, Section, Table
from walletport.pages.page import Block
from walletport.transport.recording import Exchange

# Shapes, so that nothing hangs on a colour.
_SIGNS: Final = {
    Verdict.HOLDS: "\u2713",
    Verdict.BROKEN: "\u2717",
    Verdict.UNDECLARED: "!",
    Verdict.STANDS_OUT: "!",
    Verdict.OBSERVED: "\u00b7",
    Verdict.NOT_OFFERED: "\u25cb",
    Verdict.NOT_TRIED: "?",
}
_ANSWERS: Final = {
    Answer.YES: "\u2713 yes",
    Answer.NO: "\u2717 they cannot",
    Answer.NOT_IMPLEMENTED: "\u25cb not implemented by us",
    Answer.DEPENDS: "\u25d0 depends",
    Answer.NOT_DOCUMENTED: "? not documented",
}
_WHERE: Final = {
    "emulator": "an emulator on this machine, written from the vendor's documentation: no vendor was asked",
    "sandbox": "the vendor's sandbox",
    "production": "the vendor's production",
    "another address": "an address that is not the vendor's",
}


def page_of(report: Report) -> Page:
    """Return the page about a report."""
    return Page(
        title="Custodial-wallet providers compared",
        lead=_lead(report),
        sections=(
            Section("Verdict", _verdict(report)),
            Section("Measured", _measured(report)),
            Section("Findings and their evidence", _findings(report)),
            Section("What the adapters declare", _declared(report)),
            Section("Method and limits", _method(report)),
        ),
        made=f"Made by walletport {report.conditions.walletport} evaluate, "
        f"{report.conditions.ended_at:%Y-%m-%d %H:%M} UTC. The same figures, and every sample, are in report.json.",
    )


def _lead(report: Report) -> list[str]:
    names = ", ".join(account.name for account in report.accounts)
    told = [f"{len(report.accounts)} accounts were put through the same work: {names}."]
    told.extend(
        f"{account.name}: {_counted(len(account.faults), 'finding says', 'findings say')} that something is wrong, as "
        "listed below."
        for account in report.accounts
        if account.faults
    )
    told.extend(_clean(account) for account in report.accounts if not account.faults)
    return told


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _clean(account: AccountReport) -> str:
    """Say that nothing wrong was found, and of how much nobody knows."""
    kinds = {found.kind for found in account.findings}
    untried = {found.kind for found in account.findings if found.verdict is Verdict.NOT_TRIED}
    if not account.timings:
        return f"{account.name}: nothing was measured."
    if untried:
        return f"{account.name}: nothing wrong was found, and {len(untried)} of {len(kinds)} questions were not tried."
    return f"{account.name}: nothing wrong was found."


def _verdict(report: Report) -> list[Block]:
    accounts = report.accounts
    names = [account.name for account in accounts]
    words = frozenset(range(len(names) + 1))
    blocks: list[Block] = [Note(text) for text in _warnings(report)]
    blocks.append(
        Table(
            ["can it?", *names],
            [
                [ability.replace("_", " "), *(_answer(account, ability) for account in accounts)]
                for ability in dict.fromkeys(name for account in accounts for name in account.abilities)
            ],
            caption="What each provider can do, as its adapter declares. The reasons are below.",
            words=words,
        )
    )
    blocks.append(
        Table(
            ["does it?", *names],
            [[question, *(_verdicts(account, kind) for account in accounts)] for kind, question in QUESTIONS.items()],
            caption="What was found by doing it. \u201cNot tried\u201d means that nobody looked.",
            words=words,
        )
    )
    wrong = [
        [account.name, f"{_SIGNS[found.verdict]} {found.verdict.value}", _sentence(found.sentence)]
        for account in accounts
        for found in account.faults
    ]
    if wrong:
        blocks.append(Table(["account", "verdict", "what is wrong"], wrong, words=frozenset({1, 2})))
    blocks.append(
        Table(
            ["how well?", *names],
            [[label, *(cell(account) for account in accounts)] for label, cell in _FIGURES],
            caption="What was measured; in brackets 95 % intervals.",
        )
    )
    if report.score is not None:
        blocks += _score(report)
    return blocks


def _warnings(report: Report) -> list[str]:
    told = []
    stopped = report.conditions.stopped_by
    if not report.complete:
        ended = f"the run was ended by {stopped}" if stopped else "not everything could be done"
        told.append(f"This report is incomplete: {ended}. What was not reached is marked as not tried.")
    told.extend(f"{account.name}: {account.trouble}." for account in report.accounts if account.trouble)
    if any(account.where == "emulator" for account in report.accounts):
        named = ", ".join(account.name for account in report.accounts if account.where == "emulator")
        told.append(
            f"Emulators answered for {named}, not the vendors. Their speed says nothing about the vendors', and their "
            "behaviour is what the vendors' documentation says."
        )
    told.extend(
        f"{account.name}: {account.repeated} of the timed orders gave a wallet that was there already, as a provider "
        "does that keeps one for each customer; such a create is no more than a look-up. More customers tell more."
        for account in report.accounts
        if account.repeated
    )
    return told


def _answer(account: AccountReport, ability: str) -> str:
    given = account.abilities.get(ability)
    return "? not declared" if given is None else _ANSWERS[given.answer]


def _verdicts(account: AccountReport, kind: str) -> str:
    found = dict.fromkeys(one.verdict for one in account.findings if one.kind == kind)
    return ", ".join(f"{_SIGNS[verdict]} {verdict.value}" for verdict in found) or "? not tried"


def _timed(account: AccountReport, kind: str, figure: str) -> str:
    timing = account.timings.get(kind)
    return "-" if timing is None else milliseconds(getattr(timing, figure))


def _success(account: AccountReport) -> str:
    timing = account.timings.get("create")
    return "-" if timing is None or timing.success is None else _percent(timing.success)


def _percent(share: Estimate) -> str:
    value = f"{share.value:.1%}"
    return value if share.low is None or share.high is None else f"{value} ({share.low:.1%} to {share.high:.1%})"


def _best_load(account: AccountReport) -> str:
    best = max(account.levels, key=lambda level: level.per_second, default=None)
    return "not tried" if best is None else f"{best.per_second:.0f} at {best.concurrency}"


_FIGURES: Final = (
    ("create p50, ms", lambda account: _timed(account, "create", "p50")),
    ("create p95, ms", lambda account: _timed(account, "create", "p95")),
    ("create p99, ms", lambda account: _timed(account, "create", "p99")),
    ("creates that succeed", _success),
    ("to a usable address, median ms", lambda account: _timed(account, "ready", "p50")),
    ("read p50, ms", lambda account: _timed(account, "read", "p50")),
    ("list p50, ms", lambda account: _timed(account, "list", "p50")),
    ("most reads per second, at so many at once", _best_load),
)


def _score(report: Report) -> list[Block]:
    score = report.score
    if score is None:
        return []
    names = [account.name for account in report.accounts]
    rows = [
        [one.name.replace("_", " "), f"{one.weight:g}", *(_points(one.points.get(name)) for name in names)]
        for one in score.criteria
    ]
    rows.append(["score of 100", "", *(f"{score.totals[name]:.1f}" for name in names)])
    return [
        Table(
            ["by your weights", "weight", *names],
            rows,
            caption="Points from 0 to 1 by your own weights. What was not tried counts as 0.",
        )
    ]


def _points(points: float | None) -> str:
    return "not tried" if points is None else f"{points:.2f}"


def _measured(report: Report) -> list[Block]:
    drawn: list[Block] = list(figures(report.accounts))
    failed = any(timing.errors for account in report.accounts for timing in account.timings.values())
    if not drawn:
        return ["Nothing was measured."]
    return drawn if failed else [*drawn, "No request of the timed work failed, so there are no errors to draw."]


def _findings(report: Report) -> list[Block]:
    blocks: list[Block] = []
    for account in report.accounts:
        blocks.append(Heading(f"{account.name} ({account.title})"))
        ordered = sorted(account.findings, key=lambda found: not found.verdict.is_fault)
        blocks += [_finding(found) for found in ordered]
    return blocks


def _finding(found: Finding) -> Block:
    question = QUESTIONS.get(found.kind, found.kind)
    text = f"{_SIGNS[found.verdict]} {found.verdict.value}: {question} {_sentence(found.sentence)}"
    if not found.evidence:
        return text
    return Details(text, [Code(_exchange(one)) for one in found.evidence])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _exchange(one: Exchange) -> str:
    sent = [f"{one.method} {one.path}", *_lines(one.sent_headers), *([one.sent] if one.sent else [])]
    if one.status is None:
        came = [f"no whole answer came: {one.error}"]
    else:
        came = [str(one.status), *_lines(one.headers), *([one.body] if one.body else [])]
    note = "\n(this answer was thrown away on purpose, after the work was done)" if one.thrown_away else ""
    return "\n".join([*sent, "", f"after {one.seconds * 1000:.3g} ms:", *came]) + note


def _lines(headers: object) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()] if isinstance(headers, dict) else []


def _declared(report: Report) -> list[Block]:
    accounts = report.accounts
    labels = dict.fromkeys(label for account in accounts for label in account.declared)
    blocks: list[Block] = [
        Table(
            ["", *(account.name for account in accounts)],
            [[label, *(account.declared.get(label, "-") for account in accounts)] for label in labels],
            words=frozenset(range(len(accounts) + 1)),
        )
    ]
    for account in accounts:
        reasons = [
            [name.replace("_", " "), _ANSWERS[given.answer], given.reason]
            for name, given in account.abilities.items()
            if given.reason
        ]
        if reasons:
            blocks += [Heading(account.name), Table(["ability", "answer", "why"], reasons, words=frozenset({1, 2}))]
    return blocks


def _method(report: Report) -> list[Block]:
    under = report.conditions
    rows = [
        [
            one.name,
            _WHERE[one.where],
            f"{one.provider} {one.version}, {one.environment}",
            str(one.customers),
            str(one.creates),
            str(one.wallets),
            str(one.requests),
            f"{one.seconds:.1f}",
        ]
        for one in report.accounts
    ]
    return [
        Table(
            ["account", "where", "adapter", "customers", "orders", "wallets seen", "requests", "seconds"],
            rows,
            words=frozenset({1, 2}),
        ),
        (
            f"From {under.from_where}; from {under.started_at:%Y-%m-%d %H:%M:%S} to {under.ended_at:%H:%M:%S} UTC. At "
            f"most {under.max_requests} requests and {under.max_seconds:g} s were allowed. Orders asked for chain "
            f"{under.chain} and asset {under.asset} where a provider can be told them."
        ),
        *_METHOD,
    ]


_METHOD: Final = (
    (
        "The accounts were worked on one after the other, with one request at a time except under load, and every "
        "request was sent once: what is judged is the provider, not how well a client gets over its failures. The "
        "connection was open and the credential fetched before the first sample. A create counts from the call until "
        "the wallet is returned, its addresses included where they take another request."
    ),
    (
        "p50, p95 and p99 have percentile-bootstrap intervals of 95 %; p95 of fewer than 20 samples and p99 of fewer "
        "than 100 are close to the largest sample. Success rates have Wilson intervals. A create stands out as slow "
        "where its median is three times the other accounts' and 0.1 s longer, or above the limit that was given."
    ),
    (
        f"The first {WAITED_FOR} wallets were watched until they were active and had an address. Bodies in the "
        "evidence are cut and redacted: credentials, and what tells who a person is, are left out."
    ),
    (
        "A verdict is about this account, at this time, from this place. An account's limits, region and contract can "
        "make another one's figures differ."
    ),
)


def report_json(report: Report) -> str:
    """Return the report as `report.json` holds it."""
    return json.dumps(report.model_dump(mode="json"), indent=1, ensure_ascii=True) + "\n"


def facts(report: Report) -> dict[str, list[str]]:
    """Return the figures for a terminal: for each label a cell for each account."""
    return {label: [cell(account) for account in report.accounts] for label, cell in _FIGURES}
