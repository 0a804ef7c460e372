"""The end of a residence over HTTP: its undoing."""

import uuid
from typing import Annotated

from fastapi import Depends, Response

from app.core.access import CurrentActor
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Router, Session, set_etag
from app.identity.closing import service
from app.identity.closing.problems import NotClosed, PersonErased
from app.identity.people import views
from app.identity.people.schemas import ProfilePublic
from app.identity.scopes import PROFILE_MANAGE
from app.identity.visibility import ResidentSubject, resident_guard

router = Router(tags=["identity"])

_KNOWN = (Unauthenticated, Forbidden, NotFound)
Subject = Annotated[ResidentSubject, Depends(resident_guard(PROFILE_MANAGE))]


@router.delete("/residents/{resident_id}/closure", responses=problem_responses(*_KNOWN, NotClosed, PersonErased))
async def reopen_residence(
    resident_id: uuid.UUID, subject: Subject, actor: CurrentActor, session: Session, response: Response
) -> ProfilePublic:
    """The closure was a mistake: state, grants and agreements are as before, plans resume."""
    await service.reopen(session, actor, subject)
    profile = await views.profile(await session.connection(), resident_id)
    set_etag(response, profile.version)
    return profile
