"""The SQL that locks tickets and orders, always in the order of their ids, and changes what becomes of them.

An order is locked before its tickets, and whoever only admits locks the tickets alone.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.events import EmittingStatement
from community.events import TicketAdmitted
from community.ticket_orders.models import ALLOWANCES, ORDERS, TICKETS, TicketOrder
from community.ticket_orders.rules import MOST_REVISIONS
from community.ticketing.models import PRODUCTS, SLOTS

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
_CALLED_OFF: Final = (
    sa.select(TICKETS)
    .join(SLOTS, SLOTS.c.id == TICKETS.c.slot_id)
    .where(
        TICKETS.c.order_id == sa.any_(_IDS),
        TICKETS.c.state.in_([_state("held"), _state("valid")]),
        SLOTS.c.state == _state("cancelled"),
    )
    .order_by(TICKETS.c.id)
    .with_for_update(key_share=True, of=TICKETS)
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
        closed_at=_NOW,
        updated_at=_NOW,
        version=TICKETS.c.version + 1,
    )
)
_counted = (
    sa.select(TICKETS.c.resident_id, TICKETS.c.product_id, TICKETS.c.counted_on, sa.func.count().label("quantity"))
    .where(TICKETS.c.id == sa.any_(_IDS), TICKETS.c.resident_id.is_not(None), TICKETS.c.counted_on.is_not(None))
    .group_by(TICKETS.c.resident_id, TICKETS.c.product_id, TICKETS.c.counted_on)
    .subquery("counted")
)
_UNCOUNT: Final = (
    sa.update(ALLOWANCES)
    .where(
        ALLOWANCES.c.resident_id == _counted.c.resident_id,
        ALLOWANCES.c.product_id == _counted.c.product_id,
        ALLOWANCES.c.day == _counted.c.counted_on,
    )
    .values(
        taken=sa.func.greatest(ALLOWANCES.c.taken - _counted.c.quantity, 0),
        updated_at=_NOW,
        version=ALLOWANCES.c.version + 1,
    )
)
_MARK: Final = (
    sa.update(ORDERS)
    .where(
        ORDERS.c.id.in_(
            sa.select(TICKETS.c.order_id).where(
                TICKETS.c.slot_id == sa.any_(_IDS), TICKETS.c.state.in_([_state("held"), _state("valid")])
            )
        ),
        ORDERS.c.state.in_([_state("held"), _state("confirmed")]),
    )
    .values(give_back_at=_NOW, updated_at=_NOW, version=ORDERS.c.version + 1)
)
_OF_SLOT: Final = sa.select(TICKETS.c.order_id).where(TICKETS.c.slot_id == sa.any_(_IDS)).distinct()
_CHANGE: Final = (
    sa.update(TICKETS)
    .where(TICKETS.c.id == sa.bindparam("ticket_id", type_=sa.Uuid))
    .values(revision=TICKETS.c.revision + 1, updated_at=_NOW, version=TICKETS.c.version + 1)
)
_PLACE: Final = _CHANGE.values(
    slot_id=sa.bindparam("to_slot", type_=sa.Uuid),
    valid_from=sa.bindparam("since", type_=_INSTANT),
    valid_until=sa.bindparam("until", type_=_INSTANT),
    counted_on=sa.bindparam("to_day", type_=sa.Date),
)
# As a sale says it: until one may enter, or come back.
_until = sa.case((TICKETS.c.reentry == _state("same_day"), SLOTS.c.ends_at), else_=SLOTS.c.entry_until)
_FOLLOW: Final = (
    sa.update(TICKETS)
    .where(
        TICKETS.c.slot_id == sa.bindparam("of_slot", type_=sa.Uuid),
        SLOTS.c.id == TICKETS.c.slot_id,
        TICKETS.c.state.in_([_state("held"), _state("valid")]),
        sa.or_(TICKETS.c.valid_from != SLOTS.c.starts_at, TICKETS.c.valid_until != _until),
    )
    .values(
        valid_from=SLOTS.c.starts_at,
        valid_until=_until,
        revision=sa.func.least(TICKETS.c.revision + 1, MOST_REVISIONS),
        updated_at=_NOW,
        version=TICKETS.c.version + 1,
    )
    .returning(*TICKETS.c)
)
_NAME: Final = _CHANGE.values(holder=sa.bindparam("in_name", type_=sa.Text))
_SPAN: Final = (
    sa.select(sa.func.min(SLOTS.c.starts_at), sa.func.max(SLOTS.c.ends_at))
    .join(TICKETS, TICKETS.c.slot_id == SLOTS.c.id)
    .where(TICKETS.c.order_id == sa.bindparam("order_id", type_=sa.Uuid))
)
_VISITED: Final = (
    sa.select(TICKETS.c.slot_id)
    .join(PRODUCTS, PRODUCTS.c.id == TICKETS.c.product_id)
    .where(
        TICKETS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        TICKETS.c.slot_id == sa.any_(_IDS),
        TICKETS.c.state == _state("valid"),
        PRODUCTS.c.kind != _state("companion"),
    )
)
_company = TICKETS.alias("company")
_companys_product = PRODUCTS.alias("companys_product")
# Who bought a ticket for the same slot may have bought it in another order; over a counter nobody knows.
_LEFT_ALONE: Final = (
    sa.select(TICKETS.c.slot_id)
    .join(PRODUCTS, PRODUCTS.c.id == TICKETS.c.product_id)
    .join(SLOTS, SLOTS.c.id == TICKETS.c.slot_id)
    .where(
        sa.or_(
            TICKETS.c.order_id == sa.bindparam("order_id", type_=sa.Uuid),
            TICKETS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        ),
        TICKETS.c.slot_id.in_(sa.select(_company.c.slot_id).where(_company.c.id == sa.any_(_IDS))),
        TICKETS.c.id != sa.all_(_IDS),
        TICKETS.c.state == _state("valid"),
        PRODUCTS.c.kind == _state("companion"),
        SLOTS.c.state != _state("cancelled"),
        ~sa.exists()
        .where(
            sa.or_(_company.c.order_id == TICKETS.c.order_id, _company.c.resident_id == TICKETS.c.resident_id),
            _company.c.slot_id == TICKETS.c.slot_id,
            _company.c.id != sa.all_(_IDS),
            _company.c.state.in_([_state("valid"), _state("admitted")]),
            _companys_product.c.id == _company.c.product_id,
            _companys_product.c.kind != _state("companion"),
        )
        .correlate(TICKETS),
    )
    .limit(1)
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


async def orders_of_slot(session: AsyncSession, slot_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the orders with tickets of a slot."""
    return list(await session.scalars(_OF_SLOT, {"ids": [slot_id]}))


