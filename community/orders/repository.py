"""The SQL that adds and locks orders, and keeps where whoever comes is."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import connection_of, know
from app.core.events import TOLD, EmittingStatement, Event, told_binds
from app.core.problems import NotFound
from app.core.statements import HotStatement
from community.events import (
    OrderAssigned,
    OrderCancelled,
    OrderClosed,
    OrderExpired,
    OrderFinished,
    OrderHeld,
    OrderNoAccess,
    OrderPlaced,
    OrderSetOut,
    OrderStarted,
    OrderUnassigned,
)
from community.orders import rules
from community.orders.models import CHANGES, EXTRAS, ORDERS, POSITIONS, Order, OrderExtra

FACTS: Final[dict[rules.Transition, type[Event]]] = {
    "place": OrderPlaced,
    "expire": OrderExpired,
    "assign": OrderAssigned,
    "reassign": OrderAssigned,
    "unassign": OrderUnassigned,
    "set_out": OrderSetOut,
    "start": OrderStarted,
    "finish": OrderFinished,
    "close": OrderClosed,
    "no_access": OrderNoAccess,
    "cancel": OrderCancelled,
}
"""What is told of each change."""

_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_locked = (
    sa.select(Order).order_by(col(Order.id)).with_for_update(key_share=True).execution_options(populate_existing=True)
)
_SOME: Final = _locked.where(col(Order.id) == sa.any_(_IDS))
_SAME: Final = HotStatement(
    sa.select(ORDERS.c.id).where(
        ORDERS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        ORDERS.c.offer_id == sa.bindparam("offer_id", type_=sa.Uuid),
        ORDERS.c.wanted_at == sa.bindparam("wanted_at", type_=sa.DateTime(timezone=True)),
        ORDERS.c.state.not_in([sa.literal(state, sa.Text) for state in ("expired", "cancelled", "no_access")]),
    )
)
# One statement that looks and locks: what somebody else changed meanwhile is looked at again once it is locked.
_AHEAD_OF_WORKER: Final = _locked.where(
    col(Order.worker_id) == sa.bindparam("worker_id", type_=sa.Uuid),
    col(Order.organization_id) == sa.bindparam("organization_id", type_=sa.Uuid),
    col(Order.state).in_([sa.literal(state, sa.Text) for state in ("assigned", "on_the_way")]),
)
_AHEAD_OF_RESIDENTS: Final = _locked.where(
    col(Order.resident_id) == sa.any_(_IDS),
    col(Order.state).in_([sa.literal(state, sa.Text) for state in ("held", *rules.AHEAD)]),
)
_LAST_GIVEN: Final = (
    sa.select(CHANGES.c.reason)
    .where(
        CHANGES.c.order_id == sa.bindparam("order_id", type_=sa.Uuid),
        CHANGES.c.transition.in_([sa.literal(name, sa.Text) for name in ("assign", "reassign")]),
    )
    .order_by(CHANGES.c.id.desc())
    .limit(1)
)
_given = insert(POSITIONS).values({column.name: sa.bindparam(f"given_{column.name}") for column in POSITIONS.c})
# What was measured before what is known is no news.
_LOCATE: Final = _given.on_conflict_do_update(
    index_elements=["order_id"],
    set_={name: _given.excluded[name] for name in ("worker_id", "fix", "measured_at", "updated_at")}
    | {"version": POSITIONS.c.version + 1},
    where=_given.excluded.measured_at > POSITIONS.c.measured_at,
)
_FORGET: Final = sa.delete(POSITIONS).where(POSITIONS.c.order_id == sa.bindparam("order_id", type_=sa.Uuid))


_LINE: Final = {column.name: sa.bindparam(f"line_{column.name}", type_=column.type) for column in CHANGES.c}
_ENTER: Final = (
    insert(ORDERS)
    .values({column.name: sa.bindparam(f"given_{column.name}") for column in ORDERS.c})
    .on_conflict_do_nothing()
    .returning(ORDERS.c.id.label("aggregate_id"), ORDERS.c.community_id, *TOLD)
)


def _entering(action: str | None) -> EmittingStatement:
    """Return the statement that inserts an order, begins its history and tells of it; an ``action`` is on record."""

    def shown(entered: sa.CTE) -> sa.Select[Any]:
        line = sa.insert(CHANGES).from_select(list(_LINE), sa.select(*_LINE.values()).select_from(entered))
        found = sa.select(entered.c.aggregate_id).add_cte(line.cte("history"))
        return found if action is None else audit.traced(found, action)

    return EmittingStatement(OrderHeld, _ENTER, shown)


def _adding(event: type[Event]) -> EmittingStatement:
    """Return the statement that adds a line to an order's history, and tells of it."""
    community = sa.bindparam("community_id", type_=sa.Uuid).label("community_id")
    line = sa.insert(CHANGES).values(_LINE).returning(CHANGES.c.order_id.label("aggregate_id"), community, *TOLD)
    return EmittingStatement(event, line, lambda added: sa.select(added.c.aggregate_id))


