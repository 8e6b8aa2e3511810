"""`Client` and `AsyncClient`: how they are made, what they share, how they list and how they end."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import Field, SecretStr, field_validator

from tests.support.toy import Toy
from tests.unit.doubles import ABLE, EVM, KEY, FakeClock, Puppet, PuppetSettings, Wire, puppet, wallet
from walletport import AsyncClient, Client
from walletport.errors import (
    ConfigurationError,
    MalformedResponse,
    ProviderUnavailable,
    RateLimited,
    UnsupportedOperation,
)
from walletport.models import CustomerProfile, Page, Wallet
from walletport.provider import Credential, Environment, OutgoingRequest, ProviderSettings, no
from walletport.provider.emulation import IncomingRequest

SECRET = "s3cret-value-0451"
CALLS: dict[str, Callable[[Any], Any]] = {
    "create_wallet": lambda it: it.create_wallet(customer_id="c-1", chain="polygon"),
    "find_wallet": lambda it: it.find_wallet(customer_id="c-1", chain="polygon"),
    "get_wallet": lambda it: it.get_wallet("w-1", customer_id="c-1"),
    "get_balances": lambda it: it.get_balances(wallet()),
    "get_addresses": lambda it: it.get_addresses(wallet()),
    "rotate_wallet": lambda it: it.rotate_wallet(wallet()),
    "create_customer": lambda it: it.create_customer(CustomerProfile(email="a@example.com")),
    "get_customer": lambda it: it.get_customer("c-1"),
}


def public(kind: type) -> dict[str, inspect.Signature]:
    """Return the signatures of a client's public methods, by name."""
    methods = inspect.getmembers(kind, inspect.isfunction)
    return {name: inspect.signature(method) for name, method in methods if not name.startswith("_")}


def test_both_clients_have_the_same_methods_parameters_and_defaults() -> None:
    """What a program learns of one is true of the other."""
    sync, other = public(Client), public(AsyncClient)
    assert set(sync) == set(other)
    for name, signature in sync.items():
        assert list(signature.parameters.values()) == list(other[name].parameters.values()), name
        if name != "list_wallets":
            assert signature.return_annotation == other[name].return_annotation, name
    made, other_made = (inspect.signature(kind.__init__).parameters for kind in (Client, AsyncClient))
    assert list(made) == list(other_made)
    assert [(p.kind, p.default) for p in made.values()] == [(p.kind, p.default) for p in other_made.values()]


def test_every_method_of_the_async_client_is_awaited() -> None:
    """Listing is an asynchronous iterator; all else a coroutine."""
    for name in public(AsyncClient):
        method = getattr(AsyncClient, name)
        wanted = inspect.isasyncgenfunction if name == "list_wallets" else inspect.iscoroutinefunction
        assert wanted(method), name


@pytest.mark.parametrize("operation", CALLS)
def test_every_method_of_both_clients_reaches_the_provider(operation: str) -> None:
    """With the same request and the same result."""
    wire, other_wire = Wire(), Wire()

    async def awaited() -> object:
        async with AsyncClient(puppet(), api_key=KEY, transport=other_wire.transport) as it:
            return await CALLS[operation](it)

    with Client(puppet(), api_key=KEY, transport=wire.transport) as it:
        result = CALLS[operation](it)
    assert asyncio.run(awaited()) == result
    assert wire.paths == other_wire.paths == [operation]


def test_both_clients_list_and_wait() -> None:
    """The two methods that take several calls."""
    pages = {None: Page[Wallet](items=(wallet(),), next_cursor="2"), "2": Page[Wallet](items=(wallet(id="w-2"),))}
    ready = wallet(status="active", addresses=[{"chain": "polygon", "value": "0x" + "1" * 40}])
    kind = puppet(list_wallets=lambda _customer, cursor: pages[cursor], get_wallet=lambda *_: ready)

    async def awaited() -> tuple[list[str], Wallet]:
        async with AsyncClient(kind, api_key=KEY, transport=Wire().transport) as it:
            return [item.id async for item in it.list_wallets()], await it.wait_until_ready(ready)

    with Client(kind, api_key=KEY, transport=Wire().transport) as it:
        assert [item.id for item in it.list_wallets()] == ["w-1", "w-2"]
        assert it.wait_until_ready(ready) == ready
    assert asyncio.run(awaited()) == (["w-1", "w-2"], ready)


