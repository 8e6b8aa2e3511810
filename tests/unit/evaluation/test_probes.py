"""Each probe finds its own kind of misbehaviour, planted in an emulator or in an adapter, and no other probe does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

import pytest

from tests.unit.evaluation.vendors import Prompt, PromptEmulator
from walletport.evaluation import AccountReport, Verdict, Work, evaluate, subjects_of
from walletport.models import Event
from walletport.provider import JsonObject, Response
from walletport.provider.emulation import Emulator, IncomingRequest
from walletport.sandbox import Sandbox


class AnyKey(PromptEmulator):
    """Gives a token for every key."""

    def _token(self, body: JsonObject) -> Response:
        return super()._token({"key": self.settings["key"]})


class AnyChain(PromptEmulator):
    """Makes a wallet on the chain that it should refuse."""

    uncreatable_chain: ClassVar[str | None] = "base"


class Stumbling(PromptEmulator):
    """Falls over a customer that it does not know."""

    def handle(self, request: IncomingRequest) -> Response:
        known = request.path[:1] != ("customers",) or request.path[1] in self._customers
        return super().handle(request) if known else self.failure(500)


class Blind(PromptEmulator):
    """Finds nothing by reference."""

    def _list(self, request: IncomingRequest, customer: str) -> Response:
        wanted = {"reference": "none"} if "reference" in request.query else {}
        return super()._list(replace(request, query={**request.query, **wanted}), customer)


class Careless(PromptEmulator):
    """Does not look whether a used key comes with another body."""

    def _once(self, request: IncomingRequest, customer: str, body: JsonObject) -> Response:
        return super()._once(replace(request, body=b""), customer, body)


class Talkative(PromptEmulator):
    """Has a field that no page names."""

    def _shown(self, made: object) -> JsonObject:
        return {**super()._shown(made), "riskScore": 7}  # type: ignore[arg-type]


class Gullible(Prompt):
    """Takes every webhook for proved."""

    @classmethod
    def parse_webhook(
        cls, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime, *, unverified: bool
    ) -> Event:
        event = super().parse_webhook(headers, body, secrets, now, unverified=True)
        return event.model_copy(update={"verified": True})


class Deaf(Prompt):
    """Reads no webhook at all, in words that it did not declare."""

    @classmethod
    def parse_webhook(
        cls, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime, *, unverified: bool
    ) -> Event:
        return super().parse_webhook({}, body, secrets, now, unverified=unverified)


def evaluated(planted: type[PromptEmulator | Prompt], *faults: str) -> AccountReport:
    """Evaluate Toy with a misbehaving emulator, or a misbehaving adapter of Toy with the ordinary one."""
    kind: type[Prompt]
    if issubclass(planted, Prompt):
        kind = planted
    else:

        class Planted(Prompt):
            @classmethod
            def emulator(cls) -> type[Emulator]:
                return planted

        kind = Planted
    with Sandbox([kind], faults=faults) as sandbox:
        return evaluate(subjects_of(sandbox), Work(samples=2, ready_within=0.5)).accounts[0]


@pytest.mark.parametrize(
    ("planted", "kind", "told"),
    [
        pytest.param(AnyKey, "wrong_credential", "was accepted", id="any-key"),
        pytest.param(AnyChain, "wrong_chain", "got a wallet", id="any-chain"),
        pytest.param(Stumbling, "wrong_customer", "ProviderUnavailable", id="stumbling"),
        pytest.param(Blind, "findable", "by look-up: it says that there is no such wallet", id="blind"),
        pytest.param(Careless, "other_body", "something else than a refusal", id="careless"),
        pytest.param(Talkative, "drift", "riskScore", id="talkative"),
        pytest.param(Deaf, "webhook_signatures", "cannot be verified", id="deaf"),
    ],
)
def test_a_misbehaviour_is_found_by_its_own_probe(planted: type[PromptEmulator | Prompt], kind: str, told: str) -> None:
    """Its sentence says what happened, and what travelled is there where anything did."""
    account = evaluated(planted)
    assert {found.kind for found in account.faults} == {kind}
    (found,) = (fault for fault in account.faults if fault.kind == kind)
    assert told in found.sentence
    assert found.evidence or kind == "webhook_signatures"


def test_a_forged_webhook_that_is_taken_for_proved_is_found() -> None:
    """With the right secret alone everything would look fine."""
    (found,) = evaluated(Gullible).faults
    assert found.kind == "webhook_signatures"
    assert found.sentence == "a webhook was accepted under another secret"


def test_a_vendor_that_is_down_leaves_the_questions_open() -> None:
    """A 503 says nothing about idempotency: the probes were not tried, and the failures have their own finding."""
    account = evaluated(PromptEmulator, "503:method=POST:path=/wallets")
    found = {one.kind: one for one in account.findings}
    for kind in ("same_key", "other_body", "concurrent", "findable", "wrong_chain", "wrong_customer"):
        assert found[kind].verdict is Verdict.NOT_TRIED, kind
        assert "ProviderUnavailable" in found[kind].sentence
    assert found["failures"].verdict is Verdict.BROKEN
    assert {one.kind for one in account.faults} == {"failures"}
