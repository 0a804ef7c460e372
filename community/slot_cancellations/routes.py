"""Calling slots off together, over HTTP: what it would mean, doing it, and how far it has come."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, route_options
from community.attractions.access import AttractionAt, Keeper, OnSite, attraction_at, require_of
from community.slot_cancellations import service, views
from community.slot_cancellations.problems import SlotsNotOpen
from community.slot_cancellations.schemas import (
    SlotCancellationCreate,
    SlotCancellationPreview,
    SlotCancellationProgress,
    SlotCancellationPublic,
    SlotsNamed,
)

router = Router(tags=["tourism"])

OfPath = Annotated[AttractionAt, Depends(attraction_at)]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/organizations/{organization_id}/attractions/{attraction_id}/slot-cancellations"
_ONE: Final = f"{_OF}/{{cancellation_id}}"


@router.post(
    "/organizations/{organization_id}/attractions/{attraction_id}/slot-cancellation-previews",
    responses=problem_responses(*_GUARDED),
)
@route_options(idempotency=False)  # it changes nothing
async def preview_slot_cancellation(
    at: OfPath,
    session: Session,
    member: Keeper,  # noqa: ARG001 - the guard
    data: SlotsNamed,
) -> SlotCancellationPreview:
    """Ask how many orders, persons and how much money it concerns to call slots off. Nothing is changed."""
    connection = await session.connection()
    await require_of(connection, at.organization_id, at.attraction_id)
    return await views.preview(connection, at.attraction_id, data.slot_ids)


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_slot_cancellations(
    at: OfPath,
    connection: Reading,
    member: OnSite,  # noqa: ARG001 - the guard
    page: PageQuery,
) -> Page[SlotCancellationPublic]:
    """List what was called off together, the latest first."""
    await require_of(connection, at.organization_id, at.attraction_id)
    return await views.of_attraction(connection, at.attraction_id, page)


@router.post(_OF, status_code=201, responses=problem_responses(*_GUARDED, SlotsNotOpen))
async def cancel_ticket_slots(
    at: OfPath, session: Session, member: Keeper, data: SlotCancellationCreate
) -> SlotCancellationProgress:
    """Call slots off, all of them or none; whoever has tickets hears of it and is given their money back."""
    await require_of(await session.connection(), at.organization_id, at.attraction_id)
    one = await service.cancel(session, member.actor, at.organization_id, at.attraction_id, data)
    await session.flush()
    return await views.progress(await session.connection(), at.attraction_id, one)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_slot_cancellation(
    at: OfPath,
    cancellation_id: uuid.UUID,
    connection: Reading,
    member: OnSite,  # noqa: ARG001 - the guard
) -> SlotCancellationProgress:
    """Show how many were told and given back, who moved, what waits, and what failed."""
    await require_of(connection, at.organization_id, at.attraction_id)
    return await views.progress(connection, at.attraction_id, cancellation_id)


@router.post(f"{_ONE}/retry", responses=problem_responses(*_GUARDED))
async def retry_slot_cancellation(
    at: OfPath, cancellation_id: uuid.UUID, session: Session, member: Keeper
) -> SlotCancellationProgress:
    """Try again to give back what could not be so far; nobody is given anything twice."""
    connection = await session.connection()
    await require_of(connection, at.organization_id, at.attraction_id)
    await service.try_again(session, member.actor, at.attraction_id, cancellation_id)
    return await views.progress(connection, at.attraction_id, cancellation_id)
