"""The SQL that writes vital signs: a batch in one statement, and what its readings mean for the limits in another."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import connection_of
from app.core.statements import fetch_row
from eldercare.vitals.models import READINGS, STANDINGS, THRESHOLDS
from eldercare.vitals.rules.thresholds import LONGEST_FRESH, Limits, Side

_INSTANT = sa.DateTime(timezone=True)
Row = Any  # of the readings


@dataclass(slots=True)
class Batch:
    """Readings of one resident in columns, ordered by id: what PostgreSQL takes in one piece."""

    ids: list[uuid.UUID]
    codes: list[str]
    values: list[float]
    measured_at: list[datetime]
    devices: list[str | None]


@dataclass(frozen=True, slots=True)
class Source:
    """Who brings a batch, when, and which wrong reading it stands in for."""

    kind: str
    id: uuid.UUID
    received_at: datetime
    replaces: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a batch: how many readings are new, which were known, and whether any code has a threshold."""

    stored: int
    known: Sequence[uuid.UUID]
    is_watched: bool


# The primary key tells what is known. The standings are locked in the order of their codes, so that two batches of one
# resident wait for each other instead of deadlocking, and are judged one after the other.
KEEP: Final = """
WITH given AS (
    SELECT * FROM unnest($5::uuid[], $6::text[], $7::float8[], $8::timestamptz[], $9::text[])
        AS given (id, code, value, measured_at, device)
), stored AS (
    INSERT INTO eldercare_vital_reading
        (id, resident_id, code, value, measured_at, received_at, source_kind, source_id, device, status, replaces)
    SELECT id, $1, code, value, measured_at, $2, $3, $4, device, 'final', $10 FROM given
    ON CONFLICT (id) DO NOTHING RETURNING id, code, value, measured_at
), newest AS (
    SELECT DISTINCT ON (code) id, code, value, measured_at FROM stored ORDER BY code, id DESC
), standing AS (
    INSERT INTO eldercare_vital_standing AS standing
        (resident_id, code, reading_id, value, measured_at, received_at, side)
    SELECT $1, code, id, value, measured_at, $2, 'inside' FROM newest ORDER BY code
    ON CONFLICT (resident_id, code) DO UPDATE
        SET reading_id = excluded.reading_id, value = excluded.value, measured_at = excluded.measured_at,
            received_at = excluded.received_at
        WHERE excluded.reading_id > standing.reading_id
)
SELECT (SELECT count(*) FROM stored) AS stored,
    CASE WHEN (SELECT count(*) FROM stored) < cardinality($5) THEN (
        SELECT array_agg(id) FROM given WHERE NOT EXISTS (SELECT FROM stored WHERE stored.id = given.id)
    ) END AS known,
    EXISTS (
        SELECT FROM eldercare_vital_threshold threshold
        WHERE threshold.resident_id = $1 AND threshold.ended_at IS NULL AND threshold.code = ANY ($6)
    ) AS is_watched"""


async def keep(session: AsyncSession, resident_id: uuid.UUID, source: Source, batch: Batch) -> Kept:
    """Store what is new of a batch and move the latest readings on, in one statement."""
    row: Any = await fetch_row(
        connection_of(session),
        KEEP,
        resident_id,
        source.received_at,
        source.kind,
        source.id,
        batch.ids,
        batch.codes,
        batch.values,
        batch.measured_at,
        batch.devices,
        source.replaces,
    )
    return Kept(row["stored"], row["known"] or (), row["is_watched"])


_VALUES_OF = sa.select(READINGS.c.id, READINGS.c.value).where(
    READINGS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
)


async def values_of(session: AsyncSession, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, float]:
    """Return the values of readings that are kept."""
    return {row.id: row.value for row in await session.execute(_VALUES_OF, {"ids": list(ids)})}


@dataclass(frozen=True, slots=True)
class Watched:
    """A threshold in force, how its code stood before, and the latest fresh readings, the newest first."""

    threshold_id: uuid.UUID
    code: str
    limits: Limits
    severity: int
    side: Side
    alerted_at: datetime | None
    reading_ids: Sequence[uuid.UUID]
    values: Sequence[float]
    measured_at: datetime | None


# The floor of the ids leaves out the months that no threshold looks at: the cost does not grow with the history.
_WATCHED = sa.text("""
    SELECT t.id, t.code, t.low, t.high, t.hysteresis, t.needed, t.looked_at, t.severity, s.side, s.alerted_at,
           recent.ids, recent.latest, recent.measured_at
    FROM eldercare_vital_threshold t
    JOIN eldercare_vital_standing s ON s.resident_id = t.resident_id AND s.code = t.code
    CROSS JOIN LATERAL (
        SELECT array_agg(r.id ORDER BY r.id DESC) AS ids, array_agg(r.value ORDER BY r.id DESC) AS latest,
               max(r.measured_at) AS measured_at
        FROM (
            SELECT id, value, measured_at FROM eldercare_vital_reading
            WHERE resident_id = t.resident_id AND code = t.code AND id >= :floor AND status = 'final'
              AND measured_at >= :now - t.fresh_for
            ORDER BY id DESC LIMIT t.looked_at
        ) r
    ) recent
    WHERE t.resident_id = :resident_id AND t.ended_at IS NULL AND t.code = ANY (:codes)
    ORDER BY t.code""").bindparams(
    sa.bindparam("resident_id", type_=sa.Uuid),
    sa.bindparam("codes", type_=ARRAY(sa.Text)),
    sa.bindparam("floor", type_=sa.Uuid),
    sa.bindparam("now", type_=_INSTANT),
)


