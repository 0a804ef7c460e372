"""What nobody would hear of otherwise: orders and trips that fail for ever are told to the duty desk."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.failures import LONGEST_VITAL_DELAY, STUCK_AFTER
from app.core.jobs import settle
from app.core.parked_rows import RETRY_JOB
from community.last_resort.notices import HOME_STUCK, ORDER_STUCK, TRIP_STUCK
from community.trips.jobs import JOBS
from notifications.api import Notice
from notifications.templates.completeness import complaints
from tests.factories import community_trips as trips
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("notice", [HOME_STUCK, ORDER_STUCK, TRIP_STUCK], ids=lambda notice: notice.key)
def test_every_notice_has_its_texts(notice: Notice) -> None:
    assert complaints(notice) == []


async def execute(statement: str, **binds: object) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.text(statement), binds)


async def test_the_desk_hears_of_a_trip_that_cannot_be_closed(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=1)
    leader = await identity.staff(scene.operator, "coordinator", name="Leader")
    trip = await trips.trip(scene.operator, leader)
    due = clocks.now() + timedelta(minutes=1)
    await execute("UPDATE community_trip SET close_at = :due WHERE id = :id", due=due, id=trip.id)
    # It can neither be closed nor be looked at later.
    still = f"close_at IN ('{due.isoformat()}', 'infinity')"
    await execute(f"ALTER TABLE community_trip ADD CONSTRAINT refused CHECK ({still})")
    clock.advance(timedelta(minutes=2))
    try:
        for _ in range(STUCK_AFTER):
            await settle([RETRY_JOB, *JOBS])
            clock.advance(LONGEST_VITAL_DELAY)
    finally:
        await execute("ALTER TABLE community_trip DROP CONSTRAINT refused")
    assert "community.trip_stuck" in [key for key, _ in await alarms.notices_of(scene.desk)]
