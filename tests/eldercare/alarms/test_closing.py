"""What ends with a resident, and that every notice has its texts."""

import pytest

from app.core.database import unit_of_work
from app.identity.events import ResidentClosed
from eldercare.alarms import notices as alarm_notices
from eldercare.alarms.models import AlarmState
from eldercare.alarms.subscribers import SUBSCRIBERS as ALARMS
from eldercare.care_circle import notices as circle_notices
from eldercare.care_circle.subscribers import SUBSCRIBERS as CIRCLES
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
async def test_what_is_open_ends_when_a_resident_has_died() -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    fact = ResidentClosed(aggregate_id=scene.resident.id, community_id=scene.community.id, reason="died")

    async with unit_of_work() as session:
        for subscriber in (*ALARMS, *CIRCLES):
            await subscriber.handle(session, [fact])

    stored = await alarms.current(alarm)
    assert (stored.state, stored.outcome) == (AlarmState.RESOLVED, "resident_died")
    assert await alarms.climb() == 0
    assert await alarms.scalar("SELECT count(*) FROM eldercare_circle_member WHERE state = 'accepted'") == 0
