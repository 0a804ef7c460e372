"""Guided tours: a guide's one calendar is taken for each, so that nobody guides, cleans or cares at two places."""

import uuid
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import members_here
from app.reservations import api as reservations
from app.reservations.api import Want
from community.ticketing.models import SlotGuide
from community.ticketing.problems import NotAGuide, NotGuided, SlotOver
from community.ticketing.repository import guides, seasons
from community.workers.service.engaging import calendar_of

ORIGIN: Final = "ticket_slot"
_ROLES: Final = ("worker", "coordinator")


async def assign(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    slot_ids: Collection[uuid.UUID],
    guide_id: uuid.UUID | None,
) -> None:
    """Have somebody guide slots of the organization, in whoever's place, or nobody; all or nothing.

    Raises ``NotFound``, ``NotAGuide`` for somebody who does not work there, ``NotGuided`` for a slot without a
    language, ``SlotOver`` for one that is over or cancelled, and ``CalendarTaken`` naming every tour the guide has no
    time for.
    """
    now = clock.now()
    slots = (await seasons.lock(session, slot_ids)).values()
    if len(slots) < len(slot_ids) or any(row.organization_id != organization_id for row in slots):
        raise NotFound
    if guide_id is not None and any(row.language is None for row in slots):
        raise NotGuided
    if any(row.ends_at <= now or row.state == "cancelled" for row in slots):
        raise SlotOver
    await release(session, [row.id for row in slots])
    if guide_id is not None:
        await _require_guide(session, actor, organization_id, guide_id)
        await _take(session, actor, guide_id, slots)
    await audit.record(
        session,
        actor,
        "slot_guides:set",
        object_id=guide_id,
        details={"slot_ids": [str(row.id) for row in slots]},
    )


async def follow(session: AsyncSession, actor: Actor, slot_ids: Collection[uuid.UUID]) -> None:
    """Take the guides' calendars for locked slots as those take place by now; raises ``CalendarTaken``."""
    found = await guides.of_slots(session, slot_ids)
    locked = await seasons.lock(session, [row.slot_id for row in found])
    for guide_id in sorted({row.account_id for row in found}):
        slots = [locked[row.slot_id] for row in found if row.account_id == guide_id]
        await release(session, [row.id for row in slots])
        await _take(session, actor, guide_id, slots)


async def release(session: AsyncSession, slot_ids: Collection[uuid.UUID]) -> None:
    """Let nobody guide slots any more, and give their time back."""
    reservation_ids = await guides.remove(session, slot_ids)
    await reservations.release(session, reservation_ids)


async def leave(
    session: AsyncSession, community_id: uuid.UUID, account_id: uuid.UUID, organization_id: uuid.UUID | None
) -> None:
    """Leave the tours ahead of an organization (of all if none is named) for which somebody works no longer."""
    found = await guides.ahead(session, account_id, organization_id)
    for one in sorted({row.organization_id for row in found}):
        # Who lost one role there may have the other one still.
        if not await _works_there(session, community_id, one, account_id):
            await release(session, [row.slot_id for row in found if row.organization_id == one])


async def _take(session: AsyncSession, actor: Actor, guide_id: uuid.UUID, slots: Collection[sa.Row[Any]]) -> None:
    ordered = sorted(slots, key=lambda row: row.starts_at)
    calendar_id = await calendar_of(session, ordered[0].community_id, guide_id, timedelta())
    wants = [Want(calendar_id, row.starts_at, row.ends_at, row.id) for row in ordered]
    taken = await reservations.take(session, wants, origin_kind=ORIGIN, taken_by=actor.id)
    session.add_all(
        SlotGuide(
            community_id=row.community_id,
            organization_id=row.organization_id,
            slot_id=row.id,
            account_id=guide_id,
            reservation_id=reservation_id,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
        )
        for row, reservation_id in zip(ordered, taken, strict=True)
    )
    await session.flush()


async def _require_guide(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, guide_id: uuid.UUID) -> None:
    if not await _works_there(session, actor.community_id, organization_id, guide_id):
        raise NotAGuide


async def _works_there(
    session: AsyncSession, community_id: uuid.UUID, organization_id: uuid.UUID, account_id: uuid.UUID
) -> bool:
    connection = await session.connection()
    for role in _ROLES:
        if account_id in await members_here(connection, community_id, organization_id, role):
            return True
    return False
