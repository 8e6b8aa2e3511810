"""All that the conformance kit makes a provider and its emulator say to each other keeps the vendor's contract."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.support.contract import Contract
from walletport.provider import Response, WalletProvider
from walletport.provider.emulation import Emulator, IncomingRequest
from walletport.testing import Subject, run
from walletport_conduit import Conduit
from walletport_ledger_so import LedgerSo
from walletport_polygon_oms import PolygonOms

ODD = "kit%2F"  # the kit's own id, which no vendor would give


def held_against(contract: Contract, kind: type[Emulator], violations: list[str]) -> type[Emulator]:
    """Return the emulator, with every exchange held against the contract."""

    class Checked(kind):
        def handle(self, request: IncomingRequest) -> Response:
            answer = super().handle(request)
            path = contract.base_path + "".join(f"/{quote(part, safe='')}" for part in request.path)
            query, headers = dict(request.query), dict(request.headers)
            try:
                # What is refused may well be wrong; what is accepted must not be.
                if 200 <= answer.status < 300 and ODD not in path and ODD not in quote(request.body, safe=""):
                    contract.check_request(request.method, path, query, headers, request.body or None)
                contract.check_response(request.method, path, answer.status, answer.headers, answer.body or None)
            except AssertionError as violation:
                violations.append(str(violation))
            return answer

    return Checked


@pytest.mark.parametrize("provider", [Conduit, LedgerSo, PolygonOms])
def test_what_the_kit_brings_about_keeps_the_contract(provider: type[WalletProvider]) -> None:
    """Adapter and emulator could agree on the same mistake; the contract was written from the documentation alone."""
    violations: list[str] = []
    kind = provider.emulator()
    assert kind is not None
    emulator = held_against(Contract.load(provider.name), kind, violations)
    report = run(Subject(provider, emulator), modes=("sync",))
    assert (violations, report.failed) == ([], frozenset())
