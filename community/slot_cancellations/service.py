"""Calling slots off together: all of them or none, counted when nothing more can be sold; and trying again."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from community.slot_cancellations import repository, views
from community.slot_cancellations.models import SlotCancellation
from community.slot_cancellations.problems import SlotsNotOpen
from community.slot_cancellations.schemas import SlotCancellationCreate
from community.ticket_orders.repository.tickets import mark_due
from community.ticketing.service.slots import call_off


async def cancel(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    data: SlotCancellationCreate,
) -> uuid.UUID:
    """Call slots of an attraction off and return under which id its progress is told.

    Raises ``NotFound`` unless all are the attraction's, ``SlotsNotOpen`` where some are over or called off already: of
    two who call off the same day the second is told so, and touches nothing.
    """
    rows = await repository.locked_slots(session, attraction_id, data.slot_ids)
    if len(rows) < len(data.slot_ids):
        raise NotFound("the attraction has no such slot")
    now = clock.now()
    odd = [
        {
            "slot_id": str(row.id),
            "starts_at": row.starts_at.isoformat(),
            "reason": "cancelled" if row.state == "cancelled" else "over",
        }
        for row in sorted(rows, key=lambda one: one.starts_at)
        if row.state == "cancelled" or row.ends_at <= now
    ]
    if odd:
        raise SlotsNotOpen(conflicts=odd)
    message = {str(language): text for language, text in data.message.items()}
    counted = await views.sold(await session.connection(), data.slot_ids)
    counted.pop("admitted")
    cancellation = SlotCancellation(
        community_id=rows[0].community_id,
        organization_id=organization_id,
        attraction_id=attraction_id,
        slot_ids=data.slot_ids,
        reason=data.reason,
        message=message,
        starts_at=min(row.starts_at for row in rows),
        ends_at=max(row.ends_at for row in rows),
        cancelled_at=now,
        **counted,
    )
    session.add(cancellation)
    await call_off(session, actor, rows, data.reason, message)
    await audit.record(session, actor, "slot_cancellation:add", object_id=cancellation.id)
    return cancellation.id


async def try_again(session: AsyncSession, actor: Actor, attraction_id: uuid.UUID, cancellation_id: uuid.UUID) -> None:
    """Have whatever is still to be given back be given back as soon as the worker comes to it; raises ``NotFound``.

    What is given back already is not found again, so asking twice changes nothing.
    """
    found = await views.progress(await session.connection(), attraction_id, cancellation_id)
    await mark_due(session, found.slot_ids)
    await audit.record(session, actor, "slot_cancellation:retry", object_id=cancellation_id)
