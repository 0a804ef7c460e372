"""What people are told on a day out: where it leads that way no more, what is crowded, when they cannot be in time."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Channel, Kind, Notice, Urgency

OUTINGS: Final = Category(key="outings", names={"en": "Days out", "zh-CN": "出游"})

_PHONE: Final[tuple[Channel, ...]] = ("push", "sms", "inbox")
_APP: Final[tuple[Channel, ...]] = ("push", "inbox")
_STOP: Final[dict[str, Kind]] = {"resident": "resident", "starts_at": "instant", "name_en": "text", "name_zh": "text"}


def _notice(
    name: str,
    *,
    urgency: Urgency = "high",
    channels: tuple[Channel, ...] = _PHONE,
    more: dict[str, Kind] | None = None,
    useful_for: timedelta = timedelta(days=2),
) -> Notice:
    return Notice(
        key=f"community.{name}",
        category=OUTINGS.key,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="community.itineraries",
        variables=_STOP | (more or {}),
        useful_for=useful_for,
    )


CLOSED: Final = _notice("itinerary_closed")
SLOT_OFF: Final = _notice("itinerary_slot_off")
SLOT_MOVED: Final = _notice("itinerary_slot_moved", more={"was_at": "instant"})
TICKETS_LOST: Final = _notice("itinerary_tickets_lost")
CROWDED: Final = _notice("itinerary_crowded", urgency="normal", channels=_APP, useful_for=timedelta(hours=1))
LATE: Final = _notice("itinerary_late", useful_for=timedelta(hours=2))
LATE_LATER: Final = _notice("itinerary_late_later", more={"later": "instant"}, useful_for=timedelta(hours=2))
