"""`walletport demo`: one order at every vendor's emulator, through real HTTP, side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from walletport.cli.output import Output, error_facts
from walletport.errors import ConfigurationError, MalformedResponse, WalletportError
from walletport.models import Balance, Wallet
from walletport.provider import Need

if TYPE_CHECKING:
    from walletport.client import Client
    from walletport.sandbox import Sandbox

_READY_WITHIN: Final = 30.0
_HALF_AN_ADDRESS: Final = 21  # so that an EVM address folds into two full lines


@dataclass
class Trial:
    """How one order went at one provider.

    Args:
        provider: its name.
        wallet: as it was last seen.
        balances: what it holds; ``None`` where nobody has told yet.
        created_after: how long the create call took, in seconds.
        ready_after: how long it took from the order to a wallet that can be used, in seconds.
        error: what went wrong.
    """

    provider: str
    wallet: Wallet | None = None
    balances: tuple[Balance, ...] | None = None
    created_after: float | None = None
    ready_after: float | None = None
    error: WalletportError | None = None


def run_trials(sandbox: Sandbox, chain: str, asset: str) -> list[Trial]:
    """Send one order to every emulator of a running sandbox, one after the other."""
    trials = [_try(sandbox, name, chain, asset) for name in sandbox.emulators]
    return trials + [Trial(name, error=ConfigurationError(reason)) for name, reason in sandbox.failed.items()]


def _try(sandbox: Sandbox, name: str, chain: str, asset: str) -> Trial:
    trial = Trial(name)
    try:
        with sandbox.client(name) as client:
            _provision(trial, client, sandbox.emulators[name].default_customer, chain, asset)
    except WalletportError as error:
        trial.error = error
    except Exception as error:  # noqa: BLE001 - a stranger's plugin may fail in any way, and the others go on
        trial.error = MalformedResponse(f"the plugin failed ({type(error).__name__})", provider=name)
    return trial


def _provision(trial: Trial, client: Client, customer_id: str, chain: str, asset: str) -> None:
    fields = client.capabilities.order
    started = time.monotonic()
    trial.wallet = client.create_wallet(
        customer_id=customer_id,
        chain=_if_taken(fields.chain, chain),
        asset=_if_taken(fields.asset, asset),
        reference=_if_taken(fields.reference, "walletport-demo"),
    )
    trial.created_after = time.monotonic() - started
    trial.wallet = client.wait_until_ready(trial.wallet, timeout=_READY_WITHIN)
    trial.ready_after = time.monotonic() - started
    trial.balances = trial.wallet.balances or None
    if trial.balances is None and client.capabilities.get_balances.usable:
        trial.balances = client.get_balances(trial.wallet)


def _if_taken(need: Need, value: str) -> str | None:
    return None if need is Need.REFUSED else value


def show(output: Output, trials: Sequence[Trial], chain: str, asset: str) -> None:
    """Print the trials side by side."""
    output.line(f"One order (chain {chain}, asset {asset}) at each provider's emulator on this machine, over HTTP.")
    wallets = [trial.wallet for trial in trials]
    rows = {
        "wallet": [wallet.id if wallet else "-" for wallet in wallets],
        "chain": [_chain(wallet) if wallet else "-" for wallet in wallets],
        "address": [_address(wallet, chain) if wallet else "-" for wallet in wallets],
        "status": [wallet.status.value if wallet else "-" for wallet in wallets],
        "custody": [wallet.custody.value.replace("_", "-") if wallet else "-" for wallet in wallets],
        "balances": ["-" if trial.balances is None else _balances(trial.balances) for trial in trials],
        "create call": [_milliseconds(trial.created_after) for trial in trials],
        "until ready": [_milliseconds(trial.ready_after) for trial in trials],
    }
    if any(trial.error for trial in trials):
        rows["error"] = [f"{type(trial.error).__name__}: {trial.error}" if trial.error else "" for trial in trials]
    output.side_by_side([trial.provider for trial in trials], rows, least=_HALF_AN_ADDRESS)
    output.line()
    output.line("Next: `walletport sandbox` keeps these emulators running; `walletport capabilities` compares them.")


def as_json(trials: Sequence[Trial], chain: str, asset: str) -> dict[str, object]:
    """Return the trials for machines."""
    return {"order": {"chain": chain, "asset": asset}, "providers": [_trial_as_json(trial) for trial in trials]}


def _trial_as_json(trial: Trial) -> dict[str, object]:
    wallet = trial.wallet
    return {
        "provider": trial.provider,
        "wallet": None if wallet is None else wallet.model_dump(mode="json", exclude={"raw", "balances"}),
        "balances": None if trial.balances is None else [one.model_dump(mode="json") for one in trial.balances],
        "create_seconds": trial.created_after,
        "ready_seconds": trial.ready_after,
        "error": None if trial.error is None else error_facts(trial.error),
    }


def _chain(wallet: Wallet) -> str:
    if wallet.chain is not None:
        return wallet.chain
    chains = {address.chain for address in wallet.addresses if address.chain is not None}
    return f"{len(chains)} chains" if chains else "-"


def _address(wallet: Wallet, chain: str) -> str:
    if not wallet.addresses:
        return "-"
    shown = wallet.address_on(chain) or wallet.addresses[0].value
    others = len({address.value for address in wallet.addresses} - {shown})
    return f"{shown}\nand {others} more" if others else shown


def _balances(balances: tuple[Balance, ...]) -> str:
    return "\n".join(f"{one.available:f} {one.asset or '(asset not told)'}" for one in balances) or "none"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"
