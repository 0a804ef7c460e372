"""What days out do when something happens elsewhere: a place shuts, a slot is off or moved, tickets are bought."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from community.attractions.views import opening
from community.events import (
    AttractionChanged,
    AttractionClosed,
    SlotCancelled,
    SlotMoved,
    TicketAdmitted,
    TicketMoved,
    TicketOrderCancelled,
    TicketOrderConfirmed,
    TicketsRefunded,
)
from community.itineraries import notices, repository
from community.itineraries.models import Itinerary, ItineraryStop
from community.itineraries.service import booking, looking
from community.itineraries.service.telling import tell
from community.ticketing.views import slots_for


async def follow_attractions(session: AsyncSession, events: Sequence[AttractionClosed | AttractionChanged]) -> None:
    """Tell who goes to an attraction when it is not open then; once for each time it is shut."""
    why = {
        one.aggregate_id: str(one.closing_id) if isinstance(one, AttractionClosed) else one.what
        for one in events
        if isinstance(one, AttractionClosed) or one.what != "facts"
    }
    gone = {one.aggregate_id for one in events if isinstance(one, AttractionChanged) and one.what == "withdrawn"}
    found = await _ahead(session, await repository.going_to(session, why), lambda stop: stop.attraction_id in why)
    if not found:
        return
    since, until = min(stop.enters_at for _, stop in found), max(stop.leaves_at for _, stop in found)
    spans = await opening(await session.connection(), {stop.attraction_id for _, stop in found}, since, until)
    for row, stop in found:
        there = [] if stop.attraction_id in gone else spans.get(stop.attraction_id, [])
        if not any(opens <= stop.enters_at and stop.leaves_at <= closes for opens, closes in there):
            await tell(session, notices.CLOSED, row, stop, f"closed:{stop.id}:{why[stop.attraction_id]}")


async def follow_slots(session: AsyncSession, events: Sequence[SlotCancelled | SlotMoved]) -> None:
    """Tell who goes to a slot that it is off, or at another time."""
    moved = {one.aggregate_id: one for one in events if isinstance(one, SlotMoved)}
    off = {one.aggregate_id for one in events if isinstance(one, SlotCancelled)}
    slots = await slots_for(await session.connection(), moved)
    for row, stop in await _ahead(
        session, await repository.going_by(session, {*moved, *off}), lambda stop: stop.slot_id in {*moved, *off}
    ):
        if stop.slot_id in off:
            stop.state = "off"
            await tell(session, notices.SLOT_OFF, row, stop, f"off:{stop.id}")
        elif stop.slot_id in slots:
            slot, was_at = slots[stop.slot_id], stop.enters_at
            _move(stop, slot.starts_at, slot.entry_until)
            occasion = f"moved:{stop.id}:{slot.starts_at.isoformat()}"
            await tell(session, notices.SLOT_MOVED, row, stop, occasion, was_at=was_at)
        await _look_again(session, row)
    await session.flush()


async def follow_moves(session: AsyncSession, events: Sequence[TicketMoved]) -> None:
    """Let a stop be in the slot for which its tickets were exchanged."""
    slots = await slots_for(await session.connection(), {one.slot_id for one in events})
    to = {one.order_id: slots[one.slot_id] for one in events if one.slot_id in slots}
    for row, stop in await _ahead(session, await repository.booked_by(session, to), lambda stop: stop.order_id in to):
        slot = to[stop.order_id]  # type: ignore[index]  # what is found has an order
        if slot.attraction_id == stop.attraction_id and slot.id != stop.slot_id:
            stop.slot_id = slot.id
            _move(stop, slot.starts_at, slot.entry_until)
            await _look_again(session, row)
    await session.flush()


async def follow_orders(
    session: AsyncSession, events: Sequence[TicketOrderConfirmed | TicketOrderCancelled | TicketsRefunded]
) -> None:
    """Let stops be booked, or not any more, and tell where tickets are lost that somebody counted on."""
    now = clock.now()
    for row, stop in await booking.follow_orders(session, {one.aggregate_id for one in events}):
        if row.state == "open" and stop.state == "ahead" and stop.enter_until > now:
            await tell(session, notices.TICKETS_LOST, row, stop, f"lost:{stop.order_id}:{stop.id}")


async def follow_admissions(session: AsyncSession, events: Sequence[TicketAdmitted]) -> None:
    """Take it that somebody is where their ticket was scanned: nobody has to check that off by hand."""
    by_order = {one.order_id for one in events}
    slots = {one.slot_id for one in events}
    ids = await repository.booked_by(session, by_order)
    for row, stop in await _ahead(
        session, ids, lambda stop: stop.order_id in by_order and stop.slot_id in slots, is_past_too=True
    ):
        stop.state, stop.checked_at = "arrived", clock.now()
        await _look_again(session, row)
    await session.flush()


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Put the plans of residents aside who are here no more."""
    for row in await repository.all_locked(session, await repository.open_of(session, resident_ids)):
        row.state, row.look_at = "dropped", None
    await session.flush()


def _move(stop: ItineraryStop, starts_at: datetime, entry_until: datetime) -> None:
    """Let a stop be at another time, as long as before."""
    enters = max(starts_at, min(stop.enters_at, entry_until))
    shift = enters - stop.enters_at
    for name in ("leaves_for_at", "arrives_at", "enters_at", "leaves_at"):
        setattr(stop, name, getattr(stop, name) + shift)
    stop.enter_until = entry_until


async def _ahead(
    session: AsyncSession,
    ids: Sequence[uuid.UUID],
    concerns: Callable[[ItineraryStop], bool],
    *,
    is_past_too: bool = False,
) -> list[tuple[Itinerary, ItineraryStop]]:
    """Return the stops ahead of open itineraries, locked, that something concerns."""
    now = clock.now()
    rows = {row.id: row for row in await repository.all_locked(session, ids) if row.state == "open"}
    return [
        (rows[itinerary_id], stop)
        for itinerary_id, stops in (await repository.stops_of(session, list(rows))).items()
        for stop in stops
        if stop.state == "ahead" and concerns(stop) and (is_past_too or stop.enter_until > now)
    ]


async def _look_again(session: AsyncSession, row: Itinerary) -> None:
    repository.touch(row)
    looking.set_next(row, (await repository.stops_of(session, [row.id]))[row.id])
