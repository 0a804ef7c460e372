"""What those who ordered an escort are told when the appointment or the escort is not as it was."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

ESCORTS: Final = Category(key="escorts", names={"en": "Ways to appointments", "zh-CN": "就诊陪同"})


def _notice(name: str) -> Notice:
    return Notice(
        key=f"policies.{name}",
        category=ESCORTS.key,
        urgency="high",
        channels=("push", "sms", "inbox"),
        mode="first",
        package="app.policies.journeys.escorts",
        variables={"resident": "resident", "starts_at": "instant"},
        useful_for=timedelta(days=1),
    )


CALLED_OFF: Final = _notice("escort_called_off")
TO_DECIDE: Final = _notice("escort_to_decide")
GONE: Final = _notice("escort_gone")
