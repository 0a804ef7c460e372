"""The SQL that adds and locks products, templates, quotas, add-ons and terms, one at a time."""

import uuid
from collections.abc import Collection
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.problems import NotFound
from app.core.tables import Table, table_of
from community.ticketing.models import TicketTerms

Row = TypeVar("Row", bound=Table)

_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_ATTRACTION: Final = sa.bindparam("attraction_id", type_=sa.Uuid)

_STRANGE: Final = sa.text("""
    SELECT w.id FROM unnest(CAST(:ids AS uuid[])) AS w (id)
    WHERE NOT EXISTS (
        SELECT FROM community_ticket_product p WHERE p.id = w.id AND p.attraction_id = :attraction_id)""").bindparams(
    _IDS, _ATTRACTION
)
# Whoever makes slots, and whoever puts a quota over them, does so one after the other: no slot is without its quotas.
_LOCK_ATTRACTION: Final = sa.text(
    "SELECT id FROM community_attraction WHERE id = :attraction_id FOR NO KEY UPDATE"
).bindparams(_ATTRACTION)


async def add(session: AsyncSession, row: Table) -> bool:
    """Insert a row; return whether there was none of its kind yet."""
    table = table_of(type(row))
    values = {column.name: getattr(row, column.name) for column in table.columns}
    inserted = insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    return (await session.execute(inserted)).first() is not None


async def locked(session: AsyncSession, kind: type[Row], organization_id: uuid.UUID, row_id: uuid.UUID) -> Row:
    """Return something of the organization's, locked for whoever changes it; raises ``NotFound``."""
    row = await session.get(kind, row_id, with_for_update=True, populate_existing=True)
    if row is None or row.organization_id != organization_id:  # type: ignore[attr-defined]  # all of ours have it
        raise NotFound
    return row


async def lock_attraction(session: AsyncSession, attraction_id: uuid.UUID) -> None:
    """Keep others from making slots and quotas of the attraction until this commits."""
    await session.execute(_LOCK_ATTRACTION, {"attraction_id": attraction_id})


async def strange_products(
    session: AsyncSession, attraction_id: uuid.UUID, product_ids: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Return those of ``product_ids`` that are not the attraction's."""
    binds = {"ids": list(product_ids), "attraction_id": attraction_id}
    return set(await session.scalars(_STRANGE, binds)) if product_ids else set()


async def terms_entered(session: AsyncSession, row: TicketTerms) -> TicketTerms:
    """Return the terms of ``row``'s attraction, locked: ``row`` itself if there were none."""
    await add(session, row)
    found = await session.scalars(
        sa.select(TicketTerms).where(col(TicketTerms.attraction_id) == row.attraction_id).with_for_update()
    )
    return found.one()
