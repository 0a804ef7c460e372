"""The gentle notice of a flag: what a locked screen or a list shows says nothing of anybody's health."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

WELLBEING: Final = Category(key="wellbeing", names={"en": "Well-being", "zh-CN": "日常状况"})

FLAGGED: Final = Notice(
    key="eldercare.wellbeing_flagged",
    category=WELLBEING.key,
    urgency="normal",
    channels=("push", "inbox"),
    mode="first",
    package="eldercare.wellbeing",
    variables={"resident": "resident"},
    useful_for=timedelta(days=2),
)