_COLUMNS, HISTORY = ORDERS.c.keys(), CHANGES.c.keys()
_ORDERED: Final = _entering("order:order")
_ORDERED_BY_ITSELF: Final = _entering(None)
_CHANGED: Final = {event: _adding(event) for event in FACTS.values()}


async def enter(session: AsyncSession, row: Order, line: Any, told: Event, actor: Actor | None) -> bool:
    """Insert an order with the first line of its history and the fact of it; ``actor`` goes on record.

    The session keeps it, and it is nobody else's before this commits. Return ``False`` if the same was ordered before:
    then there is no order, and what the transaction did is to be taken back.
    """
    binds = {f"given_{name}": getattr(row, name) for name in _COLUMNS} | _beside(line, told)
    if actor is not None:
        about = {"resident_id": row.resident_id, "object_id": row.id, "community_id": row.community_id}
        binds |= audit.trace_binds(actor, **about)
    if await (_ORDERED_BY_ITSELF if actor is None else _ORDERED).row(session, binds) is None:
        return False
    know(session, row)
    return True


async def remember(session: AsyncSession, line: Any, told: Event) -> None:
    """Add a line to the history of a locked order, and tell of it."""
    await _CHANGED[type(told)].row(session, _beside(line, told) | {"community_id": told.community_id})


def _beside(line: Any, told: Event) -> dict[str, Any]:
    return {f"line_{name}": getattr(line, name) for name in HISTORY} | told_binds(told)


async def same(session: AsyncSession, row: Order) -> uuid.UUID | None:
    """Return the id of the order by which the same was ordered, if it was."""
    binds = {"resident_id": row.resident_id, "offer_id": row.offer_id, "wanted_at": row.wanted_at}
    found = await _SAME.row(connection_of(session), binds)
    return None if found is None else found["id"]


async def locked(session: AsyncSession, order_id: uuid.UUID) -> Order:
    """Return an order, locked; raises ``NotFound``."""
    found = await all_locked(session, [order_id])
    if not found:
        raise NotFound
    return found[0]


async def all_locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[Order]:
    """Return orders, locked in one order."""
    return (await session.scalars(_SOME, {"ids": list(ids)})).all()


async def ahead_of_worker(session: AsyncSession, organization_id: uuid.UUID, worker_id: uuid.UUID) -> Sequence[Order]:
    """Return the orders of a provider somebody is to go to, locked."""
    binds = {"worker_id": worker_id, "organization_id": organization_id}
    return (await session.scalars(_AHEAD_OF_WORKER, binds)).all()


async def ahead_of_residents(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> Sequence[Order]:
    """Return what lies ahead of residents, locked."""
    return (await session.scalars(_AHEAD_OF_RESIDENTS, {"ids": list(resident_ids)})).all()


async def was_given_despite(session: AsyncSession, order_id: uuid.UUID, obstacle: str) -> bool:
    """Say whether whoever goes to an order was given it although something spoke against it."""
    despite: str | None = await session.scalar(_LAST_GIVEN, {"order_id": order_id})
    return obstacle in (despite or "").split()


async def locate(session: AsyncSession, row: Order, fix: str, measured_at: datetime) -> None:
    """Keep where whoever is on the way is, unless something later is known."""
    now = clock.now()
    values: dict[str, Any] = {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "order_id": row.id,
        "worker_id": row.worker_id,
        "fix": fix,
        "measured_at": measured_at,
    }
    await session.execute(_LOCATE, {f"given_{name}": value for name, value in values.items()})


async def forget_position(session: AsyncSession, order_id: uuid.UUID) -> None:
    """Forget where whoever was on the way was."""
    await session.execute(_FORGET, {"order_id": order_id})


async def locked_extra(session: AsyncSession, order_id: uuid.UUID, extra_id: uuid.UUID) -> OrderExtra:
    """Return a question for more time, locked; raises ``NotFound``."""
    row = await session.get(OrderExtra, extra_id, with_for_update=True, populate_existing=True)
    if row is None or row.order_id != order_id:
        raise NotFound
    return row


async def extras_locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[OrderExtra]:
    """Return questions for more time, locked in one order."""
    statement = (
        sa.select(OrderExtra)
        .where(col(OrderExtra.id) == sa.any_(_IDS))
        .order_by(col(OrderExtra.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement, {"ids": list(ids)})).all()


async def pending_extra(session: AsyncSession, order_id: uuid.UUID) -> bool:
    """Say whether more time was asked for, of a locked order, and is not answered yet."""
    found = sa.select(EXTRAS.c.id).where(EXTRAS.c.order_id == order_id, EXTRAS.c.state == "asked")
    return (await session.execute(found)).first() is not None


async def end_questions(session: AsyncSession, order_id: uuid.UUID, now: datetime) -> None:
    """Let questions for more time lapse that nobody answered."""
    await session.execute(
        sa.update(EXTRAS)
        .where(EXTRAS.c.order_id == order_id, EXTRAS.c.state == "asked")
        .values(state="lapsed", answer_by=None, answered_at=now, version=EXTRAS.c.version + 1),
        execution_options={"synchronize_session": False},
    )
