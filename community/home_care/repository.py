"""What is written of incidents and deadlines in homes: set by set, whatever the batch holds."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit_many
from community.home_care.models import CARES, HOME_WATCHES, INCIDENTS, LISTENING, SILENCES
from community.home_care.rules.acts import Moved, Raise, Watch
from community.home_care.rules.silences import SETTLING
from community.home_devices.models import DEVICES, ENTITIES
from community.home_events import HomeActive, HomeNoticed, HomeSettled
from community.homes.models import HOMES, ROOMS
from community.orders.models import ORDERS

JOINS_WITHIN: Final = timedelta(minutes=10)
ACTIVE_EVERY: Final = timedelta(minutes=15)
AFTER_HELP: Final = timedelta(minutes=30)  # so long whoever helped there may not have left yet
_MINUTE: Final = timedelta(minutes=1)

_INSTANT: Final = sa.DateTime(timezone=True)
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
Key = tuple[uuid.UUID, str, uuid.UUID]
"""A home, a kind of incident or watch, and what it is kept of: an entity, or the home."""


def _unnested(name: str, **types: Any) -> sa.TableValuedAlias:
    binds = [sa.bindparam(f"of_{column}", type_=ARRAY(type_)) for column, type_ in types.items()]
    return sa.func.unnest(*binds).table_valued(*types).render_derived(name)


_KEYS: Final = _unnested("key", home_id=sa.Uuid, kind=sa.Text, source_id=sa.Uuid)


def _key_binds(keys: Iterable[Key]) -> dict[str, Any]:
    ordered = sorted(keys)  # one order for all who lock several
    names = ("of_home_id", "of_kind", "of_source_id")
    return {name: [key[index] for key in ordered] for index, name in enumerate(names)}


def _is_key(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.home_id == _KEYS.c.home_id, table.c.kind == _KEYS.c.kind, table.c.source_id == _KEYS.c.source_id
    )


_rooms: Final = (
    sa.select(sa.func.jsonb_object_agg(sa.cast(ROOMS.c.id, sa.Text), ROOMS.c.kind))
    .where(ROOMS.c.home_id == HOMES.c.id)
    .scalar_subquery()
)
_seen_rooms: Final = (
    sa.select(sa.func.array_agg(DEVICES.c.room_id.distinct(), type_=ARRAY(sa.Uuid)))
    .select_from(ENTITIES.join(DEVICES, DEVICES.c.id == ENTITIES.c.device_id))
    .where(
        ENTITIES.c.home_id == HOMES.c.id,
        ENTITIES.c.state == "active",
        ENTITIES.c.role.in_(("motion", "presence")),
        DEVICES.c.room_id.is_not(None),
    )
    .scalar_subquery()
)
_open: Final = (
    sa.select(
        sa.func.jsonb_agg(
            sa.func.jsonb_build_array(
                INCIDENTS.c.kind, INCIDENTS.c.source_id, INCIDENTS.c.explanation["room_id"].astext
            )
        )
    )
    .where(INCIDENTS.c.home_id == HOMES.c.id, INCIDENTS.c.state == "open")
    .scalar_subquery()
)
_SURROUNDINGS: Final = (
    sa.select(
        *(HOMES.c[name] for name in ("id", "resident_id", "community_id", "time_zone", "lives_alone", "state")),
        CARES.c.settings,
        CARES.c.usual,
        CARES.c.moved_at,
        CARES.c.moved_role,
        _rooms.label("rooms"),
        _seen_rooms.label("seen_rooms"),
        _open.label("open"),
    )
    .select_from(HOMES.outerjoin(CARES, CARES.c.home_id == HOMES.c.id))
    .where(HOMES.c.id == sa.any_(_IDS))
)
_UNITS: Final = sa.select(ENTITIES.c.id, ENTITIES.c.unit).where(ENTITIES.c.id == sa.any_(_IDS))

_FOUND: Final = (
    sa.select(
        *(INCIDENTS.c[name] for name in ("id", "home_id", "kind", "source_id", "state", "severity")),
        *(INCIDENTS.c[name] for name in ("noticed_at", "told_at", "over_at")),
    )
    .join(_KEYS, _is_key(INCIDENTS))
    .where(sa.or_(INCIDENTS.c.state == "open", INCIDENTS.c.over_at > sa.bindparam("since", type_=_INSTANT)))
    .order_by(INCIDENTS.c.home_id, INCIDENTS.c.kind, INCIDENTS.c.source_id, INCIDENTS.c.id)
    .with_for_update(of=INCIDENTS)
)
_REOPEN: Final = (
    sa.update(INCIDENTS)
    .where(INCIDENTS.c.id == sa.any_(_IDS))
    .values(
        state="open",
        over_at=None,
        times=sa.func.least(INCIDENTS.c.times + 1, 32767),
        version=INCIDENTS.c.version + 1,
        updated_at=sa.bindparam("at", type_=_INSTANT),
    )
)
_worse = _unnested("worse", id=sa.Uuid, severity=sa.Text, is_hint=sa.Boolean, explanation=JSONB)
_WORSEN: Final = (
    sa.update(INCIDENTS)
    .where(INCIDENTS.c.id == _worse.c.id)
    .values(
        severity=_worse.c.severity,
        is_hint=sa.and_(INCIDENTS.c.is_hint, _worse.c.is_hint),
        explanation=INCIDENTS.c.explanation.op("||")(_worse.c.explanation),
        version=INCIDENTS.c.version + 1,
        updated_at=sa.bindparam("at", type_=_INSTANT),
    )
)
_TELL: Final = (
    sa.update(INCIDENTS)
    .where(INCIDENTS.c.id == sa.any_(_IDS))
    .values(told_at=sa.bindparam("at", type_=_INSTANT), updated_at=sa.bindparam("at", type_=_INSTANT))
    .returning(
        INCIDENTS.c.id.label("aggregate_id"),
        INCIDENTS.c.community_id,
        sa.func.jsonb_build_object(
            *("resident_id", INCIDENTS.c.resident_id, "home_id", INCIDENTS.c.home_id),
            *("kind", INCIDENTS.c.kind, "entity_id", INCIDENTS.c.entity_id),
            *("severity", INCIDENTS.c.severity, "is_hint", INCIDENTS.c.is_hint),
        ).label("payload"),
    )
)
_UNTOLD: Final = (
    sa.select(INCIDENTS.c.id)
    .where(
        INCIDENTS.c.home_id == sa.any_(_IDS),
        INCIDENTS.c.state == "open",
        INCIDENTS.c.told_at < INCIDENTS.c.updated_at,
        INCIDENTS.c.told_at <= sa.bindparam("told_by", type_=_INSTANT),
    )
    .order_by(INCIDENTS.c.id)
    .with_for_update(of=INCIDENTS)
)
_SOON: Final = (
    sa.update(CARES)
    .where(CARES.c.home_id == sa.any_(_IDS), CARES.c.evaluate_at > sa.bindparam("by", type_=_INSTANT))
    .values(evaluate_at=sa.bindparam("by", type_=_INSTANT))
)
_SETTLE: Final = (
    sa.update(INCIDENTS)
    .where(_is_key(INCIDENTS), INCIDENTS.c.state == "open")
    .values(
        state="over",
        over_at=sa.func.greatest(sa.bindparam("at", type_=_INSTANT), INCIDENTS.c.noticed_at),
        version=INCIDENTS.c.version + 1,
        updated_at=sa.bindparam("at", type_=_INSTANT),
    )
)
_settled: Final = _SETTLE.returning(
    INCIDENTS.c.id.label("aggregate_id"),
    INCIDENTS.c.community_id,
    sa.func.jsonb_build_object(
        *("resident_id", INCIDENTS.c.resident_id, "home_id", INCIDENTS.c.home_id, "kind", INCIDENTS.c.kind)
    ).label("payload"),
)

_UNWATCH: Final = sa.delete(HOME_WATCHES).where(_is_key(HOME_WATCHES))
_near = _unnested("near", home_id=sa.Uuid, room_id=sa.Uuid, check_at=_INSTANT)
_NEAR: Final = (
    sa.update(HOME_WATCHES)
    .where(
        HOME_WATCHES.c.home_id == _near.c.home_id,
        HOME_WATCHES.c.room_id == _near.c.room_id,
        HOME_WATCHES.c.kind == "stove_unattended",
        HOME_WATCHES.c.check_at < _near.c.check_at,
    )
    .values(check_at=_near.c.check_at)
)
_moved = _unnested("moved", home_id=sa.Uuid, role=sa.Text, at=_INSTANT)
_MOVED: Final = (
    sa.update(CARES)
    .where(
        CARES.c.home_id == _moved.c.home_id,
        sa.or_(
            CARES.c.moved_at.is_(None),
            CARES.c.moved_at <= _moved.c.at - _MINUTE,
            sa.and_(CARES.c.moved_role != _moved.c.role, CARES.c.moved_at <= _moved.c.at),
        ),
    )
    .values(moved_at=_moved.c.at, moved_role=_moved.c.role)
)
_at = sa.bindparam("at", type_=_INSTANT)
_other = CARES.alias("other")
_ACTIVE: Final = (
    sa.update(CARES)
    .where(
        CARES.c.home_id == sa.any_(_IDS),
        sa.or_(CARES.c.active_told_at.is_(None), CARES.c.active_told_at <= _at - ACTIVE_EVERY),
        ~sa.exists().where(_other.c.resident_id == CARES.c.resident_id, _other.c.active_told_at > _at - ACTIVE_EVERY),
        # Whoever helps there moves as well: then nobody knows who it was.
        ~sa.exists().where(
            ORDERS.c.resident_id == CARES.c.resident_id,
            sa.or_(ORDERS.c.state.in_(("on_the_way", "started")), ORDERS.c.finished_at > _at - AFTER_HELP),
        ),
        # What was kept for us, or by a hub, while nothing was heard comes all at once, and may be hours old.
        sa.exists().where(LISTENING.c.since <= _at - SETTLING, LISTENING.c.until >= _at - _MINUTE),
        ~sa.exists().where(SILENCES.c.home_id == CARES.c.home_id, SILENCES.c.over_at.is_(None)),
    )
    .values(active_told_at=_at, updated_at=_at)
    .returning(
        CARES.c.home_id.label("aggregate_id"),
        CARES.c.community_id,
        sa.func.jsonb_build_object("resident_id", CARES.c.resident_id).label("payload"),
    )
)
_WATCH: Final = sa.text("""
    INSERT INTO community_home_watch (id, created_at, updated_at, version, home_id, resident_id, community_id, kind,
        source_id, entity_id, room_id, started_at, check_at)
    SELECT n.id, CAST(:now AS timestamptz), CAST(:now AS timestamptz), 1, n.home_id, n.resident_id, n.community_id,
        n.kind, n.source_id, n.entity_id, n.room_id, n.started_at, n.check_at
    FROM unnest(:ids, :of_home, :of_resident, :of_community, :kinds, :sources, :of_entity, :of_room, :started, :checks)
        WITH ORDINALITY AS n (id, home_id, resident_id, community_id, kind, source_id, entity_id, room_id, started_at,
        check_at, place)
    ORDER BY n.place ON CONFLICT DO NOTHING""").bindparams(
    *(
        sa.bindparam(name, type_=ARRAY(sa.Uuid))
        for name in ("ids", "of_home", "of_resident", "of_community", "sources", "of_entity", "of_room")
    ),
    sa.bindparam("kinds", type_=ARRAY(sa.Text)),
    sa.bindparam("started", type_=ARRAY(sa.DateTime(timezone=True))),
    sa.bindparam("checks", type_=ARRAY(sa.DateTime(timezone=True))),
    sa.bindparam("now", type_=sa.DateTime(timezone=True)),
)


async def surroundings(session: AsyncSession, home_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Any]:
    """Return what is known of homes, by home."""
    rows = await session.execute(_SURROUNDINGS, {"ids": list(home_ids)})
    return {row.id: row for row in rows}


async def units(session: AsyncSession, entity_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str | None]:
    """Return in what entities measure."""
    return {row.id: row.unit for row in await session.execute(_UNITS, {"ids": list(entity_ids)})}


async def found(session: AsyncSession, keys: Iterable[Key], at: datetime) -> dict[Key, Any]:
    """Lock and return the latest incident of each key that is open, or was until a few minutes ago."""
    rows = await session.execute(_FOUND, _key_binds(keys) | {"since": at - JOINS_WITHIN})
    latest: dict[Key, Any] = {}
    for row in rows:
        key = (row.home_id, row.kind, row.source_id)
        if key not in latest or latest[key].state != "open":
            latest[key] = row
    return latest


async def add(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> list[uuid.UUID]:
    """Insert incidents and return those that nobody else inserted meanwhile."""
    at = clock.now()
    complete = [
        {"id": clock.new_id(), "created_at": at, "updated_at": at, "version": 1, "state": "open", "times": 1} | row
        for row in rows
    ]
    inserted = insert(INCIDENTS).values(complete).on_conflict_do_nothing().returning(INCIDENTS.c.id)
    return list(await session.scalars(inserted))


async def reopen(session: AsyncSession, ids: Sequence[uuid.UUID], at: datetime) -> None:
    """Say that incidents go on after all."""
    await session.execute(_REOPEN, {"ids": list(ids), "at": at})


async def worsen(session: AsyncSession, worse: Mapping[uuid.UUID, Raise], at: datetime) -> None:
    """Say that incidents (by id) are worse than they were, and why; what is no mere hint any more stays none."""
    binds = {
        "of_id": list(worse),
        "of_severity": [one.severity for one in worse.values()],
        "of_is_hint": [one.is_hint for one in worse.values()],
        "of_explanation": [one.explanation for one in worse.values()],
    }
    await session.execute(_WORSEN, binds | {"at": at})


async def untold(session: AsyncSession, home_ids: Iterable[uuid.UUID], told_by: datetime) -> list[uuid.UUID]:
    """Lock and return what began again in homes and was not told, the last word being of ``told_by`` or before."""
    return list(await session.scalars(_UNTOLD, {"ids": list(home_ids), "told_by": told_by}))


async def look_by(session: AsyncSession, home_ids: Iterable[uuid.UUID], by: datetime) -> None:
    """Have homes looked at by an instant, if it is not sooner already."""
    await session.execute(_SOON, {"ids": sorted(home_ids), "by": by})


async def tell(session: AsyncSession, ids: Sequence[uuid.UUID], at: datetime) -> None:
    """Tell of incidents: the facts others act on."""
    await emit_many(session, HomeNoticed, _TELL, {"ids": list(ids), "at": at})


async def settle(session: AsyncSession, keys: Iterable[Key], at: datetime, *, silently: bool = False) -> None:
    """End incidents that are open; ``silently``: nothing is said of the need being over."""
    binds = _key_binds(keys) | {"at": at}
    if silently:
        await session.execute(_SETTLE, binds)
    else:
        await emit_many(session, HomeSettled, _settled, binds)


async def unwatch(session: AsyncSession, keys: Iterable[Key]) -> None:
    """Forget deadlines."""
    await session.execute(_UNWATCH, _key_binds(keys))


async def watch(session: AsyncSession, homes: Mapping[Key, Any], watches: Mapping[Key, Watch]) -> None:
    """Set deadlines where there are none yet, as many as a batch brings."""
    ordered = sorted(watches.items(), key=lambda item: item[0])
    # Arrays, not a row of parameters each: a batch has more of them than PostgreSQL takes.
    binds = {
        "ids": [clock.new_id() for _ in ordered],
        "of_home": [key[0] for key, _ in ordered],
        "of_resident": [homes[key].resident_id for key, _ in ordered],
        "of_community": [homes[key].community_id for key, _ in ordered],
        "kinds": [key[1] for key, _ in ordered],
        "sources": [key[2] for key, _ in ordered],
        "of_entity": [one.entity_id for _, one in ordered],
        "of_room": [one.room_id for _, one in ordered],
        "started": [one.started_at for _, one in ordered],
        "checks": [one.check_at for _, one in ordered],
        "now": clock.now(),
    }
    await session.execute(_WATCH, binds)


async def near(session: AsyncSession, rooms: Mapping[tuple[uuid.UUID, uuid.UUID], datetime]) -> None:
    """Put off the deadlines of what is on in rooms somebody is in."""
    binds = {
        "of_home_id": [home_id for home_id, _ in rooms],
        "of_room_id": [room_id for _, room_id in rooms],
        "of_check_at": list(rooms.values()),
    }
    await session.execute(_NEAR, binds)


async def moved(session: AsyncSession, moves: Mapping[uuid.UUID, Moved]) -> None:
    """Keep, to the minute, when somebody last moved in homes."""
    ordered = sorted(moves.items())
    binds = {
        "of_home_id": [home_id for home_id, _ in ordered],
        "of_role": [move.role for _, move in ordered],
        "of_at": [move.at for _, move in ordered],
    }
    await session.execute(_MOVED, binds)


async def active(session: AsyncSession, home_ids: Iterable[uuid.UUID], at: datetime) -> None:
    """Tell that somebody is about in homes, unless that was told a short while ago, a helper is there, or it is old."""
    await emit_many(session, HomeActive, _ACTIVE, {"ids": sorted(home_ids), "at": at})
