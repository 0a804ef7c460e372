"""What every change of an appointment does: status by the one table, history, next reminder, notices."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import connection_of
from app.core.events import emit
from app.core.sealing import seal
from app.core.statements import Insertion
from notifications.api import Notice, Value, send, withdraw
from telemedicine.appointments import rules
from telemedicine.appointments.models import CHANGE_REASON, CHANGES, Appointment, AppointmentChange
from telemedicine.appointments.problems import NotAllowedNow
from telemedicine.events import (
    AppointmentCancelled,
    AppointmentMoved,
    AppointmentRequestEnded,
    AppointmentStatusChanged,
)

REMINDED: Final = "telemedicine.appointment"
"""What reminders are sent for: they are taken back when the appointment moves or ends."""

_REMEMBER: Final = Insertion(CHANGES)


def become(row: Appointment, status: rules.Status) -> rules.News | None:
    """Give an appointment another status and return what of it is news.

    Raises ``NotAllowedNow`` where no way leads to it.
    """
    was = row.status
    if not rules.may_become(was, status):
        raise NotAllowedNow(appointment_status=was)
    row.status = status
    if status not in rules.HELD:
        row.hold_until = None
    if status != "pending":
        row.answer_look_at = None
    set_reminder(row, clock.now())
    return rules.news(was, status, is_asked=row.asked_at is not None)


async def emit_move(session: AsyncSession, row: Appointment) -> None:
    """Tell that an appointment has another time."""
    await emit(
        session,
        AppointmentMoved(
            aggregate_id=row.id,
            community_id=row.community_id,
            resident_id=row.resident_id,
            organization_id=row.organization_id,
        ),
    )


async def emit_end(session: AsyncSession, row: Appointment, by: rules.By, *, was_held: bool) -> None:
    """Tell that an appointment does not take place, or that what a clinic was asked for is not booked."""
    kind = AppointmentCancelled if row.was_booked or not was_held else AppointmentRequestEnded
    await emit(
        session,
        kind(
            aggregate_id=row.id,
            community_id=row.community_id,
            resident_id=row.resident_id,
            organization_id=row.organization_id,
            by=by,
        ),
    )


def set_reminder(row: Appointment, after: datetime) -> None:
    """Set when somebody is reminded next, if they still are."""
    is_reminded = rules.is_reminded(row.status, row.mode)
    found = rules.next_reminder(row.starts_at, row.mode, after) if is_reminded else None
    row.remind_at = found[0] if found else None


async def remember(
    session: AsyncSession,
    row: Appointment,
    by: Actor | None,
    news: rules.News | None = None,
    reason: str | None = None,
) -> None:
    """Add how the appointment stands now to its history, and to the trail; ``news`` is what timelines tell of it."""
    await session.flush()
    await _REMEMBER.of(
        connection_of(session),
        AppointmentChange(
            appointment_id=row.id,
            resident_id=row.resident_id,
            status=row.status,
            news=news,
            starts_at=row.starts_at,
            practitioner_id=row.practitioner_id,
            changed_by=by.id if by else None,
            reason=seal(reason, CHANGE_REASON) if reason else None,
        ),
    )
    if by is not None:
        action = f"appointment:{row.status}"
        await audit.record(
            session, by, action, resident_id=row.resident_id, object_id=row.id, community_id=row.community_id
        )


async def tell(session: AsyncSession, notice: Notice, row: Any, occasion: str, **more: Value) -> None:
    """Write ``notice`` for whose appointment it is; under one ``occasion`` they get it once."""
    ids = {"appointment_id": row.id, "consultation_id": row.consultation_id}
    about: dict[str, Value] = {"resident": row.resident_id, "starts_at": row.starts_at}
    await send(
        session,
        notice,
        [row.account_id],
        community_id=row.community_id,
        dedupe_key=f"appointment:{row.id}:{occasion}",
        variables=about | more,
        about=row.resident_id,
        origin=(REMINDED, row.id),
        data={name: str(value) for name, value in ids.items() if value is not None},
    )


async def untell(session: AsyncSession, *appointment_ids: uuid.UUID) -> None:
    """Take back what was sent of an appointment and is not true any more."""
    await withdraw(session, REMINDED, list(appointment_ids))


async def emit_status(session: AsyncSession, row: Appointment) -> None:
    """Tell what became of an appointment."""
    await emit(
        session,
        AppointmentStatusChanged(
            aggregate_id=row.id,
            community_id=row.community_id,
            resident_id=row.resident_id,
            organization_id=row.organization_id,
            status=row.status,
        ),
    )
