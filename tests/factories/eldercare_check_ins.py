"""Check-ins for tests: plans made through the service, and a look at what became of them."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.tables import table_of
from app.identity.api import ResidentSubject, require_resident
from app.identity.models import Account, Resident
from eldercare.absences.models import Absence
from eldercare.care_circle.models import CircleMember
from eldercare.check_ins.models import CheckIn, CheckInPlan
from eldercare.check_ins.schemas import PauseCreate, PlanWrite
from eldercare.check_ins.service import homes, pauses, plans
from eldercare.check_ins.service.silence import Heard

_check_ins = table_of(CheckIn)


def agreed(**changes: object) -> PlanWrite:
    """Return a plan: every day at 08:30 UTC by app, half an hour to answer, a reminder after a quarter of an hour."""
    defaults: dict[str, object] = {
        "times": ["08:30"],
        "starts_on": date(2026, 1, 1),
        "time_zone": "UTC",
        "answer_window": timedelta(minutes=30),
        "reminders": [timedelta(minutes=15)],
    }
    return PlanWrite.model_validate(defaults | changes)


def self_actor(resident: Resident) -> Actor:
    """Return the resident as the one who acts."""
    return Actor(kind="account", id=resident.account_id, community_id=resident.community_id, resident_id=resident.id)


async def subject_of(resident: Resident, actor: Actor | None = None) -> ResidentSubject:
    """Return the resident as the subject of what ``actor`` (default: they themselves) does."""
    async with reading() as connection:
        return await require_resident(connection, actor or self_actor(resident), resident.id, "check_ins:answer")


async def plan(resident: Resident, **changes: object) -> CheckInPlan:
    """Agree a plan with the resident: see ``agreed``."""
    subject = await subject_of(resident)
    async with unit_of_work() as session:
        return await plans.create_plan(session, self_actor(resident), subject, agreed(**changes))


async def pause(
    resident: Resident, ends_at: datetime, *, starts_at: datetime | None = None, kind: str = "away"
) -> Absence:
    """Pause the resident's check-ins, as they do it themselves."""
    data = PauseCreate.model_validate({"kind": kind, "starts_at": starts_at, "ends_at": ends_at})
    subject = await subject_of(resident)
    async with unit_of_work() as session:
        return await pauses.create_pause(session, self_actor(resident), subject, data)


async def check_ins(resident: Resident | None = None) -> Sequence[sa.Row[Any]]:
    """Return the check-ins (of a resident), in the order due."""
    statement = sa.select(_check_ins).order_by(_check_ins.c.due_at, _check_ins.c.plan_id)
    if resident is not None:
        statement = statement.where(_check_ins.c.resident_id == resident.id)
    async with reading() as connection:
        return (await connection.execute(statement)).all()


async def check_in(check_in_id: uuid.UUID) -> sa.Row[Any]:
    """Return one check-in as it stands."""
    async with reading() as connection:
        return (await connection.execute(sa.select(_check_ins).where(_check_ins.c.id == check_in_id))).one()


async def give_code(resident: Resident, code: str) -> None:
    """Let text messages with ``code`` answer the resident's check-ins: their own codes are random."""
    async with unit_of_work() as session:
        theirs = sa.update(_check_ins).where(_check_ins.c.resident_id == resident.id)
        await session.execute(theirs.values(reply_code=code))


async def in_circle(resident: Resident, person: Account) -> None:
    """Let a person belong to the resident's care circle."""
    member = CircleMember(
        community_id=resident.community_id,
        resident_id=resident.id,
        account_id=person.id,
        called=person.name,
        relationship="friend",
        position=1,
        state="accepted",
        time_zone=person.time_zone,
        invited_by=resident.account_id,
    )
    async with unit_of_work() as session:
        session.add(member)


PASSIVE = {"passive_before": timedelta(hours=2), "passive_wait": timedelta(hours=1)}
"""What makes a plan passive: activity from 06:30 to 09:30 answers the check-in of 08:30."""


async def active(*activities: tuple[Resident, datetime]) -> list[uuid.UUID]:
    """Let homes tell of their usual activity; return which check-ins that answered."""
    async with unit_of_work() as session:
        return await homes.home_active(session, [Heard(one.id, one.community_id, at) for one, at in activities])


async def silent(*residents: Resident, at: datetime) -> None:
    """Let residents' homes fall silent."""
    async with unit_of_work() as session:
        await homes.home_fell_silent(session, [Heard(one.id, one.community_id, at) for one in residents])


async def heard_again(*residents: Resident, at: datetime) -> None:
    """Let residents' homes be heard again."""
    async with unit_of_work() as session:
        await homes.home_heard_again(session, [Heard(one.id, one.community_id, at) for one in residents])
