"""What people are told of the office: that, and since when."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Kind, Notice

OFFICE: Final = Category(key="ticket_office", names={"en": "Ticket office", "zh-CN": "售票处"})


def _notice(name: str, variables: dict[str, Kind]) -> Notice:
    return Notice(
        key=f"community.{name}",
        category=OFFICE.key,
        urgency="normal",
        channels=("push", "inbox"),
        mode="first",
        package="community.ticket_office",
        variables=variables,
        useful_for=timedelta(days=2),
    )


UNCOUNTED: Final = _notice("office_shift_uncounted", {"worker": "account", "opened_at": "instant"})
"""What coordinators hear of a till that nobody has counted."""
ALLOTTED: Final = _notice("tickets_allotted", {"slots": "integer", "tickets": "integer"})
"""What a reseller's coordinators hear."""
