"""Vendors that are hard to show: one writes whatever may upset a terminal, one is interrupted."""

from __future__ import annotations

import signal
from typing import ClassVar

from tests.support.toy import Toy
from tests.support.toy_emulator import ToyEmulator
from walletport.capabilities import Capabilities, Need, OrderFields, no
from walletport.models import Balance, Wallet, WalletOrder
from walletport.provider import Flow
from walletport.provider.emulation import Emulator

BEFORE = "[red]"
AFTER = "\x1b[2J\x07\u202e:smile:[/]"


class RudeEmulator(ToyEmulator):
    """Toy under another address."""

    mount: ClassVar[str] = "/rude"


class Rude(Toy):
    """Toy with a coat of paint, and an order that carries as little as possible."""

    name = "rude"
    title = f"{BEFORE}Rude{AFTER}\r\nsecond line"
    capabilities: ClassVar[Capabilities] = Toy.capabilities.model_copy(
        update={
            "rotate_wallet": no(f"{BEFORE}never{AFTER}"),
            "order": OrderFields(chain=Need.REQUIRED, asset=Need.REFUSED, reference=Need.REFUSED),
        }
    )

    def create_wallet(self, order: WalletOrder) -> Flow[Wallet]:
        """Paint the wallet."""
        wallet = yield from super().create_wallet(order)
        return _painted(wallet)

    def get_wallet(self, wallet_id: str, customer_id: str | None) -> Flow[Wallet]:
        """Paint the wallet."""
        wallet = yield from super().get_wallet(_bare(wallet_id), customer_id)
        return _painted(wallet)

    def get_balances(self, wallet: Wallet) -> Flow[tuple[Balance, ...]]:
        """Paint the assets."""
        balances = yield from super().get_balances(wallet.model_copy(update={"id": _bare(wallet.id)}))
        return tuple(one.model_copy(update={"asset": f"{BEFORE}usdc{AFTER}"}) for one in balances)

    @classmethod
    def emulator(cls) -> type[Emulator]:
        """Return Toy's under another address."""
        return RudeEmulator


def _bare(wallet_id: str) -> str:
    return wallet_id.removeprefix(BEFORE).removesuffix(AFTER)


def _painted(wallet: Wallet) -> Wallet:
    return wallet.model_copy(update={"provider": Rude.name, "id": f"{BEFORE}{wallet.id}{AFTER}"})


class ImpatientEmulator(ToyEmulator):
    """Toy under another address."""

    mount: ClassVar[str] = "/impatient"


class Impatient(Toy):
    """A vendor during whose first answer the user presses Ctrl-C."""

    name = "impatient"

    def create_wallet(self, order: WalletOrder) -> Flow[Wallet]:
        """Press Ctrl-C."""
        wallet = yield from super().create_wallet(order)
        signal.raise_signal(signal.SIGINT)
        return wallet

    @classmethod
    def emulator(cls) -> type[Emulator]:
        """Return Toy's under another address."""
        return ImpatientEmulator
