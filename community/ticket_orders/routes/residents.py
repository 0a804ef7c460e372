"""A resident's tickets over HTTP: quoted, bought, changed and given back by them and those they let."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.billing.api import NotThePayer, PayerLimit, PaymentMethodUnusable
from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session
from app.identity.api import PeopleOnly, Person, ResidenceEnded, ResidentSubject, resident_guard
from app.reservations.api import HoldOver, PoolExhausted
from community.ticket_orders.access import ORDER, READ, Subject, order_guard, ticket_guard
from community.ticket_orders.problems import (
    CartExists,
    CompanionAlone,
    DeskNotAllowed,
    EntitlementMissing,
    LimitReached,
    MoveNotAllowed,
    NobodyToTell,
    OfferOver,
    RefundChanged,
    TicketPriceChanged,
    TicketsNotOpen,
)
from community.ticket_orders.schemas.given import CartCreate, CartQuote, HolderGive, RefundAsk, TicketMove
from community.ticket_orders.schemas.shown import CartPublic, CartQuotePublic, TicketOrderPublic
from community.ticket_orders.service import moving, placing, refunding, telling
from community.ticket_orders.views import orders
from community.ticketing.problems import NotOnSale
from community.vouchers.problems import VoucherRefused

router = Router(tags=["tourism"])

Reader = Annotated[ResidentSubject, Depends(resident_guard(READ))]
Orderer = Annotated[ResidentSubject, Depends(resident_guard(ORDER))]
Seen = Annotated[Subject, Depends(order_guard)]
Ticket = Annotated[Subject, Depends(ticket_guard)]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_QUOTING: Final = (
    *(*_GUARDED, CompanionAlone, EntitlementMissing, NotOnSale, PeopleOnly, ResidenceEnded, VoucherRefused),
)


@router.post("/residents/{resident_id}/ticket-quotes", responses=problem_responses(*_QUOTING))
async def quote_ticket_cart(session: Session, actor: Person, subject: Orderer, data: CartQuote) -> CartQuotePublic:
    """Say what tickets would cost now; nothing is held."""
    return await placing.quote(await session.connection(), actor, subject.resident_id, data)


@router.post(
    "/residents/{resident_id}/ticket-carts",
    status_code=201,
    responses=problem_responses(
        *_QUOTING,
        CartExists,
        DeskNotAllowed,
        HoldOver,
        LimitReached,
        NotThePayer,
        OfferOver,
        PayerLimit,
        PaymentMethodUnusable,
        PoolExhausted,
        TicketPriceChanged,
    ),
)
async def create_ticket_cart(session: Session, actor: Person, subject: Orderer, data: CartCreate) -> CartPublic:
    """Buy tickets for several slots in one go, all of them or none, as quoted. With a card they are held until the
    bank has answered, then valid by themselves.
    """
    return await placing.place(session, actor, subject.resident_id, data)


@router.get("/residents/{resident_id}/ticket-orders", responses=problem_responses(*_GUARDED))
async def list_ticket_orders(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery
) -> Page[TicketOrderPublic]:
    """List what was bought for a resident with its tickets, what lies ahead before what is over."""
    return await orders.of_resident(connection, actor, subject, page)


@router.get("/ticket-orders/{order_id}", responses=problem_responses(*_GUARDED))
async def get_ticket_order(connection: Reading, actor: CurrentActor, subject: Seen) -> TicketOrderPublic:
    """Show an order with its tickets, and what would be given back of each now."""
    return await orders.detail(connection, actor, subject)


@router.post(
    "/ticket-orders/{order_id}/refunds",
    responses=problem_responses(*_GUARDED, CompanionAlone, RefundChanged, ResidenceEnded, TicketsNotOpen),
)
async def refund_tickets(session: Session, actor: CurrentActor, subject: Seen, data: RefundAsk) -> TicketOrderPublic:
    """Give tickets back: as who bought them, or sells there, for what was agreed; as who answers for the organization,
    for all that was paid. Of what still waits for its money the whole cart is let go.
    """
    await refunding.refund(session, actor, subject, data)
    return await orders.after_change(await session.connection(), subject.id)


@router.post(
    "/ticket-orders/{order_id}/reminders",
    status_code=204,
    responses=problem_responses(*_GUARDED, NobodyToTell, TicketsNotOpen),
)
async def send_tickets_again(session: Session, actor: CurrentActor, subject: Seen) -> None:
    """Tell whoever has an order's tickets once more that they are good, and where to find them."""
    await telling.send_again(session, actor, subject)


@router.post(
    "/tickets/{ticket_id}/move",
    responses=problem_responses(
        *_GUARDED, LimitReached, MoveNotAllowed, NotOnSale, PoolExhausted, ResidenceEnded, TicketsNotOpen
    ),
)
async def move_ticket(
    ticket_id: uuid.UUID, session: Session, actor: CurrentActor, subject: Ticket, data: TicketMove
) -> TicketOrderPublic:
    """Have a ticket be for another slot of the same price; its code is a new one."""
    await moving.move(session, actor, subject, ticket_id, data.slot_id)
    return await orders.after_change(await session.connection(), subject.id)


@router.put(
    "/tickets/{ticket_id}/holder",
    responses=problem_responses(*_GUARDED, MoveNotAllowed, ResidenceEnded, StaleVersion, TicketsNotOpen),
)
async def set_ticket_holder(
    ticket_id: uuid.UUID, session: Session, actor: CurrentActor, subject: Ticket, data: HolderGive, if_match: IfMatch
) -> TicketOrderPublic:
    """Have a ticket be in another name; its code is a new one. Its version is its revision."""
    await moving.rename(session, actor, subject, ticket_id, data, if_match)
    return await orders.after_change(await session.connection(), subject.id)
