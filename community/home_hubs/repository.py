"""The SQL that writes hubs that are asked."""

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from community.home_hubs.models import HUBS, HomeHub


async def of_home(session: AsyncSession, home_id: uuid.UUID) -> HomeHub | None:
    """Lock the hub of a home and return it, if it has one."""
    found = sa.select(HomeHub).where(HUBS.c.home_id == home_id).with_for_update()
    return (await session.scalars(found.execution_options(populate_existing=True))).one_or_none()


async def locked(session: AsyncSession, hub_id: uuid.UUID) -> HomeHub | None:
    """Lock a hub and return it, if there still is one."""
    return await session.get(HomeHub, hub_id, with_for_update=True, populate_existing=True)
