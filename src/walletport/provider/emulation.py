"""What an emulator of a vendor is made of: a small state machine, with no server, clock or network inside.

The sandbox serves it over HTTP and owns the clock and the faults. The conformance kit drives it in the same process,
and believes it rather than the adapter: what `Emulator.wallets` lists was made, and nothing else.
"""

from __future__ import annotations

import hashlib
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Literal, NoReturn, Self, TypeAlias
from urllib.parse import parse_qsl, unquote

from walletport.errors import UnsupportedOperation
from walletport.models import Address, Chain
from walletport.provider.messages import Json, Response, read_json

Clock: TypeAlias = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """A request as the vendor sees it.

    Args:
        method: the HTTP method.
        path: the decoded segments below the emulator's mount.
        query: the query; the last of repeated names wins.
        headers: names in lower case.
        body: the raw bytes.
    """

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @classmethod
    def from_wire(cls, method: str, target: str, headers: Mapping[str, str], body: bytes, mount: str = "") -> Self:
        """Read a request as it travels.

        The path is split before it is decoded, so that a slash inside an id stays inside it.

        Args:
            method: the HTTP method.
            target: path and query, percent-encoded.
            headers: names in lower case.
            body: the raw bytes.
            mount: what the path begins with and is left out.
        """
        path, _, query = target.partition("?")
        rest = path.removeprefix(mount).removeprefix("/")
        segments = tuple(unquote(segment) for segment in rest.split("/")) if rest else ()
        return cls(method, segments, dict(parse_qsl(query, keep_blank_values=True)), headers, body)

    def json(self) -> Json:
        """Return the body as JSON; raises `MalformedResponse` where it is none."""
        return read_json(self.body)


@dataclass(frozen=True, slots=True)
class EmulatedWallet:
    """One wallet an emulator has made, as the vendor's own books have it.

    Args:
        customer_id: its holder.
        wallet_id: its id.
        chain: its chain, or ``None`` for one that spans several.
        asset: its asset, or ``None`` for one that holds several.
        reference: the caller's reference, where the vendor keeps one.
        addresses: every deposit address it has, or will have once it is ready.
    """

    customer_id: str
    wallet_id: str
    chain: str | None
    asset: str | None
    reference: str | None
    addresses: tuple[Address, ...]


class Emulator(ABC):
    """A vendor as a state machine.

    Where the vendor's pages leave something open, take the reading that asks most of a client. The same seed and the
    same requests must lead to the same state, and a fresh one has customers but no wallets and asks nobody's approval.

    Args:
        clock: tells the emulator's time, aware UTC; it may be moved.
        seed: makes ids and addresses reproducible.

    Attributes:
        page_size: how many entries a page of a list holds at most, however many are asked for; the conformance kit
            makes it small.
    """

    mount: ClassVar[str]
    """The path below which the vendor's API lives in the sandbox, such as ``/acme/v1``."""
    default_customer: ClassVar[str]
    """Id of a customer that exists from the start and may have wallets."""
    uncreatable_chain: ClassVar[str | None] = None
    """A chain the vendor refuses by answer, for the evaluation of refusals."""
    webhook_proof: ClassVar[Literal["time and body", "body", "none"]] = "time and body"
    """What a webhook's signature covers: the time as well, so that an old one can be told; the body alone; or nothing
    that is documented, so that no webhook can be proved."""
    webhook_secrets: ClassVar[tuple[str, str]] = (
        "whsec_Y29uZm9ybWFuY2Uta2l0LXNlY3JldC1udW1iZXItMQ==",
        "whsec_Y29uZm9ybWFuY2Uta2l0LXNlY3JldC1udW1iZXItMg==",
    )
    """Two made-up signing secrets in the vendor's form."""
    lists_in_pages: ClassVar[bool] = True
    """Whether a list is given in pages; ``False`` for a vendor that gives every list whole."""

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self.clock = clock
        self.page_size = 100
        self.random = random.Random(f"{self.mount}:{seed}")  # noqa: S311 - reproducible on purpose, nothing secret

    @abstractmethod
    def handle(self, request: IncomingRequest) -> Response:
        """Answer one request, as the vendor would."""

    @abstractmethod
    def failure(self, status: int, retry_after: int | None = None) -> Response:
        """Return an error answer in the vendor's own shape.

        Args:
            status: 429, 500 or 503.
            retry_after: how long to wait, in whole seconds, in the vendor's own way of saying so.
        """

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, str]:
        """The credentials it accepts, as keyword arguments of a client."""

    @abstractmethod
    def wallets(self) -> list[EmulatedWallet]:
        """List every wallet it has ever made."""

    @abstractmethod
    def add_customer(self, customer_id: str | None = None, *, eligible: bool = True) -> str:
        """Add a customer, one that may have wallets or one that may not yet, and return its id.

        A vendor that asks nothing of a customer ignores ``eligible``.
        """

    @abstractmethod
    def customers(self) -> list[str]:
        """List the id of every customer there is; of those that were made through the API too."""

    @abstractmethod
    def add_wallet(self, customer_id: str) -> str:
        """Make one more wallet for a customer without the API, as the vendor's dashboard would, and return its id.

        It must not be one that `add_wallet` or a create made before, nor carry a reference that somebody else may give.
        """

    @abstractmethod
    def webhook(self, wallet_id: str, secret: str) -> tuple[Mapping[str, str], bytes]:
        """Return headers and body of the signed webhook the vendor sends when this wallet was made.

        Where the vendor sends none then, any that names the wallet. Where its signature is not documented, the kit
        only asks that nothing takes it for proved.
        """

    def set_balance(self, wallet_id: str, asset: str, amount: Decimal) -> None:
        """Set what a wallet holds of one asset, in whole units; needed where ``get_balances`` can be called."""
        self._leave_out("set_balance")

    def require_approval(self) -> None:
        """Let every create from now on wait for a person's approval; needed where ``approval`` is declared."""
        self._leave_out("require_approval")

    def approve(self, approval_id: str) -> str:
        """Approve a create that waits, as the person would, and return the wallet's id; needed as above."""
        self._leave_out("approve")

    def end_tokens(self) -> None:  # noqa: B027 - most vendors have no tokens to end
        """Let every token end now, ahead of its time; a vendor whose key is good for ever does nothing."""

    def _leave_out(self, method: str) -> NoReturn:
        msg = f"{type(self).__name__} leaves {method}() out, and what the provider declares needs it"
        raise UnsupportedOperation(msg)


