"""What everybody sees of tickets: what is sold, when there are any left, and what they cost."""

import hashlib
import uuid
from typing import Annotated, Any, Final

from fastapi import Header, Response

from app.core import clock
from app.core.access import public
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Person
from community.attractions.access import require_published
from community.ticketing import views
from community.ticketing.access import SpanQuery
from community.ticketing.problems import NotOnSale
from community.ticketing.rules import Wanted
from community.ticketing.schemas.given import TicketQuoteRequest
from community.ticketing.schemas.shown import (
    AttractionAvailability,
    GuidedTour,
    TicketOffer,
    TicketQuote,
    TicketQuoteLine,
)
from community.ticketing.service.pricing import price

router = Router(tags=["tourism"])

_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "nothing has changed"}}
_ANYBODY: Final = "whoever plans a visit looks before they sign in; it holds nobody's data"


@router.get("/attractions/{attraction_id}/ticket-offer", responses=problem_responses(NotFound) | _UNCHANGED)
@public(_ANYBODY)
async def get_ticket_offer(
    attraction_id: uuid.UUID,
    connection: Reading,
    if_none_match: Annotated[str | None, Header()] = None,
) -> TicketOffer:
    """What an attraction sells: products with their prices, add-ons, and the terms."""
    await require_published(connection, attraction_id)
    found = await views.offer(connection, attraction_id)
    return _answer(found.model_dump_json(), if_none_match, 60)  # type: ignore[return-value]  # FastAPI passes it through


@router.get("/attractions/{attraction_id}/availability", responses=problem_responses(NotFound) | _UNCHANGED)
@public(_ANYBODY)
async def get_attraction_availability(
    attraction_id: uuid.UUID,
    connection: Reading,
    span: SpanQuery,
    if_none_match: Annotated[str | None, Header()] = None,
) -> AttractionAvailability:
    """How many places each slot has left that begins in a stretch of time: a season of two years, at most, in one."""
    found = await views.availability(connection, attraction_id, *span)
    return _answer(found, if_none_match, 5)  # type: ignore[return-value]  # FastAPI passes it through


@router.post("/ticket-quotes", responses=problem_responses(Unauthenticated, Forbidden, NotFound, NotOnSale))
async def quote_tickets(session: Session, actor: Person, data: TicketQuoteRequest) -> TicketQuote:
    """Ask what tickets would cost. Nothing is kept or held."""
    at = clock.now()
    wanted = [Wanted(one.slot_id, one.product_id, one.quantity, actor.id) for one in data.items]
    connection = await session.connection()
    slots = await views.slots_for(connection, {one.slot_id for one in wanted})
    if any(slot.community_id != actor.community_id for slot in slots.values()):
        raise NotFound
    prices = await price(connection, wanted, at)
    lines = [
        TicketQuoteLine(
            slot_id=one.slot_id,
            product_id=one.product_id,
            quantity=one.quantity,
            price_amount=found.amount,
            amount=found.amount * one.quantity,
            rule=found.rule,
        )
        for one, found in zip(wanted, prices, strict=True)
    ]
    return TicketQuote(lines=lines, total=sum(line.amount for line in lines), currency=prices[0].currency)


@router.get("/me/guided-tours", responses=problem_responses(Unauthenticated, Forbidden))
async def list_guided_tours(connection: Reading, actor: Person, page: PageQuery) -> Page[GuidedTour]:
    """List the tours one is to guide, the next first."""
    return await views.tours(connection, actor.id, page)


def _answer(body: str, if_none_match: str | None, seconds: int) -> Response:
    """Return a document with its entity tag, or that nothing has changed."""
    raw = body.encode()
    etag = f'"{hashlib.blake2b(raw, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={seconds}"}
    if if_none_match is not None and etag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(raw, media_type="application/json", headers=headers)
