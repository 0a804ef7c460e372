"""What coordinators are told of plans that Hearthline makes by itself."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Kind, Notice

DAY_PLANS: Final = Category(key="day_plans", names={"en": "Plans of the day", "zh-CN": "当日安排"})


def _notice(name: str, variables: dict[str, Kind]) -> Notice:
    return Notice(
        key=f"policies.{name}",
        category=DAY_PLANS.key,
        urgency="high",
        channels=("push", "sms", "inbox"),
        mode="first",
        package="app.policies.journeys.day_plans",
        variables=variables,
        useful_for=timedelta(hours=4),
    )


HELD_UP: Final = _notice("day_plan_held_up", {"changed": "integer", "open": "integer"})
NOT_PLANNED: Final = _notice("day_not_planned", {})
