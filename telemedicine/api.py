"""Telemedicine's door for the portal, the clinics and the policies: each function takes the actor and checks them."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.identity.api import require_resident
from telemedicine.consultations.access import JOIN
from telemedicine.consultations.schemas.consultations import ConsultationDetail, ConsultationOpen
from telemedicine.consultations.service import planning
from telemedicine.consultations.views import detail

__all__ = ["ConsultationDetail", "ConsultationOpen", "end_consultations", "open_consultation"]


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
