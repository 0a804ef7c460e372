"""What people are told of tips."""

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
        package="community.tips",
        variables={"resident": "resident", "starts_at": "instant"},
        useful_for=timedelta(days=3),
    )


TIPPED: Final = _notice("tip_given")
"""What whoever came hears."""
FAILED: Final = _notice("tip_failed")
"""What whoever gave it hears."""
