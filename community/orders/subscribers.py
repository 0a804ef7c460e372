"""What orders do when something happens elsewhere."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.events import (
    AuthorizationFailed,
    AuthorizationLapsed,
    AuthorizationNeedsAction,
    AuthorizationSucceeded,
    ChargePaid,
)
from app.core.events import Subscriber
from app.identity.events import ResidentClosed, ResidentReopened, closed_and_reopened
from community.events import WorkerHoursChanged, WorkerLeft, WorkerSkillExpired, WorkerSuspended
from community.orders.service.assigning import follow_workers
from community.orders.service.following import close_residents, follow_money


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """Call off what lies ahead of residents who moved out or died; whoever comes back orders anew."""
    closed, _ = closed_and_reopened(events)
    await close_residents(session, closed)


SUBSCRIBERS: Final = (
    Subscriber(
        "community.orders_follow_money",
        (AuthorizationSucceeded, AuthorizationNeedsAction, AuthorizationFailed, AuthorizationLapsed, ChargePaid),
        follow_money,
    ),
    Subscriber(
        "community.orders_follow_workers",
        (WorkerSuspended, WorkerLeft, WorkerSkillExpired, WorkerHoursChanged),
        follow_workers,
    ),
    Subscriber("community.orders_follow_closures", (ResidentClosed, ResidentReopened), follow_closures),
)
