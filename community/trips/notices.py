"""What people are told of trips: that, when and who, never what somebody needs."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Channel, Kind, Notice, Urgency

TRIPS: Final = Category(key="trips", names={"en": "Trips", "zh-CN": "集体出游"})
# Somebody is not where they should be, or nobody has looked: at any hour, each time.
TROUBLE: Final = Category(
    key="trip_trouble",
    names={"en": "Trips in trouble", "zh-CN": "出游异常"},
    mutable=False,
    digestible=False,
    breaks_quiet_hours=True,
    cap=None,
)

_PHONE: Final[tuple[Channel, ...]] = ("push", "sms", "inbox")
_APP: Final[tuple[Channel, ...]] = ("push", "inbox")
_ONE: Final[dict[str, Kind]] = {"resident": "resident", "starts_at": "instant"}
_TRIP: Final[dict[str, Kind]] = {"starts_at": "instant"}


def _notice(
    name: str,
    variables: dict[str, Kind],
    *,
    urgency: Urgency = "normal",
    category: Category = TRIPS,
    channels: tuple[Channel, ...] = _APP,
    useful_for: timedelta = timedelta(days=1),
) -> Notice:
    return Notice(
        key=f"community.{name}",
        category=category.key,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="community.trips",
        variables=variables,
        useful_for=useful_for,
    )


def _trouble(name: str, variables: dict[str, Kind], urgency: Urgency = "high") -> Notice:
    return _notice(name, variables, urgency=urgency, category=TROUBLE, channels=_PHONE)


CONFIRMED: Final = _notice("trip_confirmed", _ONE)
OFFERED: Final = _notice("trip_offered", _ONE | {"until": "instant"}, urgency="high", channels=_PHONE)
EXPIRED: Final = _notice("trip_expired", _ONE, urgency="high")
CANCELLED: Final = _notice("trip_cancelled", _ONE, urgency="high")
CALLED_OFF: Final = _notice("trip_called_off", _ONE, urgency="high", channels=_PHONE)
PAYMENT_FAILED: Final = _notice("trip_payment_failed", _ONE, urgency="high", channels=_PHONE)
PAYMENT_ACTION: Final = _notice("trip_payment_action", _ONE, urgency="high", useful_for=timedelta(minutes=20))
COMPANION_GONE: Final = _notice("trip_companion_gone", _ONE, urgency="high", channels=_PHONE)
"""What the resident, and who signed them up, hear; of a companion who is gone the organizer hears as well."""

VOLUNTEER_NEW: Final = _notice("trip_volunteer_new", _TRIP)
VOLUNTEER_ACCEPTED: Final = _notice("trip_volunteer_accepted", _TRIP)
ACCOMPANYING: Final = _notice("trip_accompanying", _ONE, urgency="high")
NOT_ACCOMPANYING: Final = _notice("trip_not_accompanying", _TRIP, urgency="high")
LEADING: Final = _notice("trip_leading", _TRIP)
OFF: Final = _notice("trip_off", _TRIP, urgency="high", channels=_PHONE)
"""What volunteers, leaders and the organizer hear."""

ROLL_CALL_DUE: Final = _trouble("trip_roll_call_due", _TRIP)
ROLL_CALL_UNDONE: Final = _trouble("trip_roll_call_undone", _TRIP, "critical")
MISSING: Final = _trouble("trip_missing", _ONE, "critical")
MISSING_CONTACT: Final = _trouble("trip_missing_contact", _ONE, "critical")
FOUND: Final = _trouble("trip_found", _ONE)
