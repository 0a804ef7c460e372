"""The SQL that writes and locks zones, positions and their deadlines."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import ResidentSubject, people
from eldercare.safe_zones.models import POSITIONS, SHAPE_CONTEXT, STANDINGS, TRACKINGS, VERSIONS, ZONES
from eldercare.safe_zones.rules.crossings import Kind, Standing, Verdict
from eldercare.safe_zones.rules.documents import shape_of, window_of
from eldercare.safe_zones.rules.geometry import Shape
from eldercare.safe_zones.rules.hours import Window
from eldercare.safe_zones.rules.silence import Watched

_INSTANT = sa.DateTime(timezone=True)
_residents = sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))
_resident = sa.bindparam("of_resident", type_=sa.Uuid)
_now = sa.bindparam("now", type_=_INSTANT)
# What was set aside after failures comes back by itself, and from there: see app.core.parked_rows.
_UNLESS_ASIDE: Final = "CASE WHEN t.look_at = 'infinity' THEN t.look_at ELSE {} END"


@dataclass(frozen=True, slots=True)
class Zone:
    """An active zone with the version in force, as rules take it."""

    id: uuid.UUID
    version_id: uuid.UUID
    resident_id: uuid.UUID
    kind: Kind
    shape: Shape
    windows: Sequence[Window]
    time_zone: str
    since: datetime
    paused_at: datetime | None
    paused_until: datetime | None
    needed: int
    looked_at: int
    silence_after: timedelta
    severity: int

    def watched(self) -> Watched:
        """Return what of it decides about silence."""
        return Watched(self.windows, self.time_zone, self.since, self.silence_after, self.paused_until)


_ZONES_OF = (
    sa.select(
        ZONES.c.id,
        ZONES.c.resident_id,
        ZONES.c.account_id,
        ZONES.c.paused_at,
        ZONES.c.paused_until,
        VERSIONS.c.id.label("version_id"),
        *(
            VERSIONS.c[name]
            for name in (
                "kind",
                "shape",
                "hours",
                "time_zone",
                "valid_from",
                "needed",
                "looked_at",
                "silence_after",
                "severity",
            )
        ),
    )
    .join(VERSIONS, VERSIONS.c.id == ZONES.c.version_id)
    .where(ZONES.c.resident_id == sa.any_(_residents), ZONES.c.state == "active")
    .order_by(ZONES.c.id)
)


async def active_zones(connection: AsyncConnection, resident_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Zone]]:
    """Return the zones of residents that have not ended, by resident."""
    rows = (await connection.execute(_ZONES_OF, {"resident_ids": list(resident_ids)})).all()
    at_home = await people(connection, {row.account_id for row in rows if row.time_zone is None})
    found: defaultdict[uuid.UUID, list[Zone]] = defaultdict(list)
    for row in rows:
        found[row.resident_id].append(
            Zone(
                id=row.id,
                version_id=row.version_id,
                resident_id=row.resident_id,
                kind=row.kind,
                shape=shape_of(unseal(row.shape, SHAPE_CONTEXT)),
                windows=[window_of(one) for one in row.hours],
                time_zone=row.time_zone or at_home[row.account_id].time_zone,
                since=row.valid_from,
                paused_at=row.paused_at,
                paused_until=row.paused_until,
                needed=row.needed,
                looked_at=row.looked_at,
                silence_after=row.silence_after,
                severity=row.severity,
            )
        )
    return found


_OUTAGES = sa.text("SELECT o.started_at, o.ended_at FROM eldercare_outage o WHERE o.ended_at > :since").bindparams(
    sa.bindparam("since", type_=_INSTANT)
)


async def outages(session: AsyncSession, since: datetime) -> list[tuple[datetime, datetime]]:
    """Return when a part of Hearthline was away, and positions may not have reached it."""
    return [(row.started_at, row.ended_at) for row in await session.execute(_OUTAGES, {"since": since})]


_OPEN_TRACKING = insert(TRACKINGS).on_conflict_do_nothing(index_elements=["resident_id"])
_HOLD_TRACKING = sa.select(TRACKINGS).where(TRACKINGS.c.resident_id == _resident).with_for_update(key_share=True)


async def hold_tracking(session: AsyncSession, subject: ResidentSubject) -> sa.Row[Any]:
    """Return the resident's tracking, locked: what is done about their positions and zones happens in an order."""
    now = clock.now()
    fresh = {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "community_id": subject.community_id,
        "resident_id": subject.resident_id,
        "account_id": subject.account_id,
    }
    await session.execute(_OPEN_TRACKING, fresh)
    held = (await session.execute(_HOLD_TRACKING, {"of_resident": subject.resident_id})).one_or_none()
    if held is None:
        raise NotFound  # the resident was erased while we waited
    return held


_TRACKINGS_OF = (
    sa.select(TRACKINGS)
    .where(TRACKINGS.c.resident_id == sa.any_(_residents))
    .order_by(TRACKINGS.c.resident_id)
    .with_for_update(key_share=True)
)
_TRACKINGS = sa.select(TRACKINGS).where(TRACKINGS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))


