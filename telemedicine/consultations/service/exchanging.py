"""Video visits for the other packages and the clinics' own systems: functions take the actor and check."""

import uuid

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.changes import Since
from app.core.paging import Page, PageRequest
from app.core.problems import Forbidden, NotFound
from app.identity.api import require_resident, trace_read
from telemedicine.consultations.access import JOIN, READ, clinics_of, require_consultation
from telemedicine.consultations.schemas.consultations import (
    ConsultationDetail,
    ConsultationOpen,
    ConsultationPublic,
    ConsultationQuery,
)
from telemedicine.consultations.service import planning
from telemedicine.consultations.views import EVERY, changed, detail, of_resident


async def consultation(connection: AsyncConnection, actor: Actor, consultation_id: uuid.UUID) -> ConsultationDetail:
    """Return a video visit; raises ``NotFound``, ``Forbidden`` without ``consultations:read``."""
    subject = await require_consultation(connection, actor, consultation_id, READ)
    await trace_read(connection, actor, subject.resident, "consultation:read", consultation_id)
    return await detail(connection, consultation_id)


async def consultations(
    connection: AsyncConnection,
    actor: Actor,
    resident_id: uuid.UUID,
    page: PageRequest,
    query: ConsultationQuery = EVERY,
) -> Page[ConsultationPublic]:
    """Return a page of a resident's video visits; raises ``NotFound``, ``Forbidden`` without ``consultations:read``."""
    subject = await require_resident(connection, actor, resident_id, READ)
    await trace_read(connection, actor, subject, "consultations:list")
    return await of_resident(connection, actor, resident_id, page, query)


async def sees_consultations(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> bool:
    """Say whether the actor may read a resident's video visits."""
    try:
        await require_resident(connection, actor, resident_id, READ)
    except (NotFound, Forbidden):
        return False
    return True


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


async def consultation_changes(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, since: Since
) -> list[ConsultationPublic]:
    """Return the video visits that changed; raises ``NotFound``, ``Forbidden`` without ``consultations:read``."""
    await require_resident(connection, actor, resident_id, READ)
    found = await changed(connection, resident_id, since)
    return [visit for visit in found if actor.kind != "client" or visit.organization_id in clinics_of(actor)]
