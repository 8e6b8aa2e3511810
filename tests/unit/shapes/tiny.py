"""The smallest provider there is, a vendor in one function, and a port between the two; each shape changes a part."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

import httpx
from pydantic import SecretStr

from tests.support.emulated import ManualClock
from tests.unit.doubles import ABLE
from walletport import Account, Client, Config, Provision
from walletport.errors import WalletportError
from walletport.models import Wallet, WalletStatus
from walletport.provider import (
    Capabilities,
    Credential,
    Environment,
    Idempotency,
    OutgoingRequest,
    ProviderSettings,
    Request,
    Response,
    WalletProvider,
    error_for_status,
)
from walletport.provisioning.port import Port

KEY = "tiny-key-4c1b"
ADDRESS = "0x52908400098527886e0f7030069857d2e4169ee7"
USER = "user-1"
CUSTOMER = "c-1"
NO_KEYS = Idempotency(place="none")


def able(**changes: object) -> Capabilities:
    """Return declarations that allow everything, but for these."""
    return ABLE.model_copy(update=changes)


class TinySettings(ProviderSettings):
    """What a client of Tiny needs."""

    api_key: SecretStr


class Tiny(WalletProvider):
    """A vendor's provider without an operation: each shape adds the ones it is about."""

    name: ClassVar[str] = "tiny"
    title: ClassVar[str] = "Tiny"
    environments: ClassVar[Mapping[str, Environment]] = {"sandbox": Environment({"api": "https://api.tiny.example/v1"})}
    settings_type: ClassVar[type[ProviderSettings]] = TinySettings
    capabilities: ClassVar[Capabilities] = ABLE

    def __init__(self, settings: ProviderSettings) -> None:
        assert isinstance(settings, TinySettings)
        self.api_key = settings.api_key

    def authenticate(self):
        return Credential(self.api_key)
        yield

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        return request.with_headers({"x-api-key": credential.token.get_secret_value()})

    def classify(self, request: Request, response: Response):
        return None if response.ok else error_for_status(response)


def made(wallet_id: str, **facts: object) -> Wallet:
    """Return a wallet of Tiny's that is ready."""
    said = {"provider": "tiny", "id": wallet_id, "status": WalletStatus.ACTIVE, **facts}
    return Wallet.model_validate(said)


class Killed(BaseException):
    """The process ends here, as kill -9 ends one: nothing after it is carried out."""


@dataclass(frozen=True)
class Asked:
    """One request as the vendor sees it."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes
    host: str

    @property
    def body(self) -> dict:
        return json.loads(self.content)


class Vendor:
    """Answers through one function, and loses an answer where a test says so.

    Args:
        answer: makes status and body of an answer from a request.

    Attributes:
        asked: every request that arrived.
        lose: by number of a request, counted from 0, what is raised once it was carried out.
        lose_before: the same, before anything of it is carried out.
    """

    def __init__(self, answer: Callable[[Asked], tuple[int, object]]) -> None:
        self._answer = answer
        self.asked: list[Asked] = []
        self.lose: dict[int, BaseException] = {}
        self.lose_before: dict[int, BaseException] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = tuple(unquote(part) for part in request.url.raw_path.partition(b"?")[0].decode().split("/")[2:])
        query, number = dict(request.url.params.multi_items()), len(self.asked)
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = Asked(request.method, path, query, headers, request.content, request.url.host)
        self.asked.append(seen)
        if number in self.lose_before:
            raise self.lose_before[number]
        status, body = self._answer(seen)
        if number in self.lose:
            raise self.lose[number]
        return httpx.Response(status) if body is None else httpx.Response(status, json=body)

    @property
    def said(self) -> list[str]:
        """Method and path of each request."""
        return [f"{asked.method} /{'/'.join(asked.path)}" for asked in self.asked]

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)


def client(kind: type[WalletProvider], vendor: Vendor, **changes: object) -> Client:
    """Return a client of this provider that talks to this vendor."""
    given = {"transport": vendor.transport, "clock": ManualClock(), "api_key": KEY, **changes}
    return Client(kind, **given)


@contextmanager
def opened(
    kind: type[WalletProvider], vendor: Vendor, folder: Path, clock: ManualClock, **changes: object
) -> Iterator[Port]:
    """Open a port with one account at this vendor; the journal is the folder's."""
    account = Account.of("tiny", kind, **{"api_key": KEY, "timeout": 2.0, **changes})
    config = Config(accounts={"tiny": account}, journal=f"sqlite:///{folder / 'journal.db'}")
    with Port(config, transport=vendor.transport, clock=clock, recovers=False) as port:
        port.link_customer(user=USER, account="tiny", customer_id=CUSTOMER)
        yield port


def ask_until_it_ends(port: Port, clock: ManualClock, **order: str) -> Provision:
    """Ask again and again, a minute later each time; raise what the order ends in, unless it is done."""
    for _ in range(40):
        try:
            return port.provision(**{"user": USER, "wait": 0.0, **order})
        except WalletportError as error:
            if port.story(error.provision_id or "").provision.ended:
                raise
            told = error
            clock.advance(timedelta(minutes=1))
    raise AssertionError("the order does not end") from told
