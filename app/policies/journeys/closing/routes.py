"""The end of a residence over HTTP."""

import uuid
from typing import Annotated

from fastapi import Depends, Response

from app.core.access import CurrentActor
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Router, Session, set_etag
from app.identity.api import Closure, ProfilePublic, ResidenceEnded, ResidentSubject, profile, resident_guard
from app.policies.journeys.closing import service
from eldercare.api import AlarmOpen

router = Router(tags=["identity"])


@router.post(
    "/residents/{resident_id}/closure",
    status_code=201,
    responses=problem_responses(Unauthenticated, Forbidden, NotFound, ResidenceEnded, AlarmOpen),
)
async def close_residence(
    *,
    resident_id: uuid.UUID,
    closure: Closure,
    subject: Annotated[ResidentSubject, Depends(resident_guard("profile:manage"))],
    actor: CurrentActor,
    session: Session,
    response: Response,
) -> ProfilePublic:
    """The resident died or moved out: plans, bookings, notices and what others may see end in one operation.

    Refused while an alarm about them is open: somebody may be on the way.
    """
    await service.close_residence(session, actor, subject, closure)
    shown = await profile(await session.connection(), resident_id)
    set_etag(response, shown.version)
    return shown
