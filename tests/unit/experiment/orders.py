"""Lives of orders that were never given."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from walletport.journal import Life

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
