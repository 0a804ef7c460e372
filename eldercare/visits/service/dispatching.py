"""Planning an agency's day: read what there is, ask the planner, keep what it proposes, and carry it out."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.problems import NotFound
from app.dispatch import api as dispatch
from app.dispatch.api import Assignment, Break, Busy, Job, Place, Plan, Worker
from app.identity.api import community, homes, organization_members, organizations_serving
from app.reservations import api as reservations
from eldercare.visits import repository, rules
from eldercare.visits.access import READ
from eldercare.visits.models import CARERS, PROFILES, ROUTE_STOPS, SHIFTS, VISITS, RoutePlan
from eldercare.visits.problems import RoutePlanAccepted, RoutePlanStale
from eldercare.visits.service import arranging, staffing, suspending

_A_DAY: Final = timedelta(days=1)
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
_RESIDENTS_OF = sa.select(VISITS.c.id, VISITS.c.resident_id).where(
    VISITS.c.id == sa.any_(sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid)))
)
_PROFILES = sa.select(PROFILES).where(PROFILES.c.organization_id == _organization)
# Whatever agency they work for: rest is rest.
_SHIFTS = (
    sa.select(SHIFTS)
    .where(
        SHIFTS.c.account_id == sa.any_(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))),
        SHIFTS.c.ends_at > _since,
        SHIFTS.c.starts_at < _until,
    )
    .order_by(SHIFTS.c.starts_at)
)
_STOPS = (
    sa.select(ROUTE_STOPS)
    .where(ROUTE_STOPS.c.route_plan_id == sa.bindparam("route_plan_id", type_=sa.Uuid))
    .order_by(ROUTE_STOPS.c.starts_at, ROUTE_STOPS.c.id)
)


@dataclass(frozen=True, slots=True)
class _Day:
    """What there is to plan: visits, who makes them already, and everyone who could."""

    day: date
    visits: Sequence[sa.Row[Any]]
    going: dict[uuid.UUID, list[uuid.UUID]]
    places: dict[uuid.UUID, Place]
    workers: list[Worker]
    absent: frozenset[uuid.UUID]
    now: datetime


async def propose(actor: Actor, organization_id: uuid.UUID, day: date, absent: Sequence[uuid.UUID]) -> uuid.UUID:
    """Plan a day's visits that have nobody, or those of carers who are absent, and return the proposal's id.

    Nothing is assigned by it. The planner works between two transactions: it may take seconds.
    """
    async with reading() as connection:
        found = await _read(connection, actor, organization_id, day, frozenset(absent))
    if absent:
        current = [
            Assignment(visit.id, visit.starts_at, visit.ends_at, tuple(found.going[visit.id]))
            for visit in found.visits
            if found.going[visit.id]
        ]
        # Whose time has come is nobody's to plan: the agency sends somebody at once.
        under_way = {one.id for one in found.visits if one.state == "in_progress" or one.starts_at <= found.now}
        jobs = [_job(visit, found, visit.carers) for visit in found.visits]
        proposed = await asyncio.to_thread(
            dispatch.replace_absent, current, jobs, found.workers, absent, in_progress=under_way
        )
    else:
        jobs = [
            _job(visit, found, visit.carers - len(found.going[visit.id]))
            for visit in found.visits
            if visit.state in rules.AHEAD and visit.starts_at > found.now and len(found.going[visit.id]) < visit.carers
        ]
        proposed = await asyncio.to_thread(dispatch.plan, jobs, found.workers)
    async with unit_of_work() as session:
        return await _keep(session, actor, organization_id, found, proposed)


async def accept(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, route_plan_id: uuid.UUID) -> None:
    """Carry out a proposal, all of it or nothing: calendars are booked, carers assigned and told.

    Raises ``NotFound``, ``RoutePlanAccepted``, ``RoutePlanStale`` naming visits that changed, ``NotACarer``,
    ``AgencyDoesNotServe``, and ``CalendarTaken`` naming who is somewhere else by now.
    """
    plan = await session.scalar(
        sa.select(RoutePlan).where(col(RoutePlan.id) == route_plan_id).with_for_update(key_share=True)
    )
    if plan is None or plan.organization_id != organization_id:
        raise NotFound
    if plan.state != "proposed":
        raise RoutePlanAccepted
    stops = [stop for stop in await session.execute(_STOPS, {"route_plan_id": plan.id}) if stop.account_id]
    visits = await repository.lock_visits(session, {stop.visit_id for stop in stops})
    _check_fresh(stops, visits)
    await staffing.check_carers(
        session, organization_id, {stop.resident_id for stop in stops}, {stop.account_id for stop in stops}
    )
    for stop in stops:
        if stop.replaces is not None:
            await staffing.take_off(session, actor.id, visits[stop.visit_id], stop.replaces)
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


async def _read(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, day: date, absent: frozenset[uuid.UUID]
) -> _Day:
    """Read a day. If somebody is absent what carers do at its visits is told by the visits, not by the calendars."""
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
    own = set(going) if absent else set()
    workers = await _workers(connection, organization_id, since, until, own)
    return _Day(day, visits, going, places, workers, absent, clock.now())


async def _workers(
    connection: AsyncConnection, organization_id: uuid.UUID, since: datetime, until: datetime, own: set[uuid.UUID]
) -> list[Worker]:
    """Return the agency's carers with their hours and what they are to do; but for the visits ``own``."""
    account_ids = await organization_members(connection, organization_id, "carer")
    profiles = {
        row.account_id: row for row in await connection.execute(_PROFILES, {"organization_id": organization_id})
    }
    binds = {"account_ids": account_ids, "since": since - _A_DAY, "until": until + _A_DAY}
    shifts: defaultdict[uuid.UUID, list[sa.Row[Any]]] = defaultdict(list)
    for row in await connection.execute(_SHIFTS, binds):
        shifts[row.account_id].append(row)
    busy = await _busy(connection, account_ids, since - _A_DAY, until + _A_DAY, own)
    workers = []
    for account_id in account_ids:
        today = [one for one in shifts[account_id] if one.ends_at > since and one.starts_at < until]
        ours = tuple(_shift(one, since) for one in today if one.organization_id == organization_id)
        if not ours:
            continue
        before = [one.ends_at for one in shifts[account_id] if one.starts_at < since]
        after = [one.starts_at for one in shifts[account_id] if one.starts_at >= until]
        profile = profiles.get(account_id)
        start = None
        if profile is not None and profile.latitude is not None:
            start = Place(profile.latitude, profile.longitude)
        workers.append(
            Worker(
                id=account_id,
                shifts=ours,
                skills=frozenset(profile.skills) if profile else frozenset(),
                start=start,
                busy=tuple(busy[account_id]),
                worked_until=max(before, default=None),
                works_again=min(after, default=None),
                most_work=profile.most_work if profile else None,
            )
        )
    return workers


