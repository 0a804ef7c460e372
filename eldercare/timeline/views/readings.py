"""The timeline's readings: of each code the first of a day, and whatever lay outside the limits of its time.

Codes of which nothing is known are left out by their standing, or each would be looked for in every month there is.
Days without a reading are jumped over, days with readings are read whole: what a page costs depends on how often
somebody measures, not on for how many years they have done so. Every look at the table is bounded by what is known
before the statement is run, so that PostgreSQL opens none of the months outside: opening one costs more than its rows.
"""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.core.changes import written_before, written_since
from eldercare.timeline.rules.kinds import RANKS
from eldercare.vitals.rules.codes import SIGNS

_INSTANT = sa.DateTime(timezone=True)


def _floor(instant: str) -> str:
    """Return SQL for the lowest id of an instant: ids of readings lead with its milliseconds."""
    hexadecimal = f"lpad(to_hex(CAST(floor(extract(epoch FROM {instant}) * 1000) AS bigint)), 12, '0')"
    return f"CAST({hexadecimal} || repeat('0', 20) AS uuid)"


_DAY: Final = "date_trunc('day', latest.measured_at AT TIME ZONE :zone) AT TIME ZONE :zone"
_NEXT_DAY: Final = "(date_trunc('day', latest.measured_at AT TIME ZONE :zone) + interval '1 day') AT TIME ZONE :zone"
_LATEST: Final = """
    SELECT reading.measured_at
    FROM eldercare_vital_reading reading
    WHERE reading.resident_id = :of_resident AND reading.code = wanted.code AND reading.status = 'final'
      AND {before} AND reading.id >= {since} AND reading.id < {end}
    ORDER BY reading.id DESC LIMIT 1
"""
# As a row: a plain bound that is not known yet makes PostgreSQL expect next to nothing, and then it may well read all
# there is and sort it instead of taking the first of the index.
_EARLIER: Final = "(reading.id, 0) < (days.begins, 0)"
_SINCE: Final = _floor(":readings_since")
# The local day it lies in began after that; ids begin in 1970.
_DAY_OF_SINCE: Final = _floor("greatest(:readings_since - interval '2 days', to_timestamp(0))")
_END: Final = _floor("(:before_at + interval '1 millisecond')")

_FOUND: Final = f"""
    SELECT CAST('reading' AS text) AS kind, {RANKS["reading"]} AS rank, found.id, found.measured_at AS at,
        jsonb_build_object('code', found.code, 'value', found.value, 'side', found.side) AS data, found.xmin
    FROM unnest(CAST(:codes AS text[])) AS wanted(code)
    JOIN eldercare_vital_standing known ON known.resident_id = :of_resident AND known.code = wanted.code
    CROSS JOIN LATERAL (
        WITH RECURSIVE days(begins, ends, number) AS (
            SELECT {_floor(_DAY)}, {_floor(_NEXT_DAY)}, 1
            FROM ({_LATEST.format(before="true", since=_SINCE, end=_END)}) latest
            WHERE 'reading' = ANY (CAST(:kinds AS text[]))
            UNION ALL
            SELECT {_floor(_DAY)}, {_floor(_NEXT_DAY)}, days.number + 1
            FROM days CROSS JOIN LATERAL ({_LATEST.format(before=_EARLIER, since=_SINCE, end=_END)}) latest
            WHERE days.number <= :rows
        )
        SELECT of_day.*,
            (SELECT CASE WHEN of_day.value < own.low THEN 'low' WHEN of_day.value > own.high THEN 'high' END
             FROM eldercare_vital_threshold own
             WHERE own.resident_id = :of_resident AND own.code = of_day.code AND own.set_at <= of_day.measured_at
               AND (own.ended_at IS NULL OR own.ended_at > of_day.measured_at)
             ORDER BY own.number DESC LIMIT 1) AS side
        FROM days CROSS JOIN LATERAL (
            SELECT reading.id, reading.code, reading.value, reading.measured_at, reading.xmin,
                row_number() OVER (ORDER BY reading.id) AS place
            FROM eldercare_vital_reading reading
            WHERE reading.resident_id = :of_resident AND reading.code = wanted.code AND reading.status = 'final'
              AND reading.id >= days.begins AND reading.id < days.ends
              AND reading.id >= {_DAY_OF_SINCE} AND reading.id < {_END}
        ) of_day
    ) found
    WHERE (found.place = 1 OR found.side IS NOT NULL) AND found.measured_at >= :readings_since
      AND (found.measured_at, found.id, {RANKS["reading"]}) < (:before_at, :before_id, :before_rank)
"""  # noqa: S608 - constants of ours

_BINDS: Final = (
    sa.bindparam("zone", type_=sa.Text),
    sa.bindparam("codes", value=list(SIGNS), type_=ARRAY(sa.Text)),
    sa.bindparam("kinds", type_=ARRAY(sa.Text)),
    sa.bindparam("of_resident", type_=sa.Uuid),
    sa.bindparam("readings_since", type_=_INSTANT),
    sa.bindparam("before_at", type_=_INSTANT),
    sa.bindparam("before_id", type_=sa.Uuid),
    sa.bindparam("before_rank", type_=sa.Integer),
    sa.bindparam("rows", type_=sa.Integer),
)


def _readings(columns: str, ending: str) -> sa.Subquery:
    text = sa.text(f"SELECT {columns} FROM ({_FOUND}) told {ending}")  # noqa: S608 - constants of ours
    typed = text.bindparams(*_BINDS).columns(
        sa.column("kind", sa.Text),
        sa.column("rank", sa.Integer),
        sa.column("id", sa.Uuid),
        sa.column("at", _INSTANT),
        sa.column("data", JSONB),
    )
    return typed.subquery("readings")


def _shown(readings: sa.Subquery) -> sa.Select[Any]:
    return sa.select(*(readings.c[name] for name in ("kind", "rank", "id", "at", "data")))


READINGS_PAGE: Final = _shown(_readings("kind, rank, id, at, data", "ORDER BY at DESC, id DESC LIMIT :rows"))

_with_writer: Final = _readings("kind, rank, id, at, data, xmin", "")
READINGS_WRITTEN: Final = _shown(_with_writer).where(written_since(_with_writer), written_before(_with_writer))
