"""The SQL that reads calendars: what is taken of whom, and whether the books are right."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.reservations.models import BOOKED, HELD
from app.reservations.repository import RECOUNT, RESERVATIONS, RESOURCES

STALE_AFTER = timedelta(hours=1)
"""A hold that is still there so long after its end was forgotten by the worker; it blocks nobody all the same."""

_INSTANT = sa.DateTime(timezone=True)
_resource_ids = sa.bindparam("resource_ids", type_=ARRAY(sa.Uuid))
_RESOURCES = sa.select(RESOURCES).where(RESOURCES.c.id == sa.any_(_resource_ids)).order_by(RESOURCES.c.id)
_BUSY = sa.text("""
    SELECT e.id, e.resource_id, e.lane, e.state, e.starts_at, e.ends_at, e.blocks_from, e.blocks_until, e.origin_kind,
           e.origin_id
    FROM unnest(CAST(:resource_ids AS uuid[])) AS w (resource_id)
    JOIN reservations_reservation e ON uuidrange(e.resource_id, e.resource_id, '[]')
            && uuidrange(w.resource_id, w.resource_id, '[]')
        AND tstzrange(e.blocks_from, e.blocks_until, '[)') && tstzrange(:since, :until, '[)')
    WHERE e.state IN ('held', 'booked') AND (e.state = 'booked' OR e.expires_at > :now)
    ORDER BY e.resource_id, e.blocks_from, e.id""").bindparams(
    _resource_ids,
    sa.bindparam("since", type_=_INSTANT),
    sa.bindparam("until", type_=_INSTANT),
    sa.bindparam("now", type_=_INSTANT),
)
_BY_SUBJECTS = sa.select(RESOURCES.c.id, RESOURCES.c.subject_id).where(
    RESOURCES.c.kind == sa.bindparam("kind", type_=sa.Text),
    RESOURCES.c.subject_id == sa.any_(sa.bindparam("subject_ids", type_=ARRAY(sa.Uuid))),
)
_OF_ORIGIN = (
    sa.select(RESERVATIONS.c.id)
    .where(
        RESERVATIONS.c.origin_kind == sa.bindparam("origin_kind", type_=sa.Text),
        RESERVATIONS.c.origin_id == sa.any_(sa.bindparam("origin_ids", type_=ARRAY(sa.Uuid))),
        RESERVATIONS.c.state.in_([sa.literal(state, sa.Text) for state in (HELD, BOOKED)]),
    )
    .order_by(RESERVATIONS.c.id)
)


async def resources(connection: AsyncConnection, resource_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, sa.Row[Any]]:
    """Return the resources by id; unknown ids are left out."""
    rows = await connection.execute(_RESOURCES, {"resource_ids": list(resource_ids)})
    return {row.id: row for row in rows}


async def resources_of(
    connection: AsyncConnection, kind: str, subject_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, uuid.UUID]:
    """Return the resource of each subject that has one."""
    rows = await connection.execute(_BY_SUBJECTS, {"kind": kind, "subject_ids": list(subject_ids)})
    return {row.subject_id: row.id for row in rows}


async def taken(
    connection: AsyncConnection, resource_ids: Iterable[uuid.UUID], since: datetime, until: datetime
) -> list[sa.Row[Any]]:
    """Return what is held or booked of the resources in a stretch of time, buffers included, in order of time."""
    binds = {"resource_ids": list(resource_ids), "since": since, "until": until, "now": clock.now()}
    return list(await connection.execute(_BUSY, binds))


async def of_origin(connection: AsyncConnection, origin_kind: str, origin_ids: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Return the ids of what is held or booked for the things ``origin_ids``."""
    return list(await connection.scalars(_OF_ORIGIN, {"origin_kind": origin_kind, "origin_ids": list(origin_ids)}))


@dataclass(frozen=True, slots=True)
class Drift:
    """Something in the books that must not be: two who have the same time, a lane that is none, a forgotten hold."""

    kind: Literal["overlap", "lane", "stale_hold"]
    resource_id: uuid.UUID
    reservation_id: uuid.UUID
    other_id: uuid.UUID | None


async def recount(connection: AsyncConnection, community_id: uuid.UUID) -> list[Drift]:
    """Go through a community's books without trusting the constraint, and return what is wrong; nothing is the rule."""
    binds = {"community_id": community_id, "before": clock.now() - STALE_AFTER}
    rows = await connection.execute(RECOUNT, binds)
    return [Drift(row.kind, row.resource_id, row.one, row.other) for row in rows]
