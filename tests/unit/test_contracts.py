"""The vendors' contracts are sound documents, admit what the fact sheets show and catch what they exclude."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from openapi_core.validation.schemas import oas31_schema_validators_factory
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.contracts import conduit_cases, ledger_so_cases, polygon_oms_cases
from tests.contracts.planted import JSON, Planted
from tests.support.contract import Contract

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CASES = {"conduit": conduit_cases, "ledger-so": ledger_so_cases, "polygon-oms": polygon_oms_cases}
VENDORS = tuple(CASES)
GOOD = {vendor: cases.GOOD for vendor, cases in CASES.items()}
BAD = {vendor: cases.BAD for vendor, cases in CASES.items()}


def named(table: Mapping[str, Mapping[str, object]]) -> list[object]:
    """Turn a table per vendor into parameters that are named after the vendor and the entry."""
    return [
        pytest.param(vendor, entry, id=f"{vendor}: {name}")
        for vendor, entries in table.items()
        for name, entry in entries.items()
    ]


def objects(node: object, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Walk every object of a document together with its place."""
    if isinstance(node, dict):
        yield place, node
        for name, child in node.items():
            yield from objects(child, (*place, name))
    if isinstance(node, list):
        for number, child in enumerate(node):
            yield from objects(child, (*place, str(number)))


def outer_schemas(vendor: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk the named schemas and those that stand directly at a parameter, a header or a body."""
    for place, node in objects(Contract.load(vendor).document):
        named_schema = place[:-1] == ("components", "schemas")
        if named_schema or (place[-1:] == ("schema",) and set(node) != {"$ref"}):
            yield "/".join(place), node


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_contract_is_a_valid_openapi_document(vendor: str) -> None:
    """The document follows OpenAPI 3.1, its schemas JSON Schema, and every reference leads somewhere."""
    document = Contract.load(vendor).document

    OpenAPIV31SpecValidator(dict(document)).validate()

    assert document["openapi"] == "3.1.0"


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_schema_names_the_section_it_comes_from(vendor: str) -> None:
    """A reader can check each schema against the fact sheet without searching."""
    sources = {place: str(schema.get("x-source", "")) for place, schema in outer_schemas(vendor)}

    assert sources
    assert [place for place, source in sources.items() if not source.startswith(f"{vendor}.md ")] == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_assumption_says_what_is_assumed(vendor: str) -> None:
    """What no page documents is marked with a sentence, not with a flag."""
    marks = [
        node["x-not-documented"] for _, node in objects(Contract.load(vendor).document) if "x-not-documented" in node
    ]

    assert marks
    assert [mark for mark in marks if not str(mark).endswith(".")] == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_format_in_a_contract_is_really_checked(vendor: str) -> None:
    """JSON Schema ignores a format it does not know, so an unknown one would check nothing."""
    known = oas31_schema_validators_factory.format_checker.checkers
    used = {node["format"] for _, node in objects(Contract.load(vendor).document) if "format" in node}

    assert used
    assert used <= set(known)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_contract_covers_every_operation_its_sheet_documents(vendor: str) -> None:
    """The operations of the sheet and those of the contract are the same, webhooks and sandbox aside."""
    contract = Contract.load(vendor)

    assert set(contract.operations("auth", "wallets", "claims", "customers")) == CASES[vendor].DOCUMENTED
    assert set(contract.operations()) > CASES[vendor].DOCUMENTED


@pytest.mark.parametrize(("vendor", "planted"), named(GOOD))
def test_what_the_vendor_documents_is_admitted(vendor: str, planted: Planted) -> None:
    """The sheet's own examples pass, and so does each side of a contradiction."""
    planted.check(Contract.load(vendor))


@pytest.mark.parametrize(("vendor", "planted"), named(BAD))
def test_what_the_vendor_does_not_document_is_caught(vendor: str, planted: tuple[Planted, str]) -> None:
    """One wrong point in a sound exchange is caught, and the report names the place."""
    exchange, expected = planted

    with pytest.raises(AssertionError) as caught:
        exchange.check(Contract.load(vendor))

    assert expected in str(caught.value)


def test_the_report_lists_every_violation_at_once() -> None:
    """Credentials, headers, query and body are all looked at, whichever of them is wrong first."""
    everything = replace(conduit_cases.create.but(asset="usdc"), query={"dry": "1"}, headers=JSON)

    with pytest.raises(AssertionError) as caught:
        everything.check(Contract.load("conduit"))

    title, *violations = str(caught.value).splitlines()
    assert title == f"the request POST {conduit_cases.WALLETS} breaks the contract of conduit:"
    assert [line.split(":")[0] for line in violations] == [
        "  - query dry",
        "  - credentials",
        "  - header Idempotency-Key",
        "  - body",
    ]


def test_a_checked_exchange_names_its_operation() -> None:
    """A test can collect what a run has touched and compare it with all operations."""
    contract = Contract.load("conduit")

    assert conduit_cases.create.check(contract) == ("POST", "/customers/{customerId}/wallets")
    assert conduit_cases.page.check(contract) == ("GET", "/customers/{customerId}/wallets")
    assert conduit_cases.rotate.check(contract) in contract.operations("wallets")


def test_a_checked_event_names_the_way_of_its_delivery() -> None:
    """Ledger.so documents two sets of headers; the answer says which one was met."""
    contract = Contract.load("ledger-so")

    assert GOOD["ledger-so"]["a signed event"].check(contract) == "event"
    assert GOOD["ledger-so"]["an event with the older headers"].check(contract) == "eventOverSvix"


def test_base_paths_come_from_the_documents() -> None:
    """The path on the wire carries the base path, so that a wrong version shows."""
    assert {vendor: Contract.load(vendor).base_path for vendor in VENDORS} == {
        "conduit": "/v2",
        "ledger-so": "",
        "polygon-oms": "/v0.9",
    }
