"""Tills over HTTP: opened, sold at, given back from, counted and closed."""

import uuid
from typing import Annotated, Final

from fastapi import Header
from fastapi.responses import StreamingResponse

from app.billing.api import ChargeNotOpen, PaymentKnown, TooMuchPaid
from app.core.access import not_viewed
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, Unavailable, problem_responses
from app.core.routing import Reading, Router, Session, route_options
from app.core.typesetting import pieces, size_of
from app.identity.api import language_for
from app.reservations.api import PoolExhausted
from community.ticket_office.access import Seller
from community.ticket_office.problems import (
    DifferenceUnexplained,
    ShiftClosed,
    ShiftOpen,
    SlipKnown,
    TillShort,
    TooLittleCash,
)
from community.ticket_office.schemas.given import (
    OfficeCollectionCreate,
    OfficeQuoteAsk,
    OfficeRefundCreate,
    OfficeSaleCreate,
    ShiftClosing,
    ShiftOpening,
)
from community.ticket_office.schemas.shown import OfficeSalePublic, SalePublic, ShiftDetail, ShiftPublic
from community.ticket_office.service import collecting, printing, refunding, selling, shifts
from community.ticket_office.views import tills
from community.ticket_orders.problems import (
    CompanionAlone,
    EntitlementMissing,
    RefundChanged,
    TicketPriceChanged,
    TicketsNotOpen,
)
from community.ticket_orders.schemas.shown import CartQuotePublic
from community.ticketing.problems import NotOnSale

router = Router(tags=["tourism"])

Language = Annotated[str, Header(alias="Accept-Language", max_length=200, description="en or zh-CN")]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_SHIFTS: Final = "/organizations/{organization_id}/office-shifts"
_ONE: Final = f"{_SHIFTS}/{{shift_id}}"


@router.get(_SHIFTS, responses=problem_responses(*_GUARDED))
async def list_office_shifts(
    organization_id: uuid.UUID, connection: Reading, member: Seller, page: PageQuery
) -> Page[ShiftPublic]:
    """List the tills of a ticket office, the latest first; who sells sees their own."""
    return await tills.shifts(connection, member, organization_id, page)


@router.post(_SHIFTS, status_code=201, responses=problem_responses(*_GUARDED, ShiftOpen))
async def open_office_shift(
    organization_id: uuid.UUID, session: Session, member: Seller, data: ShiftOpening
) -> ShiftDetail:
    """Open a till, with the cash in it counted: you answer for it from now on."""
    row = await shifts.open_one(session, member.actor, organization_id, data)
    return await tills.shift(await session.connection(), member, organization_id, row.id)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_office_shift(
    organization_id: uuid.UUID, shift_id: uuid.UUID, connection: Reading, member: Seller
) -> ShiftDetail:
    """Show a till; how much it should hold is told once it is closed, so that whoever counts, counts."""
    return await tills.shift(connection, member, organization_id, shift_id)


@router.post(f"{_ONE}/closing", responses=problem_responses(*_GUARDED, DifferenceUnexplained, ShiftClosed))
async def close_office_shift(
    organization_id: uuid.UUID, shift_id: uuid.UUID, session: Session, member: Seller, data: ShiftClosing
) -> ShiftDetail:
    """Close a till, with the cash in it counted; where something else should be there, say why."""
    row = await shifts.close(session, member, organization_id, shift_id, data)
    return await tills.shift(await session.connection(), member, organization_id, row.id)


@router.get(f"{_ONE}/sales", responses=problem_responses(*_GUARDED))
async def list_office_sales(
    organization_id: uuid.UUID, shift_id: uuid.UUID, connection: Reading, member: Seller, page: PageQuery
) -> Page[SalePublic]:
    """List what was sold and given back at a till, in order."""
    return await tills.sales(connection, member, organization_id, shift_id, page)


@router.post(
    "/organizations/{organization_id}/office-quotes",
    responses=problem_responses(*_GUARDED, CompanionAlone, EntitlementMissing, NotOnSale),
)
@route_options(idempotency=False)  # nothing is kept or held
async def quote_office_tickets(
    organization_id: uuid.UUID, session: Session, member: Seller, data: OfficeQuoteAsk
) -> CartQuotePublic:
    """Ask what tickets cost at the counter, for whoever shows these proofs."""
    return await selling.quote(await session.connection(), member.actor, organization_id, data)


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
    responses=problem_responses(
        *_GUARDED, CompanionAlone, RefundChanged, ShiftClosed, SlipKnown, TicketsNotOpen, TillShort
    ),
)
async def refund_office_tickets(
    organization_id: uuid.UUID, shift_id: uuid.UUID, session: Session, member: Seller, data: OfficeRefundCreate
) -> SalePublic:
    """Take back tickets that were sold at the counter and hand over what the rule gives, as it was paid."""
    return await refunding.refund(session, member.actor, organization_id, shift_id, data)


@router.post(
    f"{_ONE}/collections",
    status_code=201,
    responses=problem_responses(*_GUARDED, ChargeNotOpen, PaymentKnown, ShiftClosed, SlipKnown, TooMuchPaid),
)
async def collect_office_payment(
    organization_id: uuid.UUID, shift_id: uuid.UUID, session: Session, member: Seller, data: OfficeCollectionCreate
) -> SalePublic:
    """Take what is owed for tickets that were bought online, to be paid at the desk."""
    return await collecting.collect(session, member.actor, organization_id, shift_id, data)


@router.get(
    "/organizations/{organization_id}/office-orders/{order_id}/tickets.pdf",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The tickets, a page each, PDF/UA",
            "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
        },
        **problem_responses(*_GUARDED, Unavailable),
    },
)
@route_options(database=False)
@not_viewed("whoever shows it gets in")
async def print_office_tickets(
    organization_id: uuid.UUID, order_id: uuid.UUID, member: Seller, accept_language: Language = "en"
) -> StreamingResponse:
    """Print the tickets of an order that was sold at the counter, or by a reseller, with their codes for the gate."""
    paper = await printing.tickets_of(member.actor, organization_id, order_id, language_for(accept_language))
    headers = {
        "Cache-Control": "no-store",
        "Content-Length": str(size_of(paper)),
        "Content-Disposition": 'inline; filename="tickets.pdf"',
    }
    return StreamingResponse(pieces(paper), media_type="application/pdf", headers=headers)
