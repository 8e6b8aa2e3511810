"""The neutral values: folded, exact, immutable, and whole after a journey through JSON."""

from __future__ import annotations

import copy
import json
import pickle
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from tests.unit import strategies
from tests.unit.doubles import EVM, SECOND_EVM, wallet
from walletport.models import (
    Address,
    Balance,
    Chain,
    Customer,
    CustomerProfile,
    Event,
    EventType,
    Page,
    Wallet,
    WalletOrder,
    WalletStatus,
)

# The namespaces' own pages at https://github.com/ChainAgnostic/namespaces: eip155, solana, tron (decimal since pull
# request 170, merged in September 2026), stellar, sui (the digest, not a name).
REGISTERED = {
    "ethereum": "eip155:1",
    "optimism": "eip155:10",
    "polygon": "eip155:137",
    "base": "eip155:8453",
    "arbitrum": "eip155:42161",
    "avalanche": "eip155:43114",
    "ink": "eip155:57073",
    "solana": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
    "tron": "tron:728126428",
    "stellar": "stellar:pubnet",
    "sui": "sui:35834a8a",
}


@pytest.mark.parametrize(("name", "caip2"), REGISTERED.items())
def test_a_chain_and_its_registered_id_are_the_same_chain(name: str, caip2: str) -> None:
    """Name, name in capitals and CAIP-2 id all make the same chain."""
    assert Chain(name) == Chain(name.upper()) == Chain(f" {name} ") == Chain(caip2) == name
    assert Chain(caip2).caip2 == caip2


def test_ids_written_before_a_namespace_was_registered_are_read() -> None:
    """Tron's hexadecimal id and Sui's name stand in older data; they are read and never written."""
    assert Chain("tron:0x2b6653dc") == "tron"
    assert int("0x2b6653dc", 16) == 728126428
    assert Chain("sui:mainnet") == "sui"


@pytest.mark.parametrize(
    ("chain", "family"),
    [("polygon", "evm"), ("eip155:5", "evm"), ("solana", "solana"), ("tron", "tron"), ("sui", "other")],
)
def test_a_chain_knows_which_kind_of_address_it_uses(chain: str, family: str) -> None:
    """The family follows from the namespace, for a chain without a name here as well."""
    assert Chain(chain).family == family


def test_an_unknown_chain_is_kept() -> None:
    """A chain that nobody here has heard of is a chain all the same."""
    assert Chain("Dogecoin") == "dogecoin"
    assert Chain("dogecoin").caip2 is None
    assert Chain("dogecoin").family == "other"
    assert wallet(chain="Dogecoin").chain == "dogecoin"
    assert wallet(chain="X").chain == "x"


def test_the_letter_case_of_a_foreign_caip2_reference_counts() -> None:
    """Solana's devnet is named by a base58 hash, which lower case would turn into another."""
    devnet = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1"
    assert Chain(devnet) == devnet
    assert Chain(devnet).caip2 == devnet
    assert Chain("SOLANA:EtWTRABZaYq6iMfeYKouRu166VU2xqa1") == devnet


@given(st.text() | st.sampled_from(sorted(REGISTERED.values())).map(str.upper))
def test_folding_twice_is_folding_once(name: str) -> None:
    """A chain is equal to itself after any number of readings."""
    assert Chain(Chain(name)) == Chain(name)


def test_a_chain_survives_pickling_and_json() -> None:
    """A chain stays a chain, not merely a string."""
    chain = Chain("polygon")
    assert type(pickle.loads(pickle.dumps(chain))) is Chain
    assert type(copy.deepcopy(chain)) is Chain
    assert json.dumps(chain) == '"polygon"'
    back = Wallet.model_validate_json(wallet(chain=chain).model_dump_json())
    assert type(back.chain) is Chain


@pytest.mark.parametrize("empty", ["", "  "])
def test_a_chain_in_a_model_is_never_empty(empty: str) -> None:
    """An empty name is no chain."""
    with pytest.raises(ValidationError):
        wallet(chain=empty)


