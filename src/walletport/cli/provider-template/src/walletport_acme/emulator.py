"""Acme as a state machine: no server, no network, no clock of its own. Written from the package's page alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final

from walletport.models import Address, Chain
from walletport.provider import JsonObject, Response
from walletport.provider.emulation import (
    Clock,
    EmulatedWallet,
    Emulator,
    IdempotencyMemory,
    IncomingRequest,
    make_address,
    make_id,
)
from walletport_acme.unwritten import unwritten

API_KEY: Final = "acme_test_" + "0" * 24
CUSTOMER: Final = "cus_00000001"


@dataclass
class MadeWallet:
    """A wallet inside the emulator."""

    id: str
    customer_id: str
    chain: str
    asset: str | None
    reference: str | None
    address: str
    made_at: datetime


class AcmeEmulator(Emulator):
    """Acme, for tests and the sandbox; where its pages leave something open, it does what asks most of a client."""

    mount: ClassVar[str] = "/acme/v1"
    default_customer: ClassVar[str] = CUSTOMER
    uncreatable_chain: ClassVar[str | None] = "dogecoin"

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        super().__init__(clock, seed)
        self.keys = IdempotencyMemory(timedelta(minutes=5), clock)
        self._customers: dict[str, bool] = {CUSTOMER: True}
        self._wallets: list[MadeWallet] = []

    @property
    def settings(self) -> Mapping[str, str]:
        """The credentials it accepts."""
        return {"api_key": API_KEY}

    def customers(self) -> list[str]:
        """List every customer."""
        return list(self._customers)

    def add_customer(self, customer_id: str | None = None, *, eligible: bool = True) -> str:
        """Add a customer."""
        made = customer_id or make_id(self.random, "cus_", 8)
        self._customers[made] = eligible
        return made

    def wallets(self) -> list[EmulatedWallet]:
        """List every wallet."""
        return [
            EmulatedWallet(
                made.customer_id,
                made.id,
                made.chain,
                made.asset,
                made.reference,
                (Address(chain=Chain(made.chain), value=made.address),),
            )
            for made in self._wallets
        ]

    def add_wallet(self, customer_id: str) -> str:
        """Make a wallet in the dashboard."""
        return self.make(customer_id, "polygon", None, None).id

    def make(self, customer_id: str, chain: str, asset: str | None, reference: str | None) -> MadeWallet:
        """Make a wallet, as a create does."""
        address = make_address(self.random, Chain(chain))
        wallet_id = make_id(self.random, "wlt_", 12)
        made = MadeWallet(wallet_id, customer_id, chain, asset, reference, address, self.clock())
        self._wallets.append(made)
        return made

    def handle(self, request: IncomingRequest) -> Response:
        """Answer one request."""
        unwritten(
            "emulator.py handle",
            "check the credentials of every request, then answer each one that the vendor documents by "
            "`match request.method, *request.path`, a create once for each key by self.keys",
        )

    def failure(self, status: int, retry_after: int | None = None) -> Response:
        """Return a failure in the vendor's own shape, with its own way of asking to wait."""
        more = {} if retry_after is None else {"retry-after": str(retry_after)}
        answer = self.answer(status, {"code": "failed"})
        return Response(status, {**answer.headers, **more}, answer.body)

    def answer(self, status: int, body: JsonObject) -> Response:
        """Return an answer with a JSON body."""
        return Response(status, {"content-type": "application/json"}, json.dumps(body).encode())

    def set_balance(self, wallet_id: str, asset: str, amount: Decimal) -> None:
        """Set what a wallet holds of one asset."""
        unwritten("emulator.py set_balance", "keep the amount, and let handle show it in the vendor's own way")

    def require_approval(self) -> None:
        """Let every create from now on wait for a person's approval."""
        unwritten(
            "emulator.py require_approval",
            "let handle answer creates as the vendor does where a person must approve; or deny approval in the "
            "capabilities and delete this method and approve",
        )

    def approve(self, approval_id: str) -> str:
        """Approve a create that waits, as the person would, and return the wallet's id."""
        unwritten("emulator.py approve", "make the wallet that the approval is for, and return its id")

    def webhook(self, wallet_id: str, secret: str) -> tuple[Mapping[str, str], bytes]:
        """Return the signed webhook that the vendor sends when this wallet was made."""
        unwritten(
            "emulator.py webhook",
            "return headers and body, signed by hmac_hex or sign_timestamped of walletport.provider.signatures; or "
            "return {}, b'' where webhooks are denied in the capabilities",
        )
