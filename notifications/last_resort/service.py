"""Telling the duty desk of rows that fail again and again, by nothing but their ids and their community."""

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.due import OnStuck, Stuck
from app.identity.api import duty_desk
from notifications.delivery.service import send
from notifications.last_resort import repository
from notifications.last_resort.rules import is_time
from notifications.templates.notices import Notice

UNHEARD = Counter(
    "hearthline_stuck_rows_unheard", "Reports of rows that are stuck which reached nobody at all", ["due"]
)
MOST_NAMED = 20  # a push message holds 4 kB

log = structlog.get_logger(__name__)


def telling_desk(notice: Notice, *, new_at_once: bool = False) -> OnStuck:
    """Return what tells the duty desk (the operators where there is none) of all rows of a queue that are stuck.

    It does so at the pace of `notifications.last_resort.rules`; ``new_at_once`` is for rows each of which is somebody
    who called for help. The queue's table has ``community_id``; where it has ``resident_id`` too, residents are named.
    None of the rows' own code and none of their models takes part: either may be what fails.
    """

    async def tell(session: AsyncSession, stuck: Stuck) -> None:
        due, now = stuck.due, clock.now()
        community_id = await repository.community_of(session, due, stuck.id)
        if community_id is None:
            return
        told = await repository.hold_told(session, due, community_id)
        is_new = not told.includes(stuck.id, stuck.due_at)
        if not is_time(told, now, is_urgent=new_at_once and is_new):
            return
        rows = await repository.stuck_in(session, due, community_id)
        if not rows:
            return
        # What the desk does not know of comes first: not all of them are named.
        unknown_first = sorted(rows, key=lambda row: (row.id != stuck.id, told.includes(row.id, row.due_at)))
        named = (str(row.resident_id) for row in unknown_first if row.resident_id is not None)
        residents = list(dict.fromkeys(named))[:MOST_NAMED]
        written = await send(
            session,
            notice,
            await duty_desk(await session.connection(), community_id),
            community_id=community_id,
            dedupe_key=f"stuck:{due.name}:{stuck.id}:{now.isoformat()}",
            collapse_key=f"stuck:{due.name}:{community_id}",
            variables={"rows": len(rows)},
            data={"due": due.name, "stuck_id": str(stuck.id), "resident_ids": ",".join(residents)},
        )
        if not written:
            UNHEARD.labels(due.name).inc()
            log.error("stuck_rows_unheard", due=due.name, row_id=str(stuck.id), community_id=str(community_id))
            return
        row_ids = [row.id for row in rows]
        await repository.keep_told(session, due, community_id, at=now, times=told.times_by(now) + 1, row_ids=row_ids)

    return tell
