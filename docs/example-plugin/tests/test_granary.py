"""What only Granary does: asked over HTTP, with its emulator as the judge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import cast

import pytest

from walletport import Client
from walletport.errors import (
    AuthenticationError,
    ConfigurationError,
    CustomerNotEligible,
    IdempotencyConflict,
    MalformedResponse,
    NotFound,
    ProviderUnavailable,
)
from walletport.models import Wallet
from walletport.provider import Response
from walletport.provider.emulation import IncomingRequest
from walletport.sandbox import Sandbox
from walletport_granary import Granary
from walletport_granary.emulator import CLIENT_ID, CLIENT_SECRET, HOLDER, GranaryEmulator

KEY = "11111111-2222-3333-4444-555555555555"


class Site:
    """A client, the vendor's emulator behind HTTP, and everything that it was asked.

    Attributes:
        asked: the requests but the logins.
        answer: makes an answer; replace it to answer otherwise.
    """

    def __init__(self, sandbox: Sandbox, client: Client) -> None:
        self.sandbox, self.client = sandbox, client
        self.emulator = cast("GranaryEmulator", sandbox.emulators["granary"])
        self.asked: list[IncomingRequest] = []
        self.answer: Callable[[IncomingRequest], Response] = self.emulator.handle
        self.emulator.handle = self._handle  # type: ignore[method-assign]

    def _handle(self, request: IncomingRequest) -> Response:
        if request.path != ("sessions",):
            self.asked.append(request)
        return self.answer(request)

    @property
    def said(self) -> list[str]:
        """Method and path of each request."""
        return [f"{asked.method} /{'/'.join(asked.path)}" for asked in self.asked]

    def create(self, chain: str = "polygon", **more: str) -> Wallet:
        """Order a wallet for the default holder."""
        return self.client.create_wallet(**{"customer_id": HOLDER, "chain": chain, **more})

    def answers(self, status: int, body: object) -> None:
        """Answer everything but logins and vaults so from now on."""
        said = Response(status, {"content-type": "application/json"}, json.dumps(body).encode())
        known = self.emulator
        handle = type(known).handle
        self.answer = lambda asked: handle(known, asked) if asked.path[-1] in ("sessions", "vaults") else said


@pytest.fixture
def site() -> Iterator[Site]:
    """Run the emulator."""
    with Sandbox([Granary]) as sandbox, sandbox.client("granary") as client:
        yield Site(sandbox, client)


def test_a_vault_is_made_first_and_once(site: Site) -> None:
    """The second order gets the same vault out of the refusal, without another request."""
    first, second = site.create(), site.create("tron")
    vault = site.emulator.vaults[HOLDER]
    assert (first.id, second.id) == (f"{vault}:0", f"{vault}:1")
    assert site.said == ["POST /vaults", f"POST /vaults/{vault}/accounts"] * 2


def test_an_account_that_exists_is_adopted_from_the_refusal(site: Site) -> None:
    """Another key, the same network and label: the refusal carries the account, so nothing more is asked."""
    first = site.create(reference="main")
    site.asked.clear()
    assert site.create(reference="main").id == first.id
    assert len(site.asked) == 2
    assert site.create(reference="other").id != first.id
    assert len(site.emulator.wallets()) == 2


def test_an_account_with_another_label_is_not_adopted(site: Site) -> None:
    """The core cannot know what a label is; what a refusal carries is held against the order all the same."""
    account = {"vaultId": "v", "index": 0, "holderId": HOLDER, "network": "POLYGON", "label": "x", "state": "open"}
    site.answers(409, {"code": "account_exists", "account": account})
    with pytest.raises(MalformedResponse, match="another label") as told:
        site.create(reference="main")
    assert told.value.outcome == "unknown"


@pytest.mark.parametrize("answer", [{"accounts": []}, {"accounts": [{}, {}]}, {"accounts": "x"}, {}])
def test_one_account_was_ordered_and_one_must_be_there(answer: object, site: Site) -> None:
    """Which of several is the order's nobody could say."""
    site.answers(201, answer)
    with pytest.raises(MalformedResponse, match="one account was ordered") as told:
        site.create()
    assert told.value.outcome == "unknown"


def test_the_key_travels_in_the_body_and_is_the_same_on_a_repeat(site: Site) -> None:
    """The answer is lost, the same bytes go again, and Granary knows them."""
    site.sandbox.faults.add("drop-after:times=1:path=accounts")
    site.create(idempotency_key=KEY)
    first, second = (asked for asked in site.asked if asked.path[-1] == "accounts")
    assert first.body == second.body
    assert json.loads(first.body)["requestId"] == KEY
    assert not [name for name in first.headers if "idempotency" in name]
    assert len(site.emulator.wallets()) == 1


def test_a_key_that_was_used_for_another_order_is_told(site: Site) -> None:
    """Whether that one was applied, nobody can say from here."""
    site.create(idempotency_key=KEY)
    with pytest.raises(IdempotencyConflict) as told:
        site.create("tron", idempotency_key=KEY)
    assert (told.value.provider_code, told.value.outcome) == ("request_id_reused", "unknown")