async def trackings(session: AsyncSession, ids: Sequence[uuid.UUID]) -> Sequence[sa.Row[Any]]:
    """Return trackings that a queue has locked."""
    return (await session.execute(_TRACKINGS, {"ids": list(ids)})).all()


async def hold_trackings_of(session: AsyncSession, resident_ids: Iterable[uuid.UUID]) -> Sequence[sa.Row[Any]]:
    """Return the trackings of residents, locked."""
    return (await session.execute(_TRACKINGS_OF, {"resident_ids": list(resident_ids)})).all()


_INSERT_POSITIONS = sa.text("""
    INSERT INTO eldercare_position (resident_id, id, received_at, source_kind, source_id, fix)
    SELECT :of_resident, given.id, :now, :source_kind, :source_id, given.fix
    FROM unnest(:ids, :fixes) AS given (id, fix)
    ON CONFLICT DO NOTHING RETURNING id""").bindparams(
    _resident,
    _now,
    sa.bindparam("source_kind", type_=sa.Text),
    sa.bindparam("source_id", type_=sa.Uuid),
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("fixes", type_=ARRAY(sa.Text)),
)


async def insert_positions(
    session: AsyncSession, resident_id: uuid.UUID, source: tuple[str, uuid.UUID], fixes: Mapping[uuid.UUID, str]
) -> set[uuid.UUID]:
    """Insert sealed fixes by their ids, however many in one statement, and return the ids that were not known."""
    if not fixes:
        return set()
    binds = {
        "of_resident": resident_id,
        "now": clock.now(),
        "source_kind": source[0],
        "source_id": source[1],
        "ids": list(fixes),
        "fixes": list(fixes.values()),
    }
    # The driver has a kind of UUID of its own, which the JSON of evidence would not take.
    return {uuid.UUID(int=identifier.int) for identifier in await session.scalars(_INSERT_POSITIONS, binds)}


_PATH = (
    sa.select(POSITIONS.c.id)
    .where(POSITIONS.c.resident_id == _resident, POSITIONS.c.id <= sa.bindparam("up_to", type_=sa.Uuid))
    .order_by(POSITIONS.c.id.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)


async def path(session: AsyncSession, resident_id: uuid.UUID, up_to: uuid.UUID | None, most: int) -> list[uuid.UUID]:
    """Return the ids of the latest positions up to one, the latest first."""
    if up_to is None:
        return []
    return list(await session.scalars(_PATH, {"of_resident": resident_id, "up_to": up_to, "most": most}))


_STANDINGS_OF = sa.select(STANDINGS).where(STANDINGS.c.zone_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))


async def standings(
    session: AsyncSession, zone_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, tuple[Standing, uuid.UUID | None]]:
    """Return how the resident stands to zones, and the alarm of having left, by zone."""
    found = {}
    for row in await session.execute(_STANDINGS_OF, {"ids": list(zone_ids)}):
        recent = [
            Verdict(position_id, clock.instant_of(position_id), breach)
            for position_id, breach in zip(row.position_ids, row.breaches, strict=True)
        ]
        found[row.zone_id] = (Standing(row.side, row.since, recent, row.alerted_at), row.alarm_id)
    return found


_KEEP_STANDING = insert(STANDINGS)
_MOVE_STANDING = _KEEP_STANDING.on_conflict_do_update(
    index_elements=["zone_id"],
    set_={
        name: _KEEP_STANDING.excluded[name]
        for name in ("side", "since", "position_ids", "breaches", "alerted_at", "alarm_id")
    },
)


async def keep_standing(session: AsyncSession, zone: Zone, standing: Standing, alarm_id: uuid.UUID | None) -> None:
    """Write how the resident stands to a zone."""
    values = {
        "zone_id": zone.id,
        "resident_id": zone.resident_id,
        "side": standing.side,
        "since": standing.since,
        "position_ids": [verdict.position_id for verdict in standing.recent],
        "breaches": [verdict.is_breach for verdict in standing.recent],
        "alerted_at": standing.alerted_at,
        "alarm_id": alarm_id,
    }
    await session.execute(_MOVE_STANDING, values)


_FORGET_STANDINGS = sa.delete(STANDINGS).where(STANDINGS.c.zone_id == sa.bindparam("of_zone", type_=sa.Uuid))


async def judge_anew(session: AsyncSession, zone_id: uuid.UUID) -> None:
    """Forget how the resident stood to what a zone said before."""
    await session.execute(_FORGET_STANDINGS, {"of_zone": zone_id})


@dataclass(slots=True)
class Found:
    """What a look at a tracking changes."""

    id: uuid.UUID
    look_at: datetime | None
    watched_since: datetime | None
    silent_since: datetime | None
    battery_told_at: datetime | None


