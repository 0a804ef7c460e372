"""Allotments over HTTP: given to resellers, sold from, taken back, accounted for."""

import uuid
from datetime import date, time
from typing import Annotated, Final

from fastapi import Path

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.core.wall_time import month_around, resolve
from app.identity.api import community
from app.reservations.api import PoolExhausted
from community.ticket_office import views
from community.ticket_office.access import Keeper, Seller
from community.ticket_office.problems import AllotmentOver, NothingAllotted
from community.ticket_office.schemas.given import AllotmentCreate, ResellerSaleCreate
from community.ticket_office.schemas.shown import AllotmentPublic, ResellerSalePublic, ResellerStatement, SharePublic
from community.ticket_office.service import allotting
from community.ticket_orders.problems import CompanionAlone, EntitlementMissing, TicketPriceChanged
from community.ticketing.problems import NotOnSale

router = Router(tags=["tourism"])

Month = Annotated[str, Path(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", examples=["2026-03"])]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_GIVEN: Final = "/organizations/{organization_id}/ticket-allotments"
_HAD: Final = "/organizations/{organization_id}/reseller-allotments"


@router.get(_GIVEN, responses=problem_responses(*_GUARDED))
async def list_ticket_allotments(
    organization_id: uuid.UUID, connection: Reading, member: Keeper, page: PageQuery
) -> Page[AllotmentPublic]:
    """List what an organization gave resellers to sell, and what became of it."""
    return await views.allotments_given(connection, member.community_id, organization_id, page)


@router.post(_GIVEN, status_code=201, responses=problem_responses(*_GUARDED, AllotmentOver, NotOnSale, PoolExhausted))
async def add_ticket_allotment(
    organization_id: uuid.UUID, session: Session, member: Keeper, data: AllotmentCreate
) -> AllotmentPublic:
    """Give a reseller so many tickets of each of some slots to sell; what is unsold in time goes back by itself."""
    row = await allotting.allot(session, member.actor, organization_id, data)
    return await views.allotment(await session.connection(), member.community_id, row.id)


@router.post(f"{_GIVEN}/{{allotment_id}}/ending", responses=problem_responses(*_GUARDED))
async def end_ticket_allotment(
    organization_id: uuid.UUID, allotment_id: uuid.UUID, session: Session, member: Keeper
) -> AllotmentPublic:
    """Take back at once what a reseller has not sold."""
    row = await allotting.end(session, member.actor, organization_id, allotment_id)
    return await views.allotment(await session.connection(), member.community_id, row.id)


@router.get(_HAD, responses=problem_responses(*_GUARDED))
async def list_reseller_allotments(
    organization_id: uuid.UUID, connection: Reading, member: Seller, page: PageQuery
) -> Page[AllotmentPublic]:
    """List what one has, as a reseller, to sell."""
    return await views.allotments_had(connection, member.community_id, organization_id, page)


@router.get(f"{_HAD}/{{allotment_id}}/slots", responses=problem_responses(*_GUARDED))
async def list_allotment_slots(
    organization_id: uuid.UUID, allotment_id: uuid.UUID, connection: Reading, member: Seller, page: PageQuery
) -> Page[SharePublic]:
    """List the slots of an allotment, with what is left of each, to who has it and to who gave it."""
    del member  # who they are was checked; what they see is of the organization
    return await views.shares(connection, organization_id, allotment_id, page)


@router.post(
    "/organizations/{organization_id}/reseller-sales",
    status_code=201,
    responses=problem_responses(
        *_GUARDED, CompanionAlone, EntitlementMissing, NotOnSale, NothingAllotted, TicketPriceChanged
    ),
)
async def sell_allotted_tickets(
    organization_id: uuid.UUID, session: Session, member: Seller, data: ResellerSaleCreate
) -> ResellerSalePublic:
    """Sell, as a reseller, of what one has of a slot: the tickets are good at once."""
    return await allotting.sell(session, member.actor, organization_id, data)


@router.get(
    "/organizations/{organization_id}/reseller-statements/{month}",
    responses=problem_responses(*_GUARDED),
)
async def get_reseller_statement(
    organization_id: uuid.UUID, month: Month, connection: Reading, member: Seller
) -> ResellerStatement:
    """Show what was sold of allotments in a month and what is due for it, to resellers and to whose tickets it were."""
    first = date.fromisoformat(f"{month}-01")
    time_zone = (await community(connection, member.community_id)).time_zone
    span = month_around(resolve(first, time(12), time_zone), time_zone)
    return await views.statement(connection, member.community_id, organization_id, first, span)
