"""The SQL that reads readings: pages of them, the latest of each code, a chart's line, a trend.

Ids lead with the instant a reading was measured at, so a time is a range of ids: months outside of it are not touched.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, decode_cursor, encode_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import ResidentSubject
from eldercare.vitals.models import READINGS, REASON_CONTEXT, STANDINGS, THRESHOLDS
from eldercare.vitals.rules import codes, series
from eldercare.vitals.rules.codes import SIGNS, VitalSign
from eldercare.vitals.rules.thresholds import Limits, status
from eldercare.vitals.schemas import LatestPublic, ReadingPublic, ReadingQuery, SeriesPoint, SeriesPublic, TrendPublic
from eldercare.vitals.views.clinicians import is_somebody_responsible

_KIND: Final = "eldercare.vitals"
_FIRST: Final = uuid.UUID(int=0)
_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = uuid.UUID(int=(1 << 128) - 1)
_RECENT: Final = timedelta(days=31)
"""How far back a list looks at first: opening a month costs more than its rows, and these fill nearly every page."""
MOST_RAW: Final = 20_000
"""Up to so many readings a chart's line is drawn from all of them, beyond from the extremes of 5,000 stretches."""
_STRETCHES: Final = 5_000

_resident = sa.bindparam("of_resident", type_=sa.Uuid)
_code = sa.bindparam("of_code", type_=sa.Text)
_rows = sa.bindparam("rows", type_=sa.Integer)
_in_time = sa.and_(
    READINGS.c.id >= sa.bindparam("floor", type_=sa.Uuid), READINGS.c.id < sa.bindparam("before", type_=sa.Uuid)
)
_wanted = sa.func.unnest(sa.bindparam("codes", type_=ARRAY(sa.Text))).table_valued("code").render_derived("wanted")