_FOUND: Final[dict[str, Any]] = {
    "id": sa.Uuid,
    "look_at": _INSTANT,
    "watched_since": _INSTANT,
    "silent_since": _INSTANT,
    "battery_told_at": _INSTANT,
}
_NOTE_FOUND = sa.text(f"""
    UPDATE eldercare_tracking t SET
        look_at = f.look_at, watched_since = f.watched_since, silent_since = f.silent_since,
        battery_told_at = f.battery_told_at, updated_at = :now
    FROM unnest({", ".join(f":{name}s" for name in _FOUND)}) AS f ({", ".join(_FOUND)})
    WHERE t.id = f.id""").bindparams(  # noqa: S608
    _now, *(sa.bindparam(f"{name}s", type_=ARRAY(kind)) for name, kind in _FOUND.items())
)


async def note_found(session: AsyncSession, found: Sequence[Found]) -> None:
    """Write what a look at trackings found, all in one statement."""
    columns = {f"{name}s": [getattr(one, name) for one in found] for name in _FOUND}
    await session.execute(_NOTE_FOUND, {**columns, "now": clock.now()})


_MOVE_ON = sa.text(f"""
    UPDATE eldercare_tracking t SET
        look_at = {_UNLESS_ASIDE.format(":look_at")}, watched_since = :watched_since, silent_since = :silent_since,
        battery = :battery, battery_told_at = :battery_told_at, battery_told_id = :battery_told_id,
        last_position_id = :last_position_id,
        last_usable_id = :last_usable_id, forget_at = coalesce(t.forget_at, :forget_at), updated_at = :now
    WHERE t.id = :id""").bindparams(  # noqa: S608
    _now,
    sa.bindparam("id", type_=sa.Uuid),
    sa.bindparam("battery", type_=sa.SmallInteger),
    *(sa.bindparam(name, type_=sa.Uuid) for name in ("battery_told_id", "last_position_id", "last_usable_id")),
    *(
        sa.bindparam(name, type_=_INSTANT)
        for name in ("look_at", "watched_since", "silent_since", "battery_told_at", "forget_at")
    ),
)


async def move_on(session: AsyncSession, tracking_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Write what a batch of positions changed about a locked tracking."""
    await session.execute(_MOVE_ON, {"id": tracking_id, "now": clock.now(), **values})


_WAKE = sa.text(f"""
    UPDATE eldercare_tracking t SET
        look_at = {_UNLESS_ASIDE.format(":now")}, watched_since = coalesce(t.watched_since, :now), updated_at = :now
    WHERE t.resident_id = ANY (:resident_ids)""").bindparams(_now, _residents)  # noqa: S608


async def look_now(session: AsyncSession, resident_ids: Iterable[uuid.UUID]) -> None:
    """Let the silence of residents be looked at anew: something about their zones or their consent changed."""
    await session.execute(_WAKE, {"resident_ids": list(resident_ids), "now": clock.now()})


_FORGET = sa.delete(POSITIONS).where(
    POSITIONS.c.resident_id == sa.any_(_residents), POSITIONS.c.id < sa.bindparam("floor", type_=sa.Uuid)
)
# The latest verdict stands last.
_FORGET_STANDING = sa.text("""
    DELETE FROM eldercare_zone_standing s
    WHERE s.resident_id = ANY (:resident_ids) AND s.position_ids[cardinality(s.position_ids)] < :floor""").bindparams(
    _residents, sa.bindparam("floor", type_=sa.Uuid)
)
_FORGET_KNOWN = sa.text("""
    UPDATE eldercare_tracking t SET
        forget_at = CASE WHEN EXISTS (SELECT FROM eldercare_position p WHERE p.resident_id = t.resident_id)
                           OR EXISTS (SELECT FROM eldercare_zone_standing s WHERE s.resident_id = t.resident_id)
                         THEN :again END,
        last_position_id = CASE WHEN t.last_position_id >= :floor THEN t.last_position_id END,
        last_usable_id = CASE WHEN t.last_usable_id >= :floor THEN t.last_usable_id END,
        battery = CASE WHEN t.last_position_id >= :floor THEN t.battery END,
        battery_told_at = CASE WHEN t.last_position_id >= :floor THEN t.battery_told_at END,
        battery_told_id = CASE WHEN t.last_position_id >= :floor THEN t.battery_told_id END,
        updated_at = :now
    WHERE t.resident_id = ANY (:resident_ids)""").bindparams(
    _now, _residents, sa.bindparam("again", type_=_INSTANT), sa.bindparam("floor", type_=sa.Uuid)
)
LAST_ID: Final = uuid.UUID(int=(1 << 128) - 1)


async def forget(session: AsyncSession, resident_ids: Sequence[uuid.UUID], floor: uuid.UUID, again: datetime) -> None:
    """Delete the positions of residents (whose trackings are locked) with ids below ``floor``.

    How they stood to their zones goes with the last position that said so: it tells where they are.
    """
    binds = {"resident_ids": list(resident_ids), "floor": floor}
    await session.execute(_FORGET, binds)
    await session.execute(_FORGET_STANDING, binds)
    await session.execute(_FORGET_KNOWN, {**binds, "again": again, "now": clock.now()})
