"""Withdrawing what was recorded by mistake: a tap must not keep anybody from being reminded or looked after."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import Forbidden, NotFound
from app.identity.api import ResidentSubject
from eldercare.events import DoseRecordWithdrawn
from eldercare.medication import repository, rules
from eldercare.medication.models import Dose, Regimen, RegimenVersion
from eldercare.medication.problems import NothingToWithdraw
from eldercare.medication.service import planning


async def withdraw(session: AsyncSession, actor: Actor, subject: ResidentSubject, dose_id: uuid.UUID) -> None:
    """Let a dose be what it was before somebody recorded it.

    A planned one is waited for again; if its window is over it is missed at once, with all that follows. One that lies
    ahead of a regimen that has changed since gives way to what is planned now. One that was taken as needed, or once
    more, is removed. It is for whoever recorded it and for the resident. Raises ``NotFound``,
    ``Forbidden``, ``NothingToWithdraw``.
    """
    now = clock.now()
    await repository.take_turns(session, subject.resident_id)  # whoever pauses or changes the regimen is done, or waits
    dose = await repository.lock_dose(session, subject.resident_id, dose_id)
    if dose is None:
        raise NotFound
    if dose.recorded_at is None or now - dose.recorded_at > rules.WITHDRAWN_WITHIN:
        raise NothingToWithdraw
    if subject.relation != "self" and dose.recorded_by != actor.id:
        raise Forbidden("somebody else recorded this dose")
    fact = DoseRecordWithdrawn(
        aggregate_id=dose.id,
        community_id=dose.community_id,
        resident_id=dose.resident_id,
        regimen_id=dose.regimen_id,
    )
    if dose.state == "taken":
        await repository.put_back(session, dose, now)
    regimen = await session.get_one(Regimen, dose.regimen_id, populate_existing=True)
    if dose.kind != "planned":
        await session.delete(dose)
    elif dose.due_at > now and (dose.version_id != regimen.version_id or regimen.state != "active"):
        await session.delete(dose)
        await session.flush()
        if regimen.state == "active":
            await planning.plan_anew(session, {regimen.id: regimen.resident_id})
    else:
        await _reopen(session, dose, regimen, now)
    await emit(session, fact)
    wakeups.request(session, planning.CHANNEL)
    await audit.record(
        session,
        actor,
        "dose:withdraw_record",
        resident_id=fact.resident_id,
        object_id=fact.aggregate_id,
        community_id=fact.community_id,
    )


async def _reopen(session: AsyncSession, dose: Dose, regimen: Regimen, now: datetime) -> None:
    if regimen.state != "active" and dose.excuse is None:
        dose.excuse, dose.closed_at = regimen.state, now  # it was paused or stopped since: nobody waits for it
    dose.quantity = (await session.get_one(RegimenVersion, dose.version_id)).quantity
    is_open = dose.opened_at is not None
    dose.state = rules.before_record(
        is_excused=dose.excuse is not None, is_open=is_open, is_reminded=dose.reminded_at is not None
    )
    if dose.state != "excused":
        dose.closed_at = None
        # Whatever of the two has passed by now is due at once.
        dose.remind_at, dose.close_at = (None, dose.window_ends_at) if is_open else (dose.due_at, None)
    dose.taken_at = dose.recorded_at = dose.recorded_by = dose.how = dose.skip_reason = dose.note = None
    dose.late = dose.confirmed = False
