"""The SQL that computes hours and days from readings, however many at once."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from community.home_states.rules.periods import CARRIED, Window

_INSTANT: Final = sa.DateTime(timezone=True)
_CLAIMED: Final = sa.text("""
    SELECT g.entity_id, g.resident_id, g.summed_until, s.recorded_at, e.state_class, h.time_zone
    FROM community_home_summing g
    JOIN community_home_state s ON s.entity_id = g.entity_id
    JOIN community_home_entity e ON e.id = g.entity_id
    JOIN community_home h ON h.id = e.home_id
    WHERE g.entity_id = ANY(:ids)""").bindparams(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
# A value stands until the next reading; one without a number says that nothing is known from there on. The first row
# of a window is what stood when it began. What a meter had shown before is looked for as long as there are readings.
# A meter that shows less than nine tenths of what it did was reset and counts from zero (Home Assistant's rule for
# total_increasing, core/sensor/recorder.py); one that shows a little less has corrected itself.
_SUM: Final = sa.text("""
    INSERT INTO community_home_statistic
        (entity_id, resident_id, period, starts_at, mean, minimum, maximum, sum, count)
    SELECT w.entity_id, w.resident_id, w.period, w.starts_at,
        coalesce(found.weighted / nullif(found.seconds, 0), found.plain), found.minimum, found.maximum,
        CASE WHEN w.state_class IN ('total', 'total_increasing') THEN coalesce(metered.grown, 0) END, found.inside
    FROM unnest(:entities, :residents, :classes, :periods, :starts, :ends, :lowers, :uppers, :carries)
        AS w (entity_id, resident_id, state_class, period, starts_at, ends_at, lower, upper, carried)
    CROSS JOIN LATERAL (
        SELECT sum(number * seconds) AS weighted, sum(seconds) FILTER (WHERE number IS NOT NULL) AS seconds,
            avg(number) AS plain, min(number) AS minimum, max(number) AS maximum,
            count(number) FILTER (WHERE is_inside) AS inside
        FROM (
            SELECT number, is_inside,
                extract(epoch FROM lead(at, 1, w.ends_at) OVER (ORDER BY at, id) - at)::float8 AS seconds
            FROM (
                (SELECT r.id, greatest(r.at, w.starts_at) AS at, r.number, false AS is_inside
                 FROM community_home_reading r
                 WHERE r.resident_id = w.resident_id AND r.entity_id = w.entity_id
                   AND r.id < w.lower AND r.id >= w.carried
                 ORDER BY r.id DESC LIMIT 1)
                UNION ALL
                (SELECT r.id, r.at, r.number, true
                 FROM community_home_reading r
                 WHERE r.resident_id = w.resident_id AND r.entity_id = w.entity_id
                   AND r.id >= w.lower AND r.id < w.upper)
            ) standing
        ) span
        WHERE is_inside OR seconds > 0
    ) found
    LEFT JOIN LATERAL (
        SELECT sum(CASE WHEN w.state_class = 'total_increasing' AND number < before * 0.9 THEN number
            ELSE number - before END) AS grown
        FROM (
            SELECT number, is_inside, lag(number) OVER (ORDER BY id) AS before
            FROM (
                (SELECT r.id, r.number, false AS is_inside
                 FROM community_home_reading r
                 WHERE r.resident_id = w.resident_id AND r.entity_id = w.entity_id
                   AND r.id < w.lower AND r.number IS NOT NULL
                 ORDER BY r.id DESC LIMIT 1)
                UNION ALL
                (SELECT r.id, r.number, true
                 FROM community_home_reading r
                 WHERE r.resident_id = w.resident_id AND r.entity_id = w.entity_id
                   AND r.id >= w.lower AND r.id < w.upper AND r.number IS NOT NULL)
            ) shown
        ) step
        WHERE is_inside AND before IS NOT NULL
    ) metered ON w.state_class IN ('total', 'total_increasing')
    WHERE found.plain IS NOT NULL
    ON CONFLICT (resident_id, entity_id, period, starts_at) DO UPDATE SET mean = excluded.mean,
        minimum = excluded.minimum, maximum = excluded.maximum, sum = excluded.sum, count = excluded.count
    """).bindparams(
    sa.bindparam("entities", type_=ARRAY(sa.Uuid)),
    sa.bindparam("residents", type_=ARRAY(sa.Uuid)),
    sa.bindparam("classes", type_=ARRAY(sa.Text)),
    sa.bindparam("periods", type_=ARRAY(sa.Text)),
    sa.bindparam("starts", type_=ARRAY(_INSTANT)),
    sa.bindparam("ends", type_=ARRAY(_INSTANT)),
    sa.bindparam("lowers", type_=ARRAY(sa.Uuid)),
    sa.bindparam("uppers", type_=ARRAY(sa.Uuid)),
    sa.bindparam("carries", type_=ARRAY(sa.Uuid)),
)
_MOVE: Final = sa.text("""
    UPDATE community_home_summing g SET summed_until = n.until, sum_at = n.sum_at
    FROM unnest(:ids, :untils, :sum_ats) AS n (entity_id, until, sum_at) WHERE g.entity_id = n.entity_id
    """).bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("untils", type_=ARRAY(_INSTANT)),
    sa.bindparam("sum_ats", type_=ARRAY(_INSTANT)),
)
_REST: Final = sa.text("UPDATE community_home_summing SET sum_at = NULL WHERE entity_id = ANY(:ids)").bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid))
)
_FORGET: Final = sa.text(
    "DELETE FROM community_home_statistic WHERE ctid = ANY(ARRAY(SELECT ctid FROM community_home_statistic"
    " WHERE starts_at < :horizon LIMIT :most))"
).bindparams(sa.bindparam("horizon", type_=_INSTANT))

# What is left of such a home goes a day later, and with it whose these were.
# From the closed homes on, of which there are few: whatever is estimated, the millions of rows are not looked through.
_FORGET_READINGS: Final = sa.text("""
    WITH closed AS MATERIALIZED (
        SELECT e.resident_id, e.id
        FROM community_home h JOIN community_home_entity e ON e.home_id = h.id WHERE h.closed_at < :horizon
    )
    DELETE FROM community_home_reading WHERE (resident_id, entity_id, id) IN (
        SELECT closed.resident_id, closed.id, r.id
        FROM closed CROSS JOIN LATERAL (
            SELECT id FROM community_home_reading
            WHERE resident_id = closed.resident_id AND entity_id = closed.id LIMIT :most
        ) r LIMIT :most)""").bindparams(sa.bindparam("horizon", type_=_INSTANT))
_FORGET_OF_CLOSED: Final = sa.text("""
    WITH closed AS MATERIALIZED (
        SELECT e.resident_id, e.id
        FROM community_home h JOIN community_home_entity e ON e.home_id = h.id WHERE h.closed_at < :horizon
    )
    DELETE FROM community_home_statistic WHERE (resident_id, entity_id, period, starts_at) IN (
        SELECT closed.resident_id, closed.id, s.period, s.starts_at
        FROM closed CROSS JOIN LATERAL (
            SELECT period, starts_at FROM community_home_statistic
            WHERE resident_id = closed.resident_id AND entity_id = closed.id LIMIT :most
        ) s LIMIT :most)""").bindparams(sa.bindparam("horizon", type_=_INSTANT))


async def claimed(session: AsyncSession, ids: Sequence[uuid.UUID]) -> list[Any]:
    """Return what is to be known of entities whose hours are due; what was removed is left out."""
    return list(await session.execute(_CLAIMED, {"ids": list(ids)}))


async def compute(session: AsyncSession, windows: Sequence[Window]) -> None:
    """Compute hours and days from readings and store them, instead of what is there."""
    if not windows:
        return
    binds = {
        "entities": [window.entity_id for window in windows],
        "residents": [window.resident_id for window in windows],
        "classes": [window.state_class for window in windows],
        "periods": [window.period for window in windows],
        "starts": [window.starts_at for window in windows],
        "ends": [window.ends_at for window in windows],
        "lowers": [clock.id_floor(window.starts_at) for window in windows],
        "uppers": [clock.id_floor(window.ends_at) for window in windows],
        "carries": [clock.id_floor(window.starts_at - CARRIED) for window in windows],
    }
    await session.execute(_SUM, binds)


async def move(session: AsyncSession, moved: Sequence[tuple[uuid.UUID, datetime, datetime | None]]) -> None:
    """Write down up to where entities are computed, and when they are next."""
    if moved:
        ids, untils, sum_ats = zip(*moved, strict=True)
        await session.execute(_MOVE, {"ids": list(ids), "untils": list(untils), "sum_ats": list(sum_ats)})


async def rest(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Compute nothing of entities any more, until they are heard."""
    if ids:
        await session.execute(_REST, {"ids": list(ids)})


async def forget_before(session: AsyncSession, horizon: datetime, most: int) -> int:
    """Delete ``most`` hours and days that began before ``horizon``; return how many there were."""
    result = await session.execute(_FORGET, {"horizon": horizon, "most": most})
    return int(result.rowcount)  # type: ignore[attr-defined]  # of a DELETE


async def forget_closed(session: AsyncSession, horizon: datetime, most: int) -> int:
    """Delete what homes said that were closed before ``horizon``, ``most`` rows of a table; return how many in all."""
    count = 0
    for statement in (_FORGET_READINGS, _FORGET_OF_CLOSED):
        result = await session.execute(statement, {"horizon": horizon, "most": most})
        count += int(result.rowcount)  # type: ignore[attr-defined]  # of a DELETE
    return count