@given(strategies.wallets())
def test_a_wallet_comes_back_from_json_as_it_was(made: Wallet) -> None:
    """What is written as JSON is read back equal, by the ordinary calls."""
    assert Wallet.model_validate_json(made.model_dump_json()) == made
    assert Wallet.model_validate(json.loads(json.dumps(made.model_dump(mode="json")))) == made
    assert Wallet.model_validate(made.model_dump()) == made


@pytest.mark.parametrize("value", [5, None, [], "address"])
def test_what_is_no_wallet_is_refused_as_usual(value: object) -> None:
    """By pydantic's own error."""
    with pytest.raises(ValidationError):
        Wallet.model_validate(value)
    assert Wallet.model_validate(wallet()) == wallet()


def test_a_profile_may_hold_as_little_as_the_provider_needs() -> None:
    """Nothing in it is required by us."""
    assert set(CustomerProfile().model_dump(exclude_none=True)) == {"type"}


def test_json_shows_the_only_address() -> None:
    """Readers of the JSON find ``address`` beside ``addresses``."""
    shown = json.loads(wallet(addresses=(Address(chain="polygon", value=EVM),)).model_dump_json())
    assert shown["address"] == EVM


def test_address_is_never_taken_from_anything_but_addresses() -> None:
    """An ``address`` that contradicts ``addresses`` is an error, not silently dropped."""
    with pytest.raises(ValidationError, match="addresses"):
        wallet(address=EVM)
    with pytest.raises(ValidationError, match="addresses"):
        wallet(address=None, addresses=(Address(chain=None, value=EVM),))


@given(strategies.balances())
def test_amounts_are_strings_in_json_and_decimals_in_python(balance: Balance) -> None:
    """No float on either side, and not one digit is lost."""
    shown = json.loads(balance.model_dump_json())
    assert isinstance(shown["available"], str)
    back = Balance.model_validate_json(balance.model_dump_json())
    assert isinstance(back.available, Decimal)
    assert back.available.as_tuple() == balance.available.as_tuple()


@pytest.mark.parametrize("amount", [0.1, float("nan"), "NaN", "Infinity", True, "1,5", ""])
def test_what_is_no_exact_amount_is_refused(amount: object) -> None:
    """A float has lost digits already; NaN is no amount."""
    with pytest.raises(ValidationError):
        Balance(asset="usdc", available=amount)


def test_times_are_aware_utc() -> None:
    """A time in another zone is converted, a time without zone is taken as UTC."""
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    for given_time in (noon, noon.replace(tzinfo=None), noon.astimezone(timezone(timedelta(hours=5)))):
        made = wallet(created_at=given_time, updated_at=given_time)
        assert made.created_at == made.updated_at == noon
        assert made.created_at.tzinfo is UTC
    event = Event(
        provider="puppet",
        type=EventType.UNKNOWN,
        provider_type="x",
        verified=True,
        occurred_at=noon.replace(tzinfo=None),
    )
    assert event.occurred_at == noon


def test_a_time_without_zone_is_utc_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server in Tokyo keeps the same instant."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        made = wallet(created_at=datetime(2026, 6, 1, 12))  # noqa: DTZ001 - without zone on purpose
    finally:
        monkeypatch.undo()
        time.tzset()
    assert made.created_at == datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_time_outside_the_calendar_is_refused_and_nothing_else_happens() -> None:
    """The first second of the year 1 lies in the year 0 in UTC, for somebody east of Greenwich."""
    with pytest.raises(ValidationError):
        wallet(created_at=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))))


def test_a_wallet_cannot_be_changed() -> None:
    """Neutral values are facts; a new fact is a new value."""
    made = wallet()
    with pytest.raises(ValidationError):
        made.status = WalletStatus.ACTIVE
    with pytest.raises(ValidationError):
        del made.status
    assert made.status is WalletStatus.PENDING


def test_a_misspelt_field_is_an_error() -> None:
    """What a plugin author misspells is not dropped in silence."""
    with pytest.raises(ValidationError):
        wallet(adresses=())


