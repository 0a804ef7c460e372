"""The domains' facts as outward events: names organizations can rely on, and ids."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from eldercare.events import AlarmAcknowledged, AlarmRaised, AlarmResolved, CheckInMissed
from notifications.api import Happening, WebhookEvent, publish

Fact = AlarmRaised | AlarmAcknowledged | AlarmResolved | CheckInMissed


def _about_alarm(what: str, description: str) -> WebhookEvent:
    return WebhookEvent(name=f"alarm.{what}", scope="alarms:read", object_ids=("alarm_id",), description=description)


OUTWARD: Final[Mapping[type[Fact], WebhookEvent]] = {
    AlarmRaised: _about_alarm("raised", "Somebody may need somebody; the alarm itself says whether it is a test."),
    AlarmAcknowledged: _about_alarm("acknowledged", "A person took the alarm."),
    AlarmResolved: _about_alarm("resolved", "The alarm ended."),
    CheckInMissed: WebhookEvent(
        name="check_in.missed",
        scope="check_ins:read",
        object_ids=("check_in_id",),
        description="A resident was asked and did not answer.",
    ),
}
"""Facts → what organizations hear of them; the one id beside the resident's is the aggregate's."""


async def _tell_organizations(session: AsyncSession, facts: Sequence[Fact]) -> None:
    by_event: defaultdict[type[Fact], list[Happening]] = defaultdict(list)
    for fact in facts:
        (name,) = OUTWARD[type(fact)].object_ids
        by_event[type(fact)].append(
            Happening(fact.id, fact.community_id, fact.resident_id, fact.occurred_at, {name: fact.aggregate_id})
        )
    for kind, happenings in by_event.items():
        await publish(session, OUTWARD[kind], happenings)


SUBSCRIBERS: tuple[Subscriber, ...] = (Subscriber("policies.tell_organizations", tuple(OUTWARD), _tell_organizations),)
