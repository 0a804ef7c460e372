"""What people are told of complaints: that there is one and how it stands, never what is in it."""

from datetime import timedelta
from typing import Final

from community.orders.notices import ORDERS, TROUBLE
from notifications.api import Category, Channel, Kind, Notice, Urgency

_ABOUT: Final[dict[str, Kind]] = {"resident": "resident", "starts_at": "instant"}
_APP: Final[tuple[Channel, ...]] = ("push", "inbox")
_PHONE: Final[tuple[Channel, ...]] = ("push", "sms", "inbox")


def _notice(
    name: str,
    category: Category = ORDERS,
    *,
    urgency: Urgency = "normal",
    channels: tuple[Channel, ...] = _APP,
    more: dict[str, Kind] | None = None,
) -> Notice:
    return Notice(
        key=f"community.{name}",
        category=category.key,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="community.complaints",
        variables=_ABOUT | (more or {}),
        useful_for=timedelta(days=3),
    )


OPENED: Final = _notice("complaint_opened", urgency="high", more={"until": "instant"})
"""What the provider hears, which has to answer."""
ANSWERED: Final = _notice("complaint_answered")
UNANSWERED: Final = _notice("complaint_unanswered")
DECIDED: Final = _notice("complaint_decided", urgency="high", channels=_PHONE)
WITHDRAWN: Final = _notice("complaint_withdrawn")
"""What both sides hear."""
TO_DECIDE: Final = _notice("complaint_to_decide", TROUBLE, urgency="high")
"""What the operator hears, who has to decide."""
