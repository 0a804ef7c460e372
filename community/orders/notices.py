"""What people are told of orders: that, when and who, never what for."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Channel, Kind, Notice, Urgency

ORDERS: Final = Category(key="home_orders", names={"en": "Help at home", "zh-CN": "上门家政"})
# Whom it reaches answers for somebody who waits, or is alone with a stranger: at any hour, each time.
TROUBLE: Final = Category(
    key="home_order_trouble",
    names={"en": "Help at home in trouble", "zh-CN": "上门家政异常"},
    mutable=False,
    digestible=False,
    breaks_quiet_hours=True,
    cap=None,
)

_PHONE: Final[tuple[Channel, ...]] = ("push", "sms", "inbox")
_APP: Final[tuple[Channel, ...]] = ("push", "inbox")
_ORDER: Final[dict[str, Kind]] = {"resident": "resident", "starts_at": "instant"}
_WHO: Final[dict[str, Kind]] = {"worker": "account"}


def _notice(
    name: str,
    *,
    urgency: Urgency = "normal",
    category: Category = ORDERS,
    channels: tuple[Channel, ...] = _APP,
    more: dict[str, Kind] | None = None,
    useful_for: timedelta = timedelta(days=1),
) -> Notice:
    return Notice(
        key=f"community.{name}",
        category=category.key,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="community.orders",
        variables=_ORDER | (more or {}),
        useful_for=useful_for,
    )


def _trouble(name: str, *, urgency: Urgency = "high", more: dict[str, Kind] | None = None) -> Notice:
    return _notice(name, urgency=urgency, category=TROUBLE, channels=_PHONE, more=more)


PLACED: Final = _notice("order_placed")
PAYMENT_FAILED: Final = _notice("order_payment_failed", urgency="high", channels=_PHONE)
PAYMENT_ACTION: Final = _notice("order_payment_action", urgency="high", useful_for=timedelta(minutes=20))
EXPIRED: Final = _notice("order_expired", urgency="high", channels=_PHONE)
ASSIGNED: Final = _notice("order_assigned", more=_WHO)
SEARCHING: Final = _notice("order_searching")
ON_THE_WAY: Final = _notice("order_on_the_way", urgency="high", more=_WHO, useful_for=timedelta(hours=2))
FINISHED: Final = _notice("order_finished")
EXTRA_ASKED: Final = _notice(
    "order_extra_asked",
    urgency="high",
    channels=_PHONE,
    more={"minutes": "integer", "until": "instant"},
    useful_for=timedelta(minutes=15),
)
CANCELLED: Final = _notice("order_cancelled", urgency="high", channels=_PHONE)
DOOR_CLOSED: Final = _notice("order_door_closed", urgency="high", channels=_PHONE)
"""What the resident, and who ordered for them, hear."""

NEW: Final = _notice("order_new")
YOURS: Final = _notice("order_yours")
NOT_YOURS: Final = _notice("order_not_yours", channels=_PHONE)
EXTRA_ANSWERED: Final = _notice(
    "order_extra_answered", urgency="high", more={"answer": "word"}, useful_for=timedelta(hours=1)
)
UNPAID: Final = _notice("order_unpaid")
"""What the provider's people and whoever comes hear."""

UNSTAFFED: Final = _trouble("order_unstaffed")
LATE: Final = _trouble("order_late")
NOT_KEPT: Final = _trouble("order_not_kept")
OVERDUE: Final = _trouble("order_overdue", more=_WHO)
CALLED_OFF: Final = _trouble("order_called_off")
AWAY: Final = _trouble("order_resident_away")
NO_ACCESS: Final = _trouble("order_no_access", more=_WHO)
CODE_LOCKED: Final = _trouble("order_code_locked", more=_WHO)