@pytest.mark.parametrize("count", [0, 1, 2])
def test_address_is_the_only_address(count: int) -> None:
    """With none or several addresses there is no *the* address."""
    made = wallet(addresses=tuple(Address(chain=None, value=value) for value in (EVM, SECOND_EVM)[:count]))
    assert made.address == (EVM if count == 1 else None)


def test_address_on_finds_the_address_of_a_chain() -> None:
    """By name or CAIP-2 id; an address without chain belongs to the wallet's."""
    spread = wallet(
        chain=None, addresses=(Address(chain="base", value=EVM), Address(chain="polygon", value=SECOND_EVM))
    )
    assert spread.address_on("polygon") == spread.address_on("eip155:137") == SECOND_EVM
    assert spread.address_on("solana") is None
    single = wallet(chain="polygon", addresses=(Address(chain=None, value=EVM),))
    assert single.address_on("POLYGON") == EVM
    assert single.address_on("base") is None
    nowhere = wallet(chain=None, addresses=(Address(chain=None, value=EVM),))
    assert nowhere.address_on("polygon") is None


def test_raw_is_the_providers_own_object() -> None:
    """Nothing is renamed, converted or dropped in ``raw``, and making the wallet does not touch it."""
    raw = {"Amount": Decimal("1.50"), "nested": {"x": [1, None, "ü"]}, "customerId": "c"}
    before = copy.deepcopy(raw)
    made = wallet(raw=raw)
    assert made.raw == before
    assert raw == before
    assert made.raw["Amount"].as_tuple() == Decimal("1.50").as_tuple()


def test_repr_shows_neither_raw_nor_personal_data() -> None:
    """What ends in a log holds nothing of the vendor's object and nothing of the person."""
    assert "hidden" not in f"{wallet(raw={'k': 'hidden'})!r}{wallet(raw={'k': 'hidden'})}"
    assert "hidden" not in repr(Customer(provider="p", id="c", raw={"k": "hidden"}))
    event = Event(provider="p", type=EventType.UNKNOWN, provider_type="t", verified=False, raw={"k": "hidden"})
    assert "hidden" not in repr(event)
    profile = CustomerProfile(email="hidden@x", first_name="hidden", last_name="hidden", phone="hidden")
    assert "hidden" not in f"{profile!r}{profile}"


def test_an_error_in_a_model_shows_no_value() -> None:
    """A wrong e-mail address or a wallet that does not fit stays out of the message."""
    with pytest.raises(ValidationError) as told:
        CustomerProfile(email=["hidden"], emial="hidden")
    assert "hidden" not in str(told.value)
    with pytest.raises(ValidationError) as told:
        wallet(status="hidden")
    assert "hidden" not in str(told.value)


def test_assets_are_lower_case_everywhere() -> None:
    """An adapter that forgets to fold does not make a wallet look like another one's."""
    assert wallet(asset="USDC").asset == "usdc"
    assert Balance(asset=" USDC", available=0).asset == "usdc"
    assert WalletOrder(customer_id="c", asset="Usdc", idempotency_key="k").asset == "usdc"


def test_a_page_is_typed_by_what_it_holds() -> None:
    """A page of wallets holds wallets, whatever the list came as."""
    page = Page[Wallet](items=[wallet()])
    assert page.items == (wallet(),)
    assert page.next_cursor is None


@pytest.mark.parametrize("model", [Wallet, Address, Balance, Customer, CustomerProfile, Event, WalletOrder])
def test_models_describe_themselves_as_json_schema(model: type[BaseModel]) -> None:
    """The schema can be made, so that others can check what we write."""
    assert model.model_json_schema()["type"] == "object"


def test_ids_are_never_empty() -> None:
    """A wallet, a customer and an address without a value identify nothing."""
    for build in (lambda: wallet(id=""), lambda: Customer(provider="p", id=""), lambda: Address(chain=None, value="")):
        with pytest.raises(ValidationError):
            build()
