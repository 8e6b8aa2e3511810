"""Creates that wait for a person."""

from __future__ import annotations

from walletport.errors import ApprovalPending
from walletport.testing.bench import Bench, expect, refusal
from walletport.testing.scenario import scenario


@scenario("approval", "create_wallet")
async def a_create_that_waits_for_approval_says_so(bench: Bench) -> None:
    """It is `ApprovalPending`, applied, and names the approval; once approved, the wallet can be found."""
    bench.emulator.require_approval()
    order = bench.order()
    error = await refusal(bench.create(order), "a create that waits for an approval")
    expect(isinstance(error, ApprovalPending), f"must be ApprovalPending, and was {error!r}")
    expect(error.outcome == "applied", f"the order was taken, and the error says {error.outcome}")
    approval_id = error.approval_id if isinstance(error, ApprovalPending) else None
    expect(approval_id, "the error does not name the approval")
    wallet_id = bench.emulator.approve(approval_id or "")
    if bench.able.find_wallet.usable:
        found = await bench.account.find_wallet(**order.description(), approval_id=approval_id)
        expect(
            found is not None and found.id == wallet_id, f"the approved wallet is {wallet_id!r}; found was {found!r}"
        )


@scenario("approval", "create_wallet")
async def an_order_repeated_waits_for_the_same_approval(bench: Bench) -> None:
    """The same order under the same key asks nobody a second time."""
    bench.emulator.require_approval()
    order = bench.order()
    first = await refusal(bench.create(order), "a create that waits for an approval")
    again = await refusal(bench.create(order), "a create that waits for an approval")
    for error in (first, again):
        expect(isinstance(error, ApprovalPending), f"must be ApprovalPending, and was {error!r}")
    if isinstance(first, ApprovalPending) and isinstance(again, ApprovalPending):
        expect(again.approval_id in (None, first.approval_id), "a repeat under the same key asks for a second approval")
