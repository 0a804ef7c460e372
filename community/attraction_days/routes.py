"""An attraction's days over HTTP, for those who work there. They read counts, and nobody's name."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Query

from app.core.instants import GivenDay
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from community.attraction_days.access import DaysQuery, attraction_of
from community.attraction_days.schemas import (
    GateScanPublic,
    QuotaShareState,
    SlotDays,
    SlotLimits,
    SlotSales,
    TicketOrderRecord,
    TicketSales,
    VisitorDay,
)
from community.attraction_days.views import days as views
from community.attraction_days.views import limits, records
from community.attractions.access import AttractionAt, Keeper, OnSite, attraction_at
from community.gates.rules import Outcome
from community.ticket_office.access import Seller
from community.ticketing.access import SpanQuery

router = Router(tags=["tourism"])

OfPath = Annotated[AttractionAt, Depends(attraction_at)]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/organizations/{organization_id}/attractions/{attraction_id}"
_ALL: Final[tuple[Outcome, ...]] = ("admitted", "left", "refused", "conflict")


@router.get(f"{_OF}/slot-sales", responses=problem_responses(*_GUARDED))
async def list_slot_sales(
    at: OfPath,
    connection: Reading,
    member: OnSite,  # noqa: ARG001 - the guard
    page: PageQuery,
    span: SpanQuery,
) -> Page[SlotSales]:
    """List slots with how many are sold, left and came in, and for how many somebody waits."""
    await attraction_of(connection, at.organization_id, at.attraction_id)
    return await views.slots(connection, at.attraction_id, span, page)


@router.get(f"{_OF}/slot-days", responses=problem_responses(*_GUARDED))
async def get_slot_days(
    at: OfPath,
    connection: Reading,
    member: OnSite,  # noqa: ARG001 - the guard
    days: DaysQuery,
) -> SlotDays:
    """Show the days that have slots with their sums: a month of a season in one answer, however many slots it has."""
    found = await attraction_of(connection, at.organization_id, at.attraction_id)
    return await views.slot_days(connection, found, days)


@router.get(f"{_OF}/ticket-slots/{{slot_id}}/limits", responses=problem_responses(*_GUARDED))
async def get_slot_limits(
    at: OfPath,
    slot_id: uuid.UUID,
    connection: Reading,
    member: Keeper,  # noqa: ARG001 - the guard
) -> SlotLimits:
    """Show all that limits what is sold of a slot: what is left of each, and what became of the rest."""
    await attraction_of(connection, at.organization_id, at.attraction_id)
    return SlotLimits(limits=await limits.of_slot(connection, at.attraction_id, slot_id))


@router.get(f"{_OF}/ticket-quotas/{{quota_id}}/shares", responses=problem_responses(*_GUARDED))
async def list_quota_shares(
    at: OfPath,
    quota_id: uuid.UUID,
    connection: Reading,
    member: Keeper,  # noqa: ARG001 - the guard
    page: PageQuery,
    days: DaysQuery,
) -> Page[QuotaShareState]:
    """List what is left of a quota for each slot, each day, or the season, and what became of the rest."""
    await attraction_of(connection, at.organization_id, at.attraction_id)
    return await limits.shares(connection, at.attraction_id, quota_id, days, page)


@router.get(f"{_OF}/ticket-sales", responses=problem_responses(*_GUARDED))
async def get_ticket_sales(
    at: OfPath,
    connection: Reading,
    member: Keeper,  # noqa: ARG001 - the guard
    days: DaysQuery,
) -> TicketSales:
    """Show what was sold for the visits of some days, by day and product, and what was given back."""
    return await views.sales(connection, await attraction_of(connection, at.organization_id, at.attraction_id), days)


@router.get(f"{_OF}/visitor-days/{{day}}", responses=problem_responses(*_GUARDED))
async def get_visitor_day(
    at: OfPath,
    day: GivenDay,
    connection: Reading,
    member: OnSite,  # noqa: ARG001 - the guard
) -> VisitorDay:
    """Show how many came and went by the quarter hour, how many are inside now, and why some were turned away."""
    return await views.visitors(connection, await attraction_of(connection, at.organization_id, at.attraction_id), day)


@router.get(f"{_OF}/gate-scans", responses=problem_responses(*_GUARDED))
async def list_gate_scans(
    at: OfPath,
    connection: Reading,
    member: OnSite,  # noqa: ARG001 - the guard
    page: PageQuery,
    day: Annotated[GivenDay, Query(description="on the attraction's wall")],
    outcome: Annotated[list[Outcome] | None, Query(max_length=4, description="without it: all")] = None,
) -> Page[GateScanPublic]:
    """List what was scanned on a day, the latest first: what became of it, and why."""
    found = await attraction_of(connection, at.organization_id, at.attraction_id)
    return await views.scans(connection, found, day, outcome or _ALL, page)


@router.get("/organizations/{organization_id}/ticket-orders/{order_id}/record", responses=problem_responses(*_GUARDED))
async def get_ticket_order_record(
    organization_id: uuid.UUID, order_id: uuid.UUID, connection: Reading, member: Seller
) -> TicketOrderRecord:
    """Show what became of an order: what was paid and given back, and where its tickets were scanned."""
    return await records.of_order(connection, member.actor, organization_id, order_id)
