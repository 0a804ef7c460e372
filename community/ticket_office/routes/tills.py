"""Tills over HTTP: opened, sold at, given back from, counted and closed."""

import uuid
from typing import Final

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.reservations.api import PoolExhausted
from community.ticket_office import views
from community.ticket_office.access import Seller
from community.ticket_office.problems import (
    DifferenceUnexplained,
    ShiftClosed,
    ShiftOpen,
    SlipKnown,
    TillShort,
    TooLittleCash,
)
from community.ticket_office.schemas.given import OfficeRefundCreate, OfficeSaleCreate, ShiftClosing, ShiftOpening
from community.ticket_office.schemas.shown import OfficeSalePublic, SalePublic, ShiftDetail, ShiftPublic
from community.ticket_office.service import refunding, selling, shifts
from community.ticket_orders.problems import (
    CompanionAlone,
    EntitlementMissing,
    RefundChanged,
    TicketPriceChanged,
    TicketsNotOpen,
)
from community.ticketing.problems import NotOnSale

router = Router(tags=["tourism"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_SHIFTS: Final = "/organizations/{organization_id}/office-shifts"
_ONE: Final = f"{_SHIFTS}/{{shift_id}}"


@router.get(_SHIFTS, responses=problem_responses(*_GUARDED))
async def list_office_shifts(
    organization_id: uuid.UUID, connection: Reading, member: Seller, page: PageQuery
) -> Page[ShiftPublic]:
    """List the tills of a ticket office, the latest first; who sells sees their own."""
    return await views.shifts(connection, member, organization_id, page)


@router.post(_SHIFTS, status_code=201, responses=problem_responses(*_GUARDED, ShiftOpen))
async def open_office_shift(
    organization_id: uuid.UUID, session: Session, member: Seller, data: ShiftOpening
) -> ShiftDetail:
    """Open a till, with the cash in it counted: you answer for it from now on."""
    row = await shifts.open_one(session, member.actor, organization_id, data)
    return await views.shift(await session.connection(), member, organization_id, row.id)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_office_shift(
    organization_id: uuid.UUID, shift_id: uuid.UUID, connection: Reading, member: Seller
) -> ShiftDetail:
    """Show a till; how much it should hold is told once it is closed, so that whoever counts, counts."""
    return await views.shift(connection, member, organization_id, shift_id)


@router.post(f"{_ONE}/closing", responses=problem_responses(*_GUARDED, DifferenceUnexplained, ShiftClosed))
async def close_office_shift(
    organization_id: uuid.UUID, shift_id: uuid.UUID, session: Session, member: Seller, data: ShiftClosing
) -> ShiftDetail:
    """Close a till, with the cash in it counted; where something else should be there, say why."""
    row = await shifts.close(session, member, organization_id, shift_id, data)
    return await views.shift(await session.connection(), member, organization_id, row.id)


@router.get(f"{_ONE}/sales", responses=problem_responses(*_GUARDED))
async def list_office_sales(
    organization_id: uuid.UUID, shift_id: uuid.UUID, connection: Reading, member: Seller, page: PageQuery
) -> Page[SalePublic]:
    """List what was sold and given back at a till, in order."""
    return await views.sales(connection, member, organization_id, shift_id, page)


@router.post(
    f"{_ONE}/sales",
    status_code=201,
    responses=problem_responses(
        *_GUARDED,
        CompanionAlone,
        EntitlementMissing,
        NotOnSale,
        PoolExhausted,
        ShiftClosed,
        SlipKnown,
        TicketPriceChanged,
        TooLittleCash,
    ),
)
async def sell_office_tickets(
    organization_id: uuid.UUID, shift_id: uuid.UUID, session: Session, member: Seller, data: OfficeSaleCreate
) -> OfficeSalePublic:
    """Sell tickets to whoever stands there: paid at once, good at once, all of them or none."""
    return await selling.sell(session, member.actor, organization_id, shift_id, data)


@router.post(
    f"{_ONE}/refunds",
    status_code=201,
    responses=problem_responses(*_GUARDED, RefundChanged, ShiftClosed, SlipKnown, TicketsNotOpen, TillShort),
)
async def refund_office_tickets(
    organization_id: uuid.UUID, shift_id: uuid.UUID, session: Session, member: Seller, data: OfficeRefundCreate
) -> SalePublic:
    """Take back tickets that were sold at the counter and hand over what the rule gives, as it was paid."""
    return await refunding.refund(session, member.actor, organization_id, shift_id, data)
