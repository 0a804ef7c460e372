"""What ends with a resident and what does not, and that every notice has its texts."""

import pytest

from app import assembly
from app.core.database import unit_of_work
from app.identity.events import ResidentClosed
from eldercare.alarms import notices as alarm_notices
from eldercare.alarms.models import AlarmState
from eldercare.care_circle import notices as circle_notices
from eldercare.escalation import notices as plan_notices
from notifications.api import Notice
from notifications.templates.completeness import complaints
from tests.factories import eldercare_alarms as alarms

NOTICES = [
    value
    for module in (alarm_notices, circle_notices, plan_notices)
    for value in vars(module).values()
    if isinstance(value, Notice)
]


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.key)
def test_every_notice_has_its_texts(notice: Notice) -> None:
    assert complaints(notice) == []


@pytest.mark.usefixtures("database")
async def test_the_circle_ends_with_the_resident_and_an_open_alarm_goes_on_to_the_desk() -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    fact = ResidentClosed(aggregate_id=scene.resident.id, community_id=scene.community.id, reason="moved_out")

    async with unit_of_work() as session:
        for subscriber in assembly.SUBSCRIBERS:
            if ResidentClosed in subscriber.events:
                await subscriber.handle(session, [fact])

    assert (await alarms.current(alarm)).state == AlarmState.RAISED
    await alarms.climb()
    assert await alarms.told(alarm) == [(1, 4, scene.desk.id)]
    assert await alarms.scalar("SELECT count(*) FROM eldercare_circle_member WHERE state = 'accepted'") == 0
