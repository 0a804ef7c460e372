"""What alarms learn from identity."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import system_actor
from app.core.events import Subscriber
from app.identity.events import ResidentClosed
from eldercare.alarms.repository import lock_open
from eldercare.alarms.rules import Action
from eldercare.alarms.service import close_alarm


async def _close_alarms(session: AsyncSession, facts: Sequence[ResidentClosed]) -> None:
    reasons = {fact.aggregate_id: fact.reason for fact in facts}
    for alarm in await lock_open(session, reasons):
        outcome = f"resident_{reasons[alarm.resident_id]}"
        await close_alarm(session, system_actor(alarm.community_id), alarm, Action.STAND_DOWN, outcome=outcome)


SUBSCRIBERS = (Subscriber("eldercare.close_alarms_of_residents", (ResidentClosed,), _close_alarms),)
