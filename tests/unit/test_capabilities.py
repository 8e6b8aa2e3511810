"""What a provider declares, and what follows from it for an order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from tests.unit.doubles import ABLE, OPERATIONS
from walletport.capabilities import (
    YES,
    Ability,
    Answer,
    Capabilities,
    Need,
    OrderFields,
    depends,
    no,
    not_documented,
    not_implemented,
)
from walletport.models import Chain, WalletOrder

OPEN = OrderFields(chain=Need.OPTIONAL, asset=Need.OPTIONAL, reference=Need.OPTIONAL)


def test_there_are_five_answers_and_two_of_them_let_a_call_through() -> None:
    """A condition is no refusal; silence of the documentation is."""
    made = [YES, no("r"), not_implemented("r"), depends("r"), not_documented("r")]
    assert [ability.answer for ability in made] == list(Answer)
    assert [ability.usable for ability in made] == [True, False, False, True, False]
    assert all(ability.reason == "r" for ability in made[1:])


def test_an_ability_is_found_by_the_operations_name() -> None:
    """What is no ability is not taken for one."""
    assert all(ABLE.ability(operation) is YES for operation in OPERATIONS)
    for name in ("order", "abilities", "model_config", "fly", "__class__"):
        with pytest.raises(LookupError):
            ABLE.ability(name)


def test_all_abilities_are_listed_in_their_order() -> None:
    """The printed table and the declaration agree."""
    listed = ABLE.abilities()
    assert list(listed)[:3] == ["create_wallet", "get_wallet", "list_wallets"]
    assert set(OPERATIONS) | {"several_addresses", "deposit_addresses", "webhooks", "approval"} == set(listed)
    assert all(isinstance(ability, Ability) for ability in listed.values())


@pytest.mark.parametrize("field", ["chain", "asset", "reference"])
def test_a_required_field_is_asked_for_by_name(field: str) -> None:
    """The message says what to type."""
    fields = OPEN.model_copy(update={field: Need.REQUIRED})
    given: dict[str, str | None] = {"chain": "polygon", "asset": "usdc", "reference": "r"}
    assert fields.why_not(**given) is None
    assert f"pass {field}=" in (fields.why_not(**(given | {field: None})) or "")


@pytest.mark.parametrize("field", ["chain", "asset", "reference"])
def test_a_field_that_cannot_be_said_is_refused(field: str) -> None:
    """Dropping it in silence would be a lie."""
    fields = OPEN.model_copy(update={field: Need.REFUSED})
    given: dict[str, str | None] = {"chain": None, "asset": None, "reference": None}
    assert fields.why_not(**given) is None
    assert f"leave {field}= out" in (fields.why_not(**(given | {field: "x"})) or "")


def test_only_fixed_chains_and_assets_are_refused_here() -> None:
    """A vendor's list that is not fixed may have grown since: the vendor is asked."""
    known = OrderFields(
        chain=Need.OPTIONAL,
        asset=Need.OPTIONAL,
        reference=Need.OPTIONAL,
        chains=(Chain("polygon"),),
        assets=("USDC",),
    )
    assert known.why_not(Chain("base"), "usdt", None) is None
    fixed = known.model_copy(update={"chains_fixed": True, "assets_fixed": True})
    assert fixed.why_not(Chain("eip155:137"), "usdc", None) is None
    assert "polygon" in (fixed.why_not(Chain("base"), None, None) or "")
    assert "usdc" in (fixed.why_not(None, "usdt", None) or "")
    assert OPEN.model_copy(update={"chains_fixed": True}).why_not(Chain("base"), None, None) is None


def test_capabilities_judge_a_whole_order() -> None:
    """The same rules, for an order as it is."""
    strict = ABLE.model_copy(update={"order": OPEN.model_copy(update={"chain": Need.REQUIRED})})
    order = WalletOrder(customer_id="c", idempotency_key="k")
    assert ABLE.why_not(order) is None
    assert "chain" in (strict.why_not(order) or "")


def test_a_misspelt_declaration_fails_at_import() -> None:
    """A plugin author learns it at once."""
    with pytest.raises(ValidationError):
        OrderFields(chain=Need.OPTIONAL, asset=Need.OPTIONAL, reference=Need.OPTIONAL, chain_fixed=True)
    with pytest.raises(ValidationError):
        ABLE.webhooks = YES


def test_capabilities_come_back_from_json() -> None:
    """They are printed and stored."""
    assert Capabilities.model_validate_json(ABLE.model_dump_json()) == ABLE
    assert ABLE.settle_time == timedelta(seconds=60)
