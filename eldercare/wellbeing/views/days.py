"""The SQL that makes days of what is known anyway: check-ins that were answered, and doses that were planned."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.identity.api import ResidentSubject
from eldercare.wellbeing.rules.drift import LOOKED_BACK, Finding, compare
from eldercare.wellbeing.rules.measures import SCALES, Measure
from eldercare.wellbeing.rules.sentences import compared, too_little
from eldercare.wellbeing.schemas import DayPublic, TrendPublic

_BEFORE_DAY: Final = timedelta(hours=16)
_AFTER_DAY: Final = timedelta(hours=40)
"""Everywhere on earth a local day lies between these hours around its midnight in UTC."""

# How long it took is known only of whoever answered themselves; whoever was asked late by us is asked from then on.
_DAYS: Final = (
    sa.text("""
    WITH asked AS (
        SELECT c.resident_id, c.local_date, avg(c.mood) AS mood, count(c.mood) AS moods,
               avg(c.sleep) AS sleep, count(c.sleep) AS sleeps,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM c.answered_at - c.asked_at) / 60)
                   FILTER (WHERE c.how = 'self' AND c.answered_at >= c.asked_at) AS minutes,
               count(*) FILTER (WHERE c.how = 'self' AND c.answered_at >= c.asked_at) AS answers
        FROM eldercare_check_in c
        WHERE c.resident_id = ANY (:resident_ids) AND c.due_at >= :since AND c.due_at < :until
          AND c.local_date BETWEEN :first AND :last AND c.state = 'answered'
        GROUP BY c.resident_id, c.local_date
    ), planned AS (
        SELECT d.resident_id, d.local_date, count(*) AS doses,
               100.0 * count(*) FILTER (WHERE d.state = 'taken') / count(*) AS share
        FROM eldercare_dose d
        WHERE d.resident_id = ANY (:resident_ids) AND d.due_at >= :since AND d.due_at < :until
          AND d.local_date BETWEEN :first AND :last
          AND d.kind = 'planned' AND d.state IN ('taken', 'skipped', 'missed')
        GROUP BY d.resident_id, d.local_date
    )
    SELECT a.resident_id, m.measure, a.local_date AS day, CAST(m.value AS double precision) AS value, m.count AS made_of
    FROM asked a CROSS JOIN LATERAL (
        VALUES ('mood', a.mood, a.moods), ('sleep', a.sleep, a.sleeps),
               ('activity', CAST(a.minutes AS numeric), a.answers)
    ) AS m (measure, value, count)
    WHERE m.count > 0
    UNION ALL
    SELECT resident_id, 'adherence', local_date, CAST(share AS double precision), doses FROM planned""")
    .bindparams(
        sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("since", type_=sa.DateTime(timezone=True)),
        sa.bindparam("until", type_=sa.DateTime(timezone=True)),
        sa.bindparam("first", type_=sa.Date),
        sa.bindparam("last", type_=sa.Date),
    )
    .columns(
        sa.column("resident_id", sa.Uuid),
        sa.column("measure", sa.Text),
        sa.column("day", sa.Date),
        sa.column("value", sa.Double),
        sa.column("made_of", sa.BigInteger),
    )
    .subquery("days")
)
_ALL: Final = sa.select(_DAYS)
_OF_MEASURE: Final = _ALL.where(_DAYS.c.measure == sa.bindparam("of_measure", type_=sa.Text))
_TRACED: Final = audit.traced(_OF_MEASURE, "wellbeing:read")


class Course(NamedTuple):
    """What is known of a measure of a resident."""

    resident_id: uuid.UUID
    measure: Measure


async def courses(
    connection: AsyncConnection, resident_ids: Iterable[uuid.UUID], first: date, last: date
) -> dict[Course, dict[date, float]]:
    """Return what is known of residents' local days from ``first`` to ``last``: a day without anything is left out."""
    found: defaultdict[Course, dict[date, float]] = defaultdict(dict)
    for row in await connection.execute(_ALL, {"resident_ids": list(resident_ids), **_stretch(first, last)}):
        found[Course(row.resident_id, row.measure)][row.day] = row.value
    return dict(found)


async def trend(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, measure: Measure, days: int, language: str
) -> TrendPublic:
    """Return a measure of the resident's last ``days`` local days; what others read is put on record."""
    today = clock.now().astimezone(ZoneInfo(subject.time_zone)).date()
    first = today - timedelta(days=days - 1)
    earliest = min(first, today - timedelta(days=LOOKED_BACK))
    binds: dict[str, Any] = {
        "resident_ids": [subject.resident_id],
        "of_measure": measure,
        **_stretch(earliest, today),
    }
    statement = _OF_MEASURE
    if subject.relation != "self":
        statement = _TRACED
        binds |= audit.trace_binds(actor, resident_id=subject.resident_id, community_id=subject.community_id)
    rows = {row.day: row for row in await connection.execute(statement, binds)}
    scale = SCALES[measure]
    finding = compare({day: row.value for day, row in rows.items()}, today - timedelta(days=1), scale)
    stretch = (first + timedelta(days=number) for number in range(days))
    return TrendPublic(
        measure=measure,
        unit=scale.unit,
        worse=scale.worse,
        days=[_day(day, rows.get(day)) for day in stretch],
        standing=finding.standing,
        recent=finding.recent,
        usual=finding.usual,
        recent_days=finding.recent_days,
        usual_days=finding.usual_days,
        text=_text(language, measure, finding),
    )


def _stretch(first: date, last: date) -> dict[str, Any]:
    return {
        "first": first,
        "last": last,
        "since": datetime.combine(first, time(), UTC) - _BEFORE_DAY,
        "until": datetime.combine(last, time(), UTC) + _AFTER_DAY,
    }


def _day(day: date, row: Any | None) -> DayPublic:
    if row is None:
        return DayPublic(day=day, value=None, count=0)
    return DayPublic(day=day, value=round(row.value, 2), count=row.made_of)


def _text(language: str, measure: Measure, finding: Finding) -> str:
    if finding.recent is None or finding.usual is None:
        return too_little(language, finding.recent_days, finding.usual_days)
    return compared(language, measure, finding.standing, finding.recent, finding.usual)
