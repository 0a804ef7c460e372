"""The SQL that gives numbers and calls them, each once."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.problems import NotFound
from telemedicine.clinics.models import Department
from telemedicine.queues.models import TICKETS, QueueDisplay, QueueTicket

_ALONE = sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("line", type_=sa.Text), 0)))
_LAST = sa.select(sa.func.coalesce(sa.func.max(TICKETS.c.number), 0)).where(
    TICKETS.c.line_id == sa.bindparam("line_id", type_=sa.Uuid),
    TICKETS.c.local_date == sa.bindparam("local_date", type_=sa.Date),
)


async def require_department(session: AsyncSession, organization_id: uuid.UUID, department_id: uuid.UUID) -> None:
    """Raise ``NotFound`` unless the department is one of the clinic's."""
    found = await session.get(Department, department_id)
    if found is None or found.organization_id != organization_id:
        raise NotFound


async def next_number(session: AsyncSession, line_id: uuid.UUID, day: date) -> int:
    """Return the next number of a line's day; whoever wants one of the same line meanwhile waits."""
    await session.execute(_ALONE, {"line": f"telemedicine.queues:{line_id}"})
    last: int = (await session.execute(_LAST, {"line_id": line_id, "local_date": day})).scalar_one()
    return last + 1


async def open_ticket(
    session: AsyncSession, line_id: uuid.UUID, day: date, resident_id: uuid.UUID
) -> QueueTicket | None:
    """Return the number somebody has in a line today and that is not done with."""
    row: QueueTicket | None = await session.scalar(
        sa.select(QueueTicket).where(
            col(QueueTicket.line_id) == line_id,
            col(QueueTicket.local_date) == day,
            col(QueueTicket.resident_id) == resident_id,
            col(QueueTicket.state).in_(["waiting", "called"]),
        )
    )
    return row


async def open_of_resident(session: AsyncSession, resident_id: uuid.UUID) -> Sequence[QueueTicket]:
    """Return, locked, the numbers somebody has that are not done with."""
    statement = sa.select(QueueTicket).where(
        col(QueueTicket.resident_id) == resident_id, col(QueueTicket.state).in_(["waiting", "called"])
    )
    return (await session.scalars(statement.order_by(col(QueueTicket.id)).with_for_update())).all()


async def call_next(
    session: AsyncSession, line_id: uuid.UUID, day: date, by: uuid.UUID, now: datetime, room: str | None
) -> QueueTicket | None:
    """Call the lowest number that waits and return it; two who call at once call two."""
    row: QueueTicket | None = await session.scalar(
        sa.select(QueueTicket)
        .where(
            col(QueueTicket.line_id) == line_id,
            col(QueueTicket.local_date) == day,
            col(QueueTicket.state) == "waiting",
        )
        .order_by(col(QueueTicket.number))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is not None:
        row.state, row.called_at, row.called_by, row.room = "called", now, by, room
        await session.flush()
    return row


async def locked(session: AsyncSession, ticket_id: uuid.UUID) -> QueueTicket:
    """Return a number, locked; raises ``NotFound``."""
    options: dict[str, Any] = {"with_for_update": True, "populate_existing": True}
    row = await session.get(QueueTicket, ticket_id, **options)
    if row is None:
        raise NotFound
    return row


async def display(session: AsyncSession, organization_id: uuid.UUID, display_id: uuid.UUID) -> QueueDisplay:
    """Return a clinic's screen, locked; raises ``NotFound``."""
    statement = sa.select(QueueDisplay).where(
        col(QueueDisplay.id) == display_id, col(QueueDisplay.organization_id) == organization_id
    )
    row: QueueDisplay | None = await session.scalar(statement.with_for_update())
    if row is None:
        raise NotFound
    return row
