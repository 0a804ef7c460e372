"""Calendars of a community, and takers who each have a unit of work of their own."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import pytest

from app.core import clock
from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.reservations import api as reservations

PLACE = uuid.UUID(int=1)
TAKER = uuid.UUID(int=2)

Calendars = Callable[..., Awaitable[list[uuid.UUID]]]
Taking = Callable[..., Awaitable[list[uuid.UUID]]]


@pytest.fixture
def calendars(database: Database, clock: ManualClock) -> Calendars:
    """Return what registers calendars of one kind."""

    async def make(number: int = 1, **options: object) -> list[uuid.UUID]:
        found = []
        for _ in range(number):
            async with unit_of_work() as session:
                found.append(
                    await reservations.register(
                        session,
                        community_id=PLACE,
                        kind="carer",
                        subject_id=_new_id(),
                        **options,  # type: ignore[arg-type]  # as the caller gives them
                    )
                )
        return found

    return make


def _new_id() -> uuid.UUID:
    return clock.new_id()


async def take(
    *wants: reservations.Want,
    hold_until: datetime | None = None,
    openings: Sequence[reservations.Opening] | None = None,
) -> list[uuid.UUID]:
    """Take all of ``wants`` in a unit of work."""
    async with unit_of_work() as session:
        return await reservations.take(
            session, wants, origin_kind="test", taken_by=TAKER, hold_until=hold_until, openings=openings
        )


def want(
    resource_id: uuid.UUID, starts_at: datetime, *, minutes: int = 30, lane: int | None = None
) -> reservations.Want:
    """Return a wish for half an hour, unless told otherwise."""
    return reservations.Want(resource_id, starts_at, starts_at + timedelta(minutes=minutes), clock.new_id(), lane)
