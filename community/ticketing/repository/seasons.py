"""The SQL of a season's slots: read, locked, made and changed by the thousand."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit_many
from community.events import SlotMoved
from community.ticketing.models import SLOTS, SlotTemplate
from community.ticketing.rules import Planned

_INSTANT: Final = sa.DateTime(timezone=True)
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_NOW: Final = sa.bindparam("now", type_=_INSTANT)
_STARTS: Final = sa.bindparam("starts", type_=ARRAY(_INSTANT))
_ENDS: Final = sa.bindparam("ends", type_=ARRAY(_INSTANT))
_ENTRIES: Final = sa.bindparam("entries", type_=ARRAY(_INSTANT))
_LIKE: Final = (
    sa.bindparam("capacity", type_=sa.Integer),
    sa.bindparam("product_ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("language", type_=sa.Text),
)
_TEMPLATE: Final = sa.bindparam("template_id", type_=sa.Uuid)

_AHEAD: Final = sa.select(SLOTS).where(SLOTS.c.template_id == _TEMPLATE, SLOTS.c.planned_at > _NOW)
_LOCK: Final = sa.select(SLOTS).where(SLOTS.c.id == sa.any_(_IDS)).order_by(SLOTS.c.id).with_for_update()
_MAKE: Final = sa.text("""
    INSERT INTO community_ticket_slot (
        id, created_at, updated_at, version, community_id, organization_id, attraction_id, template_id, planned_at, day,
        begins, starts_at, ends_at, entry_until, capacity, pool_id, product_ids, quota_ids, language, state, is_own)
    SELECT w.id, :now, :now, 1, :community_id, :organization_id, :attraction_id, :template_id, w.starts_at, w.day,
           w.begins, w.starts_at, w.ends_at, w.entry_until, :capacity, w.pool_id, :product_ids, '{}', :language, 'open',
           false
    FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[]), CAST(:begins AS time[]), CAST(:starts AS timestamptz[]),
                CAST(:ends AS timestamptz[]), CAST(:entries AS timestamptz[]), CAST(:pool_ids AS uuid[]))
        AS w (id, day, begins, starts_at, ends_at, entry_until, pool_id)""").bindparams(
    _IDS,
    _NOW,
    _STARTS,
    _ENDS,
    _ENTRIES,
    *_LIKE,
    _TEMPLATE,
    sa.bindparam("community_id", type_=sa.Uuid),
    sa.bindparam("organization_id", type_=sa.Uuid),
    sa.bindparam("attraction_id", type_=sa.Uuid),
    sa.bindparam("days", type_=ARRAY(sa.Date)),
    sa.bindparam("begins", type_=ARRAY(sa.Time)),
    sa.bindparam("pool_ids", type_=ARRAY(sa.Uuid)),
)
_SET: Final = sa.text("""
    UPDATE community_ticket_slot s
    SET ends_at = w.ends_at, entry_until = w.entry_until, capacity = :capacity, product_ids = :product_ids,
        language = :language, state = 'open', updated_at = :now, version = s.version + 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:ends AS timestamptz[]), CAST(:entries AS timestamptz[]))
        AS w (id, ends_at, entry_until)
    WHERE s.id = w.id""").bindparams(_IDS, _NOW, _ENDS, _ENTRIES, *_LIKE)
_CLOSE: Final = sa.text("""
    UPDATE community_ticket_slot SET state = 'closed', updated_at = :now, version = version + 1
    WHERE id = ANY (:ids)""").bindparams(_IDS, _NOW)
# After the change: what a slot was comes from whoever changed it, what it is of the row they hold locked.
_BEFORE: Final = (
    sa.func.unnest(_IDS, _STARTS, _ENDS).table_valued("id", "starts_at", "ends_at").render_derived("before")
)
_MOVED: Final = sa.select(
    SLOTS.c.id.label("aggregate_id"),
    SLOTS.c.community_id,
    sa.func.jsonb_build_object(
        sa.literal_column("'organization_id'"),
        SLOTS.c.organization_id,
        sa.literal_column("'attraction_id'"),
        SLOTS.c.attraction_id,
        sa.literal_column("'was_starts_at'"),
        _BEFORE.c.starts_at,
        sa.literal_column("'was_ends_at'"),
        _BEFORE.c.ends_at,
    ).label("payload"),
).join_from(_BEFORE, SLOTS, SLOTS.c.id == _BEFORE.c.id)


async def ahead(session: AsyncSession, template_id: uuid.UUID) -> Mapping[datetime, sa.Row[Any]]:
    """Return the slots a template has had ahead, by when it had planned them."""
    rows = await session.execute(_AHEAD, {"template_id": template_id, "now": clock.now()})
    return {row.planned_at: row for row in rows}


async def lock(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, sa.Row[Any]]:
    """Lock slots alone, in the order everybody locks them; return them: all that is sold of them is committed."""
    return {row.id: row for row in await session.execute(_LOCK, {"ids": list(ids)})} if ids else {}


async def make(
    session: AsyncSession,
    template: SlotTemplate,
    planned: Sequence[Planned],
    ids: Sequence[uuid.UUID],
    pools: Mapping[uuid.UUID, uuid.UUID],
) -> None:
    """Insert a template's slots as they are planned."""
    binds = {
        **_binds(template, planned, ids),
        "template_id": template.id,
        "community_id": template.community_id,
        "organization_id": template.organization_id,
        "attraction_id": template.attraction_id,
        "days": [one.day for one in planned],
        "begins": [one.begins for one in planned],
        "starts": [one.starts_at for one in planned],
        "pool_ids": [pools[one] for one in ids],
    }
    await session.execute(_MAKE, binds)


async def set_like(
    session: AsyncSession, template: SlotTemplate, planned: Sequence[Planned], ids: Sequence[uuid.UUID]
) -> None:
    """Let locked slots be as their template says."""
    await session.execute(_SET, _binds(template, planned, ids))


async def close(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Sell nothing more of locked slots."""
    await session.execute(_CLOSE, {"ids": list(ids), "now": clock.now()})


async def tell_moved(session: AsyncSession, before: Sequence[sa.Row[Any]]) -> None:
    """Tell of locked slots, as they were ``before``, that they take place at another time."""
    binds = {
        "ids": [row.id for row in before],
        "starts": [row.starts_at for row in before],
        "ends": [row.ends_at for row in before],
    }
    if before:
        await emit_many(session, SlotMoved, _MOVED, binds)


def _binds(template: SlotTemplate, planned: Sequence[Planned], ids: Sequence[uuid.UUID]) -> dict[str, Any]:
    return {
        "ids": list(ids),
        "now": clock.now(),
        "ends": [one.ends_at for one in planned],
        "entries": [one.entry_until for one in planned],
        "capacity": template.capacity,
        "product_ids": template.product_ids,
        "language": template.language,
    }