async def called_off_locked(session: AsyncSession, order_ids: Collection[uuid.UUID]) -> list[sa.Row[Any]]:
    """Return the held and valid tickets of locked orders whose slots do not take place, locked."""
    return list(await session.execute(_CALLED_OFF, {"ids": list(order_ids)}))


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
    await uncount(session, [ticket_id for ticket_id, _ in ends])


async def uncount(session: AsyncSession, ids: Collection[uuid.UUID]) -> None:
    """Have locked tickets count for nobody's limit any more, on the day for which they were counted."""
    await session.execute(
        _UNCOUNT, {"ids": list(ids), "now": clock.now()}, execution_options={"synchronize_session": False}
    )


async def place_at(
    session: AsyncSession,
    ticket_id: uuid.UUID,
    slot_id: uuid.UUID,
    span: tuple[datetime, datetime],
    counted_on: date | None,
) -> None:
    """Have a locked ticket be for a slot, valid for a span, under a new revision; say of which day it is counted."""
    connection = await session.connection()
    binds = {
        "ticket_id": ticket_id,
        "to_slot": slot_id,
        "since": span[0],
        "until": span[1],
        "to_day": counted_on,
        "now": clock.now(),
    }
    await connection.execute(_PLACE, binds)


async def name(session: AsyncSession, ticket_id: uuid.UUID, holder: str) -> None:
    """Have a locked ticket be in a sealed name, under a new revision."""
    connection = await session.connection()
    await connection.execute(_NAME, {"ticket_id": ticket_id, "in_name": holder, "now": clock.now()})


async def span_of(session: AsyncSession, order_id: uuid.UUID) -> tuple[datetime, datetime]:
    """Return when the first slot of an order begins, and when the last ends."""
    starts_at, ends_at = (await session.execute(_SPAN, {"order_id": order_id})).one()
    return starts_at, ends_at


async def slots_visited(
    connection: AsyncConnection, resident_id: uuid.UUID, slot_ids: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Return those of slots for which a resident has a ticket that is no companion's."""
    rows = await connection.execute(_VISITED, {"resident_id": resident_id, "ids": list(slot_ids)})
    return {row.slot_id for row in rows}


async def left_alone(session: AsyncSession, row: TicketOrder, ids: Collection[uuid.UUID]) -> uuid.UUID | None:
    """Return a slot for which only a companion would be left without some tickets of a locked order."""
    binds = {"order_id": row.id, "resident_id": row.resident_id, "ids": list(ids)}
    found: uuid.UUID | None = await session.scalar(_LEFT_ALONE, binds)
    return found


async def admit(session: AsyncSession, scans: Sequence[tuple[uuid.UUID, datetime]]) -> set[uuid.UUID]:
    """Have valid tickets admitted, and tell of it; return which were valid."""
    binds = {"ids": [one for one, _ in scans], "instants": [at for _, at in scans], "now": clock.now()}
    return {row.aggregate_id for row in await _ADMIT.rows(session, binds)}


async def mark_due(session: AsyncSession, slot_ids: Collection[uuid.UUID]) -> None:
    """Have orders with live tickets of slots give those back as soon as the worker comes to them."""
    connection = await session.connection()
    await connection.execute(_MARK, {"ids": list(slot_ids), "now": clock.now()})


async def follow_slot(session: AsyncSession, slot_id: uuid.UUID) -> list[sa.Row[Any]]:
    """Have live tickets of a slot say when it takes place now, under a new revision; return those that said otherwise.

    The orders they are of are locked.
    """
    connection = await session.connection()
    return list(await connection.execute(_FOLLOW, {"of_slot": slot_id, "now": clock.now()}))
