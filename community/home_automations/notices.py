"""What people are told by an automation, and of one that was switched off: fixed words, a name only inside the app."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

HOME_AUTOMATIONS: Final = Category(key="home_automations", names={"en": "Your home", "zh-CN": "家居自动化"})

TOLD: Final = Notice(
    key="community.home_automation_told",
    category=HOME_AUTOMATIONS.key,
    urgency="high",
    channels=("push", "inbox"),
    mode="all",
    package="community.home_automations",
    variables={"about": "word", "name": "text", "at": "instant"},
    useful_for=timedelta(hours=12),
)
"""What an automation's makers wanted told: ``about`` is one of a fixed few; its name is shown in the inbox alone."""

OFF: Final = Notice(
    key="community.home_automation_off",
    category=HOME_AUTOMATIONS.key,
    urgency="high",
    channels=("push", "inbox"),
    mode="all",
    package="community.home_automations",
    variables={"because": "word", "name": "text", "at": "instant"},
    useful_for=timedelta(days=2),
)
