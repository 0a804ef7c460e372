"""A clinic's appointments over HTTP: its day, and that somebody runs late."""

import uuid
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Query

from app.core import clock
from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, member_guard
from telemedicine.appointments.access import STAFF, require_staff
from telemedicine.appointments.schemas import ClinicAppointment, Delay, DelayTold
from telemedicine.appointments.service import reminding
from telemedicine.appointments.views import appointments as views
from telemedicine.clinics.service.availability import require_owner

router = Router(tags=["telemedicine"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/clinics/{organization_id}"
Staff = Annotated[Member, Depends(member_guard(*STAFF))]
"""Whoever sees the clinic's patients: not the operator, who only oversees that there is a clinic."""


@router.get(f"{_OF}/appointments", responses=problem_responses(*_GUARDED))
async def list_clinic_appointments(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Staff,
    page: PageQuery,
    since: Annotated[GivenInstant | None, Query(alias="from", description="default: now")] = None,
    days: Annotated[int, Query(ge=1, le=31)] = 1,
) -> Page[ClinicAppointment]:
    """List a clinic's appointments of some days, in order."""
    require_staff(member, organization_id)
    start = since or clock.now()
    return await views.of_day(connection, member.actor, organization_id, (start, start + timedelta(days=days)), page)


@router.post(f"{_OF}/practitioners/{{practitioner_id}}/delays", responses=problem_responses(*_GUARDED))
async def tell_practitioner_delay(
    organization_id: uuid.UUID, practitioner_id: uuid.UUID, session: Session, member: Staff, data: Delay
) -> DelayTold:
    """Tell those who are next with a practitioner how much later it will be."""
    require_staff(member, organization_id)
    await require_owner(await session.connection(), organization_id, practitioner_id, "practitioner")
    return DelayTold(told=await reminding.tell_delay(session, member.actor, practitioner_id, data.late_by))
