"""The SQL that finds somebody's draft."""

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from telemedicine.queues.models import QueueTicket
from telemedicine.visit_notes.models import VisitNote

_ALONE = sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("whose", type_=sa.Text), 0)))


async def draft(
    session: AsyncSession, resident_id: uuid.UUID, organization_id: uuid.UUID, author_id: uuid.UUID
) -> VisitNote | None:
    """Return the author's draft, and be alone with it until the end of the transaction."""
    await session.execute(_ALONE, {"whose": f"telemedicine.visit_notes:{resident_id}:{author_id}"})
    row: VisitNote | None = await session.scalar(
        sa.select(VisitNote).where(
            col(VisitNote.resident_id) == resident_id,
            col(VisitNote.organization_id) == organization_id,
            col(VisitNote.author_id) == author_id,
        )
    )
    return row


async def called_at(
    session: AsyncSession, resident_id: uuid.UUID, organization_id: uuid.UUID, since: date
) -> datetime | None:
    """Return when somebody who walked in was called, who is there now; ``None`` for who has no number."""
    found: datetime | None = await session.scalar(
        sa.select(col(QueueTicket.called_at))
        .where(
            col(QueueTicket.resident_id) == resident_id,
            col(QueueTicket.organization_id) == organization_id,
            col(QueueTicket.local_date) >= since,
            col(QueueTicket.state) == "called",
        )
        .order_by(col(QueueTicket.called_at).desc())
        .limit(1)
    )
    return found
