"""The video visit of an appointment: what is decided about the appointment is done with its visit, in one transaction.

An appointment commands its visit and never the other way round: what happens in the room comes back as facts
(``attending``). The appointment is locked before its visit.
"""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.reservations.api import of_origin
from telemedicine.appointments import rules
from telemedicine.appointments.models import APPOINTMENTS, Appointment
from telemedicine.appointments.views.appointments import ORIGIN
from telemedicine.clinics.models import BOOKABLE_RESOURCES, CLINICS, PRACTITIONERS
from telemedicine.consultations.service import booked
from telemedicine.consultations.service.booked import Booked

_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
# Nobody sees themselves by video, and who has no account cannot come.
_CLINICIANS: Final = (
    sa.select(APPOINTMENTS.c.id, PRACTITIONERS.c.account_id, CLINICS.c.phone)
    .join(PRACTITIONERS, PRACTITIONERS.c.id == APPOINTMENTS.c.practitioner_id)
    .join(CLINICS, CLINICS.c.organization_id == APPOINTMENTS.c.organization_id)
    .where(
        APPOINTMENTS.c.id == sa.any_(_IDS),
        PRACTITIONERS.c.account_id.is_not(None),
        PRACTITIONERS.c.account_id != APPOINTMENTS.c.account_id,
    )
)
_INTERPRETERS: Final = sa.select(BOOKABLE_RESOURCES.c.calendar_id, BOOKABLE_RESOURCES.c.account_id).where(
    BOOKABLE_RESOURCES.c.calendar_id == sa.any_(_IDS),
    BOOKABLE_RESOURCES.c.kind == sa.literal("interpreter", sa.Text),
    BOOKABLE_RESOURCES.c.account_id.is_not(None),
)


async def arrange(session: AsyncSession, rows: Sequence[Any], by: uuid.UUID) -> dict[uuid.UUID, uuid.UUID]:
    """Plan or move the visits of booked appointments by video, and return the visit of each that has one.

    One that nobody could hold any more is called off. Whoever calls writes down which visit an appointment has. Raises
    ``ConsultationUnderWay``.
    """
    remote = [row for row in rows if row.mode == "video"]
    visits: dict[uuid.UUID, uuid.UUID] = {}
    if not remote:
        return visits
    await session.flush()
    ids = [row.id for row in remote]
    clinicians = {found.id: found for found in await session.execute(_CLINICIANS, {"ids": ids})}
    interpreters = await _interpreters(session, ids)
    for row in remote:
        clinician = clinicians.get(row.id)
        if clinician is None:
            if row.consultation_id is not None:
                await booked.call_off(session, row.consultation_id, "refuse")
            continue
        visit = _booked(row, clinician, interpreters.get(row.id), by)
        if row.consultation_id is None:
            visits[row.id] = await booked.plan(session, visit)
        else:
            visits[row.id] = await booked.move(session, row.consultation_id, visit)
    return visits


async def end(session: AsyncSession, row: Appointment) -> None:
    """Close the visit of an appointment that is over. Who is in it goes on, unless the appointment was given back."""
    if row.consultation_id is not None:
        await booked.call_off(session, row.consultation_id, "end" if row.status in rules.GIVES_BACK else "go_on")


async def drop(session: AsyncSession, row: Appointment) -> None:
    """Close the visit of an appointment that is booked no more; raises ``ConsultationUnderWay``."""
    if row.consultation_id is not None:
        await booked.call_off(session, row.consultation_id, "refuse")


async def _interpreters(session: AsyncSession, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the account of who is booked to interpret, by appointment."""
    reserved = await of_origin(await session.connection(), ORIGIN, ids)
    binds = {"ids": list({one.resource_id for one in reserved})}
    accounts = {found.calendar_id: found.account_id for found in await session.execute(_INTERPRETERS, binds)}
    return {one.origin_id: accounts[one.resource_id] for one in reserved if one.resource_id in accounts}


def _booked(row: Any, clinician: Any, interpreter_id: uuid.UUID | None, by: uuid.UUID) -> Booked:
    is_another = interpreter_id not in (clinician.account_id, row.account_id)
    return Booked(
        appointment_id=row.id,
        community_id=row.community_id,
        organization_id=row.organization_id,
        resident_id=row.resident_id,
        resident_account=row.account_id,
        clinician_id=clinician.account_id,
        interpreter_id=interpreter_id if is_another else None,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        phone=clinician.phone,
        booked_by=by,
    )
