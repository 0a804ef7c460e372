"""Telemedicine's door for the portal, the clinics' own systems and the policies: functions take the actor and check."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.paging import Page, PageRequest
from app.identity.api import require_resident
from telemedicine.appointments.access import MANAGE as APPOINTMENTS_SCOPE
from telemedicine.appointments.access import of_clinics
from telemedicine.appointments.service.replying import answer_reply
from telemedicine.clinics.access import works_for
from telemedicine.clinics.schemas.slots import SlotPublic
from telemedicine.clinics.service.slots import search
from telemedicine.clinics.views.offers import SlotQuery
from telemedicine.consultations.access import JOIN
from telemedicine.consultations.schemas.consultations import ConsultationDetail, ConsultationOpen
from telemedicine.consultations.service import planning
from telemedicine.consultations.views import detail
from telemedicine.timeline.rules import Kind as TimelineKind
from telemedicine.timeline.views import PART as TIMELINE

__all__ = [
    "APPOINTMENTS_SCOPE",
    "TIMELINE",
    "ConsultationDetail",
    "ConsultationOpen",
    "SlotPublic",
    "TimelineKind",
    "answer_reply",
    "end_consultations",
    "free_slots",
    "of_clinics",
    "open_consultation",
]


async def free_slots(
    connection: AsyncConnection, actor: Actor, page: PageRequest, earliest: datetime | None = None
) -> Page[SlotPublic]:
    """Return a page of the free slots of the actor's community, the earliest first."""
    query = SlotQuery(community_id=actor.community_id, works_for=works_for(actor))
    return await search(connection, query, earliest, page)


async def open_consultation(
    session: AsyncSession,
    actor: Actor,
    *,
    resident_id: uuid.UUID,
    organization_id: uuid.UUID,
    data: ConsultationOpen,
) -> ConsultationDetail:
    """Plan a video visit of a clinic with a resident, for the clinic's staff or for Hearthline itself; return it.

    ``data`` names the clinician where the actor is not the one. Raises ``NotFound``, ``Forbidden`` without
    ``consultations:join``, and what the feature's ``open_consultation`` raises.
    """
    subject = await require_resident(await session.connection(), actor, resident_id, JOIN)
    consultation = await planning.open_consultation(session, actor, subject, organization_id, data)
    return await detail(await session.connection(), consultation.id)


async def end_consultations(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Close what video visits of a resident are open, as their residence ends."""
    await planning.close_of_resident(session, resident_id)
