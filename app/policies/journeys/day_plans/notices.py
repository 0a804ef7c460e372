"""What coordinators are told of plans that Hearthline makes by itself."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

DAY_PLANS: Final = Category(key="day_plans", names={"en": "Plans of the day", "zh-CN": "当日安排"})

HELD_UP: Final = Notice(
    key="policies.day_plan_held_up",
    category=DAY_PLANS.key,
    urgency="high",
    channels=("push", "sms", "inbox"),
    mode="first",
    package="app.policies.journeys.day_plans",
    variables={"changed": "integer", "open": "integer"},
    useful_for=timedelta(hours=4),
)
