"""The job that tells when licences end."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.due import Due, drain
from app.core.events import emit
from app.core.jobs import Job
from telemedicine.clinics.models import Practitioner
from telemedicine.events import PractitionerLicenceEnded

LICENCES: Final = Due("telemedicine.end_licences", Practitioner, "licence_look_at")


async def _end(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    rows = await session.scalars(sa.select(Practitioner).where(col(Practitioner.id).in_(ids)))
    for row in rows.all():
        row.licence_look_at = None
        await emit(
            session,
            PractitionerLicenceEnded(
                aggregate_id=row.id, community_id=row.community_id, organization_id=row.organization_id
            ),
        )


async def end_licences() -> int:
    """Tell of the licences that ended; return how many. That nobody is booked behind an end needs no job."""
    return await drain(LICENCES, _end)


JOBS: Final = (Job("telemedicine.end_licences", timedelta(minutes=1), end_licences),)
