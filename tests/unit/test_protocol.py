"""The protocol's own behaviour: what an adapter leaves out refuses, and settings keep their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from pydantic import ValidationError

from tests.unit.doubles import ABLE, KEY, PuppetSettings, wallet
from walletport.errors import ConfigurationError, UnsupportedOperation
from walletport.models import CustomerProfile, WalletOrder
from walletport.provider import (
    Effect,
    Environment,
    ProviderSettings,
    Request,
    WalletProvider,
    no,
    refuse_key_of_other_environment,
)

ORDER = WalletOrder(customer_id="c-1", idempotency_key="k-1")
CALLS = {
    "create_wallet": lambda it: it.create_wallet(ORDER),
    "get_wallet": lambda it: it.get_wallet("w-1", None),
    "list_wallets": lambda it: it.list_wallets(None, None),
    "find_wallet": lambda it: it.find_wallet(ORDER),
    "get_balances": lambda it: it.get_balances(wallet()),
    "get_addresses": lambda it: it.get_addresses(wallet()),
    "rotate_wallet": lambda it: it.rotate_wallet(wallet(), "k-1"),
    "create_customer": lambda it: it.create_customer(CustomerProfile(), "k-1"),
    "get_customer": lambda it: it.get_customer("c-1"),
}


class Idle(WalletProvider):
    """An adapter that leaves out whatever it can."""

    name = "idle"
    title = "Idle"
    environments: ClassVar[Mapping[str, Environment]] = {"sandbox": Environment({"api": "https://example.com"})}
    settings_type = ProviderSettings
    capabilities = ABLE.model_copy(update={"get_wallet": no("there is no such call")})

    def authenticate(self):
        raise AssertionError

    def sign(self, request, credential):
        raise AssertionError

    def classify(self, request, response):
        raise AssertionError


@pytest.mark.parametrize("operation", CALLS)
def test_an_operation_that_was_left_out_refuses_before_it_begins(operation: str) -> None:
    """With the reason that was declared, and not only once somebody asks for its first request."""
    with pytest.raises(UnsupportedOperation) as told:
        CALLS[operation](Idle(ProviderSettings()))
    assert (told.value.provider, told.value.operation) == ("idle", operation)
    assert ("no such call" in str(told.value)) == (operation == "get_wallet")


def test_a_refusal_says_something_even_where_no_reason_was_declared() -> None:
    """And the declared one where there is one."""

    class Silent(Idle):
        capabilities = ABLE.model_copy(update={"get_wallet": no(""), "webhooks": no("it sends none")})

    with pytest.raises(UnsupportedOperation, match="does not offer it"):
        Silent(ProviderSettings()).get_wallet("w-1", None)
    with pytest.raises(UnsupportedOperation, match="it sends none"):
        Silent.parse_webhook({}, b"", (), datetime.now(UTC), unverified=False)


def test_webhooks_and_emulator_may_be_left_out() -> None:
    """The one refuses, the other is none."""
    with pytest.raises(UnsupportedOperation, match="webhooks are not supported") as told:
        Idle.parse_webhook({}, b"", (), datetime.now(UTC), unverified=False)
    assert told.value.provider == "idle"
    assert Idle.emulator() is None
    assert Idle(ProviderSettings()).check_settings("sandbox") is None


def test_settings_print_no_secret_and_take_nothing_unknown() -> None:
    """Neither does their error message."""
    settings = PuppetSettings(api_key=KEY)
    assert KEY not in f"{settings}{settings!r}{settings.model_dump_json()}"
    with pytest.raises(ValidationError) as told:
        PuppetSettings(api_key=KEY, apikey=KEY)
    assert KEY not in str(told.value)
    with pytest.raises(ValidationError):
        settings.region = "us"


PREFIXES = {"sandbox": ("sk_test_", "sk_dev_"), "production": ("sk_live_",)}


@pytest.mark.parametrize(
    ("key", "environment"), [("sk_test_1", "sandbox"), ("sk_dev_1", "sandbox"), ("sk_live_1", "production")]
)
def test_a_key_of_the_environment_passes(key: str, environment: str) -> None:
    """By any of its prefixes."""
    refuse_key_of_other_environment(key, environment, PREFIXES, "api_key")


def test_a_key_of_no_known_form_passes() -> None:
    """The vendor may have new ones; it will tell."""
    refuse_key_of_other_environment("something", "sandbox", PREFIXES, "api_key")


def test_a_key_of_another_environment_is_refused() -> None:
    """With what to type, and without the key."""
    with pytest.raises(ConfigurationError) as told:
        refuse_key_of_other_environment("sk_live_5f0c", "sandbox", PREFIXES, "api_key")
    assert "api_key is a key for production" in str(told.value)
    assert "environment='production'" in str(told.value)
    assert "5f0c" not in str(told.value)


def test_forgetting_to_say_something_about_a_request_is_the_safe_side() -> None:
    """It carries a credential, its answer must be JSON, and whatever is no GET may have made a wallet."""
    request = Request("GET", ("wallets",))
    assert (request.repeatable, request.authenticated, request.expects_json) == (None, True, True)
    assert request.effect is Effect.READS
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert Request(method, ("wallets",)).effect is Effect.APPLIES
        assert Request(method, ("wallets",), effect=Effect.READS).effect is Effect.READS
