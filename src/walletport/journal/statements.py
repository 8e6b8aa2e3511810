"""The statements of the journal, built once: building one costs several times as much as running it.

The values of columns are given on execution, under the columns' names; the names of everything else begin with
``the_``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from sqlalchemy import ColumnElement, Executable, Select, Table, and_, bindparam, case, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from walletport.journal.prepared import Prepared
from walletport.journal.rowset import insert_new
from walletport.journal.schema import customers, events, provisions, wallets

UNSETTLED: Final = ("planned", "sending", "in_doubt")
"""The states from which something must still come of an order by itself."""

_ID: Final = provisions.c.id == bindparam("the_id")
_OWNED: Final = provisions.c.owner == bindparam("the_owner")
_FREE: Final = or_(provisions.c.owner.is_(None), provisions.c.lease_until <= bindparam("the_now"))


def _unlocked(condition: ColumnElement[bool]) -> Select[tuple[str]]:
    # What another process is writing to at this moment is its own. PostgreSQL only; SQLite has one writer at a time.
    return select(provisions.c.id).where(condition).with_for_update(skip_locked=True, key_share=True)


def _change(condition: ColumnElement[bool]) -> Executable:
    change = update(provisions).where(condition).values(version=provisions.c.version + 1)
    return change.returning(*provisions.c)


CLAIM: Final = Prepared(_change(provisions.c.id.in_(_unlocked(and_(_ID, or_(_FREE, _OWNED))))))
RELEASE: Final = Prepared(_change(provisions.c.id.in_(_unlocked(and_(_ID, _OWNED)))))
ADVANCE: Final = Prepared(_change(and_(_ID, _OWNED, provisions.c.version == bindparam("the_version"))))
# Not a change of what is known, so whoever holds the row as of before may still advance it.
RENEW: Final = (
    update(provisions)
    .where(provisions.c.id.in_(bindparam("the_ids", expanding=True)), _OWNED)
    .returning(provisions.c.id)
)

ONE_PROVISION: Final = Prepared(select(provisions).where(_ID))
BY_IDENTITY: Final = Prepared(select(provisions).where(provisions.c.identity == bindparam("the_identity")))
PROVISIONS_OF: Final = Prepared(
    select(provisions)
    .where(provisions.c.user_id == bindparam("the_user"))
    .order_by(provisions.c.created_at, provisions.c.id)
)
PLAIN_ORDERS_OF: Final = Prepared(
    select(provisions)
    .where(
        provisions.c.user_id == bindparam("the_user"),
        provisions.c.kind == "wallet",
        provisions.c.reference.is_(None),
    )
    .order_by(provisions.c.created_at, provisions.c.id)
)
# Two processes that send for one user at once would not see each other's intent. PostgreSQL only.
LOCK_USER: Final = Prepared(select(func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("the_user"), 0))))
# As the index over them says it, word for word, so that the databases see that it holds them all.
NOT_DONE: Final = text("state <> 'done'")
_UNSETTLED: Final = and_(NOT_DONE, provisions.c.state.in_(UNSETTLED))
_ORDERED: Final = and_(
    _UNSETTLED,
    provisions.c.kind == bindparam("the_kind"),
    provisions.c.account.in_(bindparam("the_accounts", expanding=True)),
)
DUE: Final = (
    select(provisions)
    .where(
        _ORDERED,
        or_(_FREE, provisions.c.owner.in_(bindparam("the_dead", expanding=True))),
        or_(provisions.c.not_before.is_(None), provisions.c.not_before <= bindparam("the_now")),
    )
    .order_by(provisions.c.created_at, provisions.c.id)
    .limit(bindparam("the_limit"))
)
NEXT_DUE: Final = select(func.min(provisions.c.not_before)).where(
    _ORDERED, provisions.c.owner.is_(None), provisions.c.not_before > bindparam("the_now")
)
OWNERS: Final = select(provisions.c.owner).where(_UNSETTLED, provisions.c.owner.is_not(None)).distinct()

APPEND_EVENT: Final = Prepared(events.insert().inline())
APPEND_EVENTS: Final = insert_new(events, but="id")
HOLD: Final = Prepared(select(provisions.c.id).where(_ID).with_for_update())  # SQLite has one writer at a time anyway
EVENT_OF: Final = Prepared(
    select(events.c.id)
    .where(events.c.provision_id == bindparam("the_id"), events.c.what == bindparam("the_what"))
    .limit(1)
)
EVENTS_OF: Final = Prepared(select(events).where(events.c.provision_id == bindparam("the_id")).order_by(events.c.id))

ONE_WALLET: Final = Prepared(
    select(wallets).where(wallets.c.account == bindparam("the_account"), wallets.c.wallet_id == bindparam("the_wallet"))
)
_source, _other = provisions.alias(), provisions.alias()
# A wallet that only a shadow made is nobody's; but a provider may give the same one to a real order later.
_IS_USED: Final = or_(
    _source.c.id.is_(None),
    _source.c.kind != "shadow",
    select(_other.c.id)
    .where(
        _other.c.user_id == wallets.c.user_id,
        _other.c.kind == "wallet",
        _other.c.account == wallets.c.account,
        _other.c.wallet_id == wallets.c.wallet_id,
    )
    .exists(),
)
WALLETS_OF: Final = Prepared(
    select(wallets)
    .select_from(wallets.outerjoin(_source, _source.c.id == wallets.c.provision_id))
    .where(wallets.c.user_id == bindparam("the_user"), _IS_USED)
    .order_by(wallets.c.account, wallets.c.wallet_id)
)
SHADOWS: Final = Prepared(
    select(provisions)
    .where(provisions.c.kind == "shadow")
    .order_by(provisions.c.created_at.desc(), provisions.c.id.desc())
    .limit(bindparam("the_limit"))
)
SOME_PROVISIONS: Final = select(provisions).where(provisions.c.id.in_(bindparam("the_ids", expanding=True)))
ONE_CUSTOMER: Final = Prepared(
    select(customers).where(
        customers.c.user_id == bindparam("the_user"), customers.c.account == bindparam("the_account")
    )
)

_MakeInsert: TypeAlias = Callable[[Table], sqlite.Insert] | Callable[[Table], postgresql.Insert]
_MAKERS: Final[Mapping[str, _MakeInsert]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def _wallet(insert: _MakeInsert) -> Executable:
    wallet = insert(wallets)
    newer = wallet.excluded.updated_at >= wallets.c.updated_at
    told = ("customer_id", "chain", "asset", "status", "document", "updated_at")
    new: dict[str, ColumnElement[object]] = {
        name: case((newer, wallet.excluded[name]), else_=wallets.c[name]) for name in told
    }
    new["provision_id"] = func.coalesce(wallets.c.provision_id, wallet.excluded.provision_id)
    return wallet.on_conflict_do_update(index_elements=["account", "wallet_id"], set_=new).returning(*wallets.c)


# What is inserted unless it is there: ON CONFLICT, for which SQLAlchemy has a construct per database.
INSERT_PROVISION: Final = Prepared(
    {name: insert(provisions).on_conflict_do_nothing().returning(*provisions.c) for name, insert in _MAKERS.items()}
)
INSERT_WALLET: Final = Prepared({name: _wallet(insert) for name, insert in _MAKERS.items()})
INSERT_CUSTOMER: Final = Prepared(
    {
        name: insert(customers).on_conflict_do_nothing(index_elements=["user_id", "account"])
        for name, insert in _MAKERS.items()
    }
)