async def _busy(
    connection: AsyncConnection, account_ids: Sequence[uuid.UUID], since: datetime, until: datetime, own: set[uuid.UUID]
) -> defaultdict[uuid.UUID, list[Busy]]:
    calendars = await reservations.resources_of(connection, staffing.KIND, account_ids)
    whose = {resource_id: account_id for account_id, resource_id in calendars.items()}
    rows = [row for row in await reservations.taken(connection, whose, since, until) if row.origin_id not in own]
    residents = {
        row.id: row.resident_id
        for row in await connection.execute(_RESIDENTS_OF, {"visit_ids": [row.origin_id for row in rows]})
    }
    found = await homes(connection, set(residents.values()))
    busy: defaultdict[uuid.UUID, list[Busy]] = defaultdict(list)
    for row in rows:
        home = found.get(residents.get(row.origin_id, row.origin_id))
        place = None
        if home is not None and home.latitude is not None and home.longitude is not None:
            place = Place(home.latitude, home.longitude)
        busy[whose[row.resource_id]].append(Busy(row.blocks_from, row.blocks_until, place))
    return busy


def _shift(row: sa.Row[Any], midnight: datetime) -> dispatch.Shift:
    """Return a shift; its break begins in the middle half, as the law of most places wants it.

    One of the night before is the same stretch of work until it ends, whatever the date.
    """
    carried = row.starts_at < midnight
    if row.break_length is None:
        return dispatch.Shift(row.starts_at, row.ends_at, carried=carried)
    quarter = (row.ends_at - row.starts_at) / 4
    latest = max(row.starts_at + quarter, row.ends_at - quarter - row.break_length)
    pause = Break(row.starts_at + quarter, latest, row.break_length)
    return dispatch.Shift(row.starts_at, row.ends_at, (pause,), carried=carried)


def _job(visit: sa.Row[Any], day: _Day, workers: int) -> Job:
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
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, found: _Day, proposed: Plan
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
