"""The SQL that writes vital signs: a batch in one statement, and what its readings mean for the limits in another."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import connection_of
from app.core.statements import HotStatement, fetch_row
from app.core.touching import TOUCHED, touched_binds
from app.identity.api import ResidentSubject
from eldercare.vitals.models import READINGS, STANDINGS, THRESHOLDS
from eldercare.vitals.rules.codes import SIGNS
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


_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('eldercare.vitals:' || $1, 0))"


async def lock(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Let what is written about a resident's readings happen one after the other, until the transaction ends.

    What is known is looked up under it, in a statement of its own: so a batch that comes twice at once is stored once,
    and readings are judged in an order.
    """
    await fetch_row(connection_of(session), _LOCK, str(resident_id))


_ANY_NEAR: Final = """
SELECT 1 FROM eldercare_vital_reading WHERE resident_id = $1 AND code = ANY ($2) AND id BETWEEN $3 AND $4 LIMIT 1"""
# By the resident's own rows between the first and the last of the batch: nothing, nearly always. Testing each id as
# it is inserted (ON CONFLICT) takes three times as long as inserting it.
_KNOWN: Final = """
SELECT array_agg(r.id) AS ids, array_agg(r.value) AS "values"
FROM eldercare_vital_reading r JOIN unnest($3::uuid[]) AS given (id) ON given.id = r.id
WHERE r.resident_id = $1 AND r.code = ANY ($2) AND r.id BETWEEN $4 AND $5"""


async def known(session: AsyncSession, resident_id: uuid.UUID, batch: Batch) -> dict[uuid.UUID, float]:
    """Return the values of those readings of a batch that are kept already; the resident must be locked."""
    connection, codes, between = connection_of(session), list(set(batch.codes)), (batch.ids[0], batch.ids[-1])
    # What is new is later than all that is kept, nearly always: then there is nothing to compare.
    if await fetch_row(connection, _ANY_NEAR, resident_id, codes, *between) is None:
        return {}
    row: Any = await fetch_row(connection, _KNOWN, resident_id, codes, batch.ids, *between)
    return dict(zip(row["ids"], row["values"], strict=True)) if row["ids"] else {}


def _given(alias: str, prefix: str, **kinds: Any) -> sa.TableValuedAlias:
    arrays = [sa.bindparam(f"{prefix}_{name}", type_=ARRAY(kind)) for name, kind in kinds.items()]
    return sa.func.unnest(*arrays).table_valued(*kinds).render_derived(alias)


