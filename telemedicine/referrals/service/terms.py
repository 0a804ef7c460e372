"""How long things may take at a clinic: what is usual, and what it says instead."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from telemedicine.referrals import repository
from telemedicine.referrals.schemas.parts import ReferralTermsWrite


async def set_terms(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: ReferralTermsWrite) -> None:
    """Have a clinic's times be these, for what is asked of it from now on."""
    now = clock.now()
    rows = [
        {
            "id": clock.new_id(),
            "created_at": now,
            "updated_at": now,
            "version": 1,
            "organization_id": organization_id,
            **term.model_dump(),
        }
        for term in data.terms
    ]
    await repository.set_terms(session, organization_id, rows)
    await audit.record(session, actor, "clinic:set_referral_terms", object_id=organization_id)
