"""Planning an agency's day: read what there is, ask the planner, keep what it proposes, and carry it out."""

import asyncio
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.problems import NotFound
from app.dispatch import api as dispatch
from app.dispatch.api import Assignment, Job, Place, Plan, Worker
from app.identity.api import community, homes, organization_members, organizations_serving
from eldercare.visits import repository, rules
from eldercare.visits.access import READ
from eldercare.visits.models import CARERS, ROUTE_STOPS, VISITS, RoutePlan
from eldercare.visits.problems import RoutePlanAccepted, RoutePlanStale, WrongTime
from eldercare.visits.schemas.agency import RoutePlanCreate
from eldercare.visits.service import absences, arranging, staffing, suspending, workforce

_INSTANT = sa.DateTime(timezone=True)
_organization = sa.bindparam("organization_id", type_=sa.Uuid)
_since, _until = (sa.bindparam(name, type_=_INSTANT) for name in ("since", "until"))

_VISITS = (
    sa.select(VISITS)
    .where(
        VISITS.c.organization_id == _organization,
        VISITS.c.starts_at >= _since,
        VISITS.c.starts_at < _until,
        VISITS.c.state.in_([sa.literal(state, sa.Text) for state in rules.OPEN]),
    )
    .order_by(VISITS.c.starts_at, VISITS.c.id)
)
_GOING = (
    sa.select(CARERS.c.visit_id, CARERS.c.account_id)
    .where(
        CARERS.c.visit_id == sa.any_(sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid))),
        CARERS.c.state.in_([sa.literal(state, sa.Text) for state in ("assigned", "en_route", "present")]),
    )
    .order_by(CARERS.c.visit_id, CARERS.c.id)
)
_STOPS = (
    sa.select(ROUTE_STOPS)
    .where(ROUTE_STOPS.c.route_plan_id == sa.bindparam("route_plan_id", type_=sa.Uuid))
    .order_by(ROUTE_STOPS.c.starts_at, ROUTE_STOPS.c.id)
)


@dataclass(frozen=True, slots=True)
class Day:
    """What there is to plan: visits, who makes them already, and everyone who could."""

    day: date
    visits: Sequence[sa.Row[Any]]
    going: dict[uuid.UUID, list[uuid.UUID]]
    places: dict[uuid.UUID, Place]
    workers: list[Worker]
    absent: frozenset[uuid.UUID]
    span: tuple[datetime, datetime]
    now: datetime


async def propose(actor: Actor, organization_id: uuid.UUID, data: RoutePlanCreate) -> uuid.UUID:
    """Plan a day's visits that have nobody, or those of carers who are absent, and return the proposal's id.

    Nothing is assigned by it. The planner works between two transactions: it may take seconds. Raises ``WrongTime``
    for an absence that is over before it begins, ``NotACarer``.
    """
    absent = data.absent
    async with reading() as connection:
        found = await read_day(
            connection, actor, organization_id, data.day, frozenset(absent), without_own=bool(absent)
        )
    away = _absence(found, data.absent_until)
    if absent:
        current = [
            Assignment(visit.id, visit.starts_at, visit.ends_at, tuple(found.going[visit.id]))
            for visit in found.visits
            if found.going[visit.id]
        ]
        # Whose time has come is nobody's to plan: the agency sends somebody at once.
        under_way = {one.id for one in found.visits if one.state == "in_progress" or one.starts_at <= found.now}
        jobs = [job_of(visit, found, visit.carers) for visit in found.visits]
        proposed = await asyncio.to_thread(
            dispatch.replace_absent, current, jobs, found.workers, absent, in_progress=under_way
        )
    else:
        jobs = [
            job_of(visit, found, visit.carers - len(found.going[visit.id]))
            for visit in found.visits
            if visit.state in rules.AHEAD and visit.starts_at > found.now and len(found.going[visit.id]) < visit.carers
        ]
        proposed = await asyncio.to_thread(dispatch.plan, jobs, found.workers)
    async with unit_of_work() as session:
        plan_id = await _keep(session, actor, organization_id, found, proposed)
        await absences.propose(session, actor, organization_id, absent, away, plan_id)
        return plan_id


