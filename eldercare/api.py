"""Eldercare's door for the portal, the clinics and the policies: each function takes the actor and checks them."""

import uuid

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.identity.api import require_resident
from eldercare.alarms.access import require_alarm
from eldercare.alarms.problems import AlarmOpen
from eldercare.alarms.repository import is_alarm_open
from eldercare.alarms.schemas import AlarmDetail
from eldercare.alarms.service import AlarmKind, AlarmSignal, Severity
from eldercare.alarms.service import raise_alarm as _raise_alarm
from eldercare.alarms.views import alarm_detail, queue
from eldercare.care_circle.service import end_circle
from eldercare.check_ins.schemas import AnswerWrite, CheckInDetail
from eldercare.check_ins.service.answers import answer
from eldercare.check_ins.service.plans import close_residents
from eldercare.check_ins.service.replies import Outcome, answer_reply
from eldercare.check_ins.views import check_ins as views
from eldercare.response import service as response

__all__ = [
    "AlarmDetail",
    "AlarmKind",
    "AlarmOpen",
    "AlarmSignal",
    "AnswerWrite",
    "CheckInDetail",
    "Outcome",
    "Severity",
    "acknowledge_alarm",
    "alarm_queue",
    "answer_check_in",
    "answer_reply",
    "end_care",
    "get_alarm",
    "raise_alarm",
    "require_no_open_alarm",
    "resolve_alarm",
]

alarm_queue = queue


async def answer_check_in(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, check_in_id: uuid.UUID, data: AnswerWrite
) -> CheckInDetail:
    """Answer a resident's check-in on behalf of ``actor`` and return it.

    Raises ``NotFound``, ``Forbidden`` without ``check_ins:answer``, ``Malformed``, ``CheckInNotOpen``,
    ``AnswerContradicts``.
    """
    subject = await require_resident(await session.connection(), actor, resident_id, "check_ins:answer")
    await answer(session, actor, subject, check_in_id, data)
    return await views.check_in(await session.connection(), actor, subject, check_in_id)


async def raise_alarm(session: AsyncSession, actor: Actor, signal: AlarmSignal) -> uuid.UUID:
    """Raise an alarm (or join the open one) on behalf of ``actor`` and return its id.

    Raises ``NotFound``, and ``Forbidden`` without ``alarms:raise``.
    """
    await require_resident(await session.connection(), actor, signal.resident_id, "alarms:raise")
    return (await _raise_alarm(session, actor, signal)).id


async def get_alarm(connection: AsyncConnection, actor: Actor, alarm_id: uuid.UUID) -> AlarmDetail:
    """Return an alarm with everything that happened; raises ``NotFound``, ``Forbidden`` without ``alarms:read``."""
    subject = await require_alarm(connection, actor, alarm_id, "alarms:read")
    return await alarm_detail(connection, actor, subject.id, subject.resident_id)


async def acknowledge_alarm(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID) -> AlarmDetail:
    """Take an alarm on behalf of ``actor`` and return it.

    Raises ``NotFound``, ``Forbidden`` without ``alarms:respond``, ``AlarmClosed``, ``AlarmAlreadyAcknowledged``.
    """
    connection = await session.connection()
    subject = await require_alarm(connection, actor, alarm_id, "alarms:respond")
    await response.acknowledge(session, actor, subject.id)
    return await alarm_detail(connection, actor, subject.id, subject.resident_id)


async def resolve_alarm(
    session: AsyncSession, actor: Actor, alarm_id: uuid.UUID, *, outcome: str, note: str | None = None
) -> AlarmDetail:
    """End an alarm on behalf of ``actor`` and return it; raises as ``acknowledge_alarm``."""
    connection = await session.connection()
    subject = await require_alarm(connection, actor, alarm_id, "alarms:respond")
    await response.resolve(session, actor, subject.id, outcome=outcome, note=note)
    return await alarm_detail(connection, actor, subject.id, subject.resident_id)


async def require_no_open_alarm(
    session: AsyncSession, *, account_id: uuid.UUID, resident_id: uuid.UUID | None
) -> None:
    """Raise ``AlarmOpen`` if an alarm is open about the resident, or one the account has taken."""
    if await is_alarm_open(session, account_id, resident_id):
        raise AlarmOpen


async def end_care(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """End a resident's plans and circle in the caller's transaction, as the end of the residence does."""
    await close_residents(session, [resident_id])
    await end_circle(session, resident_id)
