"""Operations: what is checked before anything is sent, and what is checked in the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.unit.doubles import ABLE, EVM, KEY, OPERATIONS, TRON, Puppet, Wire, puppet, wallet
from walletport.client import Client
from walletport.errors import (
    ConfigurationError,
    MalformedResponse,
    OutcomeUnknown,
    UnsupportedOperation,
    WalletportError,
)
from walletport.models import Address, Checksum, Customer, CustomerProfile, Page, Wallet
from walletport.provider import Idempotency, Need, depends, no, not_documented, not_implemented

PROFILE = CustomerProfile(email="a@example.com")
CALLS: dict[str, Callable[[Client], object]] = {
    "create_wallet": lambda client: client.create_wallet(customer_id="c-1", chain="polygon"),
    "find_wallet": lambda client: client.find_wallet(customer_id="c-1", chain="polygon"),
    "get_wallet": lambda client: client.get_wallet("w-1", customer_id="c-1"),
    "list_wallets": lambda client: list(client.list_wallets(customer_id="c-1")),
    "get_balances": lambda client: client.get_balances(wallet()),
    "get_addresses": lambda client: client.get_addresses(wallet()),
    "rotate_wallet": lambda client: client.rotate_wallet(wallet()),
    "create_customer": lambda client: client.create_customer(PROFILE),
    "get_customer": lambda client: client.get_customer("c-1"),
}


def client(kind: type[Puppet], wire: Wire) -> Client:
    """Return a client of a Puppet."""
    return Client(kind, api_key=KEY, transport=wire.transport, max_attempts=1)


def refusal(
    call: Callable[[Client], object], kind: type[WalletportError], provider: type[Puppet] | None = None
) -> WalletportError:
    """Return the error that a call ends in, having sent nothing."""
    wire = Wire()
    with pytest.raises(kind) as told:
        call(client(provider or puppet(), wire))
    assert wire.seen == []
    assert told.value.outcome == "not_applied"
    assert told.value.provider == "puppet"
    return told.value


def test_the_table_of_calls_is_complete() -> None:
    """Every operation of the protocol is called below."""
    assert set(CALLS) == set(OPERATIONS)


@pytest.mark.parametrize("operation", CALLS)
def test_every_operation_reaches_the_provider(operation: str) -> None:
    """One request each, named after it, and its answer comes back."""
    wire = Wire()
    answer = CALLS[operation](client(puppet(), wire))
    assert wire.paths == [operation]
    assert wire.seen[0].headers["x-api-key"] == KEY
    assert isinstance(answer, ANSWERS[operation])


ANSWERS: dict[str, type] = {
    **dict.fromkeys(("create_wallet", "get_wallet", "rotate_wallet"), Wallet),
    **dict.fromkeys(("create_customer", "get_customer"), Customer),
    **dict.fromkeys(("get_balances", "get_addresses"), tuple),
    "list_wallets": list,
    "find_wallet": type(None),
}


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("answer", [no("never"), not_implemented("not yet"), not_documented("nobody knows")])
def test_what_a_provider_cannot_do_is_refused_with_its_reason(operation: str, answer: object) -> None:
    """Before anything is sent, and before the arguments are looked at."""
    error = refusal(CALLS[operation], UnsupportedOperation, puppet({operation: answer}))
    assert error.operation == operation
    assert answer.reason in str(error)


def test_a_condition_is_left_to_the_provider() -> None:
    """What works under a condition is tried."""
    wire = Wire()
    client(puppet({"get_wallet": depends("on the weather")}), wire).get_wallet("w-1")
    assert wire.paths == ["get_wallet"]


def test_a_refusal_without_reason_still_says_something() -> None:
    """An adapter may leave the reason out."""
    error = refusal(CALLS["get_wallet"], UnsupportedOperation, puppet({"get_wallet": no("")}))
    assert "does not offer it" in str(error)


FIELDS = {"chain": "polygon", "asset": "usdc", "reference": "r-1"}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("operation", ["create_wallet", "find_wallet"])
def test_an_order_lacking_what_the_provider_needs_is_refused(operation: str, field: str) -> None:
    """The message says which argument to pass."""
    needy = puppet({"order": ABLE.order.model_copy(update={field: Need.REQUIRED})})
    given = {name: value for name, value in FIELDS.items() if name != field}
    error = refusal(lambda it: getattr(it, operation)(customer_id="c-1", **given), UnsupportedOperation, needy)
    assert f"pass {field}=" in str(error)
    assert error.operation == operation


@pytest.mark.parametrize("field", FIELDS)
def test_an_order_with_what_cannot_be_said_is_refused(field: str) -> None:
    """Nothing is dropped in silence."""
    deaf = puppet({"order": ABLE.order.model_copy(update={field: Need.REFUSED})})
    error = refusal(lambda it: it.create_wallet(customer_id="c-1", **FIELDS), UnsupportedOperation, deaf)
    assert f"leave {field}= out" in str(error)


def test_a_chain_outside_a_fixed_set_is_refused_and_any_other_is_sent() -> None:
    """A vendor that cannot be told a chain cannot refuse one either."""
    fixed = ABLE.order.model_copy(update={"chains": ("polygon", "base"), "chains_fixed": True})
    error = refusal(
        lambda it: it.create_wallet(customer_id="c-1", chain="stellar"), UnsupportedOperation, puppet({"order": fixed})
    )
    assert "it serves polygon, base" in str(error)
    open_set = fixed.model_copy(update={"chains_fixed": False})
    wire = Wire()
    client(puppet({"order": open_set}), wire).create_wallet(customer_id="c-1", chain="stellar")
    assert wire.paths == ["create_wallet"]


BAD_ARGUMENTS: dict[str, Callable[[Client], object]] = {
    "empty customer": lambda it: it.create_wallet(customer_id=""),
    "blank customer": lambda it: it.create_wallet(customer_id="  "),
    "customer is a number": lambda it: it.create_wallet(customer_id=5),
    "half a character in the customer": lambda it: it.create_wallet(customer_id="\ud83d"),
    "half a character in the chain": lambda it: it.create_wallet(customer_id="c", chain="\ud83d"),
    "half a character in the asset": lambda it: it.create_wallet(customer_id="c", asset="\ud83d"),
    "half a character in the reference": lambda it: it.create_wallet(customer_id="c", reference="\ud83d"),
    "half a character in the wallet's id": lambda it: it.get_wallet("\ud83d"),
    "customer is None": lambda it: it.create_wallet(customer_id=None),
    "empty chain": lambda it: it.create_wallet(customer_id="c", chain=""),
    "chain is a number": lambda it: it.create_wallet(customer_id="c", chain=137),
    "blank asset": lambda it: it.create_wallet(customer_id="c", asset=" "),
    "asset is a list": lambda it: it.create_wallet(customer_id="c", asset=["usdc"]),
    "empty reference": lambda it: it.create_wallet(customer_id="c", reference=""),
    "reference is bytes": lambda it: it.create_wallet(customer_id="c", reference=b"r"),
    "empty key": lambda it: it.create_wallet(customer_id="c", idempotency_key=""),
    "key with a space": lambda it: it.create_wallet(customer_id="c", idempotency_key="a b"),
    "key with a line break": lambda it: it.create_wallet(customer_id="c", idempotency_key="a\r\nX-Evil: 1"),
    "key with an accent": lambda it: it.create_wallet(customer_id="c", idempotency_key="é"),
    "key too long": lambda it: it.create_wallet(customer_id="c", idempotency_key="k" * 256),
    "key is a number": lambda it: it.create_wallet(customer_id="c", idempotency_key=5),
    "find for nobody": lambda it: it.find_wallet(customer_id=""),
    "get empty": lambda it: it.get_wallet(""),
    "get a number": lambda it: it.get_wallet(5),
    "get for nobody": lambda it: it.get_wallet("w", customer_id=""),
    "list of nobody": lambda it: list(it.list_wallets(customer_id="")),
    "list of a number": lambda it: list(it.list_wallets(customer_id=5)),
    "balances of an id": lambda it: it.get_balances("w-1"),
    "addresses of an id": lambda it: it.get_addresses("w-1"),
    "addresses of None": lambda it: it.get_addresses(None),
    "rotate an id": lambda it: it.rotate_wallet("w-1"),
    "rotate with a bad key": lambda it: it.rotate_wallet(wallet(), idempotency_key=" "),
    "customer from a dict": lambda it: it.create_customer({"email": "a@example.com"}),
    "customer with a bad key": lambda it: it.create_customer(PROFILE, idempotency_key=""),
    "get no customer": lambda it: it.get_customer(" "),
    "another provider's wallet": lambda it: it.get_balances(wallet(provider="other")),
    "rotate another provider's wallet": lambda it: it.rotate_wallet(wallet(provider="other")),
    "wait for an id": lambda it: it.wait_until_ready("w-1"),
    "wait for another provider's wallet": lambda it: it.wait_until_ready(wallet(provider="other")),
}


@pytest.mark.parametrize("call", BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_a_bad_argument_is_refused_before_anything_is_sent(call: Callable[[Client], object]) -> None:
    """By an error of ours that names the argument."""
    refusal(call, ConfigurationError, puppet(get_wallet=lambda *_: pytest.fail("asked")))


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), "5", None, True])
def test_a_wait_needs_a_number_of_seconds(timeout: object) -> None:
    """An endless or senseless wait is a mistake."""
    with pytest.raises(ConfigurationError, match="timeout"):
        client(puppet(), Wire()).wait_until_ready(wallet(), timeout=timeout)


def test_a_key_must_fit_the_providers_own_rules() -> None:
    """Length and pattern as declared; the message shows neither the key nor a riddle."""
    strict = {"idempotency": Idempotency(place="header", name="K", max_length=8, pattern="[a-z]+")}
    for key in ("a" * 9, "ABC", "abc\n"):
        error = refusal(
            lambda it, key=key: it.create_wallet(customer_id="c", idempotency_key=key),
            ConfigurationError,
            puppet(strict),
        )
        assert "idempotency_key" in str(error)
        assert key not in str(error)


def test_an_order_arrives_folded_and_with_a_key() -> None:
    """Chain and asset in the usual spelling; the key is the caller's, or a new one each time."""
    orders = []

    def make(order: Any) -> Wallet:
        orders.append(order)
        return wallet(customer_id=order.customer_id, chain=order.chain, asset=order.asset)

    it = client(puppet(create_wallet=make), Wire())
    it.create_wallet(customer_id="c-1", chain="eip155:137", asset=" USDC ", reference="Ref 1", idempotency_key="k-1")
    it.create_wallet(customer_id="c-1")
    it.create_wallet(customer_id="c-1")
    assert (orders[0].chain, orders[0].asset, orders[0].reference) == ("polygon", "usdc", "Ref 1")
    keys = [order.idempotency_key for order in orders]
    assert keys[0] == "k-1"
    assert len(set(keys)) == 3