def _absence(found: Day, until: datetime | None) -> tuple[datetime, datetime]:
    """Return how long those who are absent are: to the end of the day, or of their shift that begins on it."""
    since, ends = found.span
    begins = max(since, found.now)
    shifts = [one.ends_at for worker in found.workers if worker.id in found.absent for one in worker.shifts]
    if until is not None and not begins < until <= begins + absences.LONGEST:
        raise WrongTime
    return begins, until or max([ends, *shifts])


async def accept(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, route_plan_id: uuid.UUID) -> None:
    """Carry out a proposal, all of it or nothing: calendars are booked, carers assigned and told.

    Who is absent goes nowhere while they are: a visit nobody was found for has nobody then, and the agency hears.
    Raises ``NotFound``, ``RoutePlanAccepted``, ``RoutePlanStale`` naming visits that changed, ``NotACarer``,
    ``AgencyDoesNotServe``, ``CarerAbsent``, and ``CalendarTaken`` naming who is somewhere else by now.
    """
    plan = await session.scalar(
        sa.select(RoutePlan).where(col(RoutePlan.id) == route_plan_id).with_for_update(key_share=True)
    )
    if plan is None or plan.organization_id != organization_id:
        raise NotFound
    if plan.state != "proposed":
        raise RoutePlanAccepted
    stops = [stop for stop in await session.execute(_STOPS, {"route_plan_id": plan.id}) if stop.account_id]
    sent = {stop.account_id for stop in stops}
    visits, absent = await absences.hold(session, plan.id, {stop.visit_id for stop in stops}, sent)
    _check_fresh(stops, visits)
    await staffing.check_carers(session, organization_id, {stop.resident_id for stop in stops}, sent)
    for stop in stops:
        if stop.replaces is not None:
            await staffing.take_off(session, actor.id, visits[stop.visit_id], stop.replaces)
    await absences.confirm(session, actor, absent)
    for stop in {stop.visit_id: stop for stop in stops}.values():
        if stop.starts_at != visits[stop.visit_id].starts_at:
            await arranging.shift(session, actor, stop.visit_id, stop.starts_at, stop.ends_at)
    visits = await repository.lock_visits(session, visits)
    wanted = [(visits[stop.visit_id], stop.account_id, stop.starts_at, stop.ends_at) for stop in stops]
    booked = await staffing.take_calendars(session, actor.id, wanted)
    for stop, reservation_id in zip(stops, booked, strict=True):
        await staffing.enlist(session, actor.id, visits[stop.visit_id], stop.account_id, reservation_id)
    await staffing.settle(session, list(visits))
    await suspending.suspend(session, list(visits))  # who went away meanwhile, or would be away by the new time
    plan.state, plan.accepted_at, plan.accepted_by = "accepted", clock.now(), actor.id
    await session.flush()
    await audit.record(session, actor, "route_plan:accept", object_id=plan.id)


def _check_fresh(stops: Iterable[sa.Row[Any]], visits: dict[uuid.UUID, sa.Row[Any]]) -> None:
    now = clock.now()
    stale = {
        str(stop.visit_id)
        for stop in stops
        if (visit := visits.get(stop.visit_id)) is None
        or visit.version != stop.visit_version
        or visit.state not in rules.AHEAD
        or stop.starts_at <= now
    }
    if stale:
        raise RoutePlanStale(visit_ids=sorted(stale))


