"""Erasure over HTTP."""

import uuid
from typing import Annotated

from fastapi import Depends, status

from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Router, Session
from app.identity.api import (
    FreshSignInNeeded,
    LastOperator,
    Member,
    PeopleOnly,
    Person,
    ResidenceNotEnded,
    SecondFactorNeeded,
    member_guard,
)
from app.policies.journeys.erasure import service
from eldercare.api import AlarmOpen

router = Router(tags=["identity"])


@router.delete(
    "/me",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(
        Unauthenticated, PeopleOnly, FreshSignInNeeded, SecondFactorNeeded, LastOperator, AlarmOpen
    ),
)
async def erase_me(actor: Person, session: Session) -> None:
    """Erase yourself, for good: plans and alarms end, phones are signed out, and nothing that names you is left.

    Sign in again (or show your second factor) within the 15 minutes before.
    """
    await service.erase_oneself(session, actor)


@router.post(
    "/residents/{resident_id}/erasure",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(Unauthenticated, Forbidden, NotFound, ResidenceNotEnded, LastOperator, AlarmOpen),
)
async def erase_resident(
    resident_id: uuid.UUID,
    member: Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))],
    session: Session,
) -> None:
    """Erase a resident who died or moved out; doing it again changes nothing."""
    await service.erase_former_resident(session, member.actor, resident_id)
