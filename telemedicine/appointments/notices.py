"""What people are told of appointments: when, never with whom or what for."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Channel, Kind, Notice, Urgency

APPOINTMENTS: Final = Category(key="appointments", names={"en": "Appointments", "zh-CN": "预约"})

_PHONE: Final[tuple[Channel, ...]] = ("push", "sms", "inbox")
_CODE: Final[dict[str, Kind]] = {"code": "word"}
_WHEN: Final[dict[str, Kind]] = {"resident": "resident", "starts_at": "instant"}


def _notice(
    name: str,
    *,
    urgency: Urgency = "normal",
    channels: tuple[Channel, ...] = _PHONE,
    more: dict[str, Kind] | None = None,
    useful_for: timedelta = timedelta(days=1),
) -> Notice:
    return Notice(
        key=f"telemedicine.{name}",
        category=APPOINTMENTS.key,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="telemedicine.appointments",
        variables=_WHEN | (more or {}),
        useful_for=useful_for,
    )


BOOKED: Final = _notice("appointment_booked", channels=("push", "inbox"))
MOVED: Final = _notice("appointment_moved", urgency="high", more={"from_starts_at": "instant"})
CANCELLED: Final = _notice("appointment_cancelled", urgency="high")
OFFERED: Final = _notice(
    "waitlist_offered", urgency="high", more={"until": "instant"}, useful_for=timedelta(minutes=30)
)
REQUESTED: Final = _notice("appointment_requested", channels=("push", "inbox"))
UNANSWERED: Final = _notice("appointment_unanswered", channels=("push", "inbox"))
FOLLOWED_UP: Final = _notice("appointment_followed_up", channels=("push", "inbox"))
DECLINED: Final = _notice("appointment_declined", urgency="high")
REPROPOSED: Final = _notice("appointment_reproposed", urgency="high", more={"until": "instant"})
LAPSED: Final = _notice("appointment_lapsed", urgency="high")
"""What becomes of a request to a clinic that keeps its own diary, as the resident hears of it."""


def _call(name: str, urgency: Urgency) -> Notice:
    return Notice(
        key=f"telemedicine.{name}",
        category=APPOINTMENTS.key,
        urgency=urgency,
        channels=("push", "mail", "inbox"),
        package="telemedicine.appointments",
        variables={"starts_at": "instant", "clinic": "text"},
        useful_for=timedelta(days=1),
    )


ANSWER_DUE: Final = _call("answer_due", "normal")
ANSWER_OVERDUE: Final = _call("answer_overdue", "high")
"""That a request waits for an answer, as the clinic and then the desk hear of it: which time, never whose."""
REMINDER: Final = _notice("appointment_reminder", more=_CODE, useful_for=timedelta(hours=12))
SOON: Final = _notice("appointment_soon", urgency="high", more=_CODE, useful_for=timedelta(hours=1))
JOIN_NOW: Final = _notice(
    "appointment_join", urgency="high", channels=("push", "inbox"), more=_CODE, useful_for=timedelta(minutes=20)
)
JOIN_VISIT: Final = _notice(
    "visit_join",
    urgency="high",
    channels=("push", "sms", "mail", "inbox"),
    more={"link": "text"},
    useful_for=timedelta(minutes=20),
)
"""As above, of a video visit of ours. Whoever has no app gets a link, which no push and no inbox shows."""
FOLLOW_UP: Final = _notice("follow_up", more={"follow_up_at": "instant"}, useful_for=timedelta(days=3))
LATE: Final = _notice("practitioner_late", urgency="high", more={"minutes": "integer"}, useful_for=timedelta(hours=3))
