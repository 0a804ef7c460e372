"""The SQL that reads who could go: what they can do at that time, where they come to, and when they are there."""

import uuid
from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, date, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.problems import NotFound
from app.dispatch.api import Place
from app.identity.api import community, local_calendar, members_of
from community.workers.models import EXCEPTIONS, SKILLS, WORKERS
from community.workers.rules import Circle, Exceptional, Hours, Known, Span, WorkerDay, shifts, valid

ROLES: Final = ("worker", "carer")
"""Who goes to homes: a provider's workers, and a care agency's carers."""

_MARGIN: Final = timedelta(days=2)
_WALL: Final = sa.DateTime(timezone=False)
_IDS: Final = ARRAY(sa.Uuid)
_organization = sa.bindparam("organization_id", type_=sa.Uuid)
_worker_ids = sa.bindparam("worker_ids", type_=_IDS)
_accounts = sa.bindparam("account_ids", type_=_IDS)

_WORKERS = (
    sa.select(WORKERS)
    .where(
        WORKERS.c.organization_id == _organization,
        WORKERS.c.is_active,
        WORKERS.c.suspended_at.is_(None),
        sa.or_(_accounts.is_(None), WORKERS.c.account_id == sa.any_(_accounts)),
    )
    .order_by(WORKERS.c.id)
)
_ONE = sa.select(WORKERS).where(
    WORKERS.c.organization_id == _organization, WORKERS.c.account_id == sa.bindparam("account_id", type_=sa.Uuid)
)
_SKILLS = sa.select(SKILLS.c.worker_id, SKILLS.c.code, SKILLS.c.verified_at, SKILLS.c.expires_at).where(
    SKILLS.c.worker_id == sa.any_(_worker_ids)
)
_EXCEPTIONS = sa.select(EXCEPTIONS).where(
    EXCEPTIONS.c.worker_id == sa.any_(_worker_ids),
    EXCEPTIONS.c.ends_local >= sa.bindparam("after", type_=_WALL),
    EXCEPTIONS.c.starts_local <= sa.bindparam("before", type_=_WALL),
)


async def workers_for(
    connection: AsyncConnection,
    organization_id: uuid.UUID,
    span: Span,
    *,
    skills: Collection[str] = (),
    certificates: Collection[str] = (),
    place: Place | None = None,
    account_ids: Collection[uuid.UUID] | None = None,
) -> list[WorkerDay]:
    """Return who could go for a provider in a stretch of time, longest with it first.

    They work for it, are not suspended, have all ``skills`` and proved ``certificates`` until its end, come to
    ``place`` and are there for some of it; whether they are busy their calendars say. ``account_ids`` are those who
    are asked about, if not all. However many there are, the statements are as many.
    """
    binds = {"organization_id": organization_id, "account_ids": None if account_ids is None else list(account_ids)}
    staff = await here(connection, organization_id)
    rows = [row for row in await connection.execute(_WORKERS, binds) if row.account_id in staff]
    if not rows:
        return []
    ids, community_id = [row.id for row in rows], rows[0].community_id
    known = await _known(connection, ids)
    exceptions = await _exceptions(connection, ids, span)
    time_zone = (await community(connection, community_id)).time_zone
    days = await holidays(connection, community_id, span)
    found = []
    for row in rows:
        held, proved = valid(known[row.id], span[1])
        one = _worker(row, held, proved, shifts(hours_of(row), exceptions[row.id], days, time_zone, span))
        if one.shifts and one.can(skills, certificates) and (place is None or one.comes_to(place)):
            found.append(one)
    return found


async def worker_of(connection: AsyncConnection, organization_id: uuid.UUID, account_id: uuid.UUID) -> sa.Row[Any]:
    """Return the row of a provider's worker, suspended or not; raises ``NotFound``."""
    binds = {"organization_id": organization_id, "account_id": account_id}
    row = (await connection.execute(_ONE, binds)).one_or_none()
    if row is None:
        raise NotFound
    return row


async def here(connection: AsyncConnection, organization_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the accounts that go to homes for an organization at present."""
    found: set[uuid.UUID] = set()
    for role in ROLES:
        found |= set((await members_of(connection, [organization_id], role))[organization_id])
    return found


async def holidays(connection: AsyncConnection, community_id: uuid.UUID, span: Span) -> frozenset[date]:
    """Return the community's holidays around a stretch of time; a make-up workday changes no hours."""
    first, last = (span[0] - _MARGIN).date(), (span[1] + _MARGIN).date()
    days = await local_calendar(connection, community_id, first, last)
    return frozenset(day.day for day in days if not day.is_workday)


def hours_of(row: Any) -> list[Hours]:
    """Return a worker's weekly hours as rules take them."""
    return [
        Hours(one["weekday"], one["starts"], one["ends"], timedelta(minutes=one["pause"]), one["on_holidays"])
        for one in row.hours
    ]


async def _known(connection: AsyncConnection, ids: list[uuid.UUID]) -> defaultdict[uuid.UUID, list[Known]]:
    known: defaultdict[uuid.UUID, list[Known]] = defaultdict(list)
    for row in await connection.execute(_SKILLS, {"worker_ids": ids}):
        known[row.worker_id].append(Known(row.code, row.verified_at is not None, row.expires_at))
    return known


async def _exceptions(
    connection: AsyncConnection, ids: list[uuid.UUID], span: Span
) -> defaultdict[uuid.UUID, list[Exceptional]]:
    found: defaultdict[uuid.UUID, list[Exceptional]] = defaultdict(list)
    # No zone is two days away from UTC: what is further off on the wall is so in time.
    since, until = (at.astimezone(UTC).replace(tzinfo=None) for at in span)
    binds = {"worker_ids": ids, "after": since - _MARGIN, "before": until + _MARGIN}
    for row in await connection.execute(_EXCEPTIONS, binds):
        found[row.worker_id].append(Exceptional(row.kind, row.starts_local, row.ends_local))
    return found


def _worker(row: Any, skills: frozenset[str], certificates: frozenset[str], there: Any) -> WorkerDay:
    return WorkerDay(
        worker_id=row.id,
        community_id=row.community_id,
        organization_id=row.organization_id,
        account_id=row.account_id,
        calendar_id=row.calendar_id,
        display_name=row.display_name,
        languages=tuple(row.languages),
        sex=row.sex,
        vehicle=row.vehicle,
        start=None if row.latitude is None else Place(row.latitude, row.longitude),
        areas=tuple(Circle(Place(one["latitude"], one["longitude"]), one["radius"]) for one in row.areas),
        buffer=row.buffer,
        most_work=row.most_work,
        skills=skills,
        certificates=certificates,
        shifts=there,
    )