async def watched(session: AsyncSession, resident_id: uuid.UUID, codes: Sequence[str]) -> list[Watched]:
    """Return the thresholds in force of ``codes`` with what they are judged by; the standings must be locked."""
    now = clock.now()
    binds = {
        "resident_id": resident_id,
        "codes": list(codes),
        "floor": clock.id_floor(now - LONGEST_FRESH),
        "now": now,
    }
    return [
        Watched(
            threshold_id=row.id,
            code=row.code,
            limits=Limits(row.low, row.high, row.hysteresis, row.needed, row.looked_at),
            severity=row.severity,
            side=row.side,
            alerted_at=row.alerted_at,
            reading_ids=row.ids or (),
            values=row.latest or (),
            measured_at=row.measured_at,
        )
        for row in await session.execute(_WATCHED, binds)
    ]


_JUDGED = sa.text("""
    UPDATE eldercare_vital_standing s
    SET side = judged.side, alerted_at = CASE WHEN judged.calls THEN :now ELSE s.alerted_at END
    FROM unnest(:codes, :sides, :calls) AS judged (code, side, calls)
    WHERE s.resident_id = :resident_id AND s.code = judged.code""").bindparams(
    sa.bindparam("resident_id", type_=sa.Uuid),
    sa.bindparam("codes", type_=ARRAY(sa.Text)),
    sa.bindparam("sides", type_=ARRAY(sa.Text)),
    sa.bindparam("calls", type_=ARRAY(sa.Boolean)),
    sa.bindparam("now", type_=_INSTANT),
)


async def note_judged(
    session: AsyncSession, resident_id: uuid.UUID, judged: Mapping[str, tuple[Side, bool]], now: datetime
) -> None:
    """Write how codes stand now, and that people were called where they were."""
    await session.execute(
        _JUDGED,
        {
            "resident_id": resident_id,
            "codes": list(judged),
            "sides": [side for side, _ in judged.values()],
            "calls": [calls for _, calls in judged.values()],
            "now": now,
        },
    )


_resident = sa.bindparam("of_resident", type_=sa.Uuid)
_code = sa.bindparam("of_code", type_=sa.Text)
_LOCK = (
    sa.select(STANDINGS.c.reading_id)
    .where(STANDINGS.c.resident_id == _resident, STANDINGS.c.code == _code)
    .with_for_update()
)


async def lock_standing(session: AsyncSession, resident_id: uuid.UUID, code: str) -> uuid.UUID | None:
    """Keep readings of a code from being judged meanwhile; return the latest one's id, or ``None`` without one."""
    found: uuid.UUID | None = await session.scalar(_LOCK, {"of_resident": resident_id, "of_code": code})
    return found


_MARK = (
    sa.update(READINGS)
    .where(READINGS.c.id == sa.bindparam("reading"), READINGS.c.status == "final")
    .values(
        status="entered-in-error",
        error_reason=sa.bindparam("reason"),
        corrected_at=sa.bindparam("at"),
        corrected_by=sa.bindparam("by"),
    )
    .returning(READINGS.c.id)
)
_FIND = sa.select(READINGS).where(READINGS.c.id == sa.bindparam("reading"), READINGS.c.resident_id == _resident)


async def find(session: AsyncSession, resident_id: uuid.UUID, reading_id: uuid.UUID) -> Row:
    """Return a resident's reading as a row, or ``None``."""
    return (await session.execute(_FIND, {"reading": reading_id, "of_resident": resident_id})).one_or_none()


async def mark_wrong(session: AsyncSession, reading_id: uuid.UUID, *, reason: str, by: uuid.UUID) -> bool:
    """Mark a reading as entered in error for a (sealed) reason; ``False`` if it was so already."""
    binds = {"reading": reading_id, "reason": reason, "at": clock.now(), "by": by}
    return await session.scalar(_MARK, binds) is not None


_STEP_BACK = sa.text("""
    UPDATE eldercare_vital_standing s
    SET reading_id = newest.id, value = newest.value, measured_at = newest.measured_at, received_at = newest.received_at
    FROM (
        SELECT id, value, measured_at, received_at FROM eldercare_vital_reading
        WHERE resident_id = :of_resident AND code = :of_code AND status = 'final' ORDER BY id DESC LIMIT 1
    ) newest
    WHERE s.resident_id = :of_resident AND s.code = :of_code
    RETURNING s.code""").bindparams(_resident, _code)
_FORGET = sa.delete(STANDINGS).where(STANDINGS.c.resident_id == _resident, STANDINGS.c.code == _code)


async def step_back(session: AsyncSession, resident_id: uuid.UUID, code: str) -> None:
    """Let a locked standing say what the latest reading is that was not wrong; without one there is no standing."""
    binds = {"of_resident": resident_id, "of_code": code}
    if await session.scalar(_STEP_BACK, binds) is None:
        await session.execute(_FORGET, binds)


_RESET = (
    sa.update(STANDINGS)
    .where(STANDINGS.c.resident_id == _resident, STANDINGS.c.code == _code)
    .values(side="inside", alerted_at=None)
)


async def judge_anew(session: AsyncSession, resident_id: uuid.UUID, code: str) -> None:
    """Forget how a code stood against the threshold that was replaced."""
    await session.execute(_RESET, {"of_resident": resident_id, "of_code": code})


_LAST_NUMBER = sa.select(sa.func.max(THRESHOLDS.c.number)).where(
    THRESHOLDS.c.resident_id == _resident, THRESHOLDS.c.code == _code
)


async def next_number(session: AsyncSession, resident_id: uuid.UUID, code: str) -> int:
    """Return the number of the next version of a code's threshold."""
    return (await session.scalar(_LAST_NUMBER, {"of_resident": resident_id, "of_code": code}) or 0) + 1
