"""The SQL that counts what calling slots off would mean, and how far it has come."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.api import card_refunds_for
from app.core import clock
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from community.slot_cancellations.models import CANCELLATIONS
from community.slot_cancellations.schemas import (
    SlotCancellationPreview,
    SlotCancellationProgress,
    SlotCancellationPublic,
    SlotChosen,
    TicketsTold,
)
from community.ticket_orders.models import ORDERS, TICKETS
from community.ticket_orders.rules import REFERENCE
from community.ticketing.models import SLOTS

_CURSOR: Final = "community.slot_cancellations"
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_ATTRACTION: Final = sa.bindparam("attraction_id", type_=sa.Uuid)
_SINCE: Final = sa.bindparam("since", type_=sa.DateTime(timezone=True))
_is_live: Final = TICKETS.c.state.in_(["held", "valid"])
_is_valid: Final = TICKETS.c.state == "valid"
_of_counter: Final = ORDERS.c.resident_id.is_(None)

_CHOSEN: Final = (
    sa.select(SLOTS.c.id, SLOTS.c.starts_at, SLOTS.c.ends_at, SLOTS.c.state)
    .where(SLOTS.c.id == sa.any_(_IDS), SLOTS.c.attraction_id == _ATTRACTION)
    .order_by(SLOTS.c.starts_at, SLOTS.c.id)
)
_SOLD: Final = (
    sa.select(
        ORDERS.c.currency,
        sa.func.count(sa.distinct(TICKETS.c.order_id)).filter(_is_live).label("orders"),
        sa.func.count(sa.distinct(TICKETS.c.order_id)).filter(_is_live, _of_counter).label("counter_orders"),
        sa.func.count().filter(_is_live).label("tickets"),
        sa.func.coalesce(sa.func.sum(TICKETS.c.persons).filter(_is_live), 0).label("persons"),
        sa.func.coalesce(sa.func.sum(TICKETS.c.price_amount).filter(_is_valid), 0).label("amount"),
        sa.func.count().filter(TICKETS.c.state == "admitted").label("admitted"),
    )
    .join_from(TICKETS, ORDERS, ORDERS.c.id == TICKETS.c.order_id)
    .where(TICKETS.c.slot_id == sa.any_(_IDS))
    .group_by(ORDERS.c.currency)
)
_is_back = sa.and_(TICKETS.c.state.in_(["cancelled", "refunded"]), TICKETS.c.closed_at >= _SINCE)
# A row that could not be worked off stands aside at infinity until it is tried again.
_is_aside = ORDERS.c.give_back_at == sa.literal_column("CAST('infinity' AS timestamptz)", sa.DateTime(timezone=True))
_fate = sa.case(
    (_is_back, "given_back"),
    (sa.and_(TICKETS.c.state == "admitted", TICKETS.c.admitted_at >= _SINCE), "admitted"),
    (sa.and_(_is_live, _is_aside), "failed"),
    (_is_live, "waiting"),
    else_="before",
).label("fate")
_is_told = sa.and_(TICKETS.c.close_reason == "slot_cancelled", sa.not_(_of_counter))
_FATES: Final = (
    sa.select(
        _fate,
        ORDERS.c.currency,
        sa.func.count().label("tickets"),
        sa.func.coalesce(sa.func.sum(TICKETS.c.persons), 0).label("persons"),
        sa.func.coalesce(sa.func.sum(TICKETS.c.refunded_amount), 0).label("amount"),
        sa.func.coalesce(sa.func.sum(TICKETS.c.refunded_amount).filter(_of_counter), 0).label("at_counter"),
    )
    .join_from(TICKETS, ORDERS, ORDERS.c.id == TICKETS.c.order_id)
    .where(TICKETS.c.slot_id == sa.any_(_IDS))
    .group_by(_fate, ORDERS.c.currency)
)
_ORDERS: Final = (
    sa.select(TICKETS.c.order_id, sa.func.bool_or(_is_told).label("is_told"))
    .join_from(TICKETS, ORDERS, ORDERS.c.id == TICKETS.c.order_id)
    .where(TICKETS.c.slot_id == sa.any_(_IDS), _is_back)
    .group_by(TICKETS.c.order_id)
)
_OF: Final = (
    sa.select(CANCELLATIONS)
    .where(CANCELLATIONS.c.attraction_id == _ATTRACTION, after((CANCELLATIONS.c.id,), ("after_id",), descending=True))
    .order_by(CANCELLATIONS.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ONE: Final = sa.select(CANCELLATIONS).where(
    CANCELLATIONS.c.id == sa.bindparam("row_id", type_=sa.Uuid), CANCELLATIONS.c.attraction_id == _ATTRACTION
)


async def preview(
    connection: AsyncConnection, attraction_id: uuid.UUID, slot_ids: Collection[uuid.UUID]
) -> SlotCancellationPreview:
    """Return what it would mean to call slots of an attraction off now; raises ``NotFound`` unless all are its."""
    rows = list(await connection.execute(_CHOSEN, {"ids": list(slot_ids), "attraction_id": attraction_id}))
    if len(rows) < len(slot_ids):
        raise NotFound("the attraction has no such slot")
    now = clock.now()
    slots = [
        SlotChosen(
            id=row.id,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            state="over" if row.state != "cancelled" and row.ends_at <= now else row.state,
        )
        for row in rows
    ]
    open_ones = [one.id for one in slots if one.state in ("open", "closed")]
    return SlotCancellationPreview(slots=slots, **await sold(connection, open_ones))


async def sold(connection: AsyncConnection, slot_ids: Collection[uuid.UUID]) -> dict[str, Any]:
    """Return how much is sold of slots at this moment, and by whom tickets were used already."""
    rows = list(await connection.execute(_SOLD, {"ids": list(slot_ids)}))
    counts: dict[str, Any] = {
        name: sum(getattr(row, name) for row in rows)
        for name in ("orders", "counter_orders", "tickets", "persons", "admitted")
    }
    return counts | {"amounts": {row.currency: int(row.amount) for row in rows if row.amount}}


async def of_attraction(
    connection: AsyncConnection, attraction_id: uuid.UUID, page: PageRequest
) -> Page[SlotCancellationPublic]:
    """Return a page of what was called off, the latest first."""
    last = uuid.UUID(decode_cursor(_CURSOR, page.cursor)[0]) if page.cursor else None
    binds = {"attraction_id": attraction_id, "after_id": last, "limit": page.limit + 1}
    rows = list(await connection.execute(_OF, binds))
    items = [SlotCancellationPublic.model_validate(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


async def progress(
    connection: AsyncConnection, attraction_id: uuid.UUID, cancellation_id: uuid.UUID
) -> SlotCancellationProgress:
    """Return how far calling slots off has come; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"row_id": cancellation_id, "attraction_id": attraction_id})).one_or_none()
    if row is None:
        raise NotFound
    binds = {"ids": row.slot_ids, "since": row.cancelled_at}
    fates = list(await connection.execute(_FATES, binds))
    orders = list(await connection.execute(_ORDERS, binds))
    refunds = await card_refunds_for(connection, REFERENCE, [one.order_id for one in orders], row.cancelled_at)
    known = {fate: _count(fates, fate) for fate in ("given_back", "waiting", "failed", "admitted")}
    moved = TicketsTold(
        tickets=max(row.tickets - sum(one.tickets for one in known.values()), 0),
        persons=max(row.persons - sum(one.persons for one in known.values()), 0),
    )
    back = [one for one in fates if one.fate == "given_back"]
    return SlotCancellationProgress(
        **{name: getattr(row, name) for name in SlotCancellationPublic.model_fields},
        given_back=known["given_back"],
        waiting=known["waiting"],
        failed=known["failed"],
        admitted=known["admitted"],
        moved=moved,
        orders_told=sum(one.is_told for one in orders),
        returned=_by_currency(back, "amount"),
        at_counter=_by_currency(back, "at_counter"),
        card_refunds=refunds,
        is_done=not known["waiting"].tickets and not known["failed"].tickets,
    )


def _count(rows: Sequence[sa.Row[Any]], fate: str) -> TicketsTold:
    mine = [row for row in rows if row.fate == fate]
    return TicketsTold(tickets=sum(row.tickets for row in mine), persons=sum(row.persons for row in mine))


def _by_currency(rows: Sequence[sa.Row[Any]], name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        if amount := int(getattr(row, name)):  # sums of bigint are decimals
            found[row.currency] = found.get(row.currency, 0) + amount
    return found
