"""How orders are shown, for people and for machines, and what to do next with each."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from walletport.cli.output import Output
from walletport.provisioning.machine import State

if TYPE_CHECKING:
    from walletport.models import Wallet
    from walletport.provisioning.record import Provision, StoryEvent

_COLUMN: Final = 17
_UNSAID: Final = ("type", "message", "retryable")
UNSETTLED: Final = (State.PLANNED, State.SENDING, State.IN_DOUBT)
"""Where something must still come of an order by itself."""


def next_step(provision: Provision) -> str | None:
    """Say what to do next with an order; ``None`` where nothing is to be done."""
    match provision.state:
        case State.DONE:
            step = None
        case State.REJECTED:
            step = "once the cause is gone, or for another --account: give the same order again"
        case State.AWAITING_APPROVAL:
            where = f" at {provision.approval_url}" if provision.approval_url else ""
            step = (
                f"a person approves it{where}; then `walletport journal recover`, or the same order again, finds it; "
                f"if it is refused: `walletport journal resolve {provision.id} --absent`"
            )
        case State.NEEDS_REVIEW:
            step = _review(provision)
        case State.PLANNED | State.SENDING | State.IN_DOUBT:
            step = _carry_on(provision)
    return step


def _carry_on(provision: Provision) -> str:
    if provision.kind == "customer":
        return "give the order for the wallet again with --email and so on: what is known of a customer is not kept"
    after = f"after {moment(provision.not_before)} UTC" if provision.not_before else "now"
    return f"{after}: `walletport journal recover`, or the same order again; an application that runs does it by itself"


def _review(provision: Provision) -> str:
    resolve = f"`walletport journal resolve {provision.id}"
    whose = f"customer {provision.customer_id}" if provision.customer_id else f"user {provision.user}"
    if provision.kind != "customer":
        return (
            f"look at {provision.account} whether {whose} has a wallet for it: {resolve} --wallet-id W` if so, "
            f"{resolve} --absent` if there is none"
        )
    user, account = shlex.quote(provision.user), shlex.quote(provision.account)
    return (
        f"look at {provision.account} whether a customer was made for {whose}: `walletport customers link --user "
        f"{user} --account {account} --customer-id C` if so, {resolve} --absent` if there is none"
    )


def provision_as_json(provision: Provision) -> dict[str, object]:
    """Return an order for machines; the vendor's own object and balances, which are of then, are left out."""
    told = provision.model_dump(mode="json", exclude={"wallet": {"raw", "balances"}})
    return {**told, "next": next_step(provision)}


def wallet_as_json(wallet: Wallet) -> dict[str, object]:
    """Return a wallet for machines, without the same."""
    return wallet.model_dump(mode="json", exclude={"raw", "balances"})


def show_provision(output: Output, provision: Provision) -> None:
    """Print one order."""
    wallet = provision.wallet
    facts = {
        "for": f"a {provision.kind}",
        "user": provision.user,
        "account": provision.account,
        "why": "\n".join(provision.decision.reasons),
        "chain": provision.chain or "",
        "asset": provision.asset or "",
        "reference": provision.reference or "",
        "state": provision.state.value,
        "customer": provision.customer_id or "",
        "wallet": wallet.id if wallet else "",
        "status": wallet.status.value if wallet else "",
        "address": addresses(wallet, provision.chain) if wallet else "",
        "error": detail_of(provision.error or {}),
        "approve at": provision.approval_url or "",
        "not before": f"{moment(provision.not_before)} UTC" if provision.not_before else "",
        "committed": f"{moment(provision.created_at)} UTC",
    }
    output.side_by_side([provision.id], {name: [fact] for name, fact in facts.items()}, least=_COLUMN)


def show_next(output: Output, provision: Provision) -> None:
    """Print what to do next, if anything."""
    step = next_step(provision)
    if step:
        output.line()
        output.line(f"Next: {step}.")


def show_events(output: Output, events: Sequence[StoryEvent]) -> None:
    """Print what happened to an order."""
    output.table(
        ["when (UTC)", "what", "detail"], [[moment(event.at), event.what, detail_of(event.detail)] for event in events]
    )


def show_provisions(output: Output, found: Sequence[Provision]) -> None:
    """Print orders, one in a line."""
    output.table(
        ["order", "for", "user", "account", "chain", "asset", "state", "wallet", "last change (UTC)"],
        [
            [
                one.id,
                one.kind,
                one.user,
                one.account,
                one.chain or "-",
                one.asset or "-",
                one.state.value,
                one.wallet.id if one.wallet else "-",
                moment(one.updated_at),
            ]
            for one in found
        ],
    )


def addresses(wallet: Wallet, chain: str | None = None) -> str:
    """Return a wallet's deposit address on a chain, or all of them with their chains."""
    if not wallet.addresses:
        return "-"
    wanted = wallet.address_on(chain) if chain else None
    if wanted:
        return wanted
    return "\n".join(f"{one.chain or wallet.chain or '(chain not told)'} {one.value}" for one in wallet.addresses)


def moment(at: datetime) -> str:
    """Return a time in UTC to the millisecond."""
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def detail_of(detail: Mapping[str, object]) -> str:
    """Return what an event or an error tells: for an error its kind and message, and the codes behind them."""
    facts = [f"{name.replace('_', ' ')} {_value(detail[name])}" for name in detail if name not in _UNSAID]
    if "type" not in detail:
        return ", ".join(facts)
    told = f"{detail['type']}: {detail.get('message', '')}"
    return f"{told} ({', '.join(facts)})" if facts else told


def _value(value: object) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)
