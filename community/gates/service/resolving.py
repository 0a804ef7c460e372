"""What an attraction decides on somebody who was let in and should not have been."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, sealing
from community.gates import repository
from community.gates.access import AtAttraction
from community.gates.models import NOTE
from community.gates.problems import ConflictClosed
from community.gates.schemas import ConflictResolve


async def resolve(session: AsyncSession, at: AtAttraction, data: ConflictResolve) -> None:
    """Say what a conflict was, and why; raises ``NotFound``, ``ConflictClosed`` if it is not open."""
    row = await repository.locked_conflict(session, at.id)
    if row.state != "open":
        raise ConflictClosed
    row.state, row.resolution, row.note = "resolved", data.resolution, sealing.seal(data.note, NOTE)
    row.resolved_by, row.resolved_at = at.actor.id, clock.now()
    await session.flush()
    await audit.record(session, at.actor, "admission_conflict:resolve", object_id=row.id)
