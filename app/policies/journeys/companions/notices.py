"""What those who ordered a companion are told when the trip is off."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

COMPANIONS: Final = Category(key="companions", names={"en": "Companions on trips", "zh-CN": "出游陪同"})


def _notice(name: str) -> Notice:
    return Notice(
        key=f"policies.{name}",
        category=COMPANIONS.key,
        urgency="high",
        channels=("push", "sms", "inbox"),
        mode="first",
        package="app.policies.journeys.companions",
        variables={"resident": "resident", "starts_at": "instant"},
        useful_for=timedelta(days=1),
    )


CALLED_OFF: Final = _notice("companion_called_off")
TO_DECIDE: Final = _notice("companion_to_decide")
