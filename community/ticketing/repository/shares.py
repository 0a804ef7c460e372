"""The SQL of quotas: which slots they are not over yet, and their shares."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from community.ticketing.models import SHARES

_INSTANT: Final = sa.DateTime(timezone=True)
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_NOW: Final = sa.bindparam("now", type_=_INSTANT)

_MISSING: Final = sa.text("""
    SELECT s.id AS slot_id, s.template_id, s.day, s.community_id, s.ends_at, q.id AS quota_id, q.scope, q.capacity,
           q.product_ids
    FROM community_ticket_slot s
    JOIN community_ticket_quota q ON q.attraction_id = s.attraction_id
        AND (cardinality(q.template_ids) = 0 OR s.template_id = ANY (q.template_ids))
        AND (cardinality(q.product_ids) = 0 OR cardinality(s.product_ids) = 0 OR q.product_ids && s.product_ids)
    WHERE s.attraction_id = :attraction_id AND s.starts_at > :now AND s.state <> 'cancelled'
        AND NOT EXISTS (
            SELECT FROM community_ticket_quota_share h WHERE h.id = ANY (s.quota_ids) AND h.quota_id = q.id)
    ORDER BY s.id, q.id""").bindparams(_NOW, sa.bindparam("attraction_id", type_=sa.Uuid))
_COVER: Final = sa.text("""
    UPDATE community_ticket_slot s SET quota_ids = s.quota_ids || w.added, version = s.version + 1, updated_at = :now
    FROM (
        SELECT slot_id, array_agg(share_id ORDER BY share_id) AS added
        FROM unnest(CAST(:slot_ids AS uuid[]), CAST(:share_ids AS uuid[])) AS u (slot_id, share_id) GROUP BY slot_id
    ) w
    WHERE s.id = w.slot_id""").bindparams(
    _NOW, sa.bindparam("slot_ids", type_=ARRAY(sa.Uuid)), sa.bindparam("share_ids", type_=ARRAY(sa.Uuid))
)
_ENTER: Final = insert(SHARES).on_conflict_do_nothing()
# Of what is over nothing changes: a slot's share goes by its day, and the season's is never over.
_AHEAD: Final = (
    sa.select(SHARES)
    .where(
        SHARES.c.quota_id == sa.bindparam("quota_id", type_=sa.Uuid),
        sa.or_(SHARES.c.day.is_(None), SHARES.c.day >= sa.bindparam("today", type_=sa.Date)),
    )
    .order_by(SHARES.c.id)
    .with_for_update()
)
_SET: Final = sa.text("""
    UPDATE community_ticket_quota_share SET capacity = :capacity, version = version + 1, updated_at = :now
    WHERE id = ANY (:ids)""").bindparams(_IDS, _NOW, sa.bindparam("capacity", type_=sa.Integer))


_SET_DAY: Final = sa.text("""
    UPDATE community_ticket_quota_share SET day = :day, version = version + 1, updated_at = :now
    WHERE slot_id = :slot_id AND id = ANY (:ids)""").bindparams(
    _IDS, _NOW, sa.bindparam("day", type_=sa.Date), sa.bindparam("slot_id", type_=sa.Uuid)
)
_LEAVE_DAYS: Final = sa.text("""
    UPDATE community_ticket_slot s
    SET quota_ids = ARRAY(
            SELECT q.id FROM unnest(s.quota_ids) AS q (id) WHERE NOT EXISTS (
                SELECT FROM community_ticket_quota_share h WHERE h.id = q.id AND h.day <> s.day)),
        version = s.version + 1, updated_at = :now
    WHERE s.id = :slot_id""").bindparams(_NOW, sa.bindparam("slot_id", type_=sa.Uuid))


async def set_day(session: AsyncSession, slot_id: uuid.UUID, ids: Sequence[uuid.UUID], day: date) -> None:
    """Have those of shares that are a locked slot's own say on which day it takes place."""
    await session.execute(_SET_DAY, {"slot_id": slot_id, "ids": list(ids), "day": day, "now": clock.now()})


async def leave_days(session: AsyncSession, slot_id: uuid.UUID) -> None:
    """Have a locked slot take nothing more of what other days than its own share."""
    await session.execute(_LEAVE_DAYS, {"slot_id": slot_id, "now": clock.now()})


async def missing(session: AsyncSession, attraction_id: uuid.UUID) -> Sequence[sa.Row[Any]]:
    """Return each slot ahead with each quota that should be over it and is not."""
    return (await session.execute(_MISSING, {"attraction_id": attraction_id, "now": clock.now()})).all()


async def enter(session: AsyncSession, values: Sequence[dict[str, Any]]) -> None:
    """Insert those shares that are not there yet."""
    now = clock.now()
    common = {"created_at": now, "updated_at": now, "version": 1}
    await session.execute(_ENTER, [common | one for one in values])


async def cover(session: AsyncSession, pairs: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Put shares over locked slots: (slot, share)."""
    binds = {"slot_ids": [slot for slot, _ in pairs], "share_ids": [share for _, share in pairs], "now": clock.now()}
    await session.execute(_COVER, binds)


async def ahead(session: AsyncSession, quota_id: uuid.UUID, today: date) -> Mapping[uuid.UUID, sa.Row[Any]]:
    """Lock and return a quota's shares that are not over, by id."""
    rows = await session.execute(_AHEAD, {"quota_id": quota_id, "today": today})
    return {row.id: row for row in rows}


async def set_capacity(session: AsyncSession, ids: Sequence[uuid.UUID], capacity: int) -> None:
    """Write down what there is of locked shares from now on."""
    await session.execute(_SET, {"ids": list(ids), "capacity": capacity, "now": clock.now()})
