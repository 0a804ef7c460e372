"""Homes that are silent: one home, or a whole building, told once; and their being heard again."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit, emit_many
from community.home_care import notices
from community.home_care.models import OUTAGES, SILENCES, HomeOutage
from community.home_care.rules.silences import TELL_AFTER, TOGETHER, are_out_together, is_back
from community.home_care.service.telling import tell_managers, tell_operator
from community.home_events import BuildingFellSilent, BuildingHeardAgain, HomeFellSilent, HomeHeardAgain
from community.homes.models import HOMES

ALONE_AFTER: Final = timedelta(minutes=15)
"""When its neighbours are back, so long a home may take to follow."""

_MOST_APART: Final = timedelta(hours=1)

_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_AT: Final = sa.bindparam("at", type_=sa.DateTime(timezone=True))
_MARK: Final = sa.update(HOMES).where(HOMES.c.id == sa.any_(_IDS)).values(silent_since=HOMES.c.last_seen_at)
_UNMARK: Final = (
    sa.update(HOMES).where(HOMES.c.id == SILENCES.c.home_id, SILENCES.c.id == sa.any_(_IDS)).values(silent_since=None)
)
_ended = (
    sa.update(SILENCES)
    .where(SILENCES.c.id == sa.any_(_IDS), SILENCES.c.over_at.is_(None))
    .values(over_at=_AT, tell_at=None, version=SILENCES.c.version + 1, updated_at=_AT)
    .returning(SILENCES.c.home_id, SILENCES.c.community_id, SILENCES.c.resident_id, SILENCES.c.told_at)
    .cte("ended")
)
_payload = sa.func.jsonb_build_object("resident_id", _ended.c.resident_id)
_END: Final = sa.select(_ended.c.home_id.label("aggregate_id"), _ended.c.community_id, _payload.label("payload")).where(
    _ended.c.told_at.is_not(None)
)
_DROP: Final = (
    sa.update(SILENCES)
    .where(SILENCES.c.home_id == sa.any_(_IDS), SILENCES.c.over_at.is_(None))
    .values(over_at=_AT, tell_at=None, version=SILENCES.c.version + 1, updated_at=_AT)
)
_SILENT: Final = (
    sa.select(SILENCES, HOMES.c.heard_every)
    .join(HOMES, HOMES.c.id == SILENCES.c.home_id)
    .where(SILENCES.c.id == sa.any_(_IDS))
    .order_by(SILENCES.c.community_id, SILENCES.c.building, SILENCES.c.since, SILENCES.c.id)
)
_building = sa.bindparam("building", type_=sa.Text)
_community = sa.bindparam("community_id", type_=sa.Uuid)
_NEIGHBOURS: Final = (
    sa.select(SILENCES.c.id, SILENCES.c.since)
    .where(
        SILENCES.c.community_id == _community,
        SILENCES.c.building == _building,
        SILENCES.c.over_at.is_(None),
        SILENCES.c.outage_id.is_(None),
        SILENCES.c.since.between(
            sa.bindparam("first", type_=sa.DateTime(timezone=True)),
            sa.bindparam("last", type_=sa.DateTime(timezone=True)),
        ),
    )
    .order_by(SILENCES.c.id)
    .with_for_update(key_share=True)
)
_HOMES_THERE: Final = sa.select(sa.func.count()).where(
    HOMES.c.community_id == _community, HOMES.c.building == _building, HOMES.c.state == "active"
)
_OUTAGE: Final = (
    sa.select(HomeOutage)
    .where(OUTAGES.c.community_id == _community, OUTAGES.c.building == _building, OUTAGES.c.over_at.is_(None))
    .with_for_update()
)
_told_payload = sa.func.jsonb_build_object("resident_id", SILENCES.c.resident_id, "outage_id", SILENCES.c.outage_id)
_TELL: Final = (
    sa.update(SILENCES)
    .where(SILENCES.c.id == sa.any_(_IDS))
    .values(
        outage_id=sa.bindparam("outage", type_=sa.Uuid),
        told_at=_AT,
        tell_at=None,
        version=SILENCES.c.version + 1,
        updated_at=_AT,
    )
    .returning(SILENCES.c.home_id.label("aggregate_id"), SILENCES.c.community_id, _told_payload.label("payload"))
)
_OUTAGES_OF: Final = (
    sa.select(SILENCES.c.outage_id).distinct().where(SILENCES.c.id == sa.any_(_IDS), SILENCES.c.outage_id.is_not(None))
)
_OUTAGES_OF_HOMES: Final = (
    sa.select(SILENCES.c.outage_id)
    .distinct()
    .where(SILENCES.c.home_id == sa.any_(_IDS), SILENCES.c.over_at.is_(None), SILENCES.c.outage_id.is_not(None))
)
_PART: Final = sa.select(
    sa.func.count().label("homes"), sa.func.count().filter(SILENCES.c.over_at.is_(None)).label("still")
).where(SILENCES.c.outage_id == sa.bindparam("outage", type_=sa.Uuid))
_ALONE: Final = (
    sa.update(SILENCES)
    .where(SILENCES.c.outage_id == sa.bindparam("outage", type_=sa.Uuid), SILENCES.c.over_at.is_(None))
    .values(outage_id=None, tell_at=_AT + ALONE_AFTER, version=SILENCES.c.version + 1, updated_at=_AT)
)


async def begin(session: AsyncSession, homes: Sequence[Any], now: datetime) -> None:
    """Note that homes are silent; it is told in a few minutes, when it shows whether their neighbours are as well."""
    if not homes:
        return
    rows = [
        {
            "id": clock.new_id(),
            "created_at": now,
            "updated_at": now,
            "version": 1,
            "home_id": home.home_id,
            "resident_id": home.resident_id,
            "community_id": home.community_id,
            "building": home.building,
            "since": home.last_seen_at,
            "tell_at": now + TELL_AFTER,
        }
        for home in homes
    ]
    await session.execute(insert(SILENCES).values(rows).on_conflict_do_nothing())
    await session.execute(_MARK, {"ids": [home.home_id for home in homes]})


async def end(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Say that homes are heard again, and buildings of which most homes are."""
    if not ids:
        return
    binds = {"ids": list(ids)}
    outages = [outage_id for outage_id in await session.scalars(_OUTAGES_OF, binds) if outage_id]
    await session.execute(_UNMARK, binds)
    await emit_many(session, HomeHeardAgain, _END, binds | {"at": now})
    for outage_id in sorted(outages):
        await _end_outage(session, outage_id, now)


