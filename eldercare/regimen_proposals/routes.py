"""Proposals over HTTP: what waits to be confirmed. The answers are a journey of the policies'."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Query, Response

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, set_etag
from app.identity.api import ResidentSubject, resident_guard, trace_read
from eldercare.regimen_proposals import views
from eldercare.regimen_proposals.rules import State
from eldercare.regimen_proposals.schemas import RegimenProposalPublic

router = Router(tags=["eldercare"])

Reader = Annotated[ResidentSubject, Depends(resident_guard("medication:read"))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)


@router.resident_route("GET", "/regimen-proposals", responses=problem_responses(*_GUARDED))
async def list_regimen_proposals(
    connection: Reading,
    actor: CurrentActor,
    subject: Reader,
    page: PageQuery,
    state: Annotated[State | None, Query()] = None,
) -> Page[RegimenProposalPublic]:
    """List the prescriptions that are to become part of a resident's plan, the last first."""
    await trace_read(connection, actor, subject, "regimen_proposals:list")
    return await views.proposals(connection, subject.resident_id, state, page)


@router.resident_route("GET", "/regimen-proposals/{proposal_id}", responses=problem_responses(*_GUARDED))
async def get_regimen_proposal(
    connection: Reading, actor: CurrentActor, subject: Reader, proposal_id: uuid.UUID, response: Response
) -> RegimenProposalPublic:
    """Show the prescriber's words beside what they suggest, where that is structured."""
    await trace_read(connection, actor, subject, "regimen_proposal:read", proposal_id)
    found = await views.proposal(connection, subject.resident_id, proposal_id)
    set_etag(response, found.version)
    return found
