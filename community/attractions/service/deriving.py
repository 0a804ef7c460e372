"""When attractions are open at present, or next: derived of their hours whenever those change or are over."""

import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.identity.events import HolidaysChanged
from community.attractions.models import ATTRACTIONS
from community.attractions.rules import HORIZON, counts_from, next_opening
from community.attractions.views import hours

_INSTANTS: Final = ARRAY(sa.DateTime(timezone=True))
_now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_AGAIN: Final = timedelta(days=1)

_LOCKED: Final = (
    sa.select(ATTRACTIONS.c.id, ATTRACTIONS.c.state, ATTRACTIONS.c.opens_at, ATTRACTIONS.c.closes_at)
    .where(ATTRACTIONS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .order_by(ATTRACTIONS.c.id)
    .with_for_update()
)
_OF_COMMUNITIES: Final = sa.select(ATTRACTIONS.c.id).where(
    ATTRACTIONS.c.community_id == sa.any_(sa.bindparam("communities", type_=ARRAY(sa.Uuid))),
    ATTRACTIONS.c.state == "published",
)
# Derived values: whoever read the row before has not read anything old of it, so its version stays.
_SET: Final = sa.text(
    """
    UPDATE community_attraction AS kept
    SET opens_at = told.opens_at, closes_at = told.closes_at, look_at = told.look_at
    FROM unnest(:ids, :opens, :closes, :looks) AS told (id, opens_at, closes_at, look_at)
    WHERE kept.id = told.id
    """
).bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("opens", type_=_INSTANTS),
    sa.bindparam("closes", type_=_INSTANTS),
    sa.bindparam("looks", type_=_INSTANTS),
)
# Nobody is inside what has closed. What opens earlier than it was to, counts from then on.
_COUNT: Final = sa.text(
    """
    UPDATE community_attraction_crowd AS kept
    SET inside = CASE WHEN told.counts_from IS NULL THEN kept.inside ELSE 0 END,
        as_of = CASE WHEN told.counts_from IS NULL THEN kept.as_of END,
        counts_from = least(coalesce(told.counts_from, kept.counts_from), told.opens_at),
        updated_at = :now, version = kept.version + 1
    FROM unnest(:ids, :counts, :opens) AS told (id, counts_from, opens_at)
    WHERE kept.attraction_id = told.id AND (told.counts_from IS NOT NULL OR told.opens_at < kept.counts_from)
    """
).bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("counts", type_=_INSTANTS),
    sa.bindparam("opens", type_=_INSTANTS),
    _now,
)


async def derive(session: AsyncSession, ids: Collection[uuid.UUID]) -> None:
    """Say anew of each attraction when it is open, or next will be, and when to look again; what closed is empty."""
    await session.flush()
    now = clock.now()
    connection = await session.connection()
    rows = list(await connection.execute(_LOCKED, {"ids": list(ids)}))
    kept = await hours(connection, [row.id for row in rows if row.state == "published"], (now, now + HORIZON))
    found = {one: next_opening(known, calendar, now) for one, (known, calendar) in kept.items()}
    spans = [found.get(row.id) or (None, None) for row in rows]
    looks = [
        min(until or now + _AGAIN, now + _AGAIN) if row.id in kept else None
        for row, (_, until) in zip(rows, spans, strict=True)
    ]
    counts = [
        counts_from(min(row.closes_at, now), opens)
        if row.opens_at is not None and row.opens_at <= now and (row.closes_at <= now or opens is None or opens > now)
        else None
        for row, (opens, _) in zip(rows, spans, strict=True)
    ]
    binds = {"ids": [row.id for row in rows], "opens": [one[0] for one in spans], "now": now}
    await session.execute(_COUNT, binds | {"counts": counts})
    await session.execute(
        _SET, {"ids": binds["ids"], "opens": binds["opens"], "closes": [one[1] for one in spans], "looks": looks}
    )


async def follow_holidays(session: AsyncSession, events: Sequence[HolidaysChanged]) -> None:
    """Let the attractions of a community be open as its calendar now says."""
    binds = {"communities": [event.community_id for event in events]}
    await derive(session, (await session.scalars(_OF_COMMUNITIES, binds)).all())
