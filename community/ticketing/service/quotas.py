"""Quotas: limits beside the slots' own, each with a pool for a slot, a day or the season."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import connection_of
from app.core.routing import check_version
from app.core.wall_time import zone
from app.reservations.api import NewPool, Overbooking, open_pools, pools
from community.attractions.access import require_of
from community.ticketing.models import TicketQuota, TicketSlot
from community.ticketing.problems import CodeTaken
from community.ticketing.repository import rows, seasons, shares
from community.ticketing.rules import QUOTA_POOL, share_id
from community.ticketing.schemas.given import TicketQuotaCreate, TicketQuotaWrite
from community.ticketing.service.keeping import changed, check_products, of_attraction
from community.ticketing.service.limits import resize_shares


async def add_quota(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, attraction_id: uuid.UUID, data: TicketQuotaCreate
) -> tuple[TicketQuota, int]:
    """Add a quota; return it and of how many slots something was sold already, so that it does not count them.

    Raises ``NotFound``, ``CodeTaken``, ``Malformed``.
    """
    of = await of_attraction(session, actor, organization_id, attraction_id)
    await check_products(session, attraction_id, data.product_ids)
    await rows.lock_attraction(session, attraction_id)
    row = TicketQuota(**of, **data.model_dump())
    if not await rows.add(session, row):
        raise CodeTaken
    await audit.record(session, actor, "ticket_quota:add", object_id=row.id)
    return row, sum(one.quota_id == row.id for one in await cover(session, attraction_id))


async def set_quota(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    quota_id: uuid.UUID,
    data: TicketQuotaWrite,
    if_match: int | None,
) -> TicketQuota:
    """Say how much there is of a quota, in each of its shares ahead; raises as ``keeping.set_product`` does.

    Raises ``MoreIsSold`` if more is sold of any, unless there is a reason for it.
    """
    row = await rows.locked(session, TicketQuota, organization_id, quota_id)
    check_version(row, if_match)
    attraction = await require_of(await session.connection(), organization_id, row.attraction_id)
    await rows.lock_attraction(session, row.attraction_id)
    if data.capacity != row.capacity:
        today = clock.now().astimezone(zone(attraction.time_zone)).date()
        found = await shares.ahead(session, row.id, today)
        overbooking = Overbooking(actor, data.overbook_reason) if data.overbook_reason else None
        await resize_shares(session, found, data.capacity, overbooking)
        await shares.set_capacity(session, list(found), data.capacity)
    return await changed(session, actor, row, {"name": data.name, "capacity": data.capacity}, "ticket_quota:set")


async def follow_day(session: AsyncSession, slot: TicketSlot) -> None:
    """Put the quotas of its day over a locked slot that takes place on another one, if nothing is sold of it.

    What is sold goes on counting where it was counted, and so does all that is sold of that slot. The attraction is
    locked.
    """
    await shares.set_day(session, slot.id, slot.quota_ids, slot.day)
    if (await pools(connection_of(session), [slot.pool_id]))[slot.pool_id].taken == 0:
        await shares.leave_days(session, slot.id)
        await cover(session, slot.attraction_id)


async def cover(session: AsyncSession, attraction_id: uuid.UUID) -> list[sa.Row[Any]]:
    """Put each quota of an attraction (locked) over the slots ahead that it should be over; return where it is not.

    Those are slots of which something was sold before there was the quota: nobody knows of what.
    """
    wanted = await shares.missing(session, attraction_id)
    locked = await seasons.lock(session, {row.slot_id for row in wanted})
    states = await pools(connection_of(session), [row.pool_id for row in locked.values()])
    unsold = {one for one, row in locked.items() if states[row.pool_id].taken == 0}
    new, pairs = {}, []
    for row in wanted:
        if row.slot_id in unsold:
            one = share_id(row.quota_id, row.scope, row.slot_id, row.day)
            new[one] = row
            pairs.append((row.slot_id, one))
    if pairs:
        (community_id,) = {row.community_id for row in new.values()}
        opened = await open_pools(
            session,
            community_id=community_id,
            kind=QUOTA_POOL,
            pools=[
                NewPool(one, row.capacity, None if row.scope == "season" else row.ends_at) for one, row in new.items()
            ],
        )
        await shares.enter(
            session,
            [
                {
                    "id": one,
                    "quota_id": row.quota_id,
                    "slot_id": row.slot_id if row.scope == "slot" else None,
                    "day": None if row.scope == "season" else row.day,
                    "product_ids": row.product_ids,
                    "capacity": row.capacity,
                    "pool_id": opened[one],
                }
                for one, row in new.items()
            ],
        )
        await shares.cover(session, pairs)
    return [row for row in wanted if row.slot_id not in unsold]
