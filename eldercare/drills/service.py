"""Starting and finishing drills."""

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import require_resident
from eldercare.alarms.models import OPEN_STATES, Severity
from eldercare.alarms.repository import lock_alarms, lock_open
from eldercare.alarms.rules import Action, AlarmSignal, Slot
from eldercare.alarms.service import close_alarm, raise_alarm
from eldercare.drills.models import Drill
from eldercare.drills.problems import DrillRunning
from eldercare.drills.schemas import DrillStart

FINISHED = "drill_finished"
"""The outcome of an exercise that was declared over before anybody ended it."""


async def start(session: AsyncSession, actor: Actor, data: DrillStart) -> Drill:
    """Raise an alarm for practice, which climbs the resident's real ladder, and return the drill.

    Raises ``NotFound``, ``Forbidden`` without ``alarms:raise`` on the resident, ``DrillRunning``.
    """
    subject = await require_resident(await session.connection(), actor, data.resident_id, "alarms:raise")
    slot = Slot(subject.resident_id, is_test=True, stands_alone=False)
    for running in (await lock_open(session, [slot])).values():
        raise DrillRunning(alarm_id=str(running.id))
    now = clock.now()
    alarm = await raise_alarm(
        session,
        actor,
        AlarmSignal(
            kind=data.kind,
            severity=Severity[data.severity.upper()],
            community_id=subject.community_id,
            resident_id=subject.resident_id,
            occurred_at=now,
            is_test=True,
        ),
    )
    # Of two who start at once one has the alarm; for the other the unique key answers.
    drill = Drill(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        alarm_id=alarm.id,
        started_by=actor.id,
        started_at=alarm.raised_at,
    )
    session.add(drill)
    await session.flush()
    await _record(session, actor, "drill:start", drill)
    return drill


async def finish(session: AsyncSession, actor: Actor, drill_id: uuid.UUID) -> Drill:
    """Declare a drill over, end its alarm if it is open, tell everybody who was told, and return the drill.

    Finishing what is finished changes nothing. Raises ``NotFound`` for those of other communities.
    """
    known = await session.scalar(
        sa.select(Drill).where(col(Drill.id) == drill_id, col(Drill.community_id) == actor.community_id)
    )
    if known is None:
        raise NotFound
    (alarm,) = await lock_alarms(session, [known.alarm_id])
    drill: Drill = await session.get_one(Drill, drill_id, with_for_update=True, populate_existing=True)
    if drill.finished_at is not None:
        return drill
    if alarm.state in OPEN_STATES:
        await close_alarm(session, actor, alarm, Action.STAND_DOWN, outcome=FINISHED)
    drill.finished_at, drill.finished_by = clock.now(), actor.id
    await session.flush()
    await _record(session, actor, "drill:finish", drill)
    return drill


async def _record(session: AsyncSession, actor: Actor, action: str, drill: Drill) -> None:
    await audit.record(
        session, actor, action, resident_id=drill.resident_id, object_id=drill.id, community_id=drill.community_id
    )
