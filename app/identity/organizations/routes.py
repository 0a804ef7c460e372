"""Organizations, agreements and staff over HTTP."""

import uuid
from typing import Annotated

from fastapi import Depends, Response

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.access import Member, member_guard
from app.identity.organizations import invitations, service, views
from app.identity.organizations.problems import AgreementEnded, InvitationEnded, LastOperator, NotDeactivable
from app.identity.organizations.schemas import (
    AgreementAdd,
    AgreementChange,
    AgreementPublic,
    InvitationAccept,
    InvitationAdd,
    InvitationPublic,
    MemberPublic,
    OrganizationAdd,
    OrganizationChange,
    OrganizationPublic,
)
from app.identity.people.access import own
from app.identity.scopes import GRANTS_MANAGE
from app.identity.visibility import ResidentSubject, resident_guard, trace_read

router = Router(tags=["identity"])

_KNOWN = (Unauthenticated, Forbidden, NotFound)
Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
Leader = Annotated[Member, Depends(member_guard("operator", "coordinator"))]
Colleague = Annotated[
    Member, Depends(member_guard("operator", "dispatcher", "coordinator", "carer", "clinician", "worker"))
]


@router.get("/organizations", responses=problem_responses(Unauthenticated))
async def list_organizations(actor: CurrentActor, connection: Reading, page: PageQuery) -> Page[OrganizationPublic]:
    """Who works in the caller's community."""
    return await views.organizations(connection, actor.community_id, page)


@router.post("/organizations", status_code=201, responses=problem_responses(Unauthenticated, Forbidden))
async def add_organization(
    data: OrganizationAdd, member: Operator, session: Session, response: Response
) -> OrganizationPublic:
    """Add an organization; what it may see is agreed separately."""
    organization = await service.add_organization(session, member.actor, data)
    set_etag(response, organization.version)
    return OrganizationPublic.model_validate(organization)


@router.patch("/organizations/{organization_id}", responses=problem_responses(*_KNOWN, StaleVersion))
async def change_organization(
    *,
    organization_id: uuid.UUID,
    change: OrganizationChange,
    member: Annotated[Member, Depends(member_guard("operator"))],
    session: Session,
    if_match: IfMatch,
    response: Response,
) -> OrganizationPublic:
    """Change an organization's name, or whether its staff needs a second factor."""
    organization = await service.change_organization(session, member, organization_id, change, if_match)
    set_etag(response, organization.version)
    return OrganizationPublic.model_validate(organization)


@router.get("/organizations/{organization_id}/members", responses=problem_responses(*_KNOWN))
async def list_members(
    organization_id: uuid.UUID,
    member: Colleague,  # noqa: ARG001 - it guards
    connection: Reading,
    page: PageQuery,
) -> Page[MemberPublic]:
    """Who works for the organization, in which roles."""
    return await views.staff(connection, organization_id, page)


@router.delete(
    "/organizations/{organization_id}/members/{account_id}",
    status_code=204,
    responses=problem_responses(*_KNOWN, LastOperator),
)
async def end_member(organization_id: uuid.UUID, account_id: uuid.UUID, member: Leader, session: Session) -> None:
    """End all roles of a person in the organization, at once."""
    await service.end_member(session, member, organization_id, account_id)


@router.post(
    "/accounts/{account_id}/deactivation",
    status_code=204,
    responses=problem_responses(*_KNOWN, NotDeactivable),
)
async def deactivate_account(account_id: uuid.UUID, member: Operator, session: Session) -> None:
    """Shut an account out at once: its next request is refused, its sessions and roles end."""
    await service.deactivate_account(session, member.actor, account_id)


@router.delete("/accounts/{account_id}/deactivation", status_code=204, responses=problem_responses(*_KNOWN))
async def reactivate_account(account_id: uuid.UUID, member: Operator, session: Session) -> None:
    """Let an account sign in again; roles have to be given anew."""
    await service.reactivate_account(session, member.actor, account_id)


