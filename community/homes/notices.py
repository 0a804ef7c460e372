"""What people are told of connected homes: that one is set up, that they are asked, that nothing is collected."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice, Urgency

HOMES: Final = Category(key="homes", names={"en": "Connected home", "zh-CN": "智能家居"})


def _notice(name: str, urgency: Urgency = "normal") -> Notice:
    return Notice(
        key=f"community.{name}",
        category=HOMES.key,
        urgency=urgency,
        channels=("push", "inbox"),
        mode="first",
        package="community.homes",
        variables={"resident": "resident"},
        useful_for=timedelta(days=3),
    )


SET_UP: Final = _notice("home_set_up")
AGREEMENT_ASKED: Final = _notice("home_agreement_asked", "high")
WAITING: Final = _notice("home_waiting", "high")