def test_the_key_travels_where_the_provider_declares_it() -> None:
    """In the header, as given."""
    wire = Wire()
    client(puppet(), wire).create_wallet(customer_id="c-1", idempotency_key="k-1")
    assert wire.seen[0].headers["idempotency-key"] == "k-1"


WRONG_WALLETS: dict[str, Mapping[str, object]] = {
    "customer": {"customer_id": "c-2"},
    "chain": {"chain": "base"},
    "asset": {"asset": "usdt"},
}


def answered_by(operation: str, answer: object) -> tuple[Client, Wire]:
    """Return a client whose provider gives this answer to the operation."""
    wire = Wire()
    return client(puppet(**{operation: lambda *_: answer}), wire), wire


@pytest.mark.parametrize(("what", "change"), WRONG_WALLETS.items(), ids=WRONG_WALLETS)
def test_a_wallet_for_another_order_is_refused_and_the_outcome_stays_open(
    what: str, change: Mapping[str, object]
) -> None:
    """A deposit must not go to another customer, chain or asset; a wallet may have been made all the same."""
    it, wire = answered_by("create_wallet", wallet(asset="usdc", **change) if what != "asset" else wallet(**change))
    with pytest.raises(MalformedResponse, match=f"another {what}") as told:
        it.create_wallet(customer_id="c-1", chain="polygon", asset="usdc")
    assert told.value.outcome == "unknown"
    assert told.value.retryable is False
    assert (told.value.provider, told.value.operation) == ("puppet", "create_wallet")
    assert wire.paths == ["create_wallet"]