@dataclass(slots=True)
class _Remembered:
    fingerprint: bytes
    first_seen: datetime
    response: Response | None = None


Verdict: TypeAlias = Literal["new", "replay", "conflict", "in_progress"]


class IdempotencyMemory:
    """Remembers keys for the vendor's window, counted from when a key was first seen.

    Args:
        window: how long a key is remembered.
        clock: the emulator's clock.
    """

    def __init__(self, window: timedelta, clock: Clock) -> None:
        self.window = window
        self._clock = clock
        self._seen: dict[tuple[str, ...], _Remembered] = {}

    def look(self, scope: tuple[str, ...], body: bytes) -> tuple[Verdict, Response | None]:
        """Say what the vendor knows of a key, and remember it if it is new.

        Args:
            scope: the key, with whatever else separates two uses of it (method, route, principal).
            body: the request's body; only its digest is kept.
        """
        fingerprint = hashlib.sha256(body).digest()
        known = self._seen.get(scope)
        if known is None or self._clock() - known.first_seen >= self.window:
            self._seen[scope] = _Remembered(fingerprint, self._clock())
            return "new", None
        if known.fingerprint != fingerprint:
            return "conflict", None
        return ("in_progress", None) if known.response is None else ("replay", known.response)

    def record(self, scope: tuple[str, ...], response: Response) -> None:
        """Keep the answer to a key, to be given again."""
        self._seen[scope].response = response

    def forget(self, scope: tuple[str, ...]) -> None:
        """Drop a key, for vendors that do not remember failures."""
        self._seen.pop(scope, None)

    def forget_all(self) -> None:
        """Drop every key, as a vendor that lost its memory would."""
        self._seen.clear()


_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def make_id(source: random.Random, prefix: str, length: int) -> str:
    """Return an id such as ``wlt_4f...``: the prefix and as many letters and digits."""
    return prefix + "".join(source.choices(_ALPHANUMERIC, k=length))


def make_address(source: random.Random, chain: Chain) -> str:
    """Return a well-formed deposit address that nobody holds the key of.

    EVM addresses are all lower case (no checksum), Tron addresses carry a valid one.
    """
    if chain.family == "evm":
        return "0x" + source.randbytes(20).hex()
    import base58  # noqa: PLC0415 - only emulators need it here

    if chain.family == "tron":
        return str(base58.b58encode_check(b"\x41" + source.randbytes(20)), "ascii")
    if chain.family == "solana":
        return str(base58.b58encode(source.randbytes(32)), "ascii")
    return chain.upper()[:1] + source.randbytes(28).hex().upper()[:55]
