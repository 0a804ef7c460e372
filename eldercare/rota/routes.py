"""The HTTP side of the rota: reading it, one's own hours and absences, swaps between members."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, Response

from app.core import audit
from app.core.access import CurrentActor
from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import ResidentSubject, resident_guard, trace_read
from eldercare.care_circle.problems import InvitationAnswered
from eldercare.care_circle.schemas import CircleMemberPublic
from eldercare.care_circle.service import set_hours
from eldercare.care_circle.views import shown
from eldercare.rota import service, views
from eldercare.rota.problems import SwapOver, SwapOverlaps, TakerAway
from eldercare.rota.rules import LONGEST_VIEW
from eldercare.rota.schemas import AbsenceAdd, AbsencePublic, HoursSet, RotaPublic, SwapOffer, SwapPublic

router = Router(tags=["eldercare"])

_OWN = (Unauthenticated, NotFound)
Since = Annotated[GivenInstant | None, Query(alias="from", description="default: now")]
Days = Annotated[int, Query(ge=1, le=LONGEST_VIEW.days)]


@router.resident_route("GET", "/rota", responses=problem_responses(Unauthenticated, Forbidden, NotFound))
async def get_rota(
    connection: Reading,
    actor: CurrentActor,
    subject: Annotated[ResidentSubject, Depends(resident_guard("circle:read"))],
    since: Since = None,
    days: Days = 7,
) -> RotaPublic:
    """Show who of a resident's circle is on call when; a time without anybody goes to the duty desk."""
    await trace_read(connection, actor, subject, "rota:read")
    return await views.rota(connection, subject.resident_id, *views.view_period(since, days))


@router.get("/me/circles/{member_id}/rota", responses=problem_responses(*_OWN))
async def get_circle_rota(
    connection: Reading, actor: CurrentActor, member_id: uuid.UUID, since: Since = None, days: Days = 7
) -> RotaPublic:
    """Show a member who of their circle is on call when, and whom a turn can be offered to."""
    member = await views.own_member(connection, actor, member_id)
    await audit.record(connection, actor, "rota:read", resident_id=member.resident_id, community_id=member.community_id)
    period: tuple[datetime, datetime] = views.view_period(since, days)
    return await views.rota(connection, member.resident_id, *period)


@router.put("/me/circles/{member_id}/hours", responses=problem_responses(*_OWN, StaleVersion, InvitationAnswered))
async def set_circle_hours(
    session: Session,
    actor: CurrentActor,
    member_id: uuid.UUID,
    data: HoursSet,
    if_match: IfMatch,
    response: Response,
) -> CircleMemberPublic:
    """Say at which hours of the week one can be called in a circle."""
    member = await set_hours(session, actor, member_id, data.on_call, if_match)
    set_etag(response, member.version)
    return (await shown(await session.connection(), [member]))[0]


@router.get("/me/circles/{member_id}/absences", responses=problem_responses(*_OWN))
async def list_circle_absences(
    connection: Reading, actor: CurrentActor, member_id: uuid.UUID, page: PageQuery
) -> Page[AbsencePublic]:
    """List the days on which one cannot come, the last to end first."""
    member = await views.own_member(connection, actor, member_id)
    return await views.absences(connection, member.id, page)


@router.post("/me/circles/{member_id}/absences", status_code=201, responses=problem_responses(*_OWN))
async def add_circle_absence(
    session: Session, actor: CurrentActor, member_id: uuid.UUID, data: AbsenceAdd
) -> AbsencePublic:
    """Say on which days one cannot come: nobody calls on them, and a gap that makes is told in time."""
    return AbsencePublic.model_validate(await service.add_absence(session, actor, member_id, data))


@router.delete("/me/circles/{member_id}/absences/{absence_id}", status_code=204, responses=problem_responses(*_OWN))
async def remove_circle_absence(
    session: Session, actor: CurrentActor, member_id: uuid.UUID, absence_id: uuid.UUID
) -> None:
    """Take back that one cannot come."""
    await service.remove_absence(session, actor, member_id, absence_id)


@router.get("/me/circles/{member_id}/swaps", responses=problem_responses(*_OWN))
async def list_circle_swaps(
    connection: Reading, actor: CurrentActor, member_id: uuid.UUID, page: PageQuery
) -> Page[SwapPublic]:
    """List the turns one gives or takes, the last to end first."""
    member = await views.own_member(connection, actor, member_id)
    return await views.swaps_with(connection, member.id, page)


@router.post(
    "/me/circles/{member_id}/swaps", status_code=201, responses=problem_responses(*_OWN, SwapOverlaps, TakerAway)
)
async def offer_circle_swap(session: Session, actor: CurrentActor, member_id: uuid.UUID, data: SwapOffer) -> SwapPublic:
    """Ask another member to take a turn; one is on call until they accept."""
    swap = await service.offer_swap(session, actor, member_id, data)
    return await views.swap(await session.connection(), swap.id)


@router.post(
    "/me/circles/{member_id}/swaps/{swap_id}/acceptance",
    responses=problem_responses(*_OWN, SwapOver, SwapOverlaps, TakerAway),
)
async def accept_circle_swap(
    session: Session, actor: CurrentActor, member_id: uuid.UUID, swap_id: uuid.UUID
) -> SwapPublic:
    """Take the turn: from now on one is on call for that time instead of who asked."""
    swap = await service.answer_swap(session, actor, member_id, swap_id, accepts=True)
    return await views.swap(await session.connection(), swap.id)


@router.post("/me/circles/{member_id}/swaps/{swap_id}/refusal", responses=problem_responses(*_OWN, SwapOver))
async def decline_circle_swap(
    session: Session, actor: CurrentActor, member_id: uuid.UUID, swap_id: uuid.UUID
) -> SwapPublic:
    """Say no to a turn: who asked is on call as before."""
    swap = await service.answer_swap(session, actor, member_id, swap_id, accepts=False)
    return await views.swap(await session.connection(), swap.id)


@router.delete("/me/circles/{member_id}/swaps/{swap_id}", status_code=204, responses=problem_responses(*_OWN, SwapOver))
async def withdraw_circle_swap(session: Session, actor: CurrentActor, member_id: uuid.UUID, swap_id: uuid.UUID) -> None:
    """Take one's own turn back."""
    await service.withdraw_swap(session, actor, member_id, swap_id)
