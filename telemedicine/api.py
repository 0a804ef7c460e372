"""Telemedicine's door for the portal, the clinics' own systems and the policies: functions take the actor and check."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest
from telemedicine.appointments.service.replying import answer_reply
from telemedicine.clinics.access import works_for
from telemedicine.clinics.schemas.slots import SlotPublic
from telemedicine.clinics.service.slots import search
from telemedicine.clinics.views.offers import SlotQuery

__all__ = ["SlotPublic", "answer_reply", "free_slots"]


async def free_slots(
    connection: AsyncConnection, actor: Actor, page: PageRequest, earliest: datetime | None = None
) -> Page[SlotPublic]:
    """Return a page of the free slots of the actor's community, the earliest first."""
    query = SlotQuery(community_id=actor.community_id, works_for=works_for(actor))
    return await search(connection, query, earliest, page)