def lister(pages: dict[str | None, Page[Wallet]], wire: Wire) -> Client:
    """Return a client whose provider lists these pages by cursor."""
    kind = puppet(list_wallets=lambda _customer, cursor: pages[cursor])
    return Client(kind, api_key=KEY, transport=wire.transport)


def test_the_next_page_is_asked_for_when_it_is_needed() -> None:
    """Nothing is sent before the first item is wanted, and no page ahead of time."""
    pages = {
        None: Page[Wallet](items=(wallet(id="a"), wallet(id="b")), next_cursor="2"),
        "2": Page[Wallet](items=(wallet(id="c"),)),
    }
    wire = Wire()
    walk = lister(pages, wire).list_wallets()
    assert len(wire.seen) == 0
    assert [item.id for item in itertools.islice(walk, 2)] == ["a", "b"]
    assert len(wire.seen) == 1
    assert [item.id for item in walk] == ["c"]
    assert len(wire.seen) == 2


def test_an_empty_page_with_a_cursor_is_no_end() -> None:
    """A filter on the vendor's side can leave a page empty."""
    pages = {
        None: Page[Wallet](items=(), next_cursor="2"),
        "2": Page[Wallet](items=(), next_cursor="3"),
        "3": Page[Wallet](items=(wallet(),), next_cursor=""),
    }
    wire = Wire()
    assert len(list(lister(pages, wire).list_wallets())) == 1
    assert len(wire.seen) == 3


@pytest.mark.parametrize("loop", [("2", "2"), ("2", "3", "2")], ids=["itself", "a longer way"])
def test_a_list_that_goes_in_circles_ends_in_an_error(loop: tuple[str, ...]) -> None:
    """After each wallet of the circle was given once."""
    cursors = [None, *loop]
    pages = {
        cursor: Page[Wallet](items=(wallet(id=f"w{number}"),), next_cursor=following)
        for number, (cursor, following) in enumerate(itertools.pairwise(cursors))
    }
    walk = lister(pages, Wire()).list_wallets()
    assert [item.id for item in itertools.islice(walk, len(pages))] == [f"w{number}" for number in range(len(pages))]
    with pytest.raises(MalformedResponse, match="circles") as told:
        next(walk)
    assert (told.value.provider, told.value.operation, told.value.outcome) == ("puppet", "list_wallets", "not_applied")
    assert told.value.retryable is False


def test_a_refusal_in_the_middle_of_a_list_comes_where_it_happens() -> None:
    """What came before it is not lost."""
    wire = Wire()
    wire.answer = lambda _request: httpx.Response(200 if len(wire.seen) == 1 else 429, json={})
    pages = {None: Page[Wallet](items=(wallet(),), next_cursor="2"), "2": Page[Wallet](items=())}
    kind = puppet(list_wallets=lambda _customer, cursor: pages[cursor])
    walk = Client(kind, api_key=KEY, transport=wire.transport, max_attempts=1).list_wallets()
    assert next(walk).id == "w-1"
    with pytest.raises(RateLimited):
        next(walk)


def test_a_client_that_was_closed_says_so() -> None:
    """Every method, by an error of ours and before anything is sent; closing twice is harmless."""
    wire = Wire()
    with Client(puppet(), api_key=KEY, transport=wire.transport) as it:
        walk = it.list_wallets()
    it.close()
    calls = [
        *CALLS.values(),
        lambda it: next(walk),
        lambda it: list(it.list_wallets()),
        lambda it: it.wait_until_ready(wallet(status="active", addresses=[{"chain": "polygon", "value": EVM}])),
    ]
    for call in calls:
        with pytest.raises(ConfigurationError, match="closed") as told:
            call(it)
        assert told.value.provider == "puppet"
    assert wire.seen == []

    async def awaited() -> None:
        async with AsyncClient(puppet(), api_key=KEY, transport=wire.transport) as it:
            pass
        await it.close()
        for call in CALLS.values():
            with pytest.raises(ConfigurationError, match="closed"):
                await call(it)
        with pytest.raises(ConfigurationError, match="closed"):
            [item async for item in it.list_wallets()]

    asyncio.run(awaited())
    assert wire.seen == []


