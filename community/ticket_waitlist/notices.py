"""What people are told who wait for places."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

TICKETS: Final = Category(key="tickets", names={"en": "Tickets", "zh-CN": "门票"})

OFFERED: Final = Notice(
    key="community.ticket_wait_offered",
    category=TICKETS.key,
    urgency="high",
    channels=("push", "sms", "inbox"),
    mode="first",
    package="community.ticket_waitlist",
    variables={"resident": "resident", "starts_at": "instant", "until": "instant"},
    useful_for=timedelta(minutes=30),
)
"""Places came free, and are held for a while."""
LAPSED: Final = Notice(
    key="community.ticket_wait_lapsed",
    category=TICKETS.key,
    urgency="normal",
    channels=("push", "inbox"),
    mode="first",
    package="community.ticket_waitlist",
    variables={"resident": "resident", "starts_at": "instant"},
    useful_for=timedelta(days=1),
)
"""Nobody bought them in time; who waits next is asked."""