async def read_day(
    connection: AsyncConnection,
    actor: Actor,
    organization_id: uuid.UUID,
    day: date,
    absent: frozenset[uuid.UUID] = frozenset(),
    *,
    without_own: bool,
) -> Day:
    """Read a day; ``without_own`` what carers do at its visits is told by the visits, not by the calendars."""
    place = await community(connection, actor.community_id)
    since, until = rules.day_bounds(day, place.time_zone)
    binds = {"organization_id": organization_id, "since": since, "until": until}
    rows = list(await connection.execute(_VISITS, binds))
    serving = await organizations_serving(connection, {row.resident_id for row in rows}, READ)
    visits = [row for row in rows if organization_id in serving[row.resident_id]]
    going: dict[uuid.UUID, list[uuid.UUID]] = {visit.id: [] for visit in visits}
    for row in await connection.execute(_GOING, {"visit_ids": list(going)}):
        going[row.visit_id].append(row.account_id)
    places = {
        resident_id: Place(home.latitude, home.longitude)
        for resident_id, home in (await homes(connection, {visit.resident_id for visit in visits})).items()
        if home.latitude is not None and home.longitude is not None
    }
    account_ids = await organization_members(connection, organization_id, "carer")
    own = set(going) if without_own else set()
    known = await workforce.workers(connection, organization_id, account_ids, (since, until), own)
    workers = [worker for worker in known if worker.shifts]
    return Day(day, visits, going, places, workers, absent, (since, until), clock.now())


def job_of(visit: sa.Row[Any], day: Day, workers: int) -> Job:
    """Return what is to be planned of a visit; for whom somebody comes already, the time is the other one's."""
    going = day.going[visit.id]
    is_fixed = bool(set(going) - day.absent) or visit.starts_at <= day.now
    room = timedelta() if is_fixed else visit.flexibility
    return Job(
        id=visit.id,
        starts_from=visit.starts_at if is_fixed else min(visit.starts_at, max(visit.starts_at - room, day.now)),
        starts_until=visit.starts_at + room,
        duration=visit.ends_at - visit.starts_at,
        wanted_at=visit.starts_at,
        place=day.places.get(visit.resident_id),
        skills=frozenset(visit.skills),
        workers=workers,
        is_critical=visit.is_critical,
        preferred=tuple(visit.preferred),
        excluded=frozenset(going),
    )


async def _keep(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, found: Day, proposed: Plan
) -> uuid.UUID:
    plan = RoutePlan(
        community_id=actor.community_id,
        organization_id=organization_id,
        day=found.day,
        travel=proposed.travel,
        created_by=actor.id,
    )
    session.add(plan)
    await session.flush()
    visits = {visit.id: visit for visit in found.visits}
    rows: list[dict[str, Any]] = []
    for assignment in proposed.assignments:
        visit = visits[assignment.job_id]
        missing = [account_id for account_id in found.going[visit.id] if account_id in found.absent]
        new = [account_id for account_id in assignment.workers if account_id not in found.going[visit.id]]
        for index, account_id in enumerate(new):
            replaces = missing[index] if index < len(missing) else None
            who: dict[str, Any] = {"account_id": account_id, "replaces": replaces, "reason": None, "skills": []}
            rows.append(_stop(plan, visit, assignment.starts_at, **who))
    for left in proposed.unassigned:
        visit = visits[left.job_id]
        why = {"account_id": None, "replaces": None, "reason": left.reason, "skills": sorted(left.skills)}
        rows.append(_stop(plan, visit, visit.starts_at, **why))
    if rows:
        await session.execute(sa.insert(ROUTE_STOPS), rows)
    await audit.record(session, actor, "route_plan:propose", object_id=plan.id)
    return plan.id


def _stop(plan: RoutePlan, visit: sa.Row[Any], starts_at: datetime, **values: Any) -> dict[str, Any]:
    now = clock.now()
    return {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "route_plan_id": plan.id,
        "visit_id": visit.id,
        "visit_version": visit.version,
        "resident_id": visit.resident_id,
        "starts_at": starts_at,
        "ends_at": starts_at + (visit.ends_at - visit.starts_at),
        **values,
    }
