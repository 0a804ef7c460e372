"""Single slots: added, changed by hand, called off. What is sold of them stays good unless they are called off."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError, Malformed
from app.core.routing import check_version
from app.core.wall_time import zone
from app.reservations.api import Overbooking, open_pool
from community.attractions.access import require_of
from community.events import SlotCancelled, SlotMoved
from community.ticketing.models import TicketSlot
from community.ticketing.problems import SlotOver
from community.ticketing.repository import rows, seasons
from community.ticketing.rules import SLOT_POOL, Reason
from community.ticketing.schemas.given import TicketSlotChange, TicketSlotWrite
from community.ticketing.service import guiding, quotas
from community.ticketing.service.keeping import check_products, of_attraction
from community.ticketing.service.limits import resize_slots


async def add_slot(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, attraction_id: uuid.UUID, data: TicketSlotWrite
) -> uuid.UUID:
    """Add a slot beside those of templates, quotas over it and all; return its id.

    Raises ``NotFound``, ``Malformed``.
    """
    of = await of_attraction(session, actor, organization_id, attraction_id)
    attraction = await require_of(await session.connection(), organization_id, attraction_id)
    await check_products(session, attraction_id, data.product_ids)
    _require_ahead(data.starts_at)
    await rows.lock_attraction(session, attraction_id)
    one = clock.new_id()
    pool_id = await open_pool(
        session,
        community_id=actor.community_id,
        kind=SLOT_POOL,
        subject_id=one,
        capacity=data.capacity,
        ends_at=data.ends_at,
    )
    row = TicketSlot(
        id=one,
        **of,
        **_times(data, attraction.time_zone),
        capacity=data.capacity,
        pool_id=pool_id,
        product_ids=data.product_ids,
        language=data.language,
        state=data.state,
        is_own=True,
    )
    session.add(row)
    await session.flush()
    await quotas.cover(session, attraction_id)
    await audit.record(session, actor, "ticket_slot:add", object_id=row.id)
    return row.id


async def change_slot(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    slot_id: uuid.UUID,
    data: TicketSlotChange,
    if_match: int | None,
) -> None:
    """Say what a slot is from now on; its template leaves it alone from here on. Tickets that are sold keep it.

    At another time it tells of it, so that holders hear, and its guide's calendar goes along. Raises ``NotFound``,
    ``StaleVersion``, ``SlotOver``, ``Malformed``, ``MoreIsSold`` for a capacity below what is sold (unless there is a
    reason for it), and ``CalendarTaken`` if its guide has no time then.
    """
    known = await session.get(TicketSlot, slot_id)
    if known is not None:
        await rows.lock_attraction(session, known.attraction_id)
    row = await rows.locked(session, TicketSlot, organization_id, slot_id)
    check_version(row, if_match)
    if row.state == "cancelled" or row.ends_at <= clock.now():
        raise SlotOver
    await check_products(session, row.attraction_id, data.product_ids)
    attraction = await require_of(await session.connection(), organization_id, row.attraction_id)
    before = (await seasons.lock(session, [row.id]))[row.id]
    if data.starts_at != row.starts_at:
        _require_ahead(data.starts_at)
    for name, value in _times(data, attraction.time_zone).items():
        setattr(row, name, value)
    row.capacity, row.product_ids, row.language = data.capacity, data.product_ids, data.language
    row.state, row.is_own = data.state, True
    await session.flush()
    if data.language is None:
        await guiding.release(session, [row.id])
    if (before.starts_at, before.ends_at, before.entry_until) != (row.starts_at, row.ends_at, row.entry_until):
        await emit(
            session,
            SlotMoved(
                aggregate_id=row.id,
                community_id=row.community_id,
                organization_id=row.organization_id,
                attraction_id=row.attraction_id,
                was_starts_at=before.starts_at,
                was_ends_at=before.ends_at,
            ),
        )
        await guiding.follow(session, actor, [row.id])
    if data.capacity != before.capacity:
        overbooking = Overbooking(actor, data.overbook_reason) if data.overbook_reason else None
        await resize_slots(session, {row.id: before}, {row.id: data.capacity}, overbooking)
    await audit.record(session, actor, "ticket_slot:set", object_id=row.id)
    if row.day != before.day:
        await quotas.follow_day(session, row)


async def cancel_slot(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, slot_id: uuid.UUID, reason: Reason
) -> None:
    """Call a slot off, also one that goes on: nothing is sold of it any more, and what was is given back.

    All that was sold is committed by now, and nothing more will be. Raises ``NotFound``, ``SlotOver``.
    """
    row = await rows.locked(session, TicketSlot, organization_id, slot_id)
    if row.state == "cancelled" or row.ends_at <= clock.now():
        raise SlotOver
    await call_off(session, actor, [row], reason, {})


async def call_off(
    session: AsyncSession, actor: Actor, rows: Sequence[TicketSlot], reason: Reason, message: dict[str, str]
) -> None:
    """Call locked slots off, as ``cancel_slot`` does one; ``message`` is what whoever has tickets reads of it."""
    for row in rows:
        row.state, row.cancelled_reason, row.is_own = "cancelled", reason, True
        row.cancelled_message = message or None
    for row in rows:
        await emit(
            session,
            SlotCancelled(
                aggregate_id=row.id,
                community_id=row.community_id,
                organization_id=row.organization_id,
                attraction_id=row.attraction_id,
                reason=reason,
            ),
        )
        await audit.record(session, actor, "ticket_slot:cancel", object_id=row.id)
    await guiding.release(session, [row.id for row in rows])


def _times(data: TicketSlotWrite, time_zone: str) -> dict[str, Any]:
    wall = data.starts_at.astimezone(zone(time_zone))
    return {
        "day": wall.date(),
        "begins": wall.time(),
        "starts_at": data.starts_at,
        "ends_at": data.ends_at,
        "entry_until": data.entry_until or data.ends_at,
    }


def _require_ahead(starts_at: datetime) -> None:
    if starts_at <= clock.now():
        raise Malformed(errors=[FieldError("/body/starts_at", "a slot begins in the future", "in_the_past")])
