"""The SQL that locks tickets and orders, always in the order of their ids, and changes what becomes of them.

An order is locked before its tickets, and whoever only admits locks the tickets alone.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.events import EmittingStatement
from community.events import TicketAdmitted
from community.ticket_orders.models import ALLOWANCES, ORDERS, TICKETS, TicketOrder
from community.ticketing.models import SLOTS

_INSTANT = sa.DateTime(timezone=True)
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_NOW: Final = sa.bindparam("now", type_=_INSTANT)


def _state(name: str) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{name}'", sa.Text)


_locked_orders = (
    sa.select(TicketOrder)
    .order_by(col(TicketOrder.id))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_SOME: Final = _locked_orders.where(col(TicketOrder.id) == sa.any_(_IDS))
_CARTS: Final = _locked_orders.where(
    col(TicketOrder.cart_id).in_(sa.select(ORDERS.c.cart_id).where(ORDERS.c.id == sa.any_(_IDS)))
)
_locked_tickets = sa.select(TICKETS).order_by(TICKETS.c.id).with_for_update(key_share=True)
_TICKETS: Final = _locked_tickets.where(TICKETS.c.id == sa.any_(_IDS))
_LIVE_OF_ORDERS: Final = _locked_tickets.where(
    TICKETS.c.order_id == sa.any_(_IDS), TICKETS.c.state.in_([_state("held"), _state("valid")])
)
_AHEAD_OF_RESIDENTS: Final = sa.select(TICKETS.c.id, TICKETS.c.order_id).where(
    TICKETS.c.resident_id == sa.any_(_IDS),
    TICKETS.c.state.in_([_state("held"), _state("valid")]),
    TICKETS.c.valid_until > _NOW,
)
_LIVE_ORDERS: Final = (
    sa.select(TICKETS.c.order_id)
    .where(
        TICKETS.c.order_id == sa.any_(_IDS),
        TICKETS.c.state.in_([_state("held"), _state("valid"), _state("admitted")]),
    )
    .distinct()
)
_CONFIRM: Final = (
    sa.update(TICKETS)
    .where(TICKETS.c.order_id == sa.any_(_IDS), TICKETS.c.state == _state("held"))
    .values(state=_state("valid"), updated_at=_NOW, version=TICKETS.c.version + 1)
)
_END: Final = (
    sa.update(TICKETS)
    .where(TICKETS.c.id == sa.bindparam("ticket_id", type_=sa.Uuid))
    .values(
        state=sa.bindparam("to_state", type_=sa.Text),
        refunded_amount=sa.bindparam("given_back", type_=sa.BigInteger),
        close_reason=sa.bindparam("reason", type_=sa.Text),
        refund_at=sa.null(),
        closed_at=_NOW,
        updated_at=_NOW,
        version=TICKETS.c.version + 1,
    )
)
_counted = (
    sa.select(TICKETS.c.resident_id, TICKETS.c.product_id, SLOTS.c.day, sa.func.count().label("quantity"))
    .join(SLOTS, SLOTS.c.id == TICKETS.c.slot_id)
    .where(TICKETS.c.id == sa.any_(_IDS), TICKETS.c.resident_id.is_not(None))
    .group_by(TICKETS.c.resident_id, TICKETS.c.product_id, SLOTS.c.day)
    .subquery("counted")
)
_UNCOUNT: Final = (
    sa.update(ALLOWANCES)
    .where(
        ALLOWANCES.c.resident_id == _counted.c.resident_id,
        ALLOWANCES.c.product_id == _counted.c.product_id,
        ALLOWANCES.c.day == _counted.c.day,
    )
    .values(
        taken=sa.func.greatest(ALLOWANCES.c.taken - _counted.c.quantity, 0),
        updated_at=_NOW,
        version=ALLOWANCES.c.version + 1,
    )
)
# Whoever waited for a ticket that was given back meanwhile finds it valid no more: the lock looks again.
_wanted = (
    sa.func.unnest(_IDS, sa.bindparam("instants", type_=ARRAY(_INSTANT)))
    .table_valued(sa.column("id", sa.Uuid), sa.column("at", _INSTANT))
    .render_derived("wanted")
)
_valid = (
    sa.select(TICKETS.c.id)
    .where(TICKETS.c.id == sa.any_(_IDS), TICKETS.c.state == _state("valid"))
    .order_by(TICKETS.c.id)
    .with_for_update(key_share=True)
    .cte("valid")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
_ADMIT: Final = EmittingStatement(
    TicketAdmitted,
    sa.update(TICKETS)
    .where(TICKETS.c.id == _valid.c.id, TICKETS.c.id == _wanted.c.id)
    .values(
        state=_state("admitted"),
        admitted_at=_wanted.c.at,
        refund_at=sa.null(),
        updated_at=_NOW,
        version=TICKETS.c.version + sa.literal_column("1"),
    )
    .returning(
        TICKETS.c.id.label("aggregate_id"),
        TICKETS.c.community_id,
        sa.func.jsonb_build_object(
            sa.literal_column("'order_id'"),
            TICKETS.c.order_id,
            sa.literal_column("'slot_id'"),
            TICKETS.c.slot_id,
            sa.literal_column("'resident_id'"),
            TICKETS.c.resident_id,
            type_=JSONB,
        ).label("payload"),
    ),
    lambda changed: sa.select(changed.c.aggregate_id),
)


async def locked(session: AsyncSession, order_id: uuid.UUID) -> TicketOrder:
    """Return an order, locked."""
    (row,) = await some_locked(session, [order_id])
    return row


async def some_locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[TicketOrder]:
    """Return orders, locked."""
    return (await session.scalars(_SOME, {"ids": list(ids)})).all()


async def carts_locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[TicketOrder]]:
    """Return all orders of the carts that orders are of, locked, by cart."""
    found: dict[uuid.UUID, list[TicketOrder]] = {}
    for row in await session.scalars(_CARTS, {"ids": list(ids)}):
        found.setdefault(row.cart_id, []).append(row)
    return found


async def tickets_locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> list[sa.Row[Any]]:
    """Return tickets, locked."""
    return list(await session.execute(_TICKETS, {"ids": list(ids)}))


async def live_locked(session: AsyncSession, order_ids: Collection[uuid.UUID]) -> list[sa.Row[Any]]:
    """Return the held and valid tickets of locked orders, locked."""
    return list(await session.execute(_LIVE_OF_ORDERS, {"ids": list(order_ids)}))


async def ahead_of_residents(
    session: AsyncSession, resident_ids: Collection[uuid.UUID]
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return which tickets of which orders lie ahead of residents."""
    rows = await session.execute(_AHEAD_OF_RESIDENTS, {"ids": list(resident_ids), "now": clock.now()})
    return [(row.id, row.order_id) for row in rows]


