"""What zones do when something happens elsewhere: a consent is given or taken back, a resident moves or leaves."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import (
    GrantAdded,
    GrantChanged,
    GrantRevoked,
    ResidentClosed,
    ResidentMovedZone,
    ResidentReopened,
    closed_and_reopened,
)
from eldercare.safe_zones.service import forgetting, watching, zones


async def follow_consents(session: AsyncSession, events: Sequence[GrantAdded | GrantChanged | GrantRevoked]) -> None:
    """Forget where somebody was once nobody may see it; watch again where somebody may."""
    await forgetting.follow_consents(session, sorted({event.resident_id for event in events}))


async def follow_moves(session: AsyncSession, events: Sequence[ResidentMovedZone]) -> None:
    """Keep the hours of zones by the resident's new time zone."""
    await watching.look_now(session, sorted({event.resident_id for event in events}))


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """End the zones of residents who moved out or died; let them go on where that was a mistake."""
    closed, reopened = closed_and_reopened(events)
    await zones.close_residents(session, closed)
    await zones.reopen_residents(session, reopened)


SUBSCRIBERS: Final = (
    Subscriber("eldercare.follow_location_consents", (GrantAdded, GrantChanged, GrantRevoked), follow_consents),
    Subscriber("eldercare.follow_zone_moves", (ResidentMovedZone,), follow_moves),
    Subscriber("eldercare.follow_zone_closures", (ResidentClosed, ResidentReopened), follow_closures),
)
