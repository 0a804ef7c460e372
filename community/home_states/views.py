"""The SQL that reads how a home's things stand and stood; a chart costs the same however much lies behind it."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.statements import HotStatement
from app.identity.api import trace_read
from community.home_devices.models import ENTITIES
from community.home_states.access import EntitySubject
from community.home_states.models import READINGS, STATES, STATISTICS
from community.home_states.rules.periods import Period
from community.home_states.schemas import HistoryPoint, HistoryPublic, HomeStatePublic, HomeStatisticPublic, StoodAt
from community.homes.access import HomeSubject

LONGEST_RAW: Final = timedelta(days=1)
LONGEST_HOURS: Final = timedelta(days=31)
MOST_READINGS: Final = 20_000
"""Of an entity and a chart: what speaks more often than that in a day is shown until then."""
MOST_AT_ONCE: Final = 200_000

_INSTANT: Final = sa.DateTime(timezone=True)
_s = STATES.c
_STATES: Final = (
    sa.select(_s.entity_id, _s.state, _s.number, _s.attributes, _s.is_available, _s.changed_at, _s.reported_at)
    .select_from(STATES.join(ENTITIES, ENTITIES.c.id == _s.entity_id))
    .where(_s.home_id == sa.bindparam("home_id", type_=sa.Uuid), ENTITIES.c.state == "active")
    .order_by(_s.entity_id)
)
_BEFORE: Final = HotStatement(
    sa.text("""
    SELECT state, number FROM community_home_reading
    WHERE resident_id = :resident_id AND entity_id = :entity_id AND id < :lower ORDER BY id DESC LIMIT 1""").bindparams(
        *(sa.bindparam(name, type_=sa.Uuid) for name in ("resident_id", "entity_id", "lower"))
    )
)
# Of each stretch the lowest, the highest and the first without a number: a spike is never lost, and no gap is.
_READINGS: Final = HotStatement(
    sa.text(f"""
    WITH found AS MATERIALIZED (
        SELECT id, at, state, number FROM community_home_reading
        WHERE resident_id = :resident_id AND entity_id = :entity_id AND id >= :lower AND id < :upper
        ORDER BY id LIMIT {MOST_READINGS}
    ), placed AS (
        SELECT f.*, count(*) OVER () AS total,
            row_number() OVER (PARTITION BY stretch ORDER BY number, id) AS lowest,
            row_number() OVER (PARTITION BY stretch ORDER BY number DESC NULLS LAST, id) AS highest,
            row_number() OVER (PARTITION BY stretch, number IS NULL ORDER BY id) AS place
        FROM found f, LATERAL (SELECT floor(extract(epoch FROM f.at - :since) / :seconds) AS stretch) s
    )
    SELECT at, state, number FROM placed
    WHERE total <= :points OR lowest = 1 OR (number IS NOT NULL AND highest = 1) OR (number IS NULL AND place = 1)
    ORDER BY id""").bindparams(  # noqa: S608 - a number of ours
        *(sa.bindparam(name, type_=sa.Uuid) for name in ("resident_id", "entity_id", "lower", "upper")),
        sa.bindparam("since", type_=_INSTANT),
        sa.bindparam("seconds", type_=sa.Double),
        sa.bindparam("points", type_=sa.Integer),
    )
)
_CHART: Final = HotStatement(
    sa.text("""
    WITH found AS (
        SELECT starts_at, mean, minimum, maximum, row_number() OVER (ORDER BY starts_at) - 1 AS place,
            count(*) OVER () AS total
        FROM community_home_statistic
        WHERE resident_id = :resident_id AND entity_id = :entity_id AND period = :period
            AND starts_at >= :since AND starts_at < :until
    )
    SELECT min(starts_at) AS at, avg(mean) AS number, min(minimum) AS minimum, max(maximum) AS maximum FROM found
    GROUP BY place / ((total + :points - 1) / :points) ORDER BY 1""").bindparams(
        sa.bindparam("resident_id", type_=sa.Uuid),
        sa.bindparam("entity_id", type_=sa.Uuid),
        sa.bindparam("period", type_=sa.Text),
        sa.bindparam("since", type_=_INSTANT),
        sa.bindparam("until", type_=_INSTANT),
        sa.bindparam("points", type_=sa.BigInteger),
    )
)
_t = STATISTICS.c
_STATISTICS: Final = (
    sa.select(_t.starts_at, _t.mean, _t.minimum, _t.maximum, _t.sum, _t.count)
    .where(
        _t.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        _t.entity_id == sa.bindparam("entity_id", type_=sa.Uuid),
        _t.period == sa.bindparam("period", type_=sa.Text),
        _t.starts_at >= sa.bindparam("since", type_=_INSTANT),
        _t.starts_at < sa.bindparam("until", type_=_INSTANT),
    )
    .order_by(_t.starts_at)
)
_r = READINGS.c
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_OF_SEVERAL: Final = HotStatement(
    sa.select(_r.entity_id, _r.at, _r.state, _r.number)
    .where(
        # The holders lead the index; whose entities they are, is known from how these stand.
        _r.resident_id.in_(
            sa.select(_s.resident_id).where(_s.entity_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
        ),
        _r.entity_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))),
        _r.id >= sa.bindparam("lower", type_=sa.Uuid),
        _r.id < sa.bindparam("upper", type_=sa.Uuid),
    )
    .order_by(_r.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


async def states(connection: AsyncConnection, actor: Actor, home: HomeSubject) -> list[HomeStatePublic]:
    """Return how all of a home stands: as many entities as a home can have."""
    await trace_read(connection, actor, home.subject, "home_states:list", home.id)
    found = await connection.execute(_STATES, {"home_id": home.id})
    return [HomeStatePublic(**row._asdict()) for row in found]


async def chart(
    connection: AsyncConnection, actor: Actor, entity: EntitySubject, since: datetime, until: datetime, points: int
) -> HistoryPublic:
    """Return what an entity said from ``since`` until before ``until``, in ``points`` points at most.

    Readings of up to a day, hours of up to a month, days of whatever is more.
    """
    await trace_read(connection, actor, entity.home.subject, "home_states:history", entity.id)
    span = until - since
    if span <= LONGEST_RAW:
        return HistoryPublic(
            source="readings", unit=entity.unit, points=await _raw(connection, entity, since, until, points)
        )
    period: Period = "hour" if span <= LONGEST_HOURS else "day"
    source: Literal["hours", "days"] = "hours" if period == "hour" else "days"
    binds = _of(entity) | {"period": period, "since": since, "until": until, "points": points}
    found = [HistoryPoint(**row._asdict()) for row in await _CHART.rows(connection, binds)]
    return HistoryPublic(source=source, unit=entity.unit, points=found)


async def statistics(
    connection: AsyncConnection, actor: Actor, entity: EntitySubject, period: Period, since: datetime, until: datetime
) -> list[HomeStatisticPublic]:
    """Return the hours or days of an entity that begin from ``since`` until before ``until`` and are over."""
    await trace_read(connection, actor, entity.home.subject, "home_states:statistics", entity.id)
    found = await connection.execute(_STATISTICS, _of(entity) | {"period": period, "since": since, "until": until})
    return [HomeStatisticPublic(**row._asdict()) for row in found]


async def history(
    connection: AsyncConnection, entity_ids: Sequence[uuid.UUID], since: datetime, until: datetime
) -> list[StoodAt]:
    """Return the readings of entities from ``since`` until before ``until``, oldest first, 200,000 of them at most.

    For whoever tries out a rule on the past or learns what is usual; not for showing to anybody.
    """
    binds = {
        "ids": list(entity_ids),
        "lower": clock.id_floor(since),
        "upper": clock.id_floor(until),
        "most": MOST_AT_ONCE,
    }
    return [StoodAt(*row) for row in await _OF_SEVERAL.rows(connection, binds)]


async def _raw(
    connection: AsyncConnection, entity: EntitySubject, since: datetime, until: datetime, points: int
) -> list[HistoryPoint]:
    lower = clock.id_floor(since)
    before = await _BEFORE.row(connection, _of(entity) | {"lower": lower})
    left = max(points - (before is not None), 1)
    binds = _of(entity) | {
        "lower": lower,
        "upper": clock.id_floor(until),
        "since": since,
        # Three of each stretch, and what falls on the very end of the last.
        "seconds": max((until - since).total_seconds(), 1.0) / max(left // 3, 1),
        "points": left,
    }
    found = [HistoryPoint(**row._asdict()) for row in await _READINGS.rows(connection, binds)]
    if before is not None:
        found.insert(0, HistoryPoint(at=since, state=before["state"], number=before["number"]))
    return found


def _of(entity: EntitySubject) -> dict[str, object]:
    return {"resident_id": entity.resident_id, "entity_id": entity.id}