async def drop(session: AsyncSession, home_ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Forget the silences of homes that nothing is to be heard of any more; no outage goes on for their sake."""
    binds = {"ids": list(home_ids)}
    outages = [outage_id for outage_id in await session.scalars(_OUTAGES_OF_HOMES, binds) if outage_id]
    await session.execute(_DROP, binds | {"at": now})
    for outage_id in sorted(outages):
        await _end_outage(session, outage_id, now)


async def _end_outage(session: AsyncSession, outage_id: uuid.UUID, now: datetime) -> None:
    outage = await session.get_one(HomeOutage, outage_id, with_for_update=True)
    part = (await session.execute(_PART, {"outage": outage_id})).one()  # more than it began with, if others joined
    if outage.over_at is not None or not is_back(part.still, part.homes):
        return
    outage.over_at = now
    await session.flush()
    await session.execute(_ALONE, {"outage": outage_id, "at": now})
    await emit(
        session,
        BuildingHeardAgain(
            aggregate_id=outage.id, community_id=outage.community_id, building=outage.building, homes=outage.homes
        ),
    )
    await tell_operator(session, notices.BUILDING_HEARD, outage)


async def tell(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell of homes that are silent, of a building's together if it is the building's silence."""
    now = clock.now()
    by_building: dict[tuple[uuid.UUID, str], list[Any]] = defaultdict(list)
    alone: list[Any] = []
    for row in await session.execute(_SILENT, {"ids": list(ids)}):
        if row.building is None:
            alone.append(row)
        else:
            by_building[row.community_id, row.building].append(row)
    for (community_id, building), rows in sorted(by_building.items()):
        left = await _join(session, community_id, building, rows, now)
        alone += await _begin_outage(session, community_id, building, left, now)
    if alone:
        await _told(session, [row.id for row in alone], None, now)
        for row in alone:
            occasion = f"silent:{row.id}:{now.timestamp():.0f}"
            await tell_managers(session, notices.HOME_SILENT, row, row.home_id, occasion, since=row.since)


async def _join(
    session: AsyncSession, community_id: uuid.UUID, building: str, rows: Sequence[Any], now: datetime
) -> list[Any]:
    """Let silences be part of an outage that goes on; return those that are none of it."""
    outage = await session.scalar(_OUTAGE, {"community_id": community_id, "building": building})
    if outage is None:
        return list(rows)
    part = [row for row in rows if row.since >= outage.since - _apart(row)]
    if part:
        await _told(session, [row.id for row in part], outage.id, now)
    return [row for row in rows if row not in part]


async def _begin_outage(
    session: AsyncSession, community_id: uuid.UUID, building: str, rows: Sequence[Any], now: datetime
) -> list[Any]:
    """Begin an outage if enough of a building fell silent together; return those silent on their own."""
    if not rows:
        return []
    binds = {"community_id": community_id, "building": building}
    apart = max(_apart(row) for row in rows)
    window = {"first": rows[0].since - apart, "last": rows[0].since + apart}
    neighbours = (await session.execute(_NEIGHBOURS, binds | window)).all()
    there = await session.scalar(_HOMES_THERE, binds) or 0
    if not are_out_together(len(neighbours), there):
        return list(rows)
    values = binds | {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "homes": len(neighbours),
        "since": min(row.since for row in neighbours),
        "noticed_at": now,
    }
    added = await session.scalar(insert(OUTAGES).values(values).on_conflict_do_nothing().returning(OUTAGES.c.id))
    outage = await session.scalar(_OUTAGE, binds)
    if outage is None:  # begun elsewhere and over since: then each is told of by itself
        return list(rows)
    await _told(session, [row.id for row in neighbours], outage.id, now)
    if added is not None:
        fact = BuildingFellSilent(
            aggregate_id=outage.id, community_id=community_id, building=building, homes=len(neighbours)
        )
        await emit(session, fact)
        await tell_operator(session, notices.BUILDING_SILENT, outage)
    part = {row.id for row in neighbours}
    return [row for row in rows if row.id not in part]


def _apart(row: Any) -> timedelta:
    """Return how far apart two silences of one outage may seem to begin: a quiet home's is noticed as of earlier."""
    return TOGETHER + min(row.heard_every or timedelta(0), _MOST_APART)


async def _told(session: AsyncSession, ids: Sequence[uuid.UUID], outage_id: uuid.UUID | None, now: datetime) -> None:
    await emit_many(session, HomeFellSilent, _TELL, {"ids": list(ids), "outage": outage_id, "at": now})