def test_every_attempt_has_a_nonce_and_a_signature_of_its_own(site: Site) -> None:
    """Over ids and labels that have to be encoded, too."""
    holder = site.emulator.add_customer("hld/ü 1&x=y")
    site.sandbox.faults.add("503:after:times=1:path=accounts")
    site.client.create_wallet(customer_id=holder, chain="polygon", reference="é/&")
    assert len(list(site.client.list_wallets(customer_id=holder))) == 1
    for name in ("granary-nonce", "granary-signature"):
        assert len({asked.headers[name] for asked in site.asked}) == len(site.asked)


def test_a_nonce_is_taken_once(site: Site) -> None:
    """What was heard on the wire cannot be sent again."""
    site.create()
    again = site.emulator.__class__.handle(site.emulator, site.asked[-1])
    assert (again.status, json.loads(again.body)["code"]) == (401, "nonce_used")


def test_a_session_that_ended_is_opened_anew(site: Site) -> None:
    """Ahead of its time, or because Granary has forgotten it."""
    site.create()
    site.emulator.end_tokens()
    assert site.create("tron").chain == "tron"


def test_amounts_are_whole_numbers_of_the_smallest_unit(site: Site) -> None:
    """And exact, however many digits they have."""
    wallet = site.create()
    site.emulator.account(wallet.id).units["USDC"] = 12345678901234567890123456789012345
    (balance,) = site.client.get_balances(wallet)
    assert str(balance.available) == "12345678901234567890123456789.012345"
    assert (balance.asset, balance.frozen, balance.chain) == ("usdc", Decimal(0), "polygon")


def test_pages_are_numbered(site: Site) -> None:
    """All of them are read, a holder's or everybody's; a look-up goes through all of them as well."""
    site.emulator.page_size = 2
    made = [site.create(reference=f"r{number}").id for number in range(5)]
    site.asked.clear()
    assert [wallet.id for wallet in site.client.list_wallets(customer_id=HOLDER)] == made
    assert [asked.query["page"] for asked in site.asked] == ["1", "2", "3"]
    assert [wallet.id for wallet in site.client.list_wallets()] == made
    found = site.client.find_wallet(customer_id=HOLDER, chain="polygon", reference="r4")
    assert found is not None
    assert found.id == made[4]
    assert site.client.find_wallet(customer_id=HOLDER, chain="polygon") is None


def test_another_page_than_was_asked_for_is_no_page(site: Site) -> None:
    """A list that always sends its first page has no end."""
    site.answers(200, {"accounts": [], "page": 1, "pages": 3})
    with pytest.raises(MalformedResponse, match="another page"):
        list(site.client.list_wallets())


@pytest.mark.parametrize("wallet_id", ["", "vlt_1", "vlt_1:", ":1", "vlt_1:-1", "vlt_1:1.0", "vlt_1:\u0661"])
def test_what_cannot_be_an_id_here_is_not_found(wallet_id: str, site: Site) -> None:
    """An id is a vault's and a number; nothing is sent for anything else."""
    with pytest.raises((NotFound, ConfigurationError)):
        site.client.get_wallet(wallet_id)
    assert site.asked == []


def test_what_a_holder_lacks_is_told_in_codes(site: Site) -> None:
    """And no text of the vendor's comes along."""
    holder = site.emulator.add_customer(eligible=False)
    with pytest.raises(CustomerNotEligible) as told:
        site.client.create_wallet(customer_id=holder, chain="polygon")
    assert (told.value.missing, told.value.outcome) == (("passport",), "not_applied")
    assert site.client.get_customer(holder).missing == ("passport",)
    site.answers(403, {"code": "holder_not_cleared", "missing": ["visa", "<b>", 7]})
    with pytest.raises(CustomerNotEligible) as told:
        site.create()
    assert told.value.missing == ("visa",)


@pytest.mark.parametrize("code", ["holder_not_cleared", "account_exists", "request_id_reused"])
def test_a_refusals_code_in_a_failure_proves_nothing(code: str, site: Site) -> None:
    """A 500 is a 500, whatever it says."""
    site.answers(500, {"code": code})
    with site.sandbox.client("granary", max_attempts=1) as once, pytest.raises(ProviderUnavailable) as told:
        once.create_wallet(customer_id=HOLDER, chain="polygon")
    assert told.value.outcome == "unknown"


def test_a_client_of_another_environment_is_refused_before_anything_is_sent() -> None:
    """The id says where it belongs."""
    with pytest.raises(ConfigurationError, match="client_id is a key for production"):
        Client(Granary, client_id="live_1", client_secret="made-up")


def test_a_wrong_secret_is_told(site: Site) -> None:
    """At the login, so no order is in doubt."""
    url = site.sandbox.base_url("granary")
    client = Client(Granary, base_url=url, client_id=CLIENT_ID, client_secret="wrong-secret")
    with client, pytest.raises(AuthenticationError) as told:
        client.create_wallet(customer_id=HOLDER, chain="polygon")
    assert (told.value.outcome, site.asked) == ("not_applied", [])


def test_a_base_url_without_the_version_is_refused(site: Site) -> None:
    """The signature begins there."""
    hosts = {"login": site.sandbox.base_url("granary"), "api": site.sandbox.url}
    client = Client(Granary, base_url=hosts, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    with client, pytest.raises(ConfigurationError, match="must end in /v3"):
        client.get_customer(HOLDER)
    assert site.asked == []
