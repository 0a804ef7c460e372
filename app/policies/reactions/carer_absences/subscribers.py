"""Absences of carers, followed in the hours of the workers they are too."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from community import api as community
from community.events import WorkerHoursChanged
from eldercare import api as eldercare
from eldercare.events import CarerAbsenceChanged


async def _follow(session: AsyncSession, facts: Sequence[CarerAbsenceChanged | WorkerHoursChanged]) -> None:
    """Let workers be off as their absences stand now; who becomes a worker later is off for those ahead, too."""
    changed: defaultdict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for fact in facts:
        changed[fact.account_id] |= {fact.aggregate_id} if isinstance(fact, CarerAbsenceChanged) else set()
    ahead = await eldercare.carer_absences_ahead(await session.connection(), changed)
    for account_id in sorted(changed):
        known = [community.Absent(*one) for one in ahead.get(account_id, [])]
        await community.follow_absent(session, account_id, known, changed[account_id])


SUBSCRIBERS: Final = (
    Subscriber("policies.carer_absences_of_workers", (CarerAbsenceChanged, WorkerHoursChanged), _follow),
)
