"""Telling the duty desk of a row that fails again and again, by nothing but its id and its community."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.due import OnStuck, Stuck
from app.identity.api import duty_desk
from notifications.api import Notice, send


def telling_desk(notice: Notice) -> OnStuck:
    """Return what tells the duty desk of a stuck row (the operators where there is none), once for each of its times.

    The row's table has ``community_id`` and ``resident_id``. None of the row's own code and none of the models takes
    part: either may be what fails.
    """

    async def tell(session: AsyncSession, stuck: Stuck) -> None:
        rows = stuck.due.rows
        found = await session.execute(sa.select(rows.c.community_id, rows.c.resident_id).where(rows.c.id == stuck.id))
        row = found.one_or_none()
        if row is None:
            return
        await send(
            session,
            notice,
            await duty_desk(await session.connection(), row.community_id),
            community_id=row.community_id,
            dedupe_key=f"stuck:{stuck.due.name}:{stuck.id}:{stuck.due_at.isoformat()}:{stuck.times}",
            data={"stuck_id": str(stuck.id), "resident_id": str(row.resident_id)},
        )

    return tell
