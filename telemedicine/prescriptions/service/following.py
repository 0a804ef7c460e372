"""What the rest of the house needs of a prescription that it follows, and what it answers."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.core.sealing import seal
from app.identity.api import organization_members
from notifications.api import send
from telemedicine.prescriptions import repository, views
from telemedicine.prescriptions.models import OBJECTION, Prescription
from telemedicine.prescriptions.notices import PRESCRIPTION_OBJECTED
from telemedicine.prescriptions.schemas import PrescriptionStanding


async def hold(session: AsyncSession, prescription_id: uuid.UUID) -> PrescriptionStanding:
    """Return how a signed prescription stands, which it does until the transaction ends; raises ``NotFound``."""
    await repository.hold(session, prescription_id)
    found = await views.standings(await session.connection(), [prescription_id])
    if not found:
        raise NotFound
    return found[0]


async def note_objection(session: AsyncSession, actor: Actor, prescription_id: uuid.UUID, reason: str) -> None:
    """Keep that a prescription is not taken up, and why; whoever signed it is told, or all who could if they left.

    For who may decide it: whoever keeps the resident's medication plan. Raises ``NotFound``.
    """
    row = await session.get(Prescription, prescription_id, with_for_update=True, populate_existing=True)
    if row is None or row.signed_by is None:
        raise NotFound
    row.objected_at, row.objected_by, row.objection = clock.now(), actor.id, seal(reason, OBJECTION)
    await session.flush()
    clinicians = await organization_members(await session.connection(), row.organization_id, "clinician")
    await send(
        session,
        PRESCRIPTION_OBJECTED,
        [row.signed_by] if row.signed_by in clinicians else clinicians,
        community_id=row.community_id,
        dedupe_key=f"{PRESCRIPTION_OBJECTED.key}:{row.id}",
        variables={"resident": row.resident_id},
        about=row.resident_id,
        data={"prescription_id": str(row.id)},
    )
    await audit.record(
        session,
        actor,
        "prescription:object",
        resident_id=row.resident_id,
        object_id=row.id,
        community_id=row.community_id,
    )