def test_leaving_the_block_closes_the_connections() -> None:
    """Once, and also when the block fails."""
    closed = []

    class Transport(httpx.BaseTransport):
        def close(self) -> None:
            closed.append(1)

    with pytest.raises(ZeroDivisionError), Client(puppet(), api_key=KEY, transport=Transport()):
        raise ZeroDivisionError
    assert closed == [1]

    class OtherTransport(httpx.AsyncBaseTransport):
        async def aclose(self) -> None:
            closed.append(2)

    async def awaited() -> None:
        async with AsyncClient(puppet(), api_key=KEY, transport=OtherTransport()):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(awaited())
    assert closed == [1, 2]


def test_a_client_shows_its_provider_and_nothing_secret() -> None:
    """In a log or a debugger's list."""
    it = Client(puppet(), api_key=SECRET, transport=Wire().transport)
    assert repr(it) == "Client('puppet')"
    assert repr(AsyncClient(puppet(), api_key=SECRET, transport=Wire().transport)) == "AsyncClient('puppet')"
    assert (it.provider, it.capabilities) == ("puppet", ABLE)
    assert SECRET not in repr(vars(it))


@pytest.mark.parametrize("attempts", [1, 2, 3, 2.0])
def test_a_request_is_sent_as_often_as_the_client_allows(attempts: float) -> None:
    """Where a repeat is harmless and may help."""
    wire = Wire()
    wire.answer = lambda _request: httpx.Response(503, headers={"retry-after": "0"})
    it = Client(puppet(), api_key=KEY, transport=wire.transport, max_attempts=attempts)
    with pytest.raises(ProviderUnavailable):
        it.get_wallet("w-1")
    assert len(wire.seen) == attempts


def test_no_attempt_starts_after_the_clients_time_is_up() -> None:
    """A wait that would end too late is not begun; with no time at all, one attempt is made."""
    wire = Wire()
    wire.answer = lambda _request: httpx.Response(503, headers={"retry-after": "7"})
    for allowed in (0, 6):
        it = Client(puppet(), api_key=KEY, transport=wire.transport, clock=FakeClock(), max_elapsed=allowed)
        with pytest.raises(ProviderUnavailable):
            it.get_wallet("w-1")
    assert len(wire.seen) == 2


def test_the_clients_timeout_travels_with_every_request() -> None:
    """Down to the transport."""
    wire = Wire()
    Client(puppet(), api_key=KEY, transport=wire.transport, timeout=7).get_wallet("w-1")
    assert wire.seen[0].extensions["timeout"]["read"] == 7


