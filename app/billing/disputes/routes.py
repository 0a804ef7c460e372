"""Disputes over HTTP: the desk that answers them, and the operator who sees to it."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Query, Response

from app.billing.disputes import views
from app.billing.disputes.problems import EvidenceGiven, EvidenceTooLate
from app.billing.disputes.rules import State
from app.billing.disputes.schemas import DisputePublic, EvidenceGivenIn
from app.billing.disputes.service import answering
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, set_etag
from app.identity.api import Member, member_guard

router = Router(tags=["billing"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/organizations/{organization_id}/disputes"
Coordinator = Annotated[Member, Depends(member_guard("coordinator"))]
Desk = Annotated[Member, Depends(member_guard("operator", "coordinator"))]
Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
Stands = Annotated[State | None, Query()]


@router.get("/disputes", responses=problem_responses(Unauthenticated, Forbidden))
async def list_disputes(
    connection: Reading, member: Operator, page: PageQuery, state: Stands = None
) -> Page[DisputePublic]:
    """List the disputes of card payments in the operator's community, the last first."""
    return await views.disputes_of_community(connection, member.actor, member.community_id, state, page)


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_organization_disputes(
    organization_id: uuid.UUID, connection: Reading, member: Desk, page: PageQuery, state: Stands = None
) -> Page[DisputePublic]:
    """List the disputes of what an organization was paid on cards, the last first."""
    return await views.disputes_of_organization(connection, member.actor, organization_id, state, page)


@router.get(f"{_OF}/{{dispute_id}}", responses=problem_responses(*_GUARDED))
async def get_dispute(
    organization_id: uuid.UUID, connection: Reading, member: Desk, dispute_id: uuid.UUID, response: Response
) -> DisputePublic:
    """Show a dispute of what an organization was paid on a card."""
    found = await views.dispute(connection, member.actor, organization_id, dispute_id)
    set_etag(response, found.version)
    return found


@router.post(
    f"{_OF}/{{dispute_id}}/evidence",
    status_code=202,
    responses=problem_responses(*_GUARDED, EvidenceGiven, EvidenceTooLate),
)
async def give_evidence(
    organization_id: uuid.UUID, session: Session, member: Coordinator, dispute_id: uuid.UUID, data: EvidenceGivenIn
) -> DisputePublic:
    """Say what speaks against a dispute: once, before it is due; it is submitted to the payer's bank."""
    dispute = await answering.give_evidence(session, member.actor, organization_id, dispute_id, data)
    return DisputePublic(**dispute.model_dump(include=set(DisputePublic.model_fields)), has_evidence=True)
