"""Capacities change: what is sold already is named, or overbooked on purpose."""

import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.reservations.api import CapacityTaken, Overbooking, resize_pools
from community.ticketing.problems import MoreIsSold


async def resize_slots(
    session: AsyncSession,
    slots: Mapping[uuid.UUID, sa.Row[Any]],
    capacities: Mapping[uuid.UUID, int],
    overbooking: Overbooking | None,
) -> None:
    """Give locked slots' pools other capacities, all or nothing; raises ``MoreIsSold``, naming each and what is sold.

    With ``overbooking`` nothing more is sold of those until enough was given back.
    """
    wanted = {slots[one].pool_id: capacity for one, capacity in capacities.items()}
    try:
        await resize_pools(session, wanted, overbooking=overbooking)
    except CapacityTaken as error:
        raise MoreIsSold(
            conflicts=[
                {
                    "slot_id": one["subject_id"],
                    "starts_at": slots[uuid.UUID(one["subject_id"])].starts_at.isoformat(),
                    "sold": one["taken"],
                    "capacity": one["capacity"],
                }
                for one in error.extensions["conflicts"]
            ]
        ) from None


async def resize_shares(
    session: AsyncSession, shares: Mapping[uuid.UUID, sa.Row[Any]], capacity: int, overbooking: Overbooking | None
) -> None:
    """Give the shares of a quota another capacity, as ``resize_slots`` does; each is named by its slot or day."""
    try:
        await resize_pools(session, {row.pool_id: capacity for row in shares.values()}, overbooking=overbooking)
    except CapacityTaken as error:
        raise MoreIsSold(
            conflicts=[
                {
                    "quota_id": str(share.quota_id),
                    "slot_id": str(share.slot_id) if share.slot_id else None,
                    "day": share.day.isoformat() if share.day else None,
                    "sold": one["taken"],
                    "capacity": one["capacity"],
                }
                for one in error.extensions["conflicts"]
                for share in (shares[uuid.UUID(one["subject_id"])],)
            ]
        ) from None
