"""When attractions are open at present, or next: derived of their hours whenever those change or are over."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.identity.events import HolidaysChanged
from community.attractions.models import ATTRACTIONS, CROWDS
from community.attractions.rules import HORIZON, counts_from, next_opening
from community.attractions.views import hours

_INSTANTS: Final = ARRAY(sa.DateTime(timezone=True))
_AGAIN: Final = timedelta(days=1)
_ids = sa.bindparam("ids", type_=ARRAY(sa.Uuid))

# Whoever derives holds this row, so that nothing older is written over what is newer.
_LOCKED: Final = (
    sa.select(CROWDS.c.attraction_id, CROWDS.c.opens_at, CROWDS.c.closes_at)
    .where(CROWDS.c.attraction_id == sa.any_(_ids))
    .order_by(CROWDS.c.attraction_id)
    .with_for_update()
)
_SHOWN: Final = sa.select(ATTRACTIONS.c.id).where(ATTRACTIONS.c.id == sa.any_(_ids), ATTRACTIONS.c.state == "published")
_OF_COMMUNITIES: Final = sa.select(ATTRACTIONS.c.id).where(
    ATTRACTIONS.c.community_id == sa.any_(sa.bindparam("communities", type_=ARRAY(sa.Uuid))),
    ATTRACTIONS.c.state == "published",
)
_OF_ROWS: Final = sa.select(CROWDS.c.attraction_id).where(CROWDS.c.id == sa.any_(_ids))
# Nobody is inside what has closed. What opens earlier than it was to, counts from then on.
_SET: Final = sa.text(
    """
    UPDATE community_attraction_crowd AS kept
    SET opens_at = told.opens_at, closes_at = told.closes_at, look_at = told.look_at,
        inside = CASE WHEN told.counts_from IS NULL THEN kept.inside ELSE 0 END,
        as_of = CASE WHEN told.counts_from IS NULL THEN kept.as_of END,
        counts_from = least(coalesce(told.counts_from, kept.counts_from), told.opens_at),
        updated_at = :now, version = kept.version + 1
    FROM unnest(:ids, :opens, :closes, :looks, :counts) AS told (id, opens_at, closes_at, look_at, counts_from)
    WHERE kept.attraction_id = told.id
    """
).bindparams(
    _ids,
    sa.bindparam("opens", type_=_INSTANTS),
    sa.bindparam("closes", type_=_INSTANTS),
    sa.bindparam("looks", type_=_INSTANTS),
    sa.bindparam("counts", type_=_INSTANTS),
    sa.bindparam("now", type_=sa.DateTime(timezone=True)),
)


async def derive(session: AsyncSession, ids: Collection[uuid.UUID]) -> None:
    """Say anew of each attraction when it is open, or next will be, and when to look again; what closed is empty."""
    await session.flush()
    now = clock.now()
    connection = await session.connection()
    rows = list(await connection.execute(_LOCKED, {"ids": list(ids)}))
    published = (await connection.scalars(_SHOWN, {"ids": [row.attraction_id for row in rows]})).all()
    kept = await hours(connection, published, (now, now + HORIZON))
    opens, closes, looks, counts = [], [], [], []
    for row in rows:
        known = kept.get(row.attraction_id)
        since, until = (known and next_opening(*known, now)) or (None, None)
        opens.append(since)
        closes.append(until)
        looks.append(min(until or now + _AGAIN, now + _AGAIN) if known else None)
        has_closed = row.opens_at is not None and row.opens_at <= now and (row.closes_at <= now or _not_yet(since, now))
        counts.append(counts_from(min(row.closes_at, now), since) if has_closed else None)
    told = {"opens": opens, "closes": closes, "looks": looks, "counts": counts}
    await session.execute(_SET, told | {"ids": [row.attraction_id for row in rows], "now": now})


async def derive_due(session: AsyncSession, row_ids: Sequence[uuid.UUID]) -> None:
    """Say anew when attractions are open whose rows, which are locked, are to be looked at."""
    await derive(session, (await session.scalars(_OF_ROWS, {"ids": list(row_ids)})).all())


def _not_yet(opens_at: datetime | None, now: datetime) -> bool:
    return opens_at is None or opens_at > now


async def follow_holidays(session: AsyncSession, events: Sequence[HolidaysChanged]) -> None:
    """Let the attractions of a community be open as its calendar now says."""
    binds = {"communities": [event.community_id for event in events]}
    await derive(session, (await session.scalars(_OF_COMMUNITIES, binds)).all())
