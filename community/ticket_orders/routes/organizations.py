"""What an organization has sold, over HTTP."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Depends, Query

from app.core import clock
from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, route_options
from app.identity.api import Member, member_guard
from community.ticket_orders.schemas.given import TicketOrderSearch
from community.ticket_orders.schemas.shown import TicketOrderPublic, TicketOrdersFound
from community.ticket_orders.views import orders, searching

router = Router(tags=["tourism"])

Seller = Annotated[Member, Depends(member_guard("coordinator", "worker", "operator"))]
_LONGEST: Final = timedelta(days=62)


async def _stretch(
    since: Annotated[GivenInstant | None, Query(description="without it: now")] = None,
    until: Annotated[GivenInstant | None, Query(description="without it: a day later")] = None,
) -> tuple[datetime, datetime]:
    first = since or clock.now()
    last = until or first + timedelta(days=1)
    if not first < last <= first + _LONGEST:
        detail = f"after since, and at most {_LONGEST.days} days later"
        raise Malformed(errors=[FieldError("/query/until", detail, "bad_stretch")])
    return first, last


@router.get(
    "/organizations/{organization_id}/ticket-orders", responses=problem_responses(Unauthenticated, Forbidden, NotFound)
)
async def list_ticket_orders_of_organization(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Seller,
    page: PageQuery,
    span: Annotated[tuple[datetime, datetime], Depends(_stretch)],
) -> Page[TicketOrderPublic]:
    """List what an organization has sold for visits in a stretch of time, in order."""
    return await orders.of_organization(connection, member.actor, organization_id, span, page)


@router.post(
    "/organizations/{organization_id}/ticket-order-searches",
    responses=problem_responses(Unauthenticated, Forbidden, NotFound),
)
@route_options(idempotency=False)  # it changes nothing; a name does not belong into an address
async def search_ticket_orders(
    organization_id: uuid.UUID, session: Session, member: Seller, data: TicketOrderSearch
) -> TicketOrdersFound:
    """Look for orders by a ticket's code, an order's number or how it ends, or by a name that stands on a ticket."""
    return await searching.search(await session.connection(), member.actor, organization_id, data)