def _bound(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(f"source_{name}", type_=READINGS.c[name].type)


_reading = _given("given", "given", id=sa.Uuid, code=sa.Text, value=sa.Double, measured_at=_INSTANT, device=sa.Text)
_newest = _given("newest", "newest", id=sa.Uuid, code=sa.Text, value=sa.Double, measured_at=_INSTANT)
_SOURCE = ("resident_id", "received_at", "source_kind", "source_id", "replaces")
_stored = (
    sa.insert(READINGS)
    .from_select(
        ["id", "code", "value", "measured_at", "device", "status", *_SOURCE],
        sa.select(*_reading.c, sa.literal_column("'final'"), *(_bound(name) for name in _SOURCE)),
    )
    .cte("stored")
)
_latest = insert(STANDINGS).from_select(
    ["reading_id", "code", "value", "measured_at", "resident_id", "received_at", "side"],
    sa.select(*_newest.c, _bound("resident_id"), _bound("received_at"), sa.literal_column("'inside'")),
)
_moved_on = _latest.on_conflict_do_update(
    index_elements=[STANDINGS.c.resident_id, STANDINGS.c.code],
    set_={name: _latest.excluded[name] for name in ("reading_id", "value", "measured_at", "received_at")},
    where=_latest.excluded.reading_id > STANDINGS.c.reading_id,
).cte("moved_on")
_is_watched = sa.exists(
    sa.select(THRESHOLDS.c.id).where(
        THRESHOLDS.c.resident_id == _bound("resident_id"),
        THRESHOLDS.c.ended_at.is_(None),
        THRESHOLDS.c.code == sa.any_(sa.bindparam("newest_code", type_=ARRAY(sa.Text))),
    )
)
KEEP: Final = HotStatement(
    audit.traced(sa.select(_is_watched.label("is_watched")).add_cte(_stored, _moved_on, TOUCHED), "vitals:record")
)


async def keep(session: AsyncSession, actor: Actor, subject: ResidentSubject, source: Source, batch: Batch) -> bool:
    """Store readings that are not known, move the latest of each code on and put it on record, in one statement.

    Returns whether any of the codes has a threshold. The resident must be locked.
    """
    # By id, so the last of a code is its newest.
    newest = {code: place for place, code in enumerate(batch.codes)}
    row: Any = await KEEP.row(
        connection_of(session),
        {
            "given_id": batch.ids,
            "given_code": batch.codes,
            "given_value": batch.values,
            "given_measured_at": batch.measured_at,
            "given_device": batch.devices,
            "newest_id": [batch.ids[place] for place in newest.values()],
            "newest_code": list(newest),
            "newest_value": [batch.values[place] for place in newest.values()],
            "newest_measured_at": [batch.measured_at[place] for place in newest.values()],
            "source_resident_id": subject.resident_id,
            "source_received_at": source.received_at,
            "source_source_kind": source.kind,
            "source_source_id": source.id,
            "source_replaces": source.replaces,
            **touched_binds(
                session,
                "vitals",
                subject.resident_id,
                community_id=subject.community_id,
                resident_id=subject.resident_id,
            ),
            **audit.trace_binds(actor, resident_id=subject.resident_id, community_id=subject.community_id),
        },
    )
    return bool(row["is_watched"])


@dataclass(frozen=True, slots=True)
class Watched:
    """A threshold in force, how its code stood before, and the latest fresh readings, the newest first."""

    threshold_id: uuid.UUID
    resident_id: uuid.UUID
    community_id: uuid.UUID
    code: str
    limits: Limits
    severity: int
    side: Side
    alerted_at: datetime | None
    reading_ids: Sequence[uuid.UUID]
    values: Sequence[float]
    measured_at: datetime | None


# The floor of the ids leaves out the months that no threshold looks at: the cost does not grow with the history.
_OF_THRESHOLDS = """
    SELECT t.id, t.resident_id, t.community_id, t.code, t.low, t.high, t.hysteresis, t.needed, t.looked_at, t.severity,
           s.side, s.alerted_at, recent.ids, recent.latest, recent.measured_at
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
    WHERE t.ended_at IS NULL AND"""
_SINCE = (sa.bindparam("floor", type_=sa.Uuid), sa.bindparam("now", type_=_INSTANT))
_WATCHED = sa.text(
    f"{_OF_THRESHOLDS} t.resident_id = :resident_id AND t.code = ANY (:codes) ORDER BY t.code"
).bindparams(sa.bindparam("resident_id", type_=sa.Uuid), sa.bindparam("codes", type_=ARRAY(sa.Text)), *_SINCE)
_WATCHED_BY = sa.text(f"{_OF_THRESHOLDS} t.id = ANY (:ids) ORDER BY t.id").bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)), *_SINCE
)


async def watched(session: AsyncSession, resident_id: uuid.UUID, codes: Sequence[str]) -> list[Watched]:
    """Return the thresholds in force of ``codes`` with what they are judged by; the resident must be locked."""
    binds = {"resident_id": resident_id, "codes": list(codes)}
    return [_watched(row) for row in await session.execute(_WATCHED, binds | _since())]


async def watched_by(session: AsyncSession, threshold_ids: Sequence[uuid.UUID]) -> list[Watched]:
    """Return those of the thresholds that are in force with what they are judged by; residents must be locked."""
    return [_watched(row) for row in await session.execute(_WATCHED_BY, {"ids": list(threshold_ids)} | _since())]


def _since() -> dict[str, object]:
    now = clock.now()
    return {"floor": clock.id_floor(now - LONGEST_FRESH), "now": now}


def _watched(row: Row) -> Watched:
    return Watched(
        threshold_id=row.id,
        resident_id=row.resident_id,
        community_id=row.community_id,
        code=row.code,
        limits=Limits(row.low, row.high, row.hysteresis, row.needed, row.looked_at),
        severity=row.severity,
        side=row.side,
        alerted_at=row.alerted_at,
        reading_ids=row.ids or (),
        values=row.latest or (),
        measured_at=row.measured_at,
    )


_JUDGED = sa.text("""
    UPDATE eldercare_vital_standing s
    SET side = judged.side, alerted_at = CASE WHEN judged.calls THEN :now ELSE s.alerted_at END
    FROM unnest(:residents, :codes, :sides, :calls) AS judged (resident_id, code, side, calls)
    WHERE s.resident_id = judged.resident_id AND s.code = judged.code""").bindparams(
    sa.bindparam("residents", type_=ARRAY(sa.Uuid)),
    sa.bindparam("codes", type_=ARRAY(sa.Text)),
    sa.bindparam("sides", type_=ARRAY(sa.Text)),
    sa.bindparam("calls", type_=ARRAY(sa.Boolean)),
    sa.bindparam("now", type_=_INSTANT),
)


