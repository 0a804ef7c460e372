"""The notices of medication: what a locked phone shows says nothing of anybody's health, and no text gives advice."""

from datetime import timedelta
from typing import Final

from eldercare.medication.rules import DOSE_WINDOWS
from notifications.api import Category, Notice

REMINDER_ORIGIN: Final = "eldercare.dose_reminder"

# The resident's plan says when; who wants fewer reminders changes the plan.
REMINDERS: Final = Category(
    key="dose_reminders",
    names={"en": "Reminders", "zh-CN": "提醒"},
    mutable=False,
    digestible=False,
    breaks_quiet_hours=True,
    cap=None,
)
NEWS: Final = Category(key="dose_news", names={"en": "News of reminders", "zh-CN": "提醒动态"})

DOSE_REMINDER: Final = Notice(
    key="eldercare.dose_reminder",
    category=REMINDERS.key,
    urgency="high",
    # Who has neither an app nor a phone that takes texts is called.
    channels=("push", "sms", "voice"),
    mode="first",
    package="eldercare.medication",
    variables={"due_at": "instant"},
    useful_for=DOSE_WINDOWS[1],
)
DOSES_MISSED: Final = Notice(
    key="eldercare.doses_missed",
    category=NEWS.key,
    urgency="normal",
    channels=("push", "inbox"),
    mode="first",
    package="eldercare.medication",
    variables={"resident": "resident", "day": "date", "doses": "integer"},
    useful_for=timedelta(days=1),
)
REFILL_DUE: Final = Notice(
    key="eldercare.refill_due",
    category=NEWS.key,
    urgency="normal",
    channels=("push", "inbox"),
    mode="first",
    package="eldercare.medication",
    variables={"resident": "resident", "day": "date"},
    useful_for=timedelta(days=3),
)
