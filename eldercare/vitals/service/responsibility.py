"""Naming the clinician who answers for a community's thresholds: without one, no reading calls anybody."""

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock, wakeups
from app.core.problems import NotFound
from app.identity.api import Member, members_here, operator_staff
from eldercare.vitals.models import ResponsibleClinician
from eldercare.vitals.notices import ALERTS_OFF
from eldercare.vitals.problems import NotAClinician
from eldercare.vitals.repository import judge_community
from eldercare.vitals.schemas import ResponsibleClinicianName
from eldercare.vitals.service.alerts import CHANNEL
from notifications.api import send


async def name_clinician(session: AsyncSession, member: Member, data: ResponsibleClinicianName) -> ResponsibleClinician:
    """Put a clinician in the place of the one before, from now on; raises ``NotAClinician``.

    Readings that are there already are judged at once, as far as they are recent.
    """
    connection = await session.connection()
    if data.account_id not in await members_here(connection, member.community_id, data.organization_id, "clinician"):
        raise NotAClinician
    before: ResponsibleClinician | None = await session.scalar(
        sa.select(ResponsibleClinician)
        .where(
            col(ResponsibleClinician.community_id) == member.community_id,
            col(ResponsibleClinician.ended_at).is_(None),
        )
        .with_for_update()
    )
    if before is not None:
        before.ended_at, before.ended_by = clock.now(), member.actor.id
        await session.flush()
    named = ResponsibleClinician(
        community_id=member.community_id,
        account_id=data.account_id,
        organization_id=data.organization_id,
        named_by=member.actor.id,
        named_at=clock.now(),
    )
    session.add(named)
    await session.flush()
    await judge_community(session, member.community_id, named.named_at)
    wakeups.request(session, CHANNEL)
    await audit.record(session, member.actor, "responsible_clinician:name", object_id=named.id)
    return named


async def end_clinician(session: AsyncSession, member: Member, identifier: uuid.UUID) -> None:
    """Let nobody be responsible from now on: alerts are off. Ending it twice changes nothing; raises ``NotFound``."""
    named = await session.get(ResponsibleClinician, identifier, with_for_update=True)
    if named is None or named.community_id != member.community_id:
        raise NotFound
    if named.ended_at is None:
        named.ended_at, named.ended_by = clock.now(), member.actor.id
        await session.flush()
        await audit.record(session, member.actor, "responsible_clinician:end", object_id=named.id)


async def tell_alerts_are_off(
    session: AsyncSession, account_id: uuid.UUID, organization_id: uuid.UUID | None = None
) -> None:
    """Tell the operators of communities that a clinician answered for, once, that nobody is called any more.

    ``organization_id`` is where the clinician works no more, everywhere without one.
    """
    answered = sa.select(ResponsibleClinician).where(
        col(ResponsibleClinician.account_id) == account_id, col(ResponsibleClinician.ended_at).is_(None)
    )
    if organization_id is not None:
        answered = answered.where(col(ResponsibleClinician.organization_id) == organization_id)
    connection = await session.connection()
    for named in await session.scalars(answered):
        still = await members_here(connection, named.community_id, named.organization_id, "clinician")
        if named.account_id in still:  # somebody who works there again, or in this very role on
            continue
        await send(
            session,
            ALERTS_OFF,
            await operator_staff(connection, named.community_id, "operator"),
            community_id=named.community_id,
            dedupe_key=f"vital_alerts_off:{named.id}",
            variables={},
        )