@pytest.mark.parametrize("change", WRONG_WALLETS.values(), ids=WRONG_WALLETS)
def test_a_found_wallet_for_another_order_is_refused(change: Mapping[str, object]) -> None:
    """Adopting it would be worse than finding none; a look-up itself leaves no doubt."""
    it, _ = answered_by("find_wallet", wallet(**({"asset": "usdc"} | change)))
    with pytest.raises(MalformedResponse) as told:
        it.find_wallet(customer_id="c-1", chain="polygon", asset="usdc")
    assert told.value.outcome == "not_applied"


@pytest.mark.parametrize("change", WRONG_WALLETS.values(), ids=WRONG_WALLETS)
def test_a_rotation_into_another_customers_or_chains_wallet_is_refused(change: Mapping[str, object]) -> None:
    """The new wallet serves whom and what the old one served."""
    it, _ = answered_by("rotate_wallet", wallet(id="w-2", **({"asset": "usdc"} | change)))
    with pytest.raises(MalformedResponse) as told:
        it.rotate_wallet(wallet(asset="usdc"))
    assert told.value.outcome == "unknown"


def test_a_wallet_that_says_less_is_no_contradiction() -> None:
    """One that spans chains and holds several assets satisfies an order for any of them."""
    wide = wallet(customer_id=None, chain=None, asset=None, addresses=(Address(chain="polygon", value=EVM),))
    it, _ = answered_by("create_wallet", wide)
    assert it.create_wallet(customer_id="c-1", chain="polygon", asset="usdc").address_on("polygon") == EVM
    it, _ = answered_by("create_wallet", wallet(asset="usdc"))
    assert it.create_wallet(customer_id="c-1").chain == "polygon"


