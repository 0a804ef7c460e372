"""What people are told of ratings: that there is one, never what is in it."""

from datetime import timedelta
from typing import Final

from community.orders.notices import ORDERS
from notifications.api import Notice


def _notice(name: str) -> Notice:
    return Notice(
        key=f"community.{name}",
        category=ORDERS.key,
        urgency="normal",
        channels=("push", "inbox"),
        mode="first",
        package="community.ratings",
        variables={"resident": "resident", "starts_at": "instant"},
        useful_for=timedelta(days=7),
    )


REJECTED: Final = _notice("rating_rejected")
ANSWERED: Final = _notice("rating_answered")
"""What the resident, and whoever ordered for them, hear."""
