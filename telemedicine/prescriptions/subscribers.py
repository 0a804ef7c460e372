"""What is asked for again is waited for again if whose prescription it is turns out to be here after all."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import ResidentReopened
from telemedicine.prescriptions import repository


async def wait_again(session: AsyncSession, events: Sequence[ResidentReopened]) -> None:
    """Let people hear again of requests nobody has answered."""
    await repository.wait_again(session, [event.aggregate_id for event in events])


SUBSCRIBERS: Final = (Subscriber("telemedicine.wait_for_renewals", (ResidentReopened,), wait_again),)