@router.get("/organizations/{organization_id}/agreements", responses=problem_responses(*_KNOWN))
async def list_agreements(
    organization_id: uuid.UUID,
    member: Leader,  # noqa: ARG001 - it guards
    connection: Reading,
    page: PageQuery,
) -> Page[AgreementPublic]:
    """What the organization may see, and might see in the past."""
    return await views.agreements(connection, organization_id, page)


@router.post("/organizations/{organization_id}/agreements", status_code=201, responses=problem_responses(*_KNOWN))
async def add_agreement(
    organization_id: uuid.UUID,
    data: AgreementAdd,
    member: Annotated[Member, Depends(member_guard("operator"))],
    session: Session,
    response: Response,
) -> AgreementPublic:
    """Agree what the organization may see, of one resident or of everyone."""
    agreement = await service.add_agreement(session, member.actor, organization_id, data)
    set_etag(response, agreement.version)
    return AgreementPublic.model_validate(agreement)


@router.patch(
    "/organizations/{organization_id}/agreements/{agreement_id}",
    responses=problem_responses(*_KNOWN, StaleVersion, AgreementEnded),
)
async def change_agreement(
    *,
    organization_id: uuid.UUID,
    agreement_id: uuid.UUID,
    change: AgreementChange,
    member: Annotated[Member, Depends(member_guard("operator"))],
    session: Session,
    if_match: IfMatch,
    response: Response,
) -> AgreementPublic:
    """Change what is agreed, or end it."""
    agreement = await service.change_agreement(session, member.actor, organization_id, agreement_id, change, if_match)
    set_etag(response, agreement.version)
    return AgreementPublic.model_validate(agreement)


@router.resident_route("GET", "/agreements", responses=problem_responses(*_KNOWN))
async def list_agreements_about(
    subject: Annotated[ResidentSubject, Depends(resident_guard(GRANTS_MANAGE))],
    actor: CurrentActor,
    connection: Reading,
    page: PageQuery,
) -> Page[AgreementPublic]:
    """Which organizations see the resident's data, which of it, and on which basis."""
    await trace_read(connection, actor, subject, "agreement:list")
    return await views.agreements_about(connection, subject.resident_id, page)


@router.get("/organizations/{organization_id}/invitations", responses=problem_responses(*_KNOWN))
async def list_invitations(
    organization_id: uuid.UUID,
    member: Leader,  # noqa: ARG001 - it guards
    connection: Reading,
    page: PageQuery,
) -> Page[InvitationPublic]:
    """Who was invited to the organization's staff, and what became of it."""
    return await views.invitations(connection, organization_id, page)


@router.post("/organizations/{organization_id}/invitations", status_code=201, responses=problem_responses(*_KNOWN))
async def add_invitation(
    organization_id: uuid.UUID, data: InvitationAdd, member: Leader, session: Session, response: Response
) -> InvitationPublic:
    """Invite somebody to the organization's staff by phone or mail."""
    added = await invitations.invite(session, member, organization_id, data)
    set_etag(response, added.version)
    return await views.invitation(await session.connection(), added.id)


@router.delete(
    "/organizations/{organization_id}/invitations/{invitation_id}",
    status_code=204,
    responses=problem_responses(*_KNOWN, InvitationEnded),
)
async def revoke_invitation(
    organization_id: uuid.UUID, invitation_id: uuid.UUID, member: Leader, session: Session
) -> None:
    """Void an invitation that is still open."""
    await invitations.revoke(session, member, organization_id, invitation_id)


@router.post("/me/memberships", status_code=201, responses=problem_responses(*_KNOWN, InvitationEnded))
async def accept_invitation(data: InvitationAccept, actor: CurrentActor, session: Session) -> InvitationPublic:
    """Take up a role one was invited to, with the secret from the message."""
    accepted = await invitations.accept(session, own(actor).actor, data.secret)
    return await views.invitation(await session.connection(), accepted.id)
