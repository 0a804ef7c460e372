"""Telling families once a week how it was, in numbers."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.identity.api import people
from eldercare.timeline import repository
from eldercare.timeline.notices import WEEKLY_SUMMARY
from eldercare.timeline.rules.weeks import last_week, next_summary
from eldercare.timeline.views.weeks import TOLD, told_binds
from notifications.api import send_many


async def tell_weeks(session: AsyncSession, summary_ids: Sequence[uuid.UUID]) -> None:
    """Tell those whose summaries are due of the week that ended last, if there is something they may see.

    The next is on the next Sunday that lies ahead: whoever was not told while we were not running hears once.
    """
    due = await repository.claimed(session, summary_ids)
    now = clock.now()
    zones = await _zones(session, [row.account_id for row in due])
    weeks = {row.id: last_week(now, zones[row.account_id]) for row in due}
    await send_many(session, WEEKLY_SUMMARY, TOLD, binds=told_binds(weeks))
    for row in due:
        row.send_at = next_summary(now, zones[row.account_id])
    await session.flush()


async def follow_members(session: AsyncSession, member_ids: Sequence[uuid.UUID]) -> None:
    """Let those hear of the weeks who joined a circle."""
    joined = await repository.members(session, member_ids)
    zones = await _zones(session, [member.account_id for member in joined])
    for member in joined:
        await repository.add(session, member, next_summary(clock.now(), zones[member.account_id]))


async def _zones(session: AsyncSession, account_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    known = await people(await session.connection(), account_ids)
    return {one: known[one].time_zone if one in known else "UTC" for one in account_ids}
