"""What people are told while somebody is looked for: those who are asked, and those who wait or answer for it."""

from datetime import timedelta
from typing import Final

from community.orders.notices import ORDERS, TROUBLE
from notifications.api import Category, Channel, Kind, Notice, Urgency

_PHONE: Final[tuple[Channel, ...]] = ("push", "sms", "inbox")
_APP: Final[tuple[Channel, ...]] = ("push", "inbox")


def _notice(
    name: str,
    category: Category,
    variables: dict[str, Kind],
    *,
    urgency: Urgency = "high",
    channels: tuple[Channel, ...] = _APP,
    useful_for: timedelta = timedelta(days=1),
) -> Notice:
    return Notice(
        key=f"community.{name}",
        category=category.key,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="community.order_dispatch",
        variables=variables,
        useful_for=useful_for,
    )


_WHEN: Final[dict[str, Kind]] = {"starts_at": "instant"}
_ORDER: Final[dict[str, Kind]] = {"resident": "resident", "starts_at": "instant"}

# Whoever is asked need not know yet whose home it is.
OFFERED: Final = _notice("order_offered", ORDERS, _WHEN | {"until": "instant"}, useful_for=timedelta(hours=2))
OFFER_GONE: Final = _notice("order_offer_gone", ORDERS, _WHEN, urgency="normal", useful_for=timedelta(hours=2))
UNFILLED: Final = _notice("order_unfilled", TROUBLE, _ORDER, channels=_PHONE)
STILL_SEARCHING: Final = _notice("order_still_searching", ORDERS, _ORDER, channels=_PHONE)
