"""Confirming and rejecting proposals of regimens over HTTP."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.core.access import CurrentActor
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Router, Session
from app.identity.api import ResidentSubject, resident_guard
from app.policies.journeys.regimens import service
from eldercare.api import (
    ProposalAnswered,
    ProposalConfirmation,
    ProposalRejection,
    RegimenOverlaps,
    RegimenProposalPublic,
    ResidentClosed,
)

router = Router(tags=["eldercare"])

Manager = Annotated[ResidentSubject, Depends(resident_guard("medication:manage"))]
_ANSWERED: Final = (Unauthenticated, Forbidden, NotFound, ProposalAnswered)


@router.resident_route(
    "POST",
    "/regimen-proposals/{proposal_id}/confirmation",
    responses=problem_responses(*_ANSWERED, ResidentClosed, RegimenOverlaps),
)
async def confirm_regimen_proposal(
    session: Session, actor: CurrentActor, subject: Manager, proposal_id: uuid.UUID, data: ProposalConfirmation
) -> RegimenProposalPublic:
    """Say when what was prescribed is taken: that alone makes a regimen of it. What it replaces ends as it begins."""
    return await service.confirm(session, actor, subject.resident_id, proposal_id, data)


@router.resident_route("POST", "/regimen-proposals/{proposal_id}/rejection", responses=problem_responses(*_ANSWERED))
async def reject_regimen_proposal(
    session: Session, actor: CurrentActor, subject: Manager, proposal_id: uuid.UUID, data: ProposalRejection
) -> RegimenProposalPublic:
    """Say why what was prescribed is not taken up; whoever prescribed it is told."""
    return await service.reject(session, actor, subject.resident_id, proposal_id, data)
