"""The SQL that finds and locks what is changed of a clinic."""

import uuid
from collections.abc import Collection
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.problems import FieldError, Malformed, NotFound
from app.core.tables import Table
from telemedicine.clinics.models import (
    Availability,
    AvailabilityException,
    BookableResource,
    Clinic,
    Department,
    Location,
    Practitioner,
    VisitType,
)

Row = TypeVar("Row", Department, Location, Practitioner, BookableResource, VisitType, AvailabilityException)


async def locked_clinic(session: AsyncSession, organization_id: uuid.UUID) -> Clinic | None:
    """Return what a clinic says of itself, locked."""
    statement = sa.select(Clinic).where(col(Clinic.organization_id) == organization_id).with_for_update()
    row: Clinic | None = await session.scalar(statement)
    return row


async def locked(session: AsyncSession, model: type[Row], organization_id: uuid.UUID, row_id: uuid.UUID) -> Row:
    """Return a row of the clinic, locked; raises ``NotFound``."""
    row = await session.get(model, row_id, with_for_update=True, populate_existing=True)
    if row is None or row.organization_id != organization_id:
        raise NotFound
    return row


async def practitioners_of(session: AsyncSession, organization_id: uuid.UUID) -> list[Practitioner]:
    """Return who sees people for a clinic, locked in one order."""
    statement = (
        sa.select(Practitioner)
        .where(col(Practitioner.organization_id) == organization_id)
        .order_by(col(Practitioner.id))
        .with_for_update()
    )
    return list(await session.scalars(statement))


async def drop_hours(session: AsyncSession, owner: Practitioner | BookableResource) -> None:
    """Remove the weekly hours of a practitioner or resource."""
    column = Availability.practitioner_id if isinstance(owner, Practitioner) else Availability.resource_id
    await session.execute(sa.delete(Availability).where(col(column) == owner.id))


async def require_of_clinic(
    session: AsyncSession,
    model: type[Table],
    organization_id: uuid.UUID,
    row_ids: Collection[uuid.UUID],
    pointer: str,
) -> None:
    """Raise ``Malformed``, pointing at ``pointer``, unless all of the rows there are the clinic's."""
    wanted = set(row_ids)
    if not wanted:
        return
    columns = model.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare what it makes
    statement = sa.select(columns.id).where(columns.id.in_(wanted), columns.organization_id == organization_id)
    if set(await session.scalars(statement)) != wanted:
        raise Malformed(errors=[FieldError(pointer, "this clinic has no such thing", "unknown_id")])
