"""What clinics sign and end, followed in the medication plan."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.policies.reactions.prescriptions.rules import followed
from eldercare import api as eldercare
from telemedicine import api as telemedicine
from telemedicine.events import PrescriptionEnded, PrescriptionSigned


async def _follow(session: AsyncSession, facts: Sequence[PrescriptionSigned | PrescriptionEnded]) -> None:
    """Let the medication plan follow prescriptions as they stand now: facts of several reach us in any order."""
    ids = [fact.aggregate_id for fact in facts]
    for found in await telemedicine.prescription_standings(await session.connection(), ids):
        await eldercare.follow_prescription(session, followed(found))


SUBSCRIBERS: Final = (Subscriber("policies.follow_prescriptions", (PrescriptionSigned, PrescriptionEnded), _follow),)
