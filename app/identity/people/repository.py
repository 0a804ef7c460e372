"""The SQL that writes people; what is sealed is sealed here, and under one name each."""

import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.problems import NotFound
from app.core.sealing import seal
from app.identity.models import Account, ContactPoint, Household, Resident
from app.identity.people.schemas import HouseholdAdd
from app.identity.people.seals import ADDRESS, CONTACT_VALUE, contact_index


def new_contact_point(
    account_id: uuid.UUID,
    kind: str,
    value: str,
    capabilities: Sequence[str],
    *,
    position: int = 0,
    verified_at: datetime | None = None,
    is_vouched: bool = False,
) -> ContactPoint:
    """Return a contact point for a normalized value (E.164 or mail), sealed and with its blind index."""
    return ContactPoint(
        account_id=account_id,
        kind=kind,
        value=seal(value, CONTACT_VALUE),
        value_index=contact_index(value),
        capabilities=sorted(set(capabilities)),
        position=position,
        verified_at=verified_at,
        is_vouched=is_vouched,
    )


def set_value(point: ContactPoint, value: str, *, is_vouched: bool) -> None:
    """Give a contact point another normalized value, which nobody has verified yet."""
    index = contact_index(value)
    if index != point.value_index:
        point.is_vouched = is_vouched
        point.value, point.value_index, point.verified_at = seal(value, CONTACT_VALUE), index, None


def new_household(community_id: uuid.UUID, data: HouseholdAdd) -> Household:
    """Return a household with its address sealed."""
    return Household(
        community_id=community_id,
        reference=data.reference,
        address=seal(data.address, ADDRESS),
        building=data.building,
        latitude=data.latitude,
        longitude=data.longitude,
    )


async def lock_account(session: AsyncSession, account_id: uuid.UUID) -> Account:
    """Return an account, locked until the end of the transaction; raises ``NotFound``."""
    statement = sa.select(Account).where(col(Account.id) == account_id).with_for_update()
    account: Account | None = await session.scalar(statement)
    if account is None:
        raise NotFound
    return account


async def lock_resident(session: AsyncSession, resident_id: uuid.UUID) -> tuple[Account, Resident]:
    """Return a resident and their account, both locked, always in this order; raises ``NotFound``."""
    resident = await session.get(Resident, resident_id)
    if resident is None:
        raise NotFound
    account = await lock_account(session, resident.account_id)
    await session.refresh(resident, with_for_update=True)
    return account, resident


async def points_of(session: AsyncSession, account_id: uuid.UUID) -> list[ContactPoint]:
    """Return an account's contact points in the order they are tried; the caller holds the account."""
    statement = (
        sa.select(ContactPoint)
        .where(col(ContactPoint.account_id) == account_id)
        .order_by(col(ContactPoint.position), col(ContactPoint.id))
    )
    return list(await session.scalars(statement))


async def resident_of_account(session: AsyncSession, account_id: uuid.UUID) -> uuid.UUID | None:
    """Return the id of the resident an account belongs to, if it belongs to one."""
    resident_id: uuid.UUID | None = await session.scalar(
        sa.select(col(Resident.id)).where(col(Resident.account_id) == account_id)
    )
    return resident_id
