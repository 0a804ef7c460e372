"""What people are told of series: that, when and who, never what for."""

from datetime import timedelta
from typing import Final

from community.orders.notices import ORDERS
from notifications.api import Channel, Kind, Notice, Urgency

_PHONE: Final[tuple[Channel, ...]] = ("push", "sms", "inbox")
_APP: Final[tuple[Channel, ...]] = ("push", "inbox")
_SERIES: Final[dict[str, Kind]] = {"resident": "resident", "starts_at": "instant"}


def _notice(name: str, *, urgency: Urgency = "normal", channels: tuple[Channel, ...] = _APP) -> Notice:
    return Notice(
        key=f"community.{name}",
        category=ORDERS.key,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="community.order_series",
        variables=_SERIES,
        useful_for=timedelta(days=2),
    )


PRICE: Final = _notice("series_price", urgency="high", channels=_PHONE)
"""It would cost more than was agreed, or harder terms hold: nothing more is ordered before somebody agrees."""
STOPPED: Final = _notice("series_stopped", urgency="high", channels=_PHONE)
"""Something of a series cannot be ordered."""
NOT_ORDERED: Final = _notice("series_not_ordered", urgency="high", channels=_PHONE)
"""An occurrence is near and still not ordered."""
WORKER_GONE: Final = _notice("series_worker_gone")
"""Who should come works there no more."""
NEW: Final = _notice("series_new")
"""What a provider hears: somebody wants its help again and again."""
