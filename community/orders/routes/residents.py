"""A resident's orders over HTTP: ordered, followed, answered and called off by them and those they let."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.billing.api import PaymentMethodUnusable
from app.core.access import CurrentActor
from app.core.database import connection_of
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, route_options
from app.identity.api import PeopleOnly, Person, ResidenceEnded, ResidentSubject, resident_guard
from app.reservations.api import CalendarTaken
from community.housekeeping.problems import NotOfferedSo
from community.orders.access import ORDER, READ, Subject, order_guard, require_orderer
from community.orders.problems import ExtraOver, FeeChanged, HomeNotOnMap, OrderExists, OrderNotOpen, PriceChanged
from community.orders.schemas.given import ExtraAnswer, HomeOrderQuote, OrderCancel, OrderCreate
from community.orders.schemas.shown import HomeOrderQuotePublic, OrderDetail, OrderPositionPublic, OrderPublic
from community.orders.service import cancelling, placing, quoting, working
from community.orders.views import details, orders

router = Router(tags=["housekeeping"])

Reader = Annotated[ResidentSubject, Depends(resident_guard(READ))]
Orderer = Annotated[ResidentSubject, Depends(resident_guard(ORDER))]
Seen = Annotated[Subject, Depends(order_guard())]
Waiting = Annotated[Subject, Depends(order_guard("resident", "provider", "operator"))]
Theirs = Annotated[Subject, Depends(order_guard("resident"))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/residents/{resident_id}/home-orders"
_ONE: Final = "/home-orders/{order_id}"


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_home_orders(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery
) -> Page[OrderPublic]:
    """List the help a resident ordered, those ahead before those that are over."""
    return await orders.of_resident(connection, actor, subject, page)


@router.post(
    _OF,
    status_code=201,
    responses=problem_responses(
        *_GUARDED,
        HomeNotOnMap,
        NotOfferedSo,
        OrderExists,
        PaymentMethodUnusable,
        PeopleOnly,
        PriceChanged,
        ResidenceEnded,
    ),
)
async def create_home_order(session: Session, actor: Person, subject: Orderer, data: OrderCreate) -> OrderDetail:
    """Order help as it was quoted. With a card it is held until the bank has answered, then placed by itself."""
    connection = connection_of(session)
    await require_orderer(connection, actor, subject.resident_id)
    placed = await placing.place(session, actor, subject, data)
    return await details.new(connection, actor, placed)


@router.post(
    "/residents/{resident_id}/home-order-quotes",
    responses=problem_responses(*_GUARDED, HomeNotOnMap, NotOfferedSo),
)
@route_options(writes=False)
async def quote_home_order(
    connection: Reading, actor: CurrentActor, subject: Orderer, data: HomeOrderQuote
) -> HomeOrderQuotePublic:
    """Say what help would cost at a resident's own home, and who would pay how much of it. Nothing is kept or held."""
    return await quoting.quote(connection, actor, subject, data)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_home_order(connection: Reading, actor: CurrentActor, subject: Seen) -> OrderDetail:
    """Show an order with what the reader's side may see of it."""
    return await details.detail(connection, actor, subject)


@router.get(f"{_ONE}/position", responses=problem_responses(*_GUARDED))
async def get_home_order_position(connection: Reading, actor: CurrentActor, subject: Waiting) -> OrderPositionPublic:
    """Show where whoever comes is, while they are on the way."""
    return await details.position(connection, actor, subject)


@router.post(f"{_ONE}/cancellation", responses=problem_responses(*_GUARDED, FeeChanged, OrderNotOpen))
async def cancel_home_order(session: Session, actor: CurrentActor, subject: Waiting, data: OrderCancel) -> OrderDetail:
    """Call an order off: as who ordered it, at the cost that was agreed; as the provider, at none."""
    await cancelling.cancel(session, actor, subject, data)
    return await details.after(connection_of(session), actor, subject.id)


@router.post(
    f"{_ONE}/extra-time/{{extra_id}}/answer",
    responses=problem_responses(*_GUARDED, CalendarTaken, ExtraOver, PaymentMethodUnusable, ResidenceEnded),
)
async def answer_home_order_extra_time(
    extra_id: uuid.UUID, session: Session, actor: CurrentActor, subject: Theirs, data: ExtraAnswer
) -> OrderDetail:
    """Agree to more time, or not; without an answer it is a no."""
    await working.answer_extra(session, actor, subject, extra_id, data)
    return await details.after(connection_of(session), actor, subject.id)
