"""Rows of alarms, really committed: a resident with a circle and a duty desk, and alarms that our own code raised."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from app.core import clock
from app.core.access import Actor, system_actor
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.identity.models import Account, Community, Organization, Resident
from eldercare.alarms.models import Alarm, AlarmEntry, AlarmKind, AlarmNotice, Severity
from eldercare.alarms.rules import AlarmSignal
from eldercare.alarms.service import raise_alarm
from eldercare.care_circle.models import CircleMember
from eldercare.escalation.models import EscalationPlan, EscalationStep
from eldercare.ladders.jobs import JOBS
from tests.factories import identity


@dataclass(frozen=True, slots=True)
class Scene:
    """A resident, the operator with its desk, and the accounts of the circle in their order."""

    community: Community
    resident: Resident
    operator: Organization
    desk: Account
    circle: tuple[Account, ...]


async def scene(*, circle: int = 2, with_desk: bool = True, time_zone: str = "Asia/Shanghai") -> Scene:
    """Insert a resident with a circle of that size, each with a grant, and a duty desk of one dispatcher."""
    place = await identity.community(time_zone=time_zone)
    resident = await identity.resident(place, phone="+8613800000001")
    operator = await identity.organization(place, "operator")
    await identity.agreement(operator)
    desk = await identity.staff(
        operator, "dispatcher" if with_desk else "coordinator", name="Desk", phone="+8613800000002"
    )
    members = []
    for number in range(circle):
        person = await identity.account(place, name=f"Relative {number + 1}", phone=f"+861380000010{number}")
        await circle_member(resident, person, position=number + 1)
        await identity.grant(resident, person, ["alarms:read", "alarms:respond"])
        members.append(person)
    return Scene(place, resident, operator, desk, tuple(members))


async def circle_member(resident: Resident, person: Account, **values: Any) -> CircleMember:
    """Insert a member of the resident's circle who accepted, unless told otherwise."""
    defaults: dict[str, Any] = {
        "called": person.name,
        "relationship": "daughter",
        "position": 1,
        "state": "accepted",
        "time_zone": "Asia/Shanghai",
        "invited_by": resident.account_id,
        "scopes": ["alarms:read", "alarms:respond"],
    }
    row = CircleMember(
        community_id=resident.community_id, resident_id=resident.id, account_id=person.id, **(defaults | values)
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def plan(resident: Resident, steps: Sequence[dict[str, Any]]) -> EscalationPlan:
    """Insert an active plan of the resident with these steps."""
    now = clock.now()
    row = EscalationPlan(
        community_id=resident.community_id,
        resident_id=resident.id,
        state="active",
        created_by=resident.account_id,
        tested_at=now,
        activated_at=now,
    )
    async with unit_of_work() as session:
        session.add(row)
        await session.flush()
        for position, step in enumerate(steps, 1):
            given = {"wait_seconds": 60, "channels": ["push", "sms", "inbox"], **step}
            session.add(EscalationStep(plan_id=row.id, position=position, **given))
    return row


def signal(resident: Resident, **values: Any) -> AlarmSignal:
    """Return a missed check-in of the resident, unless told otherwise."""
    defaults: dict[str, Any] = {
        "kind": AlarmKind.CHECK_IN_MISSED,
        "severity": Severity.MEDIUM,
        "community_id": resident.community_id,
        "resident_id": resident.id,
        "occurred_at": clock.now(),
    }
    return AlarmSignal(**(defaults | values))


async def raised(resident: Resident, **values: Any) -> Alarm:
    """Raise an alarm (or join the open one) through our own code."""
    async with unit_of_work() as session:
        return await raise_alarm(session, system_actor(resident.community_id), signal(resident, **values))


def actor_of(person: Account, resident: Resident | None = None) -> Actor:
    """Return an account as an actor without memberships."""
    return Actor(
        kind="account", id=person.id, community_id=person.community_id, resident_id=resident.id if resident else None
    )


async def climb() -> int:
    """Let the ladders climb until nothing is due at the current clock."""
    return await settle(JOBS)


async def current(alarm: Alarm | uuid.UUID) -> Alarm:
    """Return the alarm as it is stored now."""
    async with unit_of_work() as session:
        return await session.get_one(Alarm, alarm if isinstance(alarm, uuid.UUID) else alarm.id)


async def timeline(alarm: Alarm | uuid.UUID) -> list[AlarmEntry]:
    """Return the lines of the alarm's timeline."""
    alarm_id = alarm if isinstance(alarm, uuid.UUID) else alarm.id
    async with unit_of_work() as session:
        statement = sa.select(AlarmEntry).where(col(AlarmEntry.alarm_id) == alarm_id).order_by(col(AlarmEntry.id))
        return list(await session.scalars(statement))


async def kinds(alarm: Alarm | uuid.UUID) -> list[str]:
    """Return what happened to the alarm, in order."""
    return [entry.kind for entry in await timeline(alarm)]


async def told(alarm: Alarm | uuid.UUID) -> list[tuple[int, int, uuid.UUID]]:
    """Return who was told at which round and step, in order."""
    alarm_id = alarm if isinstance(alarm, uuid.UUID) else alarm.id
    async with unit_of_work() as session:
        statement = sa.select(AlarmNotice).where(col(AlarmNotice.alarm_id) == alarm_id).order_by(col(AlarmNotice.id))
        rows = [(row.round, row.step, row.account_id) for row in await session.scalars(statement)]
    return list(dict.fromkeys(rows))


async def notices_of(account: Account) -> list[tuple[str, str]]:
    """Return the notices an account got as (key, dedupe key), in order, once per notice."""
    statement = sa.text(
        "SELECT notice_key, dedupe_key FROM notifications_delivery WHERE account_id = :account "
        "GROUP BY 1, 2, notice_id ORDER BY min(CAST(id AS text))"
    )
    async with reading() as connection:
        return [(row[0], row[1]) for row in await connection.execute(statement, {"account": account.id})]


async def scalar(statement: str, **binds: Any) -> Any:
    """Return the first value of a statement."""
    async with reading() as connection:
        return await connection.scalar(sa.text(statement), binds)


def later(seconds: float) -> datetime:
    """Return the instant so many seconds from now."""
    return clock.now() + timedelta(seconds=seconds)
