"""What an agency's planner knows of its carers: skills, places, hours."""

import uuid
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound, StaleVersion
from app.identity.api import organization_members
from eldercare.carers.models import SHIFTS, CarerProfile, Shift
from eldercare.visits.problems import NotACarer, ShiftExists
from eldercare.visits.schemas.agency import CarerProfileWrite, ShiftCreate


async def set_profile(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    account_id: uuid.UUID,
    data: CarerProfileWrite,
    if_match: int | None,
) -> CarerProfile:
    """Set what the planner must know of a carer of the agency; raises ``NotACarer``, ``StaleVersion``."""
    await require_carers(session, organization_id, [account_id])
    profile = await session.scalar(
        sa.select(CarerProfile)
        .where(col(CarerProfile.organization_id) == organization_id, col(CarerProfile.account_id) == account_id)
        .with_for_update()
    )
    if if_match is not None and (profile is None or profile.version != if_match):
        raise StaleVersion
    if profile is None:
        profile = CarerProfile(community_id=actor.community_id, organization_id=organization_id, account_id=account_id)
        session.add(profile)
    for name, value in data.model_dump().items():
        setattr(profile, name, value)
    await session.flush()
    await audit.record(session, actor, "carer:set", object_id=account_id)
    return profile


async def add_shift(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: ShiftCreate) -> uuid.UUID:
    """Let a carer work from then until then and return the shift's id.

    Raises ``NotACarer``, and ``ShiftExists`` where the database has one that overlaps, of whatever agency.
    """
    await require_carers(session, organization_id, [data.account_id])
    now = clock.now()
    row = {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "community_id": actor.community_id,
        "organization_id": organization_id,
        **data.model_dump(),
    }
    statement = insert(SHIFTS).values(row).on_conflict_do_nothing().returning(SHIFTS.c.id)
    shift_id: uuid.UUID | None = await session.scalar(statement)
    if shift_id is None:
        raise ShiftExists
    await audit.record(session, actor, "shift:add", object_id=shift_id)
    return shift_id


async def remove_shift(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, shift_id: uuid.UUID) -> None:
    """Take a shift away; what is assigned in it stays assigned. Raises ``NotFound``."""
    shift = await session.get(Shift, shift_id, with_for_update=True)
    if shift is None or shift.organization_id != organization_id:
        raise NotFound
    await session.delete(shift)
    await audit.record(session, actor, "shift:remove", object_id=shift_id)


async def require_carers(session: AsyncSession, organization_id: uuid.UUID, account_ids: Iterable[uuid.UUID]) -> None:
    """Raise ``NotACarer`` unless all of them are carers of the agency."""
    if not set(account_ids) <= set(await organization_members(await session.connection(), organization_id, "carer")):
        raise NotACarer
