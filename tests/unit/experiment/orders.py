"""Lives of orders that were never given."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from functools import partial

from walletport.journal import Journal, Life, NewProvision, Transaction, rows

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def lived(
    account: str = "alpha",
    state: str = "done",
    *,
    drawn: str | None = "",
    took: float = 1.0,
    ready: float | None = None,
    sends: int = 1,
    failovers: int = 0,
    route: str | None = "1",
    weights: dict[str, int] | None = None,
) -> Life:
    """Return an order that a draw gave to the account which carries it out, unless it is told otherwise."""
    decision = {
        "account": account,
        "drawn": account if drawn == "" else drawn,
        "route": route,
        "weights": weights or {"alpha": 1, "beta": 1},
    }
    return Life(
        id=uuid.uuid4().hex,
        account=account,
        decision=decision,
        state=state,
        created_at=NOW,
        sent_at=NOW if sends else None,
        made_at=NOW + timedelta(seconds=took) if state == "done" else None,
        ready_at=None if ready is None else NOW + timedelta(seconds=ready),
        sends=sends,
        failovers=failovers,
    )


def fill(journal: Journal, start: int, end: int) -> None:
    """Record orders of these numbers, each sent and done."""

    def work(connection: Transaction, some: range) -> None:
        for number in some:
            at = NOW + timedelta(seconds=number)
            account = ("alpha", "beta")[number % 2]
            decision = {"account": account, "drawn": account, "route": "1"}
            order = NewProvision(
                kind="wallet",
                identity=str(number),
                user_id=f"user-{number}",
                account=account,
                idempotency_key="key",
                decision=decision,
            )
            row, _ = rows.record_intent(connection, order, at)
            rows.note_once(connection, row.id, "sending", {}, at)
            rows.note_once(connection, row.id, "made", {}, at + timedelta(seconds=1 + number % 7))

    for first in range(start, end, 100):
        journal.write(partial(work, some=range(first, min(end, first + 100)))).result(60)
