"""The SQL that says how much is left of a limit, and what became of the rest: sold, in carts, kept, given to others."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.reservations.api import PoolState, pools, taken_for_what
from community.attraction_days.schemas import LimitState, QuotaShareState, SlotLimitState
from community.ticket_office.rules import ORIGIN as ALLOTTED
from community.ticket_orders.rules import ORIGIN as TICKET
from community.ticket_waitlist.rules import ORIGIN as WAITING
from community.ticketing.models import QUOTAS, SHARES, SLOTS

_KIND: Final = "community.quota_shares"
_INSTANT: Final = sa.DateTime(timezone=True)
_ATTRACTION: Final = sa.bindparam("attraction_id", type_=sa.Uuid)
_QUOTA: Final = sa.bindparam("quota_id", type_=sa.Uuid)
_KNOWN: Final = sa.select(QUOTAS.c.id).where(QUOTAS.c.id == _QUOTA, QUOTAS.c.attraction_id == _ATTRACTION)
_FIRST: Final = sa.bindparam("first_day", type_=sa.Date)
_LAST: Final = sa.bindparam("last_day", type_=sa.Date)
# A day's share stands where its day begins in UTC: only shares of one kind are ever in one list.
_at = sa.func.coalesce(
    SLOTS.c.starts_at,
    sa.func.timezone(sa.literal_column("'UTC'"), sa.cast(SHARES.c.day, sa.DateTime())),
    sa.literal_column("CAST('epoch' AS timestamptz)"),
    type_=_INSTANT,
)
_SHARES: Final = (
    sa.select(SHARES, SLOTS.c.starts_at, _at.label("at"))
    .join_from(SHARES, SLOTS, SLOTS.c.id == SHARES.c.slot_id, isouter=True)
    .where(
        SHARES.c.quota_id == _QUOTA,
        sa.or_(SHARES.c.day.is_(None), SHARES.c.day.between(_FIRST, _LAST)),
        after((_at, SHARES.c.id), ("after_at", "after_id")),
    )
    .order_by(_at, SHARES.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_SLOT: Final = sa.select(SLOTS.c.pool_id, SLOTS.c.product_ids).where(
    SLOTS.c.id == sa.bindparam("slot_id", type_=sa.Uuid), SLOTS.c.attraction_id == _ATTRACTION
)
_OVER: Final = (
    sa.select(QUOTAS, SHARES.c.pool_id)
    .join_from(SLOTS, SHARES, SHARES.c.id == sa.any_(SLOTS.c.quota_ids))
    .join(QUOTAS, QUOTAS.c.id == SHARES.c.quota_id)
    .where(SLOTS.c.id == sa.bindparam("slot_id", type_=sa.Uuid), SLOTS.c.attraction_id == _ATTRACTION)
    .order_by(QUOTAS.c.id)
)


async def shares(
    connection: AsyncConnection,
    attraction_id: uuid.UUID,
    quota_id: uuid.UUID,
    days: tuple[date, date],
    page: PageRequest,
) -> Page[QuotaShareState]:
    """Return what is left of a quota for each slot, day or the season of some days, the earliest first.

    Raises ``NotFound``.
    """
    if await connection.scalar(_KNOWN, {"quota_id": quota_id, "attraction_id": attraction_id}) is None:
        raise NotFound
    at, last = decode_cursor(_KIND, page.cursor) if page.cursor else (None, None)
    binds = {
        "quota_id": quota_id,
        "first_day": days[0],
        "last_day": days[1],
        "after_at": datetime.fromisoformat(at) if at else None,
        "after_id": uuid.UUID(last) if last else None,
        "limit": page.limit + 1,
    }
    rows = list(await connection.execute(_SHARES, binds))
    states = await _states(connection, [row.pool_id for row in rows[: page.limit]])
    items = [
        QuotaShareState(
            id=row.id, slot_id=row.slot_id, day=row.day, starts_at=row.starts_at, **states[row.pool_id].model_dump()
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ("at", "id")))


async def of_slot(connection: AsyncConnection, attraction_id: uuid.UUID, slot_id: uuid.UUID) -> list[SlotLimitState]:
    """Return all that limits what is sold of a slot, its own places first; raises ``NotFound``."""
    binds = {"slot_id": slot_id, "attraction_id": attraction_id}
    slot = (await connection.execute(_SLOT, binds)).one_or_none()
    if slot is None:
        raise NotFound
    over = list(await connection.execute(_OVER, binds))
    states = await _states(connection, [slot.pool_id, *(row.pool_id for row in over)])
    own = SlotLimitState(
        quota_id=None, name={}, scope=None, product_ids=slot.product_ids, **states[slot.pool_id].model_dump()
    )
    return [
        own,
        *(
            SlotLimitState(
                quota_id=row.id,
                name=row.name,
                scope=row.scope,
                product_ids=row.product_ids,
                **states[row.pool_id].model_dump(),
            )
            for row in over
        ),
    ]


async def _states(connection: AsyncConnection, pool_ids: list[uuid.UUID]) -> dict[uuid.UUID, LimitState]:
    found = await pools(connection, pool_ids)
    taken = await taken_for_what(connection, pool_ids)
    return {one: _state(pool, taken.get(one, {})) for one, pool in found.items()}


def _state(pool: PoolState, taken: Mapping[tuple[str, str], int]) -> LimitState:
    def of(origin: str, *states: str) -> int:
        return sum(taken.get((origin, state), 0) for state in states)

    return LimitState(
        capacity=pool.capacity,
        taken=pool.taken,
        left=pool.left,
        sold=of(TICKET, "booked"),
        in_carts=of(TICKET, "held"),
        kept_for_waiting=of(WAITING, "held", "booked"),
        allotted=of(ALLOTTED, "held", "booked"),
    )
