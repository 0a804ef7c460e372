"""Booking all stops of a plan in one go, all or nothing; what becomes of their tickets is followed."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import Conflict, Malformed, NotFound
from app.identity.api import ResidenceEnded
from community.itineraries import repository
from community.itineraries.access import Subject
from community.itineraries.models import Itinerary, ItineraryStop
from community.itineraries.problems import BookingRefused, NothingToBook, PlanPriceChanged
from community.itineraries.schemas.given import ItemGive, ItineraryBook, WishGive
from community.itineraries.service.reading import wishes
from community.ticket_orders.problems import TicketPriceChanged
from community.ticket_orders.schemas.given import CartCreate, CartItem
from community.ticket_orders.schemas.shown import CartPublic
from community.ticket_orders.service.placing import place


async def book(session: AsyncSession, actor: Actor, itinerary: Subject, data: ItineraryBook) -> CartPublic:
    """Book every stop of a plan that needs tickets and has none, in one cart; return it.

    Raises ``NothingToBook``, ``PlanPriceChanged``, ``ItineraryNotOpen``, and ``BookingRefused`` with the stops at
    fault: then nothing is booked, held or paid.
    """
    row = await repository.locked(session, itinerary.id)
    stops = [one for one in (await repository.stops_of(session, [row.id]))[row.id] if _is_open(one)]
    if not stops:
        raise NothingToBook
    total = sum(one.price_amount for one in stops)
    if data.total != total:
        raise PlanPriceChanged(total=total, currency=row.currency)
    cart = CartCreate(
        items=[
            CartItem(slot_id=one.slot_id, product_id=item["product_id"], quantity=item["quantity"])
            for one in stops
            for item in one.items
            if one.slot_id is not None
        ],
        total=total,
        payment_method=data.payment_method,
        payment_method_id=data.payment_method_id,
    )
    try:
        async with session.begin_nested():
            placed = await place(session, actor, row.resident_id, cart)
    except ResidenceEnded:
        raise
    except (Conflict, NotFound, Malformed) as error:
        if isinstance(error, Malformed) and not _is_about_items(error):
            raise
        raise await _refused(session, row, stops, error) from error
    orders = {ticket.slot_id: order for order in placed.orders for ticket in order.tickets}
    for stop in stops:
        order = orders[stop.slot_id]  # type: ignore[index]  # what is booked has a slot
        stop.order_id = order.id
        stop.booking = "booked" if order.state == "confirmed" else "held"
    repository.touch(row)
    await session.flush()
    await audit.record(session, actor, "itinerary:book", resident_id=row.resident_id, object_id=row.id)
    return placed


def _is_about_items(error: Malformed) -> bool:
    return any(one.pointer.startswith("/body/items") for one in error.errors)


def _is_open(stop: ItineraryStop) -> bool:
    return (
        stop.slot_id is not None
        and stop.booking in ("none", "lost")
        and stop.state == "ahead"
        and stop.enter_until > clock.now()
    )


async def _refused(
    session: AsyncSession, row: Itinerary, stops: Sequence[ItineraryStop], error: Conflict | NotFound | Malformed
) -> BookingRefused:
    """Return what is said of a refusal: which stops it is about, as far as it can be told, and why."""
    document = error.document()
    named = _named(document)
    if isinstance(error, Malformed):
        places = {one.pointer.split("/")[3] for one in error.errors if one.pointer.startswith("/body/items/")}
        slots = [str(one.slot_id) for one in stops for _ in one.items]
        named |= {slots[int(place)] for place in places if place.isdigit() and int(place) < len(slots)}
    at_fault = [one for one in stops if named & {str(one.slot_id), *(item["product_id"] for item in one.items)}]
    if not at_fault:
        at_fault = await _full(session, row, stops)
    if isinstance(error, TicketPriceChanged) and not at_fault:
        at_fault = list(stops)
    return BookingRefused(
        stops=[
            {"stop_id": str(one.id), "attraction_id": str(one.attraction_id), "enters_at": one.enters_at.isoformat()}
            for one in at_fault
        ],
        because=error.code,
        problem=document,
    )


def _named(document: Any) -> set[str]:
    """Return every slot and product a problem names."""
    if isinstance(document, dict):
        own = {str(document[name]) for name in ("slot_id", "product_id") if name in document}
        return own.union(*(_named(one) for name, one in document.items() if name != "quote"))
    return set().union(*(_named(one) for one in document)) if isinstance(document, list) else set()


async def _full(session: AsyncSession, row: Itinerary, stops: Sequence[ItineraryStop]) -> list[ItineraryStop]:
    """Return the stops whose slots have no room for all who come."""
    found: list[ItineraryStop] = []
    for stop in stops:
        given = [WishGive(attraction_id=stop.attraction_id, items=[ItemGive(**one) for one in stop.items])]
        span = stop.enters_at, stop.leaves_at
        try:
            (wish,) = await wishes(await session.connection(), row.community_id, given, span, persons=stop.persons)
        except Malformed:
            found.append(stop)
            continue
        if not any(one.slot_id == stop.slot_id and (one.left or 0) >= stop.persons for one in wish.entrances):
            found.append(stop)
    return found


async def follow_orders(
    session: AsyncSession, order_ids: Collection[uuid.UUID]
) -> list[tuple[Itinerary, ItineraryStop]]:
    """Let stops be booked, or not any more, as their tickets are; return those that were booked and are lost."""
    ids = await repository.booked_by(session, order_ids)
    rows = {row.id: row for row in await repository.all_locked(session, ids)}
    standing = await repository.tickets_of(session, order_ids)
    lost: list[tuple[Itinerary, ItineraryStop]] = []
    for itinerary_id, stops in (await repository.stops_of(session, ids)).items():
        for stop in stops:
            if stop.order_id not in order_ids or stop.booking not in ("held", "booked"):
                continue
            state = standing.get((stop.order_id, stop.slot_id), "lost")
            if state != stop.booking:
                stop.booking = state
                repository.touch(rows[itinerary_id])
                lost += [(rows[itinerary_id], stop)] if state == "lost" else []
    await session.flush()
    return lost
