"""Nobody is asked to confirm anything for who is no longer here; if that was a mistake, people are asked again."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import ResidentClosed, ResidentReopened, closed_and_reopened
from eldercare.regimen_proposals import repository


async def _follow(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    closed, reopened = closed_and_reopened(events)
    await repository.close_residents(session, closed)
    await repository.reopen_residents(session, reopened)


SUBSCRIBERS: Final = (Subscriber("eldercare.close_regimen_proposals", (ResidentClosed, ResidentReopened), _follow),)
