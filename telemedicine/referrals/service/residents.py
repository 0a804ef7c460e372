"""Whom a referral is about, for those whom the referral itself lets act: the clinic that is asked has no agreement."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import system_actor
from app.identity.api import ResidentSubject, require_resident
from telemedicine.records.access import READ
from telemedicine.referrals.access import Subject


async def resident_of(session: AsyncSession, subject: Subject) -> ResidentSubject:
    """Return the resident of a referral or question that the actor was found to have to do with."""
    found = await require_resident(
        await session.connection(), system_actor(subject.community_id), subject.resident_id, READ
    )
    relation = "self" if subject.is_own else found.relation
    return ResidentSubject(
        found.resident_id, found.community_id, found.account_id, found.time_zone, found.state, relation
    )
