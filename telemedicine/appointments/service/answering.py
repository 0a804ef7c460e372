"""A clinic that keeps its own diary: asked again for another time, answering, and called where it does not.

The time is held by the booking kernel meanwhile. Whoever answers locks the appointment and then needs the hold: of an
answer, a calling off and the end of the hold exactly one comes first.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.events import emit
from app.identity.api import duty_desk, members_of, organizations_named
from notifications.api import Notice, send
from telemedicine.appointments import notices, repository, rules
from telemedicine.appointments.models import Appointment
from telemedicine.appointments.service import keeping, visiting
from telemedicine.events import AppointmentReproposed, AppointmentRequested, AppointmentUnanswered


async def ask_again(session: AsyncSession, actor: Actor, row: Appointment, asking: rules.Asking, now: datetime) -> None:
    """Ask the clinic for the time that an appointment was moved to, and held for; what was booked is booked no more."""
    is_booked = row.status == "booked"
    row.hold_until, row.answer_look_at = asking.until, asking.clinic_at
    row.asked_at, row.answered_at, row.called = now, None, None
    if is_booked:
        row.was_booked = True
        keeping.become(row, "pending")
        await visiting.drop(session, row)
    await keeping.remember(session, row, actor, "moved" if row.was_booked else None)
    if row.was_booked:
        await keeping.emit_move(session, row)
    await emit(session, AppointmentRequested(**_about(row)))
    await keeping.untell(session, row.id)
    await keeping.tell(session, notices.REQUESTED, row, f"requested:{row.sequence}")


async def repropose(session: AsyncSession, actor: Actor, row: Appointment, until: datetime, now: datetime) -> None:
    """Have the resident choose whether they take the other time that a clinic proposes, which is held for them."""
    keeping.become(row, "proposed")
    row.hold_until, row.answered_at, row.called = until, now, None
    await keeping.remember(session, row, actor)
    await emit(session, AppointmentReproposed(**_about(row)))
    await keeping.untell(session, row.id)
    await keeping.tell(session, notices.REPROPOSED, row, f"reproposed:{row.sequence}", until=until)


async def call(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Call somebody because a clinic has not answered: those who keep it, then the community's desk.

    Where nobody keeps it the desk is called at once; where there is no desk, all who work at the clinic are, and nobody
    is said to ring it. The resident is told each time.
    """
    now = clock.now()
    connection = await session.connection()
    rows = await repository.all_locked(session, ids)
    clinics = {row.organization_id for row in rows}
    keepers = await members_of(connection, clinics, "coordinator")
    clinicians = await members_of(connection, clinics, "clinician")
    for row in rows:
        if row.hold_until is not None and row.hold_until <= now:  # it is let go, and nobody need be called
            row.answer_look_at = None
            continue
        asking = rules.asking(row.asked_at or now, row.starts_at, row.answer_within or row.starts_at - now)
        staff = [one for one in keepers[row.organization_id] if one != row.account_id]
        is_desks = not staff or asking.desk_at <= now
        if row.called is None and staff:
            await _call(session, row, notices.ANSWER_DUE, staff)
        desk = await duty_desk(connection, row.community_id) if is_desks else []
        if is_desks:
            team = [one for one in clinicians[row.organization_id] if one not in (row.account_id, *staff)]
            await _call(session, row, notices.ANSWER_OVERDUE, desk or [*staff, *team])
        row.called = "desk" if desk else "clinic"
        row.answer_look_at = None if is_desks else asking.desk_at
        await emit(session, AppointmentUnanswered(called=row.called, **_about(row)))
        told = notices.FOLLOWED_UP if desk else notices.UNANSWERED
        await keeping.tell(session, told, row, f"unanswered:{row.called}:{row.sequence}")
        await keeping.remember(session, row, None)


async def _call(session: AsyncSession, row: Appointment, notice: Notice, whom: Sequence[uuid.UUID]) -> None:
    """Tell staff which time a clinic has yet to answer for, and never whose it is: the desk needs only whom to ring."""
    connection = await session.connection()
    known = await organizations_named(connection, row.community_id, [row.organization_id])
    await send(
        session,
        notice,
        whom,
        community_id=row.community_id,
        dedupe_key=f"appointment:{row.id}:{notice.key}:{row.sequence}",
        variables={"starts_at": row.starts_at, "clinic": known[row.organization_id].name},
        origin=(keeping.REMINDED, row.id),
        data={"appointment_id": str(row.id)},
    )


def _about(row: Appointment) -> dict[str, Any]:
    return {
        "aggregate_id": row.id,
        "community_id": row.community_id,
        "resident_id": row.resident_id,
        "organization_id": row.organization_id,
    }