CLIENTS = [Client, AsyncClient]
MISTAKES: dict[str, tuple[dict[str, object], str]] = {
    "timeout 0": ({"timeout": 0}, "timeout must be a number of at least 0.001"),
    "timeout negative": ({"timeout": -1}, "timeout"),
    "timeout endless": ({"timeout": float("inf")}, "timeout"),
    "timeout not a number": ({"timeout": float("nan")}, "timeout"),
    "timeout text": ({"timeout": "30"}, "timeout"),
    "timeout None": ({"timeout": None}, "timeout"),
    "timeout True": ({"timeout": True}, "timeout"),
    "no attempts": ({"max_attempts": 0}, "max_attempts must be a number of at least 1"),
    "half an attempt": ({"max_attempts": 1.5}, "max_attempts must be a whole number"),
    "attempts text": ({"max_attempts": "3"}, "max_attempts"),
    "elapsed negative": ({"max_elapsed": -0.1}, "max_elapsed"),
    "unknown environment": ({"environment": "sandbx"}, "'sandbx' is unknown: use one of sandbox, production"),
    "environment empty": ({"environment": ""}, "use one of sandbox, production"),
    "environment a list": ({"environment": ["sandbox"]}, "use one of sandbox, production"),
    "URL empty": ({"base_url": ""}, "write it like https://"),
    "URL without scheme": ({"base_url": "api.example.com"}, "write it like https://"),
    "URL of another scheme": ({"base_url": "ftp://example.com"}, "write it like https://"),
    "URL plain": ({"base_url": "http://example.com"}, "https://"),
    "URL with password": ({"base_url": "https://u:pw@example.com"}, "user name"),
    "URL with query": ({"base_url": "https://example.com?x=1"}, "query"),
    "URL a number": ({"base_url": 5}, "base_url must be a URL"),
    "URL bytes": ({"base_url": b"https://example.com"}, "base_url must be a URL"),
    "host unknown": ({"base_url": {"uploads": "https://example.com"}}, "does not have: uploads"),
    "host a number": ({"base_url": {5: "https://example.com"}}, "does not have: 5"),
    "host's URL a number": ({"base_url": {"api": 5}}, "base_url must be a URL"),
    "setting missing": ({"api_key": ...}, 'api_key is missing: pass api_key="..." (the dashboard, under Keys)'),
    "setting empty": ({"api_key": ""}, 'api_key is empty: pass api_key="..." (the dashboard, under Keys)'),
    "setting blank": ({"api_key": " \n"}, "api_key is empty"),
    "setting of another type": ({"api_key": 451}, "api_key cannot be used as given (the dashboard, under Keys)"),
    "setting None": ({"api_key": None}, "api_key cannot be used as given"),
    "setting misspelt": ({"api_kye": SECRET}, "api_kye is not a setting of this provider: did you mean api_key?"),
    "setting unknown": ({"zzz": SECRET}, "zzz is not a setting of this provider: it takes api_key, region"),
}


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(("given", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_client_made_with_a_mistake_says_what_to_type(
    kind: type[Client], given: dict[str, object], says: str
) -> None:
    """The message names the argument and shows no value of a setting."""
    arguments = {"api_key": SECRET, "transport": Wire().transport} | given
    arguments = {name: value for name, value in arguments.items() if value is not ...}
    with pytest.raises(ConfigurationError) as told:
        kind(puppet(), **arguments)
    assert says in str(told.value)
    assert SECRET not in f"{told.value}{told.value!r}"
    assert "451" not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__context__ is None or told.value.__suppress_context__


def test_several_mistakes_in_settings_are_told_at_once() -> None:
    """Nobody has to mend them one by one."""
    with pytest.raises(ConfigurationError) as told:
        Client(puppet(), region="", zone="x")
    assert "api_key is missing" in str(told.value)
    assert "zone is not a setting" in str(told.value)


@pytest.mark.parametrize(
    "provider", [None, 5, b"acme", Puppet(PuppetSettings(api_key=KEY)), Wire, int, ProviderSettings]
)
def test_what_is_no_provider_is_refused(provider: object) -> None:
    """An instance, a number, some other class."""
    with pytest.raises(ConfigurationError, match="is no WalletProvider"):
        Client(provider, api_key=KEY)


def test_an_unknown_name_is_refused() -> None:
    """With what is installed."""
    with pytest.raises(ConfigurationError, match="no provider is called 'nobody-offers-this'"):
        Client("nobody-offers-this", api_key=KEY)
    with pytest.raises(ConfigurationError, match="no provider is called ''"):
        Client("")


def hosts(wire: Wire) -> list[str]:
    """Return the addresses that were asked, without path."""
    return [str(request.url.copy_with(path="/")) for request in wire.seen]


def test_the_environment_decides_the_address() -> None:
    """The first one where none is named."""
    wire = Wire()
    for given in ({}, {"environment": "sandbox"}, {"environment": "production"}):
        Client(puppet(), api_key=KEY, transport=wire.transport, **given).get_customer("c-1")
    assert hosts(wire) == [
        "https://sandbox.puppet.example/", "https://sandbox.puppet.example/", "https://api.puppet.example/"
    ]  # fmt: skip


def test_a_base_url_overrides_the_environment() -> None:
    """As one URL for every host, or host by host; plain http to this machine only."""
    wire = Wire()
    for url in ("https://mine.example/", "http://127.0.0.1:8700", {"api": "https://mine.example"}, {}):
        Client(puppet(), api_key=KEY, transport=wire.transport, base_url=url).get_customer("c-1")
    assert hosts(wire) == [
        "https://mine.example/",
        "http://127.0.0.1:8700/",
        "https://mine.example/",
        "https://sandbox.puppet.example/",
    ]


def test_settings_are_held_against_the_environment_unless_a_url_is_given() -> None:
    """A live key in the sandbox is a mistake; an address given by hand says its own."""

    class Guarded(puppet()):
        def check_settings(self, environment: str) -> None:
            if environment != "production":
                raise ConfigurationError("this is a live key: say environment='production'")

    with pytest.raises(ConfigurationError, match="live key"):
        Client(Guarded, api_key=KEY)
    Client(Guarded, api_key=KEY, environment="production", transport=Wire().transport)
    Client(Guarded, api_key=KEY, base_url="http://localhost:1", transport=Wire().transport)


def test_a_settings_own_check_shows_no_value() -> None:
    """A provider may check the shape of a key; what it says stays inside."""

    class Fussy(ProviderSettings):
        token: SecretStr = Field(min_length=40)

        @field_validator("token")
        @classmethod
        def _never(cls, value: SecretStr) -> SecretStr:
            msg = f"bad token {value.get_secret_value()}"
            raise ValueError(msg)

    kind = type("Fussy", (Puppet,), {"settings_type": Fussy})
    for token in (SECRET, SECRET * 10):
        with pytest.raises(ConfigurationError) as told:
            Client(kind, token=token)
        assert str(told.value) == "puppet: token cannot be used as given"


def test_optional_settings_may_be_left_out() -> None:
    """Only what was given is looked at."""
    Client(puppet(), api_key=KEY, transport=Wire().transport).get_customer("c-1")
    with pytest.raises(ConfigurationError, match="region is empty"):
        Client(puppet(), api_key=KEY, region=" ")


def test_a_provider_with_several_hosts_takes_a_url_for_one_of_them() -> None:
    """The others keep the environment's."""
    two = {"only": Environment({"api": "https://api.puppet.example", "auth": "https://auth.puppet.example"})}
    kind = type("Two", (puppet(),), {"environments": two})
    wire = Wire()
    Client(kind, api_key=KEY, transport=wire.transport, base_url={"auth": "https://mine.example"}).get_customer("c")
    assert hosts(wire) == ["https://api.puppet.example/"]


def test_the_clock_can_be_replaced() -> None:
    """So that a program's own tests need not wait."""
    signed_at = []

    class Noting(puppet()):
        def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
            signed_at.append(request.attempted_at)
            return super().sign(request, credential)

    clock = FakeClock()
    Client(Noting, api_key=KEY, transport=Wire().transport, clock=clock).get_wallet("w-1")
    assert signed_at == [clock.now()]


def test_nothing_is_sent_by_making_a_client() -> None:
    """Not even a login."""
    wire = Wire()
    Client(puppet(), api_key=KEY, transport=wire.transport).close()
    assert wire.seen == []


def test_toy_lists_page_by_page_and_refuses_what_it_lacks() -> None:
    """A whole provider with its own login, through real pages."""
    clock = FakeClock()
    emulator = Toy.emulator()(clock.now)
    wire = Wire()
    wire.answer = lambda request: _emulated(emulator, request)
    with Client(Toy, transport=wire.transport, clock=clock, **emulator.settings) as it:
        customer = emulator.default_customer
        made = [it.create_wallet(customer_id=customer, chain=chain).id for chain in ("polygon", "base", "tron")]
        wire.seen.clear()
        walk = it.list_wallets(customer_id=customer)
        assert [item.id for item in itertools.islice(walk, 2)] == made[:2]
        assert len(wire.seen) == 1
        assert [item.id for item in walk] == made[2:]
        with pytest.raises(UnsupportedOperation, match="no rotation"):
            it.rotate_wallet(it.get_wallet(made[0], customer_id=customer))


def _emulated(emulator: Any, request: httpx.Request) -> httpx.Response:
    path = tuple(request.url.path.removeprefix(emulator.mount).strip("/").split("/"))
    answer = emulator.handle(
        IncomingRequest(request.method, path, dict(request.url.params), dict(request.headers), request.content)
    )
    return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)


def test_a_provider_that_can_nothing_makes_a_client_that_refuses() -> None:
    """Declaring is enough; no method has to be written."""
    unable = ABLE.model_copy(update=dict.fromkeys(ABLE.abilities(), no("nothing yet")))
    it = Client(type("Idle", (Puppet,), {"capabilities": unable}), api_key=KEY, transport=Wire().transport)
    with pytest.raises(UnsupportedOperation, match="nothing yet"):
        it.create_wallet(customer_id="c-1")
