"""What ladders learn from deliveries, from what else happens to the resident, and from who leaves a circle."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from eldercare.alarms.notices import ORIGIN
from eldercare.events import AlarmJoined, AlarmRaised, CircleMemberLeft
from eldercare.ladders.service import help_searching, learn, let_go
from notifications.events import DeliverySettled


async def _learn(session: AsyncSession, facts: Sequence[DeliverySettled]) -> None:
    await learn(session, [fact for fact in facts if fact.origin_kind == ORIGIN])


SUBSCRIBERS = (
    Subscriber("eldercare.learn_of_deliveries", (DeliverySettled,), _learn),
    Subscriber("eldercare.help_searching", (AlarmRaised, AlarmJoined), help_searching),
    Subscriber("eldercare.let_go_of_helpers", (CircleMemberLeft,), let_go),
)
