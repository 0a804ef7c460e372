"""An agency's visits in a plan of more than visits: what there is of a day, and what became of it, all or nothing."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.access import Actor
from app.dispatch.api import Job, Worker
from eldercare.visits import repository, rules
from eldercare.visits.service import absences, arranging, staffing, suspending
from eldercare.visits.service.dispatching import job_of, read_day


@dataclass(frozen=True, slots=True)
class VisitToPlan:
    """A visit of a day as a planner takes it: ``job`` is all of it, whoever goes already.

    Who makes a visit, and when, is for people to decide: they are asked.
    """

    id: uuid.UUID
    version: int
    resident_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    is_ahead: bool
    missing: int
    going: tuple[uuid.UUID, ...]
    job: Job
    asks: bool = True


async def visits_to_plan(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, day: date, *, without_own: bool
) -> tuple[list[VisitToPlan], list[Worker]]:
    """Return the open visits of a local day of residents whom the agency serves, and its carers who work then.

    ``without_own`` carers are busy with none of these visits.
    """
    found = await read_day(connection, actor, organization_id, day, without_own=without_own)
    visits = [
        VisitToPlan(
            id=visit.id,
            version=visit.version,
            resident_id=visit.resident_id,
            starts_at=visit.starts_at,
            ends_at=visit.ends_at,
            is_ahead=visit.state in rules.AHEAD and visit.starts_at > found.now,
            missing=visit.carers - len(found.going[visit.id]),
            going=tuple(found.going[visit.id]),
            job=job_of(visit, found, visit.carers),
        )
        for visit in found.visits
    ]
    return visits, found.workers


@dataclass(frozen=True, slots=True)
class HeldVisits:
    """Visits that are locked until the unit of work ends, and the ids of those that are not as they were planned."""

    rows: dict[uuid.UUID, sa.Row[Any]]
    changed: frozenset[uuid.UUID]


async def hold_visits(
    session: AsyncSession,
    organization_id: uuid.UUID,
    versions: Mapping[uuid.UUID, int],
    account_ids: Collection[uuid.UUID],
) -> HeldVisits:
    """Lock visits, then whoever makes or shall make them; say which changed since they had these versions.

    Raises ``NotACarer``, ``AgencyDoesNotServe``.
    """
    # No plan of visits alone has this id: nobody is absent by it.
    rows, _ = await absences.hold(session, clock.new_id(), set(versions), account_ids)
    now = clock.now()
    changed = frozenset(
        visit_id
        for visit_id, version in versions.items()
        if (row := rows.get(visit_id)) is None
        or row.organization_id != organization_id
        or row.version != version
        or row.state not in rules.AHEAD
        or row.starts_at <= now
    )
    if not changed and rows:
        residents = {row.resident_id for row in rows.values()}
        await staffing.check_carers(session, organization_id, residents, account_ids)
    return HeldVisits(rows, changed)


async def send_to_visit(
    session: AsyncSession,
    actor: Actor,
    visit_id: uuid.UUID,
    account_id: uuid.UUID,
    span: tuple[datetime, datetime],
    replaces: uuid.UUID | None = None,
) -> None:
    """Send a carer to a held visit, at a time within its window; everybody concerned is told.

    Raises ``CarerAbsent``, ``AlreadyAssigned``, and ``CalendarTaken`` for who is somewhere else then.
    """
    visit = (await repository.lock_visits(session, [visit_id]))[visit_id]
    if replaces is not None:
        await staffing.take_off(session, actor.id, visit, replaces)
    if visit.starts_at != span[0]:
        await arranging.shift(session, actor, visit_id, *span)
        visit = (await repository.lock_visits(session, [visit_id]))[visit_id]
    carers = (await repository.carers_of(session, [visit_id]))[visit_id]
    if any(carer.account_id == account_id for carer in carers):
        return
    (reservation_id,) = await staffing.take_calendars(session, actor.id, [(visit, account_id, *span)])
    await staffing.enlist(session, actor.id, visit, account_id, reservation_id)


async def settle_visits(session: AsyncSession, visit_ids: Iterable[uuid.UUID]) -> None:
    """Bring held visits in line with who makes them now, and with who is away from home then."""
    ids = sorted(visit_ids)
    if ids:
        await staffing.settle(session, ids)
        await suspending.suspend(session, ids)
