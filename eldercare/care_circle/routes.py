"""The HTTP side of care circles."""

import uuid
from typing import Annotated

from fastapi import Depends, Response

from app.core.access import CurrentActor
from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import ResidentSubject, resident_guard, resident_names, trace_read
from eldercare.care_circle import service
from eldercare.care_circle.models import CircleMember
from eldercare.care_circle.problems import (
    AlreadyInCircle,
    CircleChanged,
    CircleFull,
    InvitationAnswered,
    InvitationLapsed,
)
from eldercare.care_circle.schemas import (
    CircleInvite,
    CircleMemberChange,
    CircleMemberPublic,
    CircleOrder,
    Invitation,
    OnCallHours,
)
from eldercare.care_circle.views import circle_of, circles_with, shown

router = Router(tags=["eldercare"])

Reader = Annotated[ResidentSubject, Depends(resident_guard("circle:read"))]
Manager = Annotated[ResidentSubject, Depends(resident_guard("circle:manage"))]
_REFUSALS = problem_responses(Unauthenticated, Forbidden, NotFound)
_ANSWER_REFUSALS = problem_responses(Unauthenticated, NotFound, InvitationAnswered)


@router.resident_route("GET", "/circle", responses=_REFUSALS)
async def list_circle(connection: Reading, actor: CurrentActor, subject: Reader) -> Page[CircleMemberPublic]:
    """Show a resident's care circle in the order in which it is called."""
    await trace_read(connection, actor, subject, "circle:read")
    return Page(items=await circle_of(connection, subject.resident_id), next=None)


@router.resident_route(
    "POST",
    "/circle",
    status_code=201,
    responses=problem_responses(Unauthenticated, Forbidden, NotFound, AlreadyInCircle, CircleFull),
)
async def invite_circle_member(
    session: Session, actor: CurrentActor, subject: Manager, data: CircleInvite
) -> CircleMemberPublic:
    """Ask somebody into the circle by phone; they count once they accept."""
    return await _public(session, await service.invite(session, actor, subject, data))


@router.resident_route(
    "PUT", "/circle/order", responses=problem_responses(Unauthenticated, Forbidden, NotFound, CircleChanged)
)
async def order_circle(
    session: Session, actor: CurrentActor, subject: Manager, order: CircleOrder
) -> Page[CircleMemberPublic]:
    """Say in which order the circle is called."""
    members = await service.reorder(session, actor, subject, order.member_ids)
    return Page(items=await shown(await session.connection(), members), next=None)


@router.resident_route(
    "PATCH",
    "/circle/{member_id}",
    responses=problem_responses(Unauthenticated, Forbidden, NotFound, StaleVersion),
)
async def change_circle_member(
    session: Session,
    actor: CurrentActor,
    subject: Manager,
    member_id: uuid.UUID,
    *,
    data: CircleMemberChange,
    if_match: IfMatch,
    response: Response,
) -> CircleMemberPublic:
    """Change what is known about a member: relationship, key, on-call hours."""
    member = await service.change(session, actor, subject, member_id, data, if_match)
    set_etag(response, member.version)
    return await _public(session, member)


@router.resident_route("DELETE", "/circle/{member_id}", status_code=204, responses=_REFUSALS)
async def remove_circle_member(session: Session, actor: CurrentActor, subject: Manager, member_id: uuid.UUID) -> None:
    """Take somebody out of the circle; what they were allowed to see ends with it."""
    await service.remove(session, actor, subject, member_id)


@router.get("/me/circles", responses=problem_responses(Unauthenticated))
async def list_circles(connection: Reading, actor: CurrentActor) -> Page[Invitation]:
    """Show the circles the caller is asked into or belongs to."""
    rows = await circles_with(connection, actor.id)
    names = await resident_names(connection, [row.resident_id for row in rows])
    return Page(
        items=[
            Invitation(
                id=row.id,
                resident_id=row.resident_id,
                resident_name=names.get(row.resident_id, ""),
                relationship=row.relationship,
                state=row.state,
                scopes=row.scopes,
                time_zone=row.time_zone,
                on_call=[OnCallHours.model_validate(one) for one in row.on_call],
            )
            for row in rows
        ],
        next=None,
    )


@router.post(
    "/me/circles/{member_id}/acceptance",
    responses=problem_responses(Unauthenticated, NotFound, InvitationAnswered, InvitationLapsed),
)
async def accept_circle_invitation(session: Session, actor: CurrentActor, member_id: uuid.UUID) -> CircleMemberPublic:
    """Say yes: from now on the caller is called when something is wrong, and sees what the resident chose."""
    return await _public(session, await service.answer(session, actor, member_id, accepts=True))


@router.post(
    "/me/circles/{member_id}/refusal", responses=problem_responses(Unauthenticated, NotFound, InvitationAnswered)
)
async def decline_circle_invitation(session: Session, actor: CurrentActor, member_id: uuid.UUID) -> CircleMemberPublic:
    """Say no to an invitation."""
    return await _public(session, await service.answer(session, actor, member_id, accepts=False))


@router.delete(
    "/me/circles/{member_id}",
    status_code=204,
    responses=_ANSWER_REFUSALS,
)
async def leave_circle(session: Session, actor: CurrentActor, member_id: uuid.UUID) -> None:
    """Leave a circle."""
    await service.leave(session, actor, member_id)


async def _public(session: Session, member: CircleMember) -> CircleMemberPublic:
    return (await shown(await session.connection(), [member]))[0]
