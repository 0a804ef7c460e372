"""The SQL that adds and locks services and offers."""

import uuid

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import NotFound
from app.core.tables import Table, table_of
from community.housekeeping.models import HomeService, ServiceOffer


async def add(session: AsyncSession, row: Table) -> bool:
    """Insert a row; return whether there was none of its kind yet."""
    table = table_of(type(row))
    values = {column.name: getattr(row, column.name) for column in table.columns}
    inserted = insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    return (await session.execute(inserted)).first() is not None


async def locked_service(session: AsyncSession, community_id: uuid.UUID, service_id: uuid.UUID) -> HomeService:
    """Return a service of the community, locked; raises ``NotFound``."""
    row = await session.get(HomeService, service_id, with_for_update=True, populate_existing=True)
    if row is None or row.community_id != community_id:
        raise NotFound
    return row


async def locked_offer(session: AsyncSession, organization_id: uuid.UUID, offer_id: uuid.UUID) -> ServiceOffer:
    """Return an offer of the provider, locked; raises ``NotFound``."""
    row = await session.get(ServiceOffer, offer_id, with_for_update=True, populate_existing=True)
    if row is None or row.organization_id != organization_id:
        raise NotFound
    return row
