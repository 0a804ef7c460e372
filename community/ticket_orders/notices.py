"""What people are told of tickets: that, when and for whom."""

from datetime import timedelta
from typing import Final

from community.ticket_waitlist.notices import TICKETS
from notifications.api import Channel, Kind, Notice, Urgency

_PHONE: Final[tuple[Channel, ...]] = ("push", "sms", "inbox")
_APP: Final[tuple[Channel, ...]] = ("push", "inbox")
_VISIT: Final[dict[str, Kind]] = {"resident": "resident", "starts_at": "instant"}


def _notice(
    name: str,
    *,
    urgency: Urgency = "normal",
    channels: tuple[Channel, ...] = _APP,
    more: dict[str, Kind] | None = None,
    useful_for: timedelta = timedelta(days=1),
) -> Notice:
    return Notice(
        key=f"community.{name}",
        category=TICKETS.key,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="community.ticket_orders",
        variables=_VISIT | (more or {}),
        useful_for=useful_for,
    )


CONFIRMED: Final = _notice("tickets_confirmed")
EXPIRED: Final = _notice("tickets_expired", urgency="high", channels=_PHONE)
PAYMENT_ACTION: Final = _notice("tickets_payment_action", urgency="high", useful_for=timedelta(minutes=20))
REFUNDED: Final = _notice("tickets_refunded")
CANCELLED: Final = _notice("tickets_cancelled", urgency="high", channels=_PHONE, useful_for=timedelta(days=3))
"""Their slot does not take place: all of the money comes back."""
MOVED: Final = _notice("tickets_moved", urgency="high", channels=_PHONE, more={"was_at": "instant"})
"""Their slot, or their ticket, is for another time."""
