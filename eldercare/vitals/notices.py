"""What the operator is told about the community's alerts."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

VITAL_ALERTS: Final = Category(
    key="vital_alerts",
    names={"en": "Alerts of vital signs", "zh-CN": "生命体征预警"},
    mutable=False,
    digestible=False,
)

ALERTS_OFF: Final = Notice(
    key="eldercare.vital_alerts_off",
    category="vital_alerts",
    urgency="high",
    channels=("push", "sms", "mail", "inbox"),
    package="eldercare.vitals",
    variables={},
    useful_for=timedelta(days=7),
)