async def note_judged(session: AsyncSession, judged: Sequence[tuple[Watched, Side, bool]], now: datetime) -> None:
    """Write on which side codes stand now, and that people were called where they were."""
    await session.execute(
        _JUDGED,
        {
            "residents": [one.resident_id for one, _, _ in judged],
            "codes": [one.code for one, _, _ in judged],
            "sides": [side for _, side, _ in judged],
            "calls": [calls for _, _, calls in judged],
            "now": now,
        },
    )


# Only where there is something recent to judge; an old reading says nothing about now.
_JUDGE_COMMUNITY = sa.text("""
    UPDATE eldercare_vital_threshold t SET judge_at = :now
    FROM eldercare_vital_standing s
    WHERE t.community_id = :community_id AND t.ended_at IS NULL
      AND s.resident_id = t.resident_id AND s.code = t.code AND s.measured_at >= :now - t.fresh_for""").bindparams(
    sa.bindparam("community_id", type_=sa.Uuid), sa.bindparam("now", type_=_INSTANT)
)
_TRY_LOCK = sa.text("""
    SELECT id, pg_try_advisory_xact_lock(hashtextextended('eldercare.vitals:' || resident_id, 0)) AS is_held
    FROM eldercare_vital_threshold WHERE id = ANY (:ids) ORDER BY id""").bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid))
)
_JUDGE_AT = sa.text("""
    UPDATE eldercare_vital_threshold SET judge_at = CASE WHEN id = ANY (:held) THEN NULL ELSE :again END
    WHERE id = ANY (:ids)""").bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("held", type_=ARRAY(sa.Uuid)),
    sa.bindparam("again", type_=_INSTANT),
)


async def judge_community(session: AsyncSession, community_id: uuid.UUID, now: datetime) -> None:
    """Make the thresholds of a community due for which there are recent readings."""
    await session.execute(_JUDGE_COMMUNITY, {"community_id": community_id, "now": now})


async def lock_due(session: AsyncSession, threshold_ids: Sequence[uuid.UUID], again: datetime) -> list[uuid.UUID]:
    """Lock the residents of thresholds that are due, as ``lock`` does, without waiting; return for which it was done.

    Those are not due any more; the others are again at ``again``. Who writes about readings holds the resident first
    and the threshold then: waiting the other way round would be a deadlock.
    """
    ids = list(threshold_ids)
    held = [row.id for row in await session.execute(_TRY_LOCK, {"ids": ids}) if row.is_held]
    await session.execute(_JUDGE_AT, {"ids": ids, "held": held, "again": again})
    return held


_resident = sa.bindparam("of_resident", type_=sa.Uuid)
_code = sa.bindparam("of_code", type_=sa.Text)
_LATEST_ID = sa.select(STANDINGS.c.reading_id).where(STANDINGS.c.resident_id == _resident, STANDINGS.c.code == _code)


async def latest_id(session: AsyncSession, resident_id: uuid.UUID, code: str) -> uuid.UUID | None:
    """Return the id of the latest reading of a code, or ``None`` without one."""
    found: uuid.UUID | None = await session.scalar(_LATEST_ID, {"of_resident": resident_id, "of_code": code})
    return found


_MARK = (
    sa.update(READINGS)
    .where(
        READINGS.c.resident_id == _resident,
        READINGS.c.code == _code,
        READINGS.c.id == sa.bindparam("reading"),
        READINGS.c.status == "final",
    )
    .values(
        status="entered-in-error",
        error_reason=sa.bindparam("reason"),
        corrected_at=sa.bindparam("at"),
        corrected_by=sa.bindparam("by"),
    )
    .returning(READINGS.c.id)
)
_FIND = sa.select(READINGS).where(
    READINGS.c.resident_id == _resident, READINGS.c.code.in_(SIGNS), READINGS.c.id == sa.bindparam("reading")
)


async def find(session: AsyncSession, resident_id: uuid.UUID, reading_id: uuid.UUID) -> Row:
    """Return a resident's reading as a row, or ``None``."""
    return (await session.execute(_FIND, {"reading": reading_id, "of_resident": resident_id})).one_or_none()


async def mark_wrong(session: AsyncSession, reading: Row, *, reason: str, by: uuid.UUID) -> bool:
    """Mark a reading as entered in error for a (sealed) reason; ``False`` if it was so already."""
    found = {"of_resident": reading.resident_id, "of_code": reading.code, "reading": reading.id}
    binds = {**found, "reason": reason, "at": clock.now(), "by": by}
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