async def still_live(session: AsyncSession, order_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of locked orders of which a ticket is held, valid or was used."""
    return set(await session.scalars(_LIVE_ORDERS, {"ids": list(order_ids)}))


async def make_valid(session: AsyncSession, order_ids: Collection[uuid.UUID]) -> None:
    """Make the held tickets of locked orders valid."""
    await session.execute(_CONFIRM, {"ids": list(order_ids), "now": clock.now()})


async def end(session: AsyncSession, ends: Sequence[tuple[uuid.UUID, int]], state: str, reason: str) -> None:
    """Have locked tickets end in a state, with what is given back of each; they count for nobody's limit any more."""
    now = clock.now()
    rows = [
        {"ticket_id": ticket_id, "given_back": amount, "to_state": state, "reason": reason, "now": now}
        for ticket_id, amount in ends
    ]
    connection = await session.connection()
    await connection.execute(_END, rows)
    await connection.execute(_UNCOUNT, {"ids": [ticket_id for ticket_id, _ in ends], "now": now})


async def admit(session: AsyncSession, scans: Sequence[tuple[uuid.UUID, datetime]]) -> set[uuid.UUID]:
    """Have valid tickets admitted, and tell of it; return which were valid."""
    binds = {"ids": [one for one, _ in scans], "instants": [at for _, at in scans], "now": clock.now()}
    return {row.aggregate_id for row in await _ADMIT.rows(session, binds)}


async def mark_due(connection: AsyncConnection, slot_ids: Collection[uuid.UUID]) -> None:
    """Have every live ticket of slots be given back as soon as the worker comes to it."""
    await connection.execute(_MARK, {"ids": list(slot_ids), "now": clock.now()})


_MARK: Final = (
    sa.update(TICKETS)
    .where(
        TICKETS.c.slot_id == sa.any_(_IDS),
        TICKETS.c.state.in_([_state("held"), _state("valid")]),
        TICKETS.c.refund_at.is_(None),
    )
    .values(refund_at=_NOW, updated_at=_NOW, version=TICKETS.c.version + 1)
)
