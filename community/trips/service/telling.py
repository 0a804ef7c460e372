"""Who is told what of a trip: who goes along and who signed them up, who leads, who arranges it, who oversees."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.identity.api import duty_desk, granted_accounts, members_of, operator_staff
from community.trips import repository
from community.trips.access import READ
from community.trips.models import Trip, TripParticipant
from notifications.api import Notice, Value, send

_LEADING: Final = ("worker", "carer", "coordinator", "operator", "dispatcher")
_granted = granted_accounts(READ).subquery("granted")
_MAY_STILL: Final = sa.select(_granted.c.account_id).where(
    _granted.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    _granted.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
)


class Arranged(Protocol):
    """A trip, or that somebody goes along on it."""

    community_id: uuid.UUID
    organization_id: uuid.UUID
    starts_at: datetime


async def tell(
    session: AsyncSession,
    notice: Notice,
    row: TripParticipant,
    account_ids: Iterable[uuid.UUID],
    occasion: str,
    **more: Value,
) -> None:
    """Write ``notice`` about somebody who goes along; under one ``occasion`` each account gets it once."""
    accounts = list(dict.fromkeys(account_ids))
    if not accounts:
        return
    about: dict[str, Value] = {"resident": row.resident_id, "starts_at": row.starts_at}
    given = {name: value for name, value in (about | more).items() if name in notice.variables}
    await send(
        session,
        notice,
        accounts,
        community_id=row.community_id,
        dedupe_key=f"trip:{row.id}:{occasion}",
        variables=given,
        about=row.resident_id if "resident" in notice.variables else None,
        data={"trip_id": str(row.trip_id), "participation_id": str(row.id)},
    )


async def tell_of_trip(
    session: AsyncSession, notice: Notice, trip: Trip, account_ids: Iterable[uuid.UUID], occasion: str, at: datetime
) -> None:
    """Write ``notice`` about a trip, or about what was to be on it ``at`` an instant."""
    accounts = list(dict.fromkeys(account_ids))
    if not accounts:
        return
    await send(
        session,
        notice,
        accounts,
        community_id=trip.community_id,
        dedupe_key=f"trip:{trip.id}:{occasion}",
        variables={"starts_at": at},
        data={"trip_id": str(trip.id)},
    )


async def waiting(session: AsyncSession, row: TripParticipant) -> list[uuid.UUID]:
    """Return the resident, and whoever signed them up and may still know of it."""
    found = [row.account_id]
    if row.signed_up_by != row.account_id:
        binds = {"resident_id": row.resident_id, "account_id": row.signed_up_by, "granted_at": clock.now()}
        found += list(await session.scalars(_MAY_STILL, binds))
    return found


async def organizer(session: AsyncSession, row: Arranged) -> list[uuid.UUID]:
    """Return who answers for a trip: the organization's coordinators, or operators where there are none."""
    connection = await session.connection()
    found = (await members_of(connection, [row.organization_id], "coordinator"))[row.organization_id]
    return found or await operator_staff(connection, row.community_id, "operator")


async def staff(session: AsyncSession, organization_id: uuid.UUID) -> set[uuid.UUID]:
    """Return who of an organization can lead a trip of it."""
    connection, found = await session.connection(), set[uuid.UUID]()
    for role in _LEADING:
        found |= set((await members_of(connection, [organization_id], role))[organization_id])
    return found


async def leaders(session: AsyncSession, trip_id: uuid.UUID, row: Arranged) -> list[uuid.UUID]:
    """Return who leads a trip and is still of its organization; where nobody is, who answers for it."""
    named = await repository.leaders_of(session, trip_id)
    here = await staff(session, row.organization_id) if named else set()
    return [account for account in named if account in here] or await organizer(session, row)


async def desk(session: AsyncSession, row: Arranged) -> list[uuid.UUID]:
    """Return who sits at the community's duty desk."""
    return await duty_desk(await session.connection(), row.community_id)
