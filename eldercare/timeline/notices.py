"""The notice of the week: a locked screen shows that there is something to read, the app shows the numbers."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Kind, Notice

WEEKS: Final = Category(key="weekly_summaries", names={"en": "Weekly summaries", "zh-CN": "每周小结"})

NUMBERS: Final[dict[str, Kind]] = {
    "answered": "integer",
    "by_home": "integer",
    "unanswered": "integer",
    "alarms": "integer",
    "taken": "integer",
    "not_taken": "integer",
    "visits": "integer",
    "visits_missed": "integer",
    "changes": "integer",
}

WEEKLY_SUMMARY: Final = Notice(
    key="eldercare.weekly_summary",
    category=WEEKS.key,
    urgency="low",
    channels=("push", "inbox"),
    mode="first",
    package="eldercare.timeline",
    variables={"resident": "resident", **NUMBERS},
    useful_for=timedelta(days=2),
)
