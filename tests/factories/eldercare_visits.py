"""Visits for tests: care plans and what recurs made through the services, and a look at what became of them."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor, Membership
from app.core.database import reading, unit_of_work
from app.identity.api import ResidentSubject, require_resident
from app.identity.models import Account, Organization, Resident
from eldercare.carer_absences.models import CarerAbsence
from eldercare.carers.models import Shift
from eldercare.goals.models import GOALS
from eldercare.tolerances.rules import resolve
from eldercare.visits import jobs
from eldercare.visits.models import (
    CARERS,
    VISITS,
    CarePlan,
    DoorTag,
    RoutePlan,
    Visit,
    VisitTemplate,
)
from eldercare.visits.rules import door_digest
from eldercare.visits.schemas.plans import CarePlanCreate, TemplateCreate
from eldercare.visits.schemas.visits import Obstacle
from eldercare.visits.service import plans, staffing, templates

DOOR_CODE = "a-code-at-the-door"


def coordinator_of(organization_id: uuid.UUID, community_id: uuid.UUID) -> Actor:
    """Return somebody who arranges an agency's visits."""
    return Actor(
        kind="account",
        id=uuid.UUID(int=7),
        community_id=community_id,
        memberships=(Membership(organization_id, "care_agency", "coordinator"),),
    )


async def subject_of(resident_id: uuid.UUID, actor: Actor) -> ResidentSubject:
    """Return a resident as the subject of what ``actor`` does."""
    async with reading() as connection:
        return await require_resident(connection, actor, resident_id, "visits:manage")


async def care_plan(resident: Resident, agency: Organization, **changes: object) -> CarePlan:
    """Agree a care plan with two tasks."""
    actor = coordinator_of(agency.id, resident.community_id)
    given: dict[str, object] = {
        "organization_id": agency.id,
        "title": "At home",
        "goals": [{"description": "Walks to the shop"}],
        "tasks": [{"text": "Help with washing"}, {"text": "Breakfast"}],
    }
    subject = await subject_of(resident.id, actor)
    async with unit_of_work() as session:
        return await plans.create_plan(session, actor, subject, CarePlanCreate.model_validate(given | changes))


async def goals(resident: Resident) -> Sequence[sa.Row[Any]]:
    """Return a resident's goals, the first that was agreed first."""
    async with reading() as connection:
        statement = sa.select(GOALS).where(GOALS.c.resident_id == resident.id).order_by(GOALS.c.id)
        return (await connection.execute(statement)).all()


async def template(plan: CarePlan, **changes: object) -> VisitTemplate:
    """Agree a visit that recurs: every day at 09:00 UTC for half an hour."""
    actor = coordinator_of(plan.organization_id, plan.community_id)
    given: dict[str, object] = {
        "care_plan_id": plan.id,
        "begins": "09:00",
        "starts_on": date(2026, 1, 1),
        "time_zone": "UTC",
    }
    if "until" not in changes:
        given["duration"] = timedelta(minutes=30)
    subject = await subject_of(plan.resident_id, actor)
    async with unit_of_work() as session:
        data = TemplateCreate.model_validate(given | changes)
        return await templates.create_template(session, actor, subject, data)


async def assign(visit_id: uuid.UUID, carer: Account) -> None:
    """Let a carer make a visit, whatever speaks against it."""
    found = await visit(visit_id)
    actor = coordinator_of(found.organization_id, found.community_id)
    async with unit_of_work() as session:
        await staffing.assign(session, actor, found.resident_id, visit_id, carer.id, get_args(Obstacle))


async def visits(resident: Resident | None = None) -> Sequence[sa.Row[Any]]:
    """Return the visits (of a resident), in order."""
    statement = sa.select(VISITS).order_by(VISITS.c.starts_at, VISITS.c.id)
    if resident is not None:
        statement = statement.where(VISITS.c.resident_id == resident.id)
    async with reading() as connection:
        return (await connection.execute(statement)).all()


async def visit(visit_id: uuid.UUID) -> sa.Row[Any]:
    """Return one visit as it stands."""
    async with reading() as connection:
        return (await connection.execute(sa.select(VISITS).where(VISITS.c.id == visit_id))).one()


async def carers(visit_id: uuid.UUID) -> Sequence[sa.Row[Any]]:
    """Return who makes a visit, or did, the first assigned first."""
    async with reading() as connection:
        statement = sa.select(CARERS).where(CARERS.c.visit_id == visit_id).order_by(CARERS.c.id)
        return (await connection.execute(statement)).all()


async def single(plan: CarePlan, starts_at: datetime, **values: Any) -> Visit:
    """Insert a visit of half an hour that does not recur."""
    carried = resolve([], is_critical=values.get("is_critical", False))
    time_zone = values.pop("time_zone", "UTC")
    row = Visit(
        community_id=plan.community_id,
        resident_id=plan.resident_id,
        account_id=values.pop("account_id"),
        organization_id=plan.organization_id,
        care_plan_id=plan.id,
        local_date=starts_at.astimezone(ZoneInfo(time_zone)).date(),
        time_zone=time_zone,
        starts_at=starts_at,
        ends_at=starts_at + values.pop("lasts", timedelta(minutes=30)),
        flexibility=values.pop("flexibility", timedelta()),
        late_at=starts_at + timedelta(minutes=15),
        miss_at=starts_at + timedelta(minutes=60),
        **carried.values(),
        **values,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def look_after() -> int:
    """Let all deadlines of visits that passed be worked off, in the order of the jobs; return how many that were."""
    return sum([await job.run() for job in jobs.JOBS if job.run is not jobs.plan])


async def door_tag(resident: Resident, kind: str = "tag", code: str = DOOR_CODE) -> tuple[uuid.UUID, str]:
    """Insert a tag at the resident's door; return its id and what it holds."""
    row = DoorTag(
        community_id=resident.community_id,
        resident_id=resident.id,
        kind=kind,
        digest=door_digest(code),
        created_by=uuid.UUID(int=7),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row.id, code


async def shift(
    agency: Organization,
    carer: Account,
    starts_at: datetime | None = None,
    *,
    lasts: timedelta = timedelta(hours=8),
    later: timedelta = timedelta(),
    break_length: timedelta | None = None,
) -> Shift:
    """Insert a shift; without a start it begins now, or ``later``."""
    begins = (starts_at or clock.now()) + later
    row = Shift(
        community_id=agency.community_id,
        organization_id=agency.id,
        account_id=carer.id,
        starts_at=begins,
        ends_at=begins + lasts,
        break_length=break_length,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def absence(agency: Organization, carer: Account, *, later: timedelta = timedelta()) -> CarerAbsence:
    """Insert a week in which a carer cannot come, from now on or ``later``; they are taken off nothing."""
    begins = clock.now() + later
    row = CarerAbsence(
        community_id=agency.community_id,
        organization_id=agency.id,
        account_id=carer.id,
        starts_at=begins,
        ends_at=begins + timedelta(days=7),
        created_by=uuid.UUID(int=7),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def route_plan(agency: Organization) -> uuid.UUID:
    """Insert an empty proposal for today."""
    row = RoutePlan(
        community_id=agency.community_id,
        organization_id=agency.id,
        day=clock.now().date(),
        travel=timedelta(),
        created_by=uuid.UUID(int=7),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row.id
