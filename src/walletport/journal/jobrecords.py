"""What stands in one row of each table of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class JobRow:
    """Many orders that are carried out together.

    Args:
        id: the same for the same orders; 16 hexadecimal digits.
        kind: what is done with each item, such as ``bulk``.
        name: what the orders came from, such as a file's name.
        state: ``planning``, ``running``, ``paused``, ``cancelled`` or ``finished``.
        shared: whether worker processes carry it out.
        total: how many items it has; counts up while it is planned.
        owner: the process that plans it, or that carries it out alone.
        lease_until: until when that holds.
        created_at: when it was begun.
        updated_at: when its state changed last.
        asked: what is to be done besides what the items say, for a process that did not begin it.
    """

    id: str
    kind: str
    name: str
    state: str
    shared: bool
    total: int
    owner: str | None
    lease_until: datetime | None
    created_at: datetime
    updated_at: datetime
    asked: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """Some hundred items of a job, all for one account, that one process works on at a time.

    Args:
        account: where its orders are expected to go.
        size: how many items it has.
        first_line: the line of its first item.
        first_byte: where that line begins in the file, if the items cannot be carried out without it.
        state: ``open``, ``done``, or ``failed`` where a mistake of ours stops it.
    """

    job_id: str
    chunk: int
    account: str
    size: int
    first_line: int
    first_byte: int | None = None
    state: str = "open"


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One order of a job.

    Args:
        line: where it stands in the file; the first line is 1.
        account: the account that was asked for by name.
        state: ``planned``, or how it ended, in the words of an order's state.
        tries: how often it has ended in something that may go better later.
        provision_id: the journal's id of the order, once there is one.
        error: what it ended in; the same rules as for ``ProvisionRow.error``.
    """

    job_id: str
    chunk: int
    line: int
    user_id: str
    chain: str | None
    asset: str | None
    reference: str | None
    account: str | None
    state: str = "planned"
    tries: int = 0
    provision_id: str | None = None
    error: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an item; its state stays ``planned`` where something must still come of it."""

    line: int
    state: str
    tries: int
    provision_id: str | None
    error: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class ResultRow:
    """An item that has ended, with what the journal knows of its order.

    Args:
        at: the account that carried it out.
        state: how the order stands now, which may be better than how the item ended.
        document: the wallet, if there is one.
    """

    line: int
    user_id: str
    chain: str | None
    asset: str | None
    reference: str | None
    at: str
    state: str
    provision_id: str | None
    customer_id: str | None
    wallet_id: str | None
    document: Mapping[str, object] | None
    error: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """How an order stands that the journal knows."""

    id: str
    identity: str
    state: str
    account: str