def test_finding_nothing_is_none() -> None:
    """Proof of absence is passed on as it is; a look-up that proves nothing raises."""
    it, _ = answered_by("find_wallet", None)
    assert it.find_wallet(customer_id="c-1") is None

    def shrug(_order: object) -> None:
        raise OutcomeUnknown("no way to tell")

    with pytest.raises(OutcomeUnknown):
        client(puppet(find_wallet=shrug), Wire()).find_wallet(customer_id="c-1")


@pytest.mark.parametrize("change", [{"id": "w-2"}, {"customer_id": "c-2"}], ids=["id", "customer"])
def test_another_wallet_than_was_asked_for_is_refused(change: Mapping[str, object]) -> None:
    """By id, and by customer where one was named; reading leaves no doubt about an order."""
    it, _ = answered_by("get_wallet", wallet(**change))
    with pytest.raises(MalformedResponse, match="another wallet") as told:
        it.get_wallet("w-1", customer_id="c-1")
    assert told.value.outcome == "not_applied"


def test_another_customer_than_was_asked_for_is_refused() -> None:
    """Eligibility of somebody else is no answer."""
    it, _ = answered_by("get_customer", Customer(provider="puppet", id="c-2"))
    with pytest.raises(MalformedResponse, match="another customer") as told:
        it.get_customer("c-1")
    assert told.value.retryable is False


def test_a_list_with_another_customers_wallet_is_refused() -> None:
    """One that names no customer passes."""
    it, _ = answered_by("list_wallets", Page[Wallet](items=(wallet(), wallet(id="w-2", customer_id=None))))
    assert [item.id for item in it.list_wallets(customer_id="c-1")] == ["w-1", "w-2"]
    it, _ = answered_by("list_wallets", Page[Wallet](items=(wallet(), wallet(customer_id="c-2"))))
    with pytest.raises(MalformedResponse, match="another customer") as told:
        list(it.list_wallets(customer_id="c-1"))
    assert told.value.retryable is False
    assert len(list(it.list_wallets())) == 2


BAD = wallet(addresses=(Address(chain="polygon", value=TRON),))
BAD_ADDRESSES: dict[str, tuple[object, Callable[[Client], object], str]] = {
    "create_wallet": (BAD, lambda it: it.create_wallet(customer_id="c-1"), "unknown"),
    "rotate_wallet": (BAD, lambda it: it.rotate_wallet(wallet()), "unknown"),
    "find_wallet": (BAD, lambda it: it.find_wallet(customer_id="c-1"), "not_applied"),
    "get_wallet": (BAD, lambda it: it.get_wallet("w-1"), "not_applied"),
    "list_wallets": (Page[Wallet](items=(BAD,)), lambda it: list(it.list_wallets()), "not_applied"),
    "get_addresses": (BAD.addresses, lambda it: it.get_addresses(wallet()), "not_applied"),
}


@pytest.mark.parametrize("operation", BAD_ADDRESSES)
def test_an_address_of_another_family_is_refused_wherever_it_comes_from(operation: str) -> None:
    """A Tron address on Polygon would swallow the deposit; a create may have made a wallet all the same."""
    answer, call, outcome = BAD_ADDRESSES[operation]
    it, _ = answered_by(operation, answer)
    with pytest.raises(MalformedResponse, match="not an address on polygon") as told:
        call(it)
    assert told.value.outcome == outcome


def test_an_address_without_chain_is_checked_as_its_wallets() -> None:
    """In a wallet, and where addresses are read on their own."""
    bare = (Address(chain=None, value="0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),)
    it, _ = answered_by("get_addresses", bare)
    assert [address.checksum for address in it.get_addresses(wallet())] == [Checksum.VALID]
    it, _ = answered_by("get_wallet", wallet(addresses=bare))
    assert it.get_wallet("w-1").addresses[0].checksum is Checksum.VALID
    it, _ = answered_by("get_addresses", (Address(chain=None, value=TRON),))
    with pytest.raises(MalformedResponse):
        it.get_addresses(wallet())


def test_balances_are_passed_on() -> None:
    """As the adapter read them."""
    (balance,) = client(puppet(), Wire()).get_balances(wallet())
    assert (balance.asset, str(balance.available)) == ("usdc", "1.50")
