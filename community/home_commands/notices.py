"""What a resident is told when somebody else opened, heated or disarmed something in their home."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

# Whoever lives there hears of it whatever they chose for other news.
HOME_CONTROL: Final = Category(
    key="home_control", names={"en": "Control of your home", "zh-CN": "家中操作"}, mutable=False, digestible=False
)

DONE_BY_OTHER: Final = Notice(
    key="community.home_command_by_other",
    category=HOME_CONTROL.key,
    urgency="high",
    channels=("push", "inbox"),
    mode="all",
    package="community.home_commands",
    variables={"at": "instant"},
    useful_for=timedelta(days=1),
)