def _list(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Return a page of each code, of which the latest make the page: neither history nor depth are in what it costs."""
    of_one = (
        sa.select(READINGS)
        .where(READINGS.c.resident_id == _resident, READINGS.c.code == _wanted.c.code, _in_time, *conditions)
        .order_by(READINGS.c.id.desc())
        .limit(_rows)
        .lateral("of_one")
    )
    return sa.select(of_one).select_from(_wanted.join(of_one, sa.true())).order_by(of_one.c.id.desc()).limit(_rows)


LIST: Final = _list()
_LIST_TRACED: Final = audit.traced(LIST, "vitals:list")
_changed_at = sa.func.coalesce(READINGS.c.corrected_at, READINGS.c.received_at)
_changed_since = sa.bindparam("changed_since", type_=READINGS.c.received_at.type)
_changed_before = sa.bindparam("changed_before", type_=READINGS.c.received_at.type)
_statuses = sa.bindparam("statuses", type_=ARRAY(sa.Text))
# By status, or of those that changed in a time, for whoever keeps a copy: it reads past all others.
_NARROWED: Final = _list(
    sa.or_(_statuses.is_(None), READINGS.c.status == sa.any_(_statuses)),
    sa.or_(_changed_since.is_(None), _changed_at >= _changed_since),
    sa.or_(_changed_before.is_(None), _changed_at < _changed_before),
)
_NARROWED_TRACED: Final = audit.traced(_NARROWED, "vitals:list")

_ONE: Final = sa.select(READINGS).where(
    READINGS.c.resident_id == _resident,
    READINGS.c.code.in_(SIGNS),
    READINGS.c.id == sa.bindparam("reading", type_=sa.Uuid),
)
_SOME: Final = sa.select(READINGS).where(
    READINGS.c.resident_id == _resident,
    READINGS.c.id == sa.any_(sa.bindparam("readings", type_=ARRAY(sa.Uuid))),
)
_SOME_TRACED: Final = audit.traced(_SOME, "vitals:list")
_ONE_TRACED: Final = audit.traced(_ONE, "vitals:read")
_WHOSE: Final = sa.select(READINGS.c.resident_id).where(
    READINGS.c.id == sa.bindparam("reading", type_=sa.Uuid), READINGS.c.code.in_(SIGNS)
)

_standing = sa.select(STANDINGS).where(STANDINGS.c.resident_id == _resident).subquery("standing")
_active = (
    sa.select(THRESHOLDS)
    .where(THRESHOLDS.c.resident_id == _resident, THRESHOLDS.c.ended_at.is_(None))
    .subquery("active")
)
LATEST: Final = (
    sa.select(
        sa.func.coalesce(_standing.c.code, _active.c.code).label("code"),
        *(_standing.c[name] for name in ("reading_id", "value", "measured_at", "received_at", "side")),
        *(_active.c[name] for name in ("low", "high", "hysteresis", "needed", "looked_at", "fresh_for")),
        _active.c.id.label("threshold_id"),
    )
    .select_from(_standing.join(_active, _active.c.code == _standing.c.code, full=True))
    .order_by(sa.literal_column("1"))
)
_LATEST_TRACED: Final = audit.traced(LATEST, "vitals:latest")


def shown(row: Any) -> ReadingPublic:
    """Return a stored reading as it is shown."""
    sign = SIGNS[row.code]
    fields = ReadingPublic.model_fields.keys() - {"name", "value", "unit", "error_reason"}
    return ReadingPublic(
        **{field: getattr(row, field) for field in fields},
        name=sign.name,
        value=codes.shown(row.code, row.value),
        unit=sign.unit,
        error_reason=None if row.error_reason is None else unseal(row.error_reason, REASON_CONTEXT),
    )


async def whose(connection: AsyncConnection, reading_id: uuid.UUID) -> uuid.UUID:
    """Return the resident a reading is of, for a check of who may see it; raises ``NotFound``."""
    found: uuid.UUID | None = await connection.scalar(_WHOSE, {"reading": reading_id})
    if found is None:
        raise NotFound
    return found


async def reading(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, reading_id: uuid.UUID
) -> ReadingPublic:
    """Return one reading of a resident; raises ``NotFound``."""
    binds = {"of_resident": subject.resident_id, "reading": reading_id}
    row = (await _read(connection, actor, subject, _ONE, _ONE_TRACED, binds)).one_or_none()
    if row is None:
        raise NotFound
    return shown(row)


async def some_readings(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, reading_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, ReadingPublic]:
    """Return those of some readings that are the resident's, by their ids."""
    binds = {"of_resident": subject.resident_id, "readings": list(reading_ids)}
    rows = await _read(connection, actor, subject, _SOME, _SOME_TRACED, binds)
    return {row.id: shown(row) for row in rows}


async def list_readings(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest, query: ReadingQuery
) -> Page[ReadingPublic]:
    """Return a page of a resident's readings that are wanted, the latest first, the wrong ones too."""
    before = _floor(query.end) if query.end else _LAST
    if page.cursor is not None:
        before = min(before, uuid.UUID(decode_cursor(_KIND, page.cursor)[0]))
    floor = _floor(query.first) if query.first else _FIRST
    latest_at = clock.now() if before == _LAST else min(clock.now(), clock.instant_of(before))
    recent = max(floor, _floor(latest_at - _RECENT))
    binds: dict[str, Any] = {
        "of_resident": subject.resident_id,
        "codes": list(SIGNS if query.signs is None else query.signs),
        "floor": recent,
        "before": before,
        "rows": page.limit + 1,
    }
    statement, traced = LIST, _LIST_TRACED
    if query.is_narrow:
        statement, traced = _NARROWED, _NARROWED_TRACED
        binds |= {"changed_since": query.changed_since, "changed_before": query.changed_before}
        binds |= {"statuses": None if query.statuses is None else list(query.statuses)}
    rows = (await _read(connection, actor, subject, statement, traced, binds)).all()
    if len(rows) <= page.limit and recent > floor:  # of all of it, on record already
        rows = (await connection.execute(statement, {**binds, "floor": floor})).all()
    items = [shown(row) for row in rows[: page.limit]]
    return Page(items=items, next=cursor_after(items[-1]) if len(rows) > page.limit else None)


def cursor_after(of: ReadingPublic) -> str:
    """Return the cursor of what follows on a reading in a list."""
    return encode_cursor(_KIND, [of.id])


async def latest(connection: AsyncConnection, actor: Actor, subject: ResidentSubject) -> list[LatestPublic]:
    """Return the latest reading of each code there is one of, or a threshold for, and what may be said of it now."""
    binds = {"of_resident": subject.resident_id}
    rows = (await _read(connection, actor, subject, LATEST, _LATEST_TRACED, binds)).all()
    is_watched = any(row.threshold_id for row in rows) and await is_somebody_responsible(
        connection, subject.community_id
    )
    return [_latest(row, is_watched=is_watched) for row in rows]


def _latest(row: Any, *, is_watched: bool) -> LatestPublic:
    sign = SIGNS[row.code]
    limits = None
    if is_watched and row.threshold_id is not None:
        limits = Limits(row.low, row.high, row.hysteresis, row.needed, row.looked_at)
    return LatestPublic(
        code=row.code,
        name=sign.name,
        unit=sign.unit,
        value=None if row.value is None else codes.shown(row.code, row.value),
        measured_at=row.measured_at,
        received_at=row.received_at,
        reading_id=row.reading_id,
        status=status(
            limits, row.side or "inside", row.value, row.measured_at, row.fresh_for or timedelta(), clock.now()
        ),
    )


_chosen = (
    sa.select(
        READINGS.c.id,
        READINGS.c.measured_at,
        READINGS.c.value,
        sa.func.count().over().label("amount"),
        sa.func.min(READINGS.c.value).over().label("minimum"),
        sa.func.max(READINGS.c.value).over().label("maximum"),
        sa.func.row_number().over(order_by=READINGS.c.id).label("place"),
        sa.func.ntile(_STRETCHES).over(order_by=READINGS.c.id).label("stretch"),
    )
    .where(READINGS.c.resident_id == _resident, READINGS.c.code == _code, READINGS.c.status == "final", _in_time)
    .subquery("chosen")
)
_ranked = sa.select(
    _chosen,
    sa.func.row_number().over(partition_by=_chosen.c.stretch, order_by=(_chosen.c.value, _chosen.c.id)).label("lowest"),
    sa.func.row_number()
    .over(partition_by=_chosen.c.stretch, order_by=(_chosen.c.value.desc(), _chosen.c.id))
    .label("highest"),
).subquery("ranked")
_SERIES: Final = (
    sa.select(_ranked.c.measured_at, _ranked.c.value, _ranked.c.amount, _ranked.c.minimum, _ranked.c.maximum)
    .where(
        sa.or_(
            _ranked.c.amount <= MOST_RAW,
            _ranked.c.lowest == 1,
            _ranked.c.highest == 1,
            _ranked.c.place.in_([1, _ranked.c.amount]),
        )
    )
    .order_by(_ranked.c.id)
)
_SERIES_TRACED: Final = audit.traced(_SERIES, "vitals:series")


async def series_of(
    connection: AsyncConnection,
    actor: Actor,
    subject: ResidentSubject,
    sign: VitalSign,
    *,
    first: datetime,
    end: datetime,
    points: int,
) -> SeriesPublic:
    """Return a code's readings from ``first`` to before ``end`` as at most ``points`` points that keep their shape."""
    binds = {
        "of_resident": subject.resident_id,
        "of_code": sign.code,
        "floor": _floor(first),
        "before": _floor(end),
    }
    rows = (await _read(connection, actor, subject, _SERIES, _SERIES_TRACED, binds)).all()
    line = series.downsample([(row.measured_at.timestamp(), row.value) for row in rows], points)
    return SeriesPublic(
        code=sign.code,
        unit=sign.unit,
        count=rows[0].amount if rows else 0,
        minimum=rows[0].minimum if rows else None,
        maximum=rows[0].maximum if rows else None,
        points=[SeriesPoint(at=datetime.fromtimestamp(at, UTC), value=value) for at, value in line],
    )


_day = sa.cast(sa.func.timezone(sa.bindparam("zone", type_=sa.Text), READINGS.c.measured_at), sa.Date).label("day")
_DAYS: Final = (
    sa.select(_day, sa.func.percentile_cont(0.5).within_group(READINGS.c.value).label("median"))
    .where(READINGS.c.resident_id == _resident, READINGS.c.code == _code, READINGS.c.status == "final", _in_time)
    .group_by(sa.literal_column("1"))
    .order_by(sa.literal_column("1"))
)
_DAYS_TRACED: Final = audit.traced(_DAYS, "vitals:trend")


async def trend_of(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, sign: VitalSign, days: int
) -> TrendPublic:
    """Return how a code changed over the last ``days`` days (of the resident's place), in canonical unit per day."""
    now = clock.now()
    binds = {
        "of_resident": subject.resident_id,
        "of_code": sign.code,
        "zone": subject.time_zone,
        "floor": clock.id_floor(now - timedelta(days=days)),
        "before": _LAST,
    }
    rows = (await _read(connection, actor, subject, _DAYS, _DAYS_TRACED, binds)).all()
    slope = series.slope([(row.day.toordinal(), row.median) for row in rows])
    return TrendPublic(
        code=sign.code,
        unit=sign.unit,
        status="unknown" if slope is None else "known",
        slope=slope,
        days=len(rows),
        first_day=rows[0].day if rows else None,
        last_day=rows[-1].day if rows else None,
    )


def _floor(instant: datetime) -> uuid.UUID:
    """Return where the ids of an instant begin; nothing was measured before ids do, in 1970."""
    return clock.id_floor(max(instant, _BEGIN))


async def _read(
    connection: AsyncConnection,
    actor: Actor,
    subject: ResidentSubject,
    statement: sa.Select[Any],
    traced: sa.Select[Any],
    binds: dict[str, Any],
) -> sa.CursorResult[Any]:
    """Run a statement, or the one that puts on record that somebody else than the resident reads."""
    if subject.relation != "self":
        statement = traced
        binds |= audit.trace_binds(actor, resident_id=subject.resident_id, community_id=subject.community_id)
    found: sa.CursorResult[Any] = await connection.execute(statement, binds)
    return found
